package match

import (
	"crypto/sha1"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// CreateRelayed takes a session into a new relayed match; one with a name is the same for everybody who says it.
func (s *Service) CreateRelayed(conn session.Conn, name string) (*rtapi.Match, error) {
	u := named(name)
	if name == "" {
		var err error
		if u, err = id.NewV4(s.c.Random); err != nil {
			return nil, err
		}
	}
	st := relayedStream(u)
	others, err := s.enterRelayed(conn, st, true)
	if err != nil {
		return nil, err
	}
	others = without(others, conn.ID())
	m := joined(conn, st, others)
	m.Size++ // unlike after a join, the caller counts
	return m, nil
}

// dnsSpace is the name space of domain names, RFC 4122 appendix C.
var dnsSpace = id.UUID{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

// named is the version 5 UUID of a name.
func named(name string) (u id.UUID) {
	h := sha1.New()
	h.Write(dnsSpace[:])
	h.Write([]byte(name))
	copy(u[:], h.Sum(nil))
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return u
}

// joinRelayed takes a session into a relayed match. empty: nobody need be in it yet. Errors: ErrNotFound.
func (s *Service) joinRelayed(conn session.Conn, u id.UUID, empty bool) (*rtapi.Match, error) {
	st := relayedStream(u)
	others, err := s.enterRelayed(conn, st, empty)
	if err != nil {
		return nil, err
	}
	s.leaveOthers(conn, st)
	return joined(conn, st, others), nil
}

// enterRelayed answers who was there before, the session itself among them if it was.
func (s *Service) enterRelayed(conn session.Conn, st presence.Stream, empty bool) (before []presence.Presence, err error) {
	s.relayed.enter(st.Subject, func() bool {
		if !empty && s.c.Presence.Count(st) == 0 {
			err = ErrNotFound
			return false
		}
		fresh, list := s.c.Presence.Track(conn, st, presence.Meta{})
		if before = list; !fresh && !holds(list, conn.ID()) {
			err = errEnded
		}
		return err == nil
	})
	return before, err
}

// joined is the answer to who came into a match, with those who were there before. So size is without the caller after a
// first join and with it after another one, as clients have always got it.
func joined(conn session.Conn, st presence.Stream, before []presence.Presence) *rtapi.Match {
	return &rtapi.Match{
		MatchId: st.Member(), Size: int32(len(before)), Presences: presence.Wire(st, before), Self: presence.Presence{Conn: conn}.Wire(st.Mode),
	}
}

// leaveOthers takes a session that has joined a match out of its others, where the settings say so.
func (s *Service) leaveOthers(conn session.Conn, st presence.Stream) {
	if s.c.SingleMatch {
		s.c.Presence.UntrackOthers(conn, st, presence.ModeRelayed, presence.ModeAuthoritative)
	}
}

func holds(list []presence.Presence, sessionID id.UUID) bool {
	return len(without(list, sessionID)) < len(list)
}

func without(list []presence.Presence, sessionID id.UUID) []presence.Presence {
	rest := make([]presence.Presence, 0, len(list))
	for _, p := range list {
		if p.Conn.ID() != sessionID {
			rest = append(rest, p)
		}
	}
	return rest
}

// relay sends a member's data to the others, or to those that it names, itself among them if it does.
func (s *Service) relay(conn session.Conn, st presence.Stream, in *rtapi.MatchDataSend) {
	to, ok := sessionsOf(in.Presences)
	if !ok {
		return
	}
	s.c.Presence.Relay(st, conn.ID(), to, func(name string, sender *rtapi.UserPresence) *codec.Shared {
		d := &relayedData{}
		d.data.MatchId, d.data.Presence, d.data.OpCode, d.data.Data, d.data.Reliable = name, sender, in.OpCode, in.Data, in.Reliable
		d.field.MatchData = &d.data
		d.envelope.Message = &d.field
		d.shared.Message = &d.envelope
		return &d.shared
	})
}

// relayedData is a message with all that it consists of, in one allocation.
type relayedData struct {
	shared   codec.Shared
	envelope rtapi.Envelope
	field    rtapi.Envelope_MatchData
	data     rtapi.MatchData
}

// sessionsOf are the sessions that a client names; false when it names one wrongly.
func sessionsOf(list []*rtapi.UserPresence) ([]id.UUID, bool) {
	if len(list) == 0 {
		return nil, true
	}
	sessions := make([]id.UUID, len(list))
	for i, p := range list {
		var err error
		if sessions[i], err = id.Parse(p.GetSessionId()); err != nil {
			return nil, false
		}
		if _, err = id.Parse(p.GetUserId()); err != nil {
			return nil, false
		}
	}
	return sessions, true
}
