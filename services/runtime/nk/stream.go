package nk

import (
	"errors"

	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

var (
	errSession  = errors.New("session id does not exist")
	errRejected = errors.New("tracker rejected new presence, session is closing")
	errNode     = errors.New("node not found")
	errEnvelope = errors.New("expects a valid message")
	errLabel    = errors.New("stream label must be at most 255 bytes long")
)

const labelMax = 255 // bytes

func streamOf(mode uint8, subject, subcontext, label string) (st presence.Stream, err error) {
	st = presence.Stream{Mode: presence.Mode(mode), Label: label}
	if st.Subject, err = parseOptional(subject, "stream subject"); err != nil {
		return st, err
	}
	if st.Subcontext, err = parseOptional(subcontext, "stream subcontext"); err != nil {
		return st, err
	}
	if len(label) > labelMax {
		return st, errLabel
	}
	return st, nil
}

// member is a user's session and the stream that it is to be in, or is.
func (m *Module) member(mode uint8, subject, subcontext, label, userID, sessionID string) (st presence.Stream, user, sessionOf id.UUID, err error) {
	if user, err = parseUser(userID); err != nil {
		return st, user, sessionOf, err
	}
	if sessionOf, err = parse(sessionID, "session id"); err != nil {
		return st, user, sessionOf, err
	}
	st, err = streamOf(mode, subject, subcontext, label)
	return st, user, sessionOf, err
}

func (m *Module) StreamUserList(mode uint8, subject, subcontext, label string, includeHidden, includeNotHidden bool) ([]runtime.Presence, error) {
	st, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return nil, err
	}
	list := []runtime.Presence{}
	for _, p := range m.c.Presence.List(st, true) {
		if p.Meta.Hidden && includeHidden || !p.Meta.Hidden && includeNotHidden {
			list = append(list, &streamPresence{p, m.c.Node})
		}
	}
	return list, nil
}

// StreamUserGet is nil when the session is not in the stream.
func (m *Module) StreamUserGet(mode uint8, subject, subcontext, label, userID, sessionID string) (runtime.PresenceMeta, error) {
	st, user, sessionOf, err := m.member(mode, subject, subcontext, label, userID, sessionID)
	if err != nil {
		return nil, err
	}
	if p, ok := m.c.Presence.Find(st, sessionOf); ok && p.Conn.UserID() == user {
		return &streamPresence{p, m.c.Node}, nil
	}
	return nil, nil
}

// StreamUserJoin puts a session into a stream; false when it was there already.
func (m *Module) StreamUserJoin(mode uint8, subject, subcontext, label, userID, sessionID string, hidden, persistence bool, status string) (bool, error) {
	st, c, err := m.connected(mode, subject, subcontext, label, userID, sessionID)
	if err != nil {
		return false, err
	}
	fresh, _ := m.c.Presence.Track(c, st, presence.Meta{Hidden: hidden, Persistence: persistence, Status: status})
	if !fresh {
		if _, there := m.c.Presence.Find(st, c.ID()); !there {
			return false, errRejected
		}
	}
	return fresh, nil
}

// StreamUserUpdate changes what a presence says; a session that is not in the stream comes into it.
func (m *Module) StreamUserUpdate(mode uint8, subject, subcontext, label, userID, sessionID string, hidden, persistence bool, status string) error {
	st, c, err := m.connected(mode, subject, subcontext, label, userID, sessionID)
	if err != nil {
		return err
	}
	meta := presence.Meta{Hidden: hidden, Persistence: persistence, Status: status}
	if m.c.Presence.Update(c, st, meta) {
		return nil
	}
	if fresh, _ := m.c.Presence.Track(c, st, meta); !fresh && !m.c.Presence.Update(c, st, meta) {
		return errRejected
	}
	return nil
}

// connected is member for a session that must be there.
func (m *Module) connected(mode uint8, subject, subcontext, label, userID, sessionID string) (presence.Stream, session.Conn, error) {
	st, user, sessionOf, err := m.member(mode, subject, subcontext, label, userID, sessionID)
	if err != nil {
		return st, nil, err
	}
	c := m.c.Live.Find(sessionOf)
	if c == nil || c.UserID() != user {
		return st, nil, errSession
	}
	return st, c, nil
}

func (m *Module) StreamUserLeave(mode uint8, subject, subcontext, label, userID, sessionID string) error {
	st, user, sessionOf, err := m.member(mode, subject, subcontext, label, userID, sessionID)
	if err != nil {
		return err
	}
	if p, ok := m.c.Presence.Find(st, sessionOf); ok && p.Conn.UserID() == user {
		m.c.Presence.Untrack(p.Conn, st)
	}
	return nil
}

func (m *Module) StreamUserKick(mode uint8, subject, subcontext, label string, p runtime.Presence) error {
	if node := p.GetNodeId(); node != "" && node != m.c.Node {
		return errNode
	}
	return m.StreamUserLeave(mode, subject, subcontext, label, p.GetUserId(), p.GetSessionId())
}

func (m *Module) StreamCount(mode uint8, subject, subcontext, label string) (int, error) {
	st, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return 0, err
	}
	return m.c.Presence.Count(st), nil
}

// StreamClose takes everybody out of a stream.
func (m *Module) StreamClose(mode uint8, subject, subcontext, label string) error {
	st, err := streamOf(mode, subject, subcontext, label)
	if err == nil {
		m.c.Presence.Drop(st)
	}
	return err
}

// StreamSend sends data to the members of a stream, or with presences to those sessions.
func (m *Module) StreamSend(mode uint8, subject, subcontext, label, data string, presences []runtime.Presence, reliable bool) error {
	st, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return err
	}
	return m.send(st, presences, &rtapi.Envelope{Message: &rtapi.Envelope_StreamData{StreamData: &rtapi.StreamData{
		Stream: st.Message(), Data: data, Reliable: reliable,
	}}})
}

// StreamSendRaw sends a message of any kind. The message is given up. Sockets are reliable whatever is asked for.
func (m *Module) StreamSendRaw(mode uint8, subject, subcontext, label string, msg *rtapi.Envelope, presences []runtime.Presence, _ bool) error {
	st, err := streamOf(mode, subject, subcontext, label)
	if err != nil {
		return err
	}
	if msg == nil || msg.Message == nil {
		return errEnvelope
	}
	return m.send(st, presences, msg)
}

func (m *Module) send(st presence.Stream, presences []runtime.Presence, e *rtapi.Envelope) error {
	msg := codec.Share(e)
	if len(presences) == 0 {
		m.c.Presence.Send(st, msg)
		return nil
	}
	sessions := make([]id.UUID, len(presences))
	for i, p := range presences {
		var err error
		if sessions[i], err = parse(p.GetSessionId(), "each session id"); err != nil {
			return err
		}
	}
	for _, u := range sessions {
		if c := m.c.Live.Find(u); c != nil {
			c.Send(msg)
		}
	}
	return nil
}

// streamPresence is a runtime.Presence.
type streamPresence struct {
	presence.Presence
	node string
}

func (p *streamPresence) GetUserId() string                 { return p.Conn.UserID().String() }
func (p *streamPresence) GetSessionId() string              { return p.Conn.ID().String() }
func (p *streamPresence) GetNodeId() string                 { return p.node }
func (p *streamPresence) GetHidden() bool                   { return p.Meta.Hidden }
func (p *streamPresence) GetPersistence() bool              { return p.Meta.Persistence }
func (p *streamPresence) GetUsername() string               { return p.Conn.Username() }
func (p *streamPresence) GetStatus() string                 { return p.Meta.Status }
func (p *streamPresence) GetReason() runtime.PresenceReason { return runtime.PresenceReasonJoin }
