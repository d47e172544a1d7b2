package presence

import (
	"hash/maphash"
	"strconv"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/session"
)

// Mode is what a stream is for. Numbers below 8 belong to the features named here; server code may use any.
type Mode uint8

const (
	ModeNotifications Mode = 0
	ModeStatus        Mode = 1
	ModeRoom          Mode = 2
	ModeGroup         Mode = 3
	ModeDirect        Mode = 4
	ModeRelayed       Mode = 5
	ModeAuthoritative Mode = 6
	ModeParty         Mode = 7
)

// Stream names a set of presences. What a mode does not use is zero.
type Stream struct {
	Mode       Mode
	Subject    id.UUID
	Subcontext id.UUID
	Label      string
}

// Meta is what a presence says about itself.
type Meta struct {
	Hidden      bool // gets messages and events, is in no list and causes no event
	Persistence bool // messages sent by it are kept
	Status      string
}

// Reason is why a presence changed.
type Reason uint8

// Reasons; server code knows the numbers.
const (
	Unknown    Reason = 0
	Join       Reason = 1
	Update     Reason = 2
	Leave      Reason = 3 // by its own wish, or taken out
	Disconnect Reason = 4 // its session ended
)

// Presence is one session in one stream.
type Presence struct {
	Conn  session.Conn
	Meta  Meta
	order uint64              // of coming, within the stream
	wire  *rtapi.UserPresence // Wire in the stream's mode, once it has been asked for; nobody changes it
}

var seed = maphash.MakeSeed()

func (s *Service) shardOf(st Stream) *shard {
	return &s.shards[maphash.Comparable(seed, st)%shards]
}

// ID is the stream's name in one text, MODE.SUBJECT.SUBCONTEXT.LABEL, with nothing for what is zero: a channel's id.
func (s Stream) ID() string {
	text := func(u id.UUID) string {
		if u.IsZero() {
			return ""
		}
		return u.String()
	}
	return strconv.Itoa(int(s.Mode)) + "." + text(s.Subject) + "." + text(s.Subcontext) + "." + s.Label
}

// Member is the id of a match or party that lives on a node: SUBJECT.LABEL.
func (s Stream) Member() string { return s.Subject.String() + "." + s.Label }
