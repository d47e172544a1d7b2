package schema

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// ConsoleUser may sign in to the console.
type ConsoleUser struct {
	ID               id.UUID    `db:"id"`
	CreateTime       time.Time  `db:"create_time"`
	DisableTime      time.Time  `db:"disable_time"`
	Email            string     `db:"email" max:"255"`
	Metadata         store.JSON `db:"metadata"`
	Password         []byte     `db:"password"` // bcrypt
	UpdateTime       time.Time  `db:"update_time"`
	Username         string     `db:"username" max:"128"`
	MFASecret        []byte     `db:"mfa_secret"`
	MFARecoveryCodes []byte     `db:"mfa_recovery_codes"`
	MFARequired      *bool      `db:"mfa_required"`
	ACL              store.JSON `db:"acl"`
}

// ConsoleUsers are the operators.
var ConsoleUsers = store.NewTable[ConsoleUser]("console_user", "id", store.Unique("email"), store.Unique("username"),
	store.Checked("length(password) < 32000", func(u *ConsoleUser) bool { return len(u.Password) < 32000 }))

// ACLTemplate is a named set of console permissions.
type ACLTemplate struct {
	ID          id.UUID    `db:"id"`
	Name        string     `db:"name" max:"64"`
	Description string     `db:"description" max:"64"`
	ACL         store.JSON `db:"acl"`
	CreateTime  time.Time  `db:"create_time"`
	UpdateTime  time.Time  `db:"update_time"`
}

// ACLTemplates are all templates.
var ACLTemplates = store.NewTable[ACLTemplate]("console_acl_template", "id", store.Unique("name"))

// AuditEntry is a console user's change.
type AuditEntry struct {
	CreateTime      time.Time  `db:"create_time"`
	ID              id.UUID    `db:"id"`
	ConsoleUserID   id.UUID    `db:"console_user_id"`
	ConsoleUsername string     `db:"console_username"`
	Email           string     `db:"email"`
	Action          string     `db:"action"`
	Resource        string     `db:"resource"`
	Message         string     `db:"message"`
	Metadata        store.JSON `db:"metadata"`
}

// AuditLog is every change made through the console.
var AuditLog = store.NewTable[AuditEntry]("console_audit_log", "id", store.Ordered("create_time"))

// Setting is a preference of the console.
type Setting struct {
	Name       string     `db:"name" max:"64"`
	Value      store.JSON `db:"value"`
	UpdateTime time.Time  `db:"update_time"`
}

// Settings are the console's.
var Settings = store.NewTable[Setting]("setting", "name")
