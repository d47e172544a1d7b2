package schema

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// User is an account. The nil UUID with an empty username is the system user, who owns what belongs to nobody.
type User struct {
	ID                    id.UUID    `db:"id"`
	Username              string     `db:"username" max:"128"`
	DisplayName           *string    `db:"display_name" max:"255"`
	AvatarURL             *string    `db:"avatar_url" max:"512"`
	LangTag               string     `db:"lang_tag" max:"18"`
	Location              *string    `db:"location" max:"255"`
	Timezone              *string    `db:"timezone" max:"255"`
	Metadata              store.JSON `db:"metadata"`
	Wallet                store.JSON `db:"wallet"`
	Email                 *string    `db:"email" max:"255"`
	Password              []byte     `db:"password"` // bcrypt
	FacebookID            *string    `db:"facebook_id" max:"128"`
	GoogleID              *string    `db:"google_id" max:"128"`
	GameCenterID          *string    `db:"gamecenter_id" max:"128"`
	SteamID               *string    `db:"steam_id" max:"128"`
	CustomID              *string    `db:"custom_id" max:"128"`
	EdgeCount             int32      `db:"edge_count"` // friends
	CreateTime            time.Time  `db:"create_time"`
	UpdateTime            time.Time  `db:"update_time"`
	VerifyTime            time.Time  `db:"verify_time"`
	DisableTime           time.Time  `db:"disable_time"` // banned when after Epoch
	FacebookInstantGameID *string    `db:"facebook_instant_game_id" max:"128"`
	AppleID               *string    `db:"apple_id" max:"128"`
}

// Users are the accounts.
var Users = store.NewTable[User]("users", "id",
	store.Unique("username"), store.Unique("email"), store.Unique("custom_id"), store.Unique("apple_id"),
	store.Unique("facebook_id"), store.Unique("facebook_instant_game_id"), store.Unique("gamecenter_id"),
	store.Unique("google_id"), store.Unique("steam_id"),
	store.Checked("edge_count >= 0", func(u *User) bool { return u.EdgeCount >= 0 }),
	store.Checked("length(password) < 32000", func(u *User) bool { return len(u.Password) < 32000 }))

// UserDevice is a device that signs a user in.
type UserDevice struct {
	ID               string     `db:"id" max:"128"`
	UserID           id.UUID    `db:"user_id"`
	Preferences      store.JSON `db:"preferences"`
	PushTokenAmazon  string     `db:"push_token_amazon" max:"512"`
	PushTokenAndroid string     `db:"push_token_android" max:"512"`
	PushTokenHuawei  string     `db:"push_token_huawei" max:"512"`
	PushTokenIOS     string     `db:"push_token_ios" max:"512"`
	PushTokenWeb     string     `db:"push_token_web" max:"512"`
}

// UserDevices are the devices of all users.
var UserDevices = store.NewTable[UserDevice]("user_device", "id", store.Unique("user_id", "id"), store.Cascade(Users, "user_id"))

// Tombstone remembers a deleted account.
type Tombstone struct {
	UserID     id.UUID   `db:"user_id"`
	CreateTime time.Time `db:"create_time"`
}

// Tombstones are the deleted accounts that were recorded.
var Tombstones = store.NewTable[Tombstone]("user_tombstone", "user_id", store.Ordered("create_time"))

// UserNote is a console user's note on an account.
type UserNote struct {
	ID         id.UUID   `db:"id"`
	UserID     id.UUID   `db:"user_id"`
	CreateTime time.Time `db:"create_time"`
	UpdateTime time.Time `db:"update_time"`
	Note       string    `db:"note"`
	CreateID   *id.UUID  `db:"create_id"`
	UpdateID   *id.UUID  `db:"update_id"`
}

// UserNotes are the notes on all accounts.
var UserNotes = store.NewTable[UserNote]("users_notes", "id", store.Ordered("user_id", "create_time"), store.Cascade(Users, "user_id"))

// Edge states of UserEdge.
const (
	EdgeFriend   int16 = 0
	EdgeSent     int16 = 1 // an invitation that the source sent
	EdgeReceived int16 = 2 // one that it received
	EdgeBlocked  int16 = 3
)

// UserEdge is one direction of a friendship.
type UserEdge struct {
	SourceID      id.UUID    `db:"source_id"`
	Position      int64      `db:"position"` // ns since 1970 of the last change
	UpdateTime    time.Time  `db:"update_time"`
	DestinationID id.UUID    `db:"destination_id"`
	State         int16      `db:"state"`
	Metadata      store.JSON `db:"metadata"`
}

// UserEdges are all friendships, invitations and blocks. No two of a source share state and position: whoever adds
// several at once counts their positions up.
var UserEdges = store.NewTable[UserEdge]("user_edge", "source_id,destination_id",
	store.Unique("source_id", "state", "position"), store.Ordered("destination_id"),
	store.Cascade(Users, "source_id"), store.Cascade(Users, "destination_id"),
	store.Checked("state >= 0", func(e *UserEdge) bool { return e.State >= 0 }),
	store.Checked("source_id <> '00000000-0000-0000-0000-000000000000'", func(e *UserEdge) bool { return e.SourceID != id.UUID{} }),
	store.Checked("destination_id <> '00000000-0000-0000-0000-000000000000'", func(e *UserEdge) bool { return e.DestinationID != id.UUID{} }))

// Notification is a message to a user that waits until it is deleted.
type Notification struct {
	ID         id.UUID    `db:"id"`
	UserID     id.UUID    `db:"user_id"`
	Subject    string     `db:"subject" max:"255"`
	Content    store.JSON `db:"content"`
	Code       int16      `db:"code"`
	SenderID   id.UUID    `db:"sender_id"`
	CreateTime time.Time  `db:"create_time"`
}

// Notifications are those of all users.
var Notifications = store.NewTable[Notification]("notification", "id", store.Ordered("user_id", "create_time"), store.Cascade(Users, "user_id"))

// LedgerItem is one change of a wallet.
type LedgerItem struct {
	ID         id.UUID    `db:"id"`
	UserID     id.UUID    `db:"user_id"`
	Changeset  store.JSON `db:"changeset"`
	Metadata   store.JSON `db:"metadata"`
	CreateTime time.Time  `db:"create_time"`
	UpdateTime time.Time  `db:"update_time"`
}

// Ledger is the history of all wallets.
var Ledger = store.NewTable[LedgerItem]("wallet_ledger", "id", store.Ordered("user_id", "create_time"), store.Cascade(Users, "user_id"),
	store.Checked("jsonb_typeof(changeset) = 'object'", func(l *LedgerItem) bool { return l.Changeset.IsObject() }),
	store.Checked("jsonb_typeof(metadata) = 'object'", func(l *LedgerItem) bool { return l.Metadata.IsObject() }))

// Revocation ends a user's tokens before they expire: one token family, or all that were issued before a second.
type Revocation struct {
	UserID     id.UUID   `db:"user_id"`
	TokenID    string    `db:"token_id"`    // "": all of the user's
	Kind       int16     `db:"kind"`        // 0 session tokens, 1 refresh tokens
	Before     int64     `db:"before"`      // Unix seconds of the revocation; for one family 0
	ExpiryTime time.Time `db:"expiry_time"` // of all: tokens that end earlier are dead; then the row says nothing more
}

// Revocations are those that still matter; Skirmish's own table.
var Revocations = store.NewTable[Revocation]("session_revocation", "user_id,token_id,kind", store.Ordered("expiry_time"))
