package presence

import (
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// tell queues the event of a change to everybody whom it concerns. The stream's shard is locked.
func (s *Service) tell(st Stream, m *members, joins, leaves []Presence) {
	e := Event(st, joins, leaves)
	if e == nil {
		return
	}
	msg := codec.Share(e)
	if st.Mode == ModeStatus {
		s.followsOf(st.Subject).send(st.Subject, msg)
		return
	}
	if m != nil {
		for i := range m.list {
			m.list[i].Conn.Send(msg)
		}
	}
}

// Event is the message that tells of a change, in the form of the stream's mode; nil when only hidden presences changed.
func Event(st Stream, joins, leaves []Presence) *rtapi.Envelope {
	in, out := Wire(st, joins), Wire(st, leaves)
	if len(in)+len(out) == 0 {
		return nil
	}
	switch st.Mode {
	case ModeStatus:
		return &rtapi.Envelope{Message: &rtapi.Envelope_StatusPresenceEvent{StatusPresenceEvent: &rtapi.StatusPresenceEvent{Joins: in, Leaves: out}}}
	case ModeRoom, ModeGroup, ModeDirect:
		e := &rtapi.ChannelPresenceEvent{ChannelId: st.ID(), Joins: in, Leaves: out}
		e.RoomName, e.GroupId, e.UserIdOne, e.UserIdTwo = st.ChannelFields()
		return &rtapi.Envelope{Message: &rtapi.Envelope_ChannelPresenceEvent{ChannelPresenceEvent: e}}
	case ModeRelayed, ModeAuthoritative:
		return &rtapi.Envelope{Message: &rtapi.Envelope_MatchPresenceEvent{MatchPresenceEvent: &rtapi.MatchPresenceEvent{MatchId: st.Member(), Joins: in, Leaves: out}}}
	case ModeParty:
		return &rtapi.Envelope{Message: &rtapi.Envelope_PartyPresenceEvent{PartyPresenceEvent: &rtapi.PartyPresenceEvent{PartyId: st.Member(), Joins: in, Leaves: out}}}
	}
	return &rtapi.Envelope{Message: &rtapi.Envelope_StreamPresenceEvent{StreamPresenceEvent: &rtapi.StreamPresenceEvent{Stream: st.Message(), Joins: in, Leaves: out}}}
}

// ChannelFields are what messages about a chat channel say besides its id; those of other kinds are empty.
func (s Stream) ChannelFields() (room, group, userOne, userTwo string) {
	switch s.Mode {
	case ModeRoom:
		room = s.Label
	case ModeGroup:
		group = s.Subject.String()
	case ModeDirect:
		userOne, userTwo = s.Subject.String(), s.Subcontext.String()
	}
	return room, group, userOne, userTwo
}

// Message is the stream as clients see it.
func (s Stream) Message() *rtapi.Stream {
	text := func(u id.UUID) string {
		if u.IsZero() {
			return ""
		}
		return u.String()
	}
	return &rtapi.Stream{Mode: int32(s.Mode), Subject: text(s.Subject), Subcontext: text(s.Subcontext), Label: s.Label}
}

// Wire are presences as clients see them, without the hidden ones.
func Wire(st Stream, list []Presence) []*rtapi.UserPresence {
	var out []*rtapi.UserPresence
	for _, p := range list {
		if !p.Meta.Hidden {
			out = append(out, p.Wire(st.Mode))
		}
	}
	return out
}

// Wire is the presence as clients see it in a stream of this mode.
func (p Presence) Wire(m Mode) *rtapi.UserPresence {
	u := &rtapi.UserPresence{
		UserId: p.Conn.UserID().String(), SessionId: p.Conn.ID().String(), Username: p.Conn.Username(), Persistence: p.Meta.Persistence,
	}
	if m == ModeStatus {
		u.Status = wrapperspb.String(p.Meta.Status)
	}
	return u
}
