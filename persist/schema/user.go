package schema

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// User is an account. The nil UUID with an empty username is the system user, who owns what belongs to nobody.
type User struct {
	ID                    id.UUID    `db:"id"`
	Username              string     `db:"username"`
	DisplayName           *string    `db:"display_name"`
	AvatarURL             *string    `db:"avatar_url"`
	LangTag               string     `db:"lang_tag"`
	Location              *string    `db:"location"`
	Timezone              *string    `db:"timezone"`
	Metadata              store.JSON `db:"metadata"`
	Wallet                store.JSON `db:"wallet"`
	Email                 *string    `db:"email"`
	Password              []byte     `db:"password"` // bcrypt
	FacebookID            *string    `db:"facebook_id"`
	GoogleID              *string    `db:"google_id"`
	GameCenterID          *string    `db:"gamecenter_id"`
	SteamID               *string    `db:"steam_id"`
	CustomID              *string    `db:"custom_id"`
	EdgeCount             int32      `db:"edge_count"` // friends
	CreateTime            time.Time  `db:"create_time"`
	UpdateTime            time.Time  `db:"update_time"`
	VerifyTime            time.Time  `db:"verify_time"`
	DisableTime           time.Time  `db:"disable_time"` // banned when after Epoch
	FacebookInstantGameID *string    `db:"facebook_instant_game_id"`
	AppleID               *string    `db:"apple_id"`
}

// Users are the accounts.
var Users = store.NewTable[User]("users", "id",
	store.Unique("username"), store.Unique("email"), store.Unique("custom_id"), store.Unique("apple_id"),
	store.Unique("facebook_id"), store.Unique("facebook_instant_game_id"), store.Unique("gamecenter_id"),
	store.Unique("google_id"), store.Unique("steam_id"))

// UserDevice is a device that signs a user in.
type UserDevice struct {
	ID               string     `db:"id"`
	UserID           id.UUID    `db:"user_id"`
	Preferences      store.JSON `db:"preferences"`
	PushTokenAmazon  *string    `db:"push_token_amazon"`
	PushTokenAndroid *string    `db:"push_token_android"`
	PushTokenHuawei  *string    `db:"push_token_huawei"`
	PushTokenIOS     *string    `db:"push_token_ios"`
	PushTokenWeb     *string    `db:"push_token_web"`
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
	store.Cascade(Users, "source_id"), store.Cascade(Users, "destination_id"))

// Notification is a message to a user that waits until it is deleted.
type Notification struct {
	ID         id.UUID    `db:"id"`
	UserID     id.UUID    `db:"user_id"`
	Subject    string     `db:"subject"`
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
var Ledger = store.NewTable[LedgerItem]("wallet_ledger", "id", store.Ordered("user_id", "create_time"), store.Cascade(Users, "user_id"))

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
