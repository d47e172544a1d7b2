package schema

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// StorageObject is a JSON object that game code keeps.
type StorageObject struct {
	Collection string     `db:"collection"`
	Key        string     `db:"key"`
	UserID     id.UUID    `db:"user_id"`
	Value      store.JSON `db:"value"`
	Version    string     `db:"version"` // MD5 hex of the value as sent
	Read       int16      `db:"read"`    // 0 nobody, 1 owner, 2 everybody
	Write      int16      `db:"write"`   // 0 nobody, 1 owner
	CreateTime time.Time  `db:"create_time"`
	UpdateTime time.Time  `db:"update_time"`
}

// Storage is all objects.
var Storage = store.NewTable[StorageObject]("storage", "collection,key,user_id",
	store.Ordered("collection", "read", "key", "user_id"),
	store.Ordered("collection", "user_id", "read", "key"),
	store.Ordered("user_id"), store.Cascade(Users, "user_id"))
