package carry

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/connect"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// Limits of one member.
const (
	queueMax   = 1 << 20 // bytes that wait for the client, with parcelCost each; policy when full: closed with overflow
	parcelCost = 64
	askedMax   = 512     // messages of the client on their way to the match, and their bytes; policy when full: a lossy
	askedBytes = 1 << 20 // one is dropped, the sender of a reliable one closed with overflow
	lineMax    = askedMax
)

// member is a UDP connection's session: to the services a session.Conn, to its carrier a seat.
//
//	placed ── connected ── over: pump takes it out of everything
//	   └── deadline, end wanted ─┘
type member struct {
	// constant after newMember
	s      *Service
	id     id.UUID
	caller op.Caller
	line   *worker.Line

	// set before the carrier is
	stream  presence.Stream
	matchID string
	first   *packed // the match as it was joined, for the client to begin with; then the shard's

	// any goroutine
	carrier atomic.Pointer[carrier]
	queue   atomic.Pointer[parcel] // newest first
	queued  atomic.Int64           // bytes, of what the carrier has taken and not sent too
	marked  atomic.Bool            // it is in the carrier's list of marks
	renewed atomic.Bool            // it was asked for again
	ending  atomic.Uint32          // a wire.Close that somebody wants
	over    atomic.Bool            // nothing is sent any more
	asked   atomic.Int32           // frames on their way to the match
	bytes   atomic.Int32           // of them

	nextMarked *member // owned by whoever has the list
	nextEnded  *member // the same
	finished   atomic.Bool
	why        wire.Close // set before it is in ended

	// owned by the shard
	seat seat
}

// seat is what a member's carrier keeps of it.
type seat struct {
	arrived bool   // the carrier has seen the member
	since   uint32 // tick at which it was placed, or asked for again
	was     bool   // its connection has been there
	in      channel.Joiner
	out     channel.Splitter
	lossy   bool                 // its client takes lossy messages as such
	known   [whosMax / 64]uint64 // numbers that its client knows
	waiting *parcel              // taken from queue, oldest first
	last    *parcel
	sent    int    // bytes of the oldest that are sent, of an envelope in pieces
	leaveBy uint32 // tick by which it has to be gone; 0: it stays
}

// parcel is a message that waits for a client.
type parcel struct {
	next *parcel
	*packed
}

func (s *Service) newMember(c op.Caller) *member {
	m := &member{s: s, id: session.NewID(s.c.Door.Node), caller: c}
	m.caller.SessionID = m.id.String()
	m.line = s.c.Workers.Line(lineMax, nil)
	return m
}

// enter has the member join the match.
func (m *member) enter(ctx context.Context, r connect.Request) (*rtapi.Match, error) {
	in := &rtapi.MatchJoin{Metadata: r.Metadata, Id: &rtapi.MatchJoin_MatchId{MatchId: r.ID}}
	if r.Token != "" {
		in.Id = &rtapi.MatchJoin_Token{Token: r.Token}
	}
	out, err := m.s.c.Door.Call(ctx, m.s.join, m.caller, in)
	if err != nil {
		return nil, err
	}
	joined, ok := out.(*rtapi.Match)
	if !ok || joined == nil {
		return nil, connect.ErrMatch
	}
	return joined, nil
}

// streamOf is the presence stream of a match id: UUID.NODE, without a node of a relayed match.
func streamOf(matchID string) (st presence.Stream, ok bool) {
	text, node, ok := strings.Cut(matchID, ".")
	u, err := id.Parse(text)
	st = presence.Stream{Mode: presence.ModeRelayed, Subject: u}
	if node != "" {
		st.Mode, st.Label = presence.ModeAuthoritative, node
	}
	return st, ok && err == nil
}

// place is what its connect token says.
func (m *member) place(g *carrier) connect.Place {
	return connect.Place{Match: g.id, ID: m.matchID, Schema: wire.CarriedSchema, Shard: uint8(g.info.Shard + 1), Data: m.id[:]}
}

// again has the member wait for its connection, or another one, as if it had been placed now.
func (m *member) again() connect.Place {
	m.renewed.Store(true)
	m.mark()
	return m.place(m.carrier.Load())
}

// ID, UserID, Username, Vars and Lang are session.Conn's.
func (m *member) ID() id.UUID { return m.id }

func (m *member) UserID() id.UUID { return m.caller.UserID }

func (m *member) Username() string { return m.caller.Username }

func (m *member) Vars() map[string]string { return m.caller.Vars }

func (m *member) Lang() string { return "en" }

// MatchOnly says that this is no session of the user's own: a newer socket does not replace it.
func (m *member) MatchOnly() {}

// Send queues a message of the match.
func (m *member) Send(msg *codec.Shared) bool {
	e, ok := msg.Message.(*rtapi.Envelope)
	if m.over.Load() || !ok {
		return false
	}
	if _, status := e.Message.(*rtapi.Envelope_StatusPresenceEvent); status {
		return true // every session follows its own user; this one has no use for that
	}
	p, err := m.s.pack(msg, e)
	if err != nil {
		m.s.c.Log.Error("a message cannot be sent over UDP", "session", m.id.String(), "error", err)
		return false
	}
	if m.queued.Add(p.cost()) > queueMax {
		m.s.Counters.Overflows.Add(1)
		m.want(wire.CloseOverflow)
		return false
	}
	n := &parcel{packed: p}
	before := m.queue.Load()
	for n.next = before; !m.queue.CompareAndSwap(before, n); n.next = before {
		before = m.queue.Load()
	}
	if before == nil { // else whoever queued before has said so
		m.mark()
	}
	return true
}

// Close ends the connection after what is queued. CLOSE has room for a number only.
func (m *member) Close(string) { m.want(wire.CloseKicked) }

var _ match.Watcher = (*member)(nil)

// MatchEnded ends the connection with its match.
func (m *member) MatchEnded(_ string, why match.Ended) {
	switch why {
	case match.EndedFailed, match.EndedSlow:
		m.want(wire.CloseMatchError)
	case match.EndedByShutdown:
		m.want(wire.CloseShutdown)
	default:
		m.want(wire.CloseMatchEnded)
	}
}

// want asks the carrier to end the connection; the first reason counts.
func (m *member) want(why wire.Close) {
	if m.ending.CompareAndSwap(0, uint32(why)) {
		m.mark()
	}
}

// mark has the carrier look at the member. Before there is one nothing needs to be said: seat marks.
func (m *member) mark() {
	g := m.carrier.Load()
	if g == nil || m.marked.Swap(true) {
		return
	}
	for before := g.marks.Load(); ; before = g.marks.Load() {
		m.nextMarked = before
		if g.marks.CompareAndSwap(before, m) {
			break
		}
	}
	if !g.woken.Swap(true) && !m.s.c.Engine.Carry(g.info) {
		g.woken.Store(false) // its next tick looks; whoever marks before that may try again
	}
}
