package nk

import (
	"context"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// SessionDisconnect ends a connection, if it is there; reason is what matches and streams hear of it.
func (m *Module) SessionDisconnect(_ context.Context, sessionID string, reason ...runtime.PresenceReason) error {
	u, err := parse(sessionID, "session id")
	if err != nil {
		return err
	}
	c := m.c.Live.Find(u)
	if c == nil {
		return nil
	}
	if len(reason) > 0 {
		m.c.Presence.EndsFor(c, presence.Reason(reason[0]))
	}
	c.Close(session.KickReason)
	return nil
}

// SessionLogout ends tokens of a user; without any it ends them all. Connections stay.
func (m *Module) SessionLogout(userID, token, refreshToken string) error {
	user, err := parseUser(userID)
	if err != nil {
		return err
	}
	return told(m.c.Sessions.Logout(context.Background(), user, token, refreshToken))
}

// StatusFollow tells a session of users' statuses from now on.
func (m *Module) StatusFollow(sessionID string, userIDs []string) error {
	c, users, err := m.follower(sessionID, userIDs)
	if err != nil {
		return err
	}
	_, err = m.c.Status.Follow(context.Background(), c, users, nil)
	return told(err)
}

func (m *Module) StatusUnfollow(sessionID string, userIDs []string) error {
	c, users, err := m.follower(sessionID, userIDs)
	if err == nil {
		m.c.Status.Unfollow(c, users...)
	}
	return err
}

func (m *Module) follower(sessionID string, userIDs []string) (session.Conn, []id.UUID, error) {
	u, err := parse(sessionID, "session id")
	if err != nil {
		return nil, nil, err
	}
	users, err := parseUsers(userIDs)
	if err != nil {
		return nil, nil, err
	}
	c := m.c.Live.Find(u)
	if c == nil {
		return nil, nil, errSession
	}
	return c, users, nil
}
