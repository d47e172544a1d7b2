package match

import (
	"errors"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/services/session"
)

// ErrStopped answers a handler that goes on acting on a match that is over.
var ErrStopped = errors.New("match stopped")

// broadcast is data on its way to members.
type broadcast struct {
	opCode   int64
	data     []byte
	to       []*Presence // nil: everybody
	sender   *Presence
	reliable bool
}

// Broadcast implements Dispatcher.
func (m *match) Broadcast(opCode int64, data []byte, to []*Presence, sender *Presence, reliable bool) error {
	if m.over.Load() {
		return ErrStopped
	}
	m.send(&broadcast{opCode, data, to, sender, reliable})
	return nil
}

// BroadcastDeferred implements Dispatcher.
func (m *match) BroadcastDeferred(opCode int64, data []byte, to []*Presence, sender *Presence, reliable bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over.Load() {
		return ErrStopped
	}
	if len(m.deferred) >= m.service.c.DeferredMax {
		return ErrDeferredFull
	}
	m.deferred = append(m.deferred, broadcast{opCode, data, to, sender, reliable})
	return nil
}

// flush sends what was deferred.
func (m *match) flush() {
	m.mu.Lock()
	deferred := m.deferred
	m.deferred = nil
	m.mu.Unlock()
	for i := range deferred {
		m.send(&deferred[i])
	}
}

// send encodes a message once and queues it to those it is for.
func (m *match) send(b *broadcast) {
	msg := codec.Share(m.envelope(b))
	if b.to == nil {
		for _, mb := range *m.members.Load() {
			mb.conn.Send(msg)
		}
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range b.to {
		if mb := m.inside[p.SessionID]; mb != nil {
			mb.conn.Send(msg)
		}
	}
}

func (m *match) envelope(b *broadcast) *rtapi.Envelope {
	data := &rtapi.MatchData{MatchId: m.name, OpCode: b.opCode, Data: b.data, Reliable: b.reliable}
	if b.sender != nil {
		data.Presence = b.sender.wire()
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: data}}
}

// Kick implements Dispatcher. Who is taken out gets nothing, the others the event of its leaving.
func (m *match) Kick(list []*Presence) error {
	if m.over.Load() {
		return ErrStopped
	}
	for _, p := range list {
		m.mu.Lock()
		mb := m.inside[p.SessionID]
		m.mu.Unlock()
		if mb != nil {
			m.service.c.Presence.Untrack(mb.conn, m.stream)
		}
	}
	return nil
}

// UpdateLabel implements Dispatcher.
func (m *match) UpdateLabel(label string) error {
	if len(label) > LabelMax {
		return ErrLabelLong
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over.Load() {
		return ErrStopped
	}
	m.label.Store(&label)
	m.service.listing.change(m.id)
	return nil
}

func labelValue(label string) *wrapperspb.StringValue { return wrapperspb.String(label) }

// newPresence is a session as handlers see it.
func newPresence(c session.Conn, node string) *Presence {
	return &Presence{
		UserID: c.UserID(), SessionID: c.ID(), Username: c.Username(), Node: node,
		userID: c.UserID().String(), sessionID: c.ID().String(),
	}
}

// wire is the presence as clients see it.
func (p *Presence) wire() *rtapi.UserPresence {
	return &rtapi.UserPresence{UserId: p.GetUserId(), SessionId: p.GetSessionId(), Username: p.Username}
}
