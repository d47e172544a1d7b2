package presence

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/session"
)

// follows are who wants to know of the status of users of one hash. Follows belong to the session and end with it.
type follows struct {
	mu     sync.RWMutex
	byUser map[id.UUID][]session.Conn
}

// Follow lets a session know of a user's status from now on, and returns the user's presences that are online.
func (s *Service) Follow(c session.Conn, user id.UUID) []Presence {
	s.follow(c, user)
	return s.Online(user)
}

// Unfollow ends a Follow; a session never stops following its own user.
func (s *Service) Unfollow(c session.Conn, user id.UUID) {
	if user == c.UserID() {
		return
	}
	m := s.mineOf(c.ID())
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.sessions[c.ID()]
	if b == nil {
		return
	}
	if i := slices.Index(b.follows, user); i >= 0 {
		b.follows = slices.Delete(b.follows, i, i+1)
		s.followsOf(user).drop(c, user)
	}
}

// Follows is how many users a session follows, its own among them.
func (s *Service) Follows(c session.Conn) int {
	m := s.mineOf(c.ID())
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.sessions[c.ID()]; b != nil {
		return len(b.follows)
	}
	return 0
}

// follow enters the follow at both ends. The session's lock is held meanwhile, so that its End finds both or neither.
func (s *Service) follow(c session.Conn, user id.UUID) {
	m := s.mineOf(c.ID())
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.sessions[c.ID()]
	if b == nil || slices.Contains(b.follows, user) {
		return
	}
	b.follows = append(b.follows, user)
	s.followsOf(user).add(c, user)
}

// Online are the presences of a user that have a status.
func (s *Service) Online(user id.UUID) []Presence {
	return s.List(Stream{Mode: ModeStatus, Subject: user}, false)
}

// IsOnline reports whether any of the user's sessions has a status.
func (s *Service) IsOnline(user id.UUID) bool {
	return s.Count(Stream{Mode: ModeStatus, Subject: user}) > 0
}

func (s *Service) followsOf(user id.UUID) *follows {
	return &s.follows[maphash.Comparable(seed, user)%shards]
}

func (f *follows) add(c session.Conn, user id.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byUser[user] = append(f.byUser[user], c)
}

func (f *follows) drop(c session.Conn, user id.UUID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.byUser[user]
	if i := slices.Index(list, c); i >= 0 {
		list = slices.Delete(list, i, i+1)
	}
	if len(list) == 0 {
		delete(f.byUser, user)
	} else {
		f.byUser[user] = list
	}
}

// send queues a message to everybody who follows the user.
func (f *follows) send(user id.UUID, msg *codec.Shared) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, c := range f.byUser[user] {
		c.Send(msg)
	}
}
