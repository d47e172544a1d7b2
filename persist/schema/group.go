package schema

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Group is a guild, clan or team.
type Group struct {
	ID          id.UUID    `db:"id"`
	CreatorID   id.UUID    `db:"creator_id"`
	Name        string     `db:"name" max:"255"`
	Description *string    `db:"description" max:"255"`
	AvatarURL   *string    `db:"avatar_url" max:"512"`
	LangTag     string     `db:"lang_tag" max:"18"`
	Metadata    store.JSON `db:"metadata"`
	State       int16      `db:"state"` // 0 open, 1 closed
	EdgeCount   int32      `db:"edge_count"`
	MaxCount    int32      `db:"max_count"`
	CreateTime  time.Time  `db:"create_time"`
	UpdateTime  time.Time  `db:"update_time"`
	DisableTime time.Time  `db:"disable_time"`
}

// Groups are all groups.
var Groups = store.NewTable[Group]("groups", "id", store.Unique("name"),
	store.Ordered("disable_time", "lang_tag", "edge_count"),
	store.Ordered("disable_time", "edge_count", "update_time"),
	store.Ordered("disable_time", "update_time", "edge_count"),
	store.Ordered("disable_time", "state", "update_time", "edge_count"),
	store.Ordered("disable_time", "state", "edge_count", "lang_tag"),
	store.Ordered("disable_time", "state", "lang_tag", "edge_count"),
	store.Checked("state >= 0", func(g *Group) bool { return g.State >= 0 }),
	store.Checked("max_count >= 1", func(g *Group) bool { return g.MaxCount >= 1 }),
	store.Checked("edge_count >= 1 AND edge_count <= max_count", func(g *Group) bool { return g.EdgeCount >= 1 && g.EdgeCount <= g.MaxCount }))

// Member states of GroupEdge.
const (
	MemberSuperadmin  int16 = 0
	MemberAdmin       int16 = 1
	MemberPlain       int16 = 2
	MemberJoinRequest int16 = 3
	MemberBanned      int16 = 4
)

// GroupEdge is one direction of a membership: group to user and user to group.
type GroupEdge struct {
	SourceID      id.UUID   `db:"source_id"`
	Position      int64     `db:"position"` // ns since 1970
	UpdateTime    time.Time `db:"update_time"`
	DestinationID id.UUID   `db:"destination_id"`
	State         int16     `db:"state"`
}

// GroupEdges are all memberships. No two of a source share state and position, as with UserEdges. They have no foreign key:
// a source is a group or a user, and whoever deletes either removes its edges.
var GroupEdges = store.NewTable[GroupEdge]("group_edge", "source_id,destination_id",
	store.Unique("source_id", "state", "position"), store.Ordered("destination_id"),
	store.Checked("state >= 0", func(e *GroupEdge) bool { return e.State >= 0 }))

// Message is a chat message that was kept.
type Message struct {
	ID               id.UUID    `db:"id"`
	Code             int16      `db:"code"`
	SenderID         id.UUID    `db:"sender_id"`
	Username         string     `db:"username" max:"128"`
	StreamMode       int16      `db:"stream_mode"` // 2 room, 3 group, 4 direct
	StreamSubject    id.UUID    `db:"stream_subject"`
	StreamDescriptor id.UUID    `db:"stream_descriptor"`
	StreamLabel      string     `db:"stream_label" max:"128"`
	Content          store.JSON `db:"content"`
	CreateTime       time.Time  `db:"create_time"`
	UpdateTime       time.Time  `db:"update_time"`
}

// Messages is the chat history.
var Messages = store.NewTable[Message]("message", "id", store.Unique("sender_id", "id"),
	store.Ordered("stream_mode", "stream_subject", "stream_descriptor", "stream_label", "create_time"),
	store.Cascade(Users, "sender_id"))
