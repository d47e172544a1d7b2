package chat

import (
	"context"
	"errors"
	"slices"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals of sessions: one that has ended meanwhile, and one that is in too many streams.
var (
	ErrJoin = errs.New(errs.Internal, "Error joining channel")
	ErrMany = errs.New(errs.ResourceExhausted, "Too many channels joined")
)

const streamsMax = 1024 // of one session // some 100 B each

// Join puts a session into a channel and says who is there. A session that is there already keeps what it said of itself
// the first time, though the answer repeats what it says now. Whoever is not there when somebody joins his direct channel
// gets a notification.
// Errors: ErrNoUser, ErrNoGroup, ErrMany, ErrJoin.
func (s *Service) Join(ctx context.Context, c session.Conn, st presence.Stream, meta presence.Meta) (*rtapi.Channel, error) {
	if s.c.Presence.Streams(c) >= streamsMax {
		return nil, ErrMany
	}
	if err := s.mayJoin(ctx, c.UserID(), st); err != nil {
		return nil, err
	}
	fresh, others := s.c.Presence.Track(c, st, meta)
	if fresh {
		if err := s.welcome(ctx, c, st, others); err != nil {
			s.c.Presence.Untrack(c, st)
			return nil, err
		}
	} else if _, there := s.c.Presence.Find(st, c.ID()); !there {
		return nil, ErrJoin
	}
	out := &rtapi.Channel{Id: st.ID(), Presences: presence.Wire(st, others), Self: presence.Presence{Conn: c, Meta: meta}.Wire(st.Mode)}
	out.RoomName, out.GroupId, out.UserIdOne, out.UserIdTwo = st.ChannelFields()
	return out, nil
}

// welcome is what a new member needs. It asks once more whether he may be there: one who was kicked or blocked after the
// first time may have been taken out of the channel before he was in it.
func (s *Service) welcome(ctx context.Context, c session.Conn, st presence.Stream, others []presence.Presence) error {
	if err := s.mayJoin(ctx, c.UserID(), st); err != nil {
		return err
	}
	if st.Mode != presence.ModeDirect {
		return nil
	}
	other := otherOf(st, c.UserID())
	if other == c.UserID() || hasUser(others, other) {
		return nil
	}
	n := notify.System(other, notify.CodeDirectMessage, c.Username()+" wants to chat", map[string]string{"username": c.Username()}, c.UserID())
	err := s.c.Notify.Send(ctx, n)
	if errors.Is(err, notify.ErrRecipient) {
		return ErrNoUser
	}
	return errs.Or(err, ErrJoin)
}

func hasUser(list []presence.Presence, user id.UUID) bool {
	return slices.ContainsFunc(list, func(p presence.Presence) bool { return p.Conn.UserID() == user })
}

// Leave takes a session out of a channel, if it is there.
func (s *Service) Leave(c session.Conn, st presence.Stream) { s.c.Presence.Untrack(c, st) }

// Drop takes a user out of a channel and tells the rest: he has lost the group.
func (s *Service) Drop(user id.UUID, st presence.Stream) { s.c.Presence.UntrackUser(user, st) }

// Close ends a channel, and tells nobody. Its messages stay.
func (s *Service) Close(st presence.Stream) { s.c.Presence.Drop(st) }
