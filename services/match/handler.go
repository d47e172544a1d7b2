package match

import (
	"context"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
)

// Handler is the logic of one authoritative match, in whatever language it is written. Its state is its own. All methods
// are called by the match's goroutine, one at a time, and may block.
//
// goOn false ends the match quietly. An error, or a panic, ends it and disconnects the sessions of its members.
// The context has the values that server code knows (runtime.RUNTIME_CTX_MATCH_ID and so on) and ends with the match.
// Slices are the match's own after the call; what they point to may be kept.
type Handler interface {
	// Init begins a match: rate is its ticks a second, RateMin to RateMax; label is what listings search, LabelMax bytes.
	Init(ctx context.Context, params map[string]any) (rate int, label string, err error)
	// JoinAttempt decides on a session that wants in; reason tells it why not.
	JoinAttempt(ctx context.Context, d Dispatcher, tick int64, p *Presence, metadata map[string]string) (goOn, accept bool, reason string, err error)
	// Join tells of members that came, Leave of those that went, with the reason.
	Join(ctx context.Context, d Dispatcher, tick int64, joins []*Presence) (goOn bool, err error)
	Leave(ctx context.Context, d Dispatcher, tick int64, leaves []*Presence) (goOn bool, err error)
	// Loop is a tick, with what members sent since the last one in the order it came.
	Loop(ctx context.Context, d Dispatcher, tick int64, messages []*Message) (goOn bool, err error)
	// Terminate announces that the server stops in so many seconds; until then the match goes on.
	Terminate(ctx context.Context, d Dispatcher, tick int64, graceSeconds int) (goOn bool, err error)
	// Signal is a call from outside of the match.
	Signal(ctx context.Context, d Dispatcher, tick int64, data string) (answer string, goOn bool, err error)
	// State is for the console: a string is shown as it is, anything else is printed.
	State() any
}

// Limits of what a handler says.
const (
	RateMin  = 1
	RateMax  = 256
	LabelMax = 2048 // bytes
)

// Dispatcher is how a handler acts on its match. After the end every method answers ErrStopped.
type Dispatcher interface {
	// Broadcast sends data to members: to nil is everybody, an empty list is nobody, who is no member is passed over.
	// sender nil: the message names none. data is given up.
	Broadcast(opCode int64, data []byte, to []*Presence, sender *Presence, reliable bool) error
	// BroadcastDeferred is Broadcast at the end of the handler's current call. Errors: ErrDeferredFull.
	BroadcastDeferred(opCode int64, data []byte, to []*Presence, sender *Presence, reliable bool) error
	// Kick takes members out of the match; Leave will tell of them.
	Kick(list []*Presence) error
	// UpdateLabel changes what listings search. Errors: ErrLabelLong.
	UpdateLabel(label string) error
}

// Presence is a member of a match as its handler sees it. It is a runtime.Presence. Nobody changes it.
type Presence struct {
	UserID    id.UUID
	SessionID id.UUID
	Username  string
	Node      string
	Reason    presence.Reason // why it left; presence.Unknown elsewhere

	userID, sessionID string // as texts; "" when made by somebody else
}

var _ runtime.Presence = (*Presence)(nil)

// GetUserId and the rest are runtime.Presence.

func (p *Presence) GetUserId() string {
	if p.userID == "" {
		return p.UserID.String()
	}
	return p.userID
}

func (p *Presence) GetSessionId() string {
	if p.sessionID == "" {
		return p.SessionID.String()
	}
	return p.sessionID
}

func (p *Presence) GetNodeId() string                 { return p.Node }
func (p *Presence) GetHidden() bool                   { return false }
func (p *Presence) GetPersistence() bool              { return false }
func (p *Presence) GetUsername() string               { return p.Username }
func (p *Presence) GetStatus() string                 { return "" }
func (p *Presence) GetReason() runtime.PresenceReason { return runtime.PresenceReason(p.Reason) }

// Message is what a member sent. It is a runtime.MatchData. Nobody changes it.
type Message struct {
	*Presence   // of the sender
	OpCode      int64
	Data        []byte
	Reliable    bool
	ReceiveTime int64 // ms since 1970
}

var _ runtime.MatchData = (*Message)(nil)

// GetOpCode and the rest are runtime.MatchData.

func (m *Message) GetOpCode() int64      { return m.OpCode }
func (m *Message) GetData() []byte       { return m.Data }
func (m *Message) GetReliable() bool     { return m.Reliable }
func (m *Message) GetReceiveTime() int64 { return m.ReceiveTime }
