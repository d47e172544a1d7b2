package presence

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/session"
)

// shards is how many locks the streams share: with tens of cores two calls seldom meet.
const shards = 256

// Service holds the presences of this node. Any goroutine may use it.
type Service struct {
	// constant after New
	c Config

	shards [shards]shard
	mine   [shards]mine // by session
	count  atomic.Int64

	follows [shards]follows // by the user who is followed
}

// Config is what a Service is made of.
type Config struct {
	// Left is told of each presence that ended, hidden ones too, after the event was queued; why: Leave or Disconnect.
	// It is called on the goroutine that ended it, outside of any lock. nil: nobody wants to know.
	Left func(st Stream, p Presence, why Reason)
}

// shard is the streams of one hash.
type shard struct {
	mu      sync.Mutex
	streams map[Stream]*members
}

// members are a stream's presences: few in the order they came, many in any order, with an index.
type members struct {
	list []Presence
	next uint64          // of the newest
	at   map[id.UUID]int // place in list by session, once the list is long
	name string          // Stream.Member, once somebody relays
}

// mine is what each session of one hash has to leave when it ends. A session is in the map from Begin to End.
type mine struct {
	mu       sync.Mutex
	sessions map[id.UUID]*belongings
}

type belongings struct {
	streams []Stream
	follows []id.UUID // users
	ending  Reason    // what End will say
}

// New has no presences.
func New(c Config) *Service {
	s := &Service{c: c}
	for i := range s.shards {
		s.shards[i].streams = map[Stream]*members{}
		s.mine[i].sessions = map[id.UUID]*belongings{}
		s.follows[i].byUser = map[id.UUID][]session.Conn{}
	}
	return s
}

// Begin makes a session known: from its connection's first moment until End. It follows its own user's status.
func (s *Service) Begin(c session.Conn) {
	m := s.mineOf(c.ID())
	m.mu.Lock()
	m.sessions[c.ID()] = &belongings{ending: Disconnect}
	m.mu.Unlock()
	s.follow(c, c.UserID())
}

// Track puts a session into a stream and tells its members. fresh is false when it was there already: nothing changes
// then, and nobody is told. others are the members that were there before, without hidden ones.
func (s *Service) Track(c session.Conn, st Stream, meta Meta) (fresh bool, others []Presence) {
	return s.TrackUpTo(c, st, meta, 0)
}

// TrackUpTo is Track for a stream of at most limit presences, hidden ones included; 0: no limit. A full stream answers
// fresh false and the session is not in it: ask Find to tell it from one that was there already.
func (s *Service) TrackUpTo(c session.Conn, st Stream, meta Meta, limit int) (fresh bool, others []Presence) {
	sh := s.shardOf(st)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m := sh.streams[st]
	if m == nil {
		m = &members{}
	}
	others = m.visible()
	if m.find(c.ID()) >= 0 || limit > 0 && len(m.list) >= limit {
		return false, others
	}
	if !s.remember(c, st) {
		return false, others // its session has ended
	}
	p := m.add(c, meta)
	sh.streams[st] = m
	s.count.Add(1)
	s.tell(st, m, []Presence{p}, nil)
	return true, others
}

// Update replaces what a presence says and tells the members its new and its old form; false when it is not there.
func (s *Service) Update(c session.Conn, st Stream, meta Meta) bool {
	sh := s.shardOf(st)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m := sh.streams[st]
	i := m.find(c.ID())
	if i < 0 {
		return false
	}
	old := m.list[i]
	m.list[i].Meta, m.list[i].wire = meta, nil
	s.tell(st, m, []Presence{m.list[i]}, []Presence{old})
	return true
}

// Untrack takes a session out of a stream and tells the rest; false when it was not there.
func (s *Service) Untrack(c session.Conn, st Stream) bool {
	if !s.remove(c, st, true, Leave) {
		return false
	}
	s.forget(c.ID(), st)
	return true
}

func (s *Service) remove(c session.Conn, st Stream, tell bool, why Reason) bool {
	sh := s.shardOf(st)
	sh.mu.Lock()
	p, ok := sh.take(st, c.ID())
	if ok {
		s.count.Add(-1)
		if tell {
			s.tell(st, sh.streams[st], nil, []Presence{p})
		}
	}
	sh.mu.Unlock()
	if ok && s.c.Left != nil {
		s.c.Left(st, p, why)
	}
	return ok
}

// UntrackOthers takes a session out of all streams of these modes but one.
func (s *Service) UntrackOthers(c session.Conn, keep Stream, modes ...Mode) {
	for _, st := range s.streamsOf(c) {
		if st != keep && slices.Contains(modes, st.Mode) {
			s.Untrack(c, st)
		}
	}
}

// streamsOf are the streams of a session at a moment.
func (s *Service) streamsOf(c session.Conn) []Stream {
	m := s.mineOf(c.ID())
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.sessions[c.ID()]; b != nil {
		return slices.Clone(b.streams)
	}
	return nil
}

// UntrackUser takes all sessions of a user out of a stream and tells the rest.
func (s *Service) UntrackUser(user id.UUID, st Stream) {
	for _, p := range s.List(st, true) {
		if p.Conn.UserID() == user {
			s.Untrack(p.Conn, st)
		}
	}
}

// Drop ends a stream: everybody is out of it, and nobody is told.
func (s *Service) Drop(st Stream) {
	sh := s.shardOf(st)
	sh.mu.Lock()
	m := sh.streams[st]
	delete(sh.streams, st)
	sh.mu.Unlock()
	if m == nil {
		return
	}
	s.count.Add(-int64(len(m.list)))
	for _, p := range m.list {
		s.forget(p.Conn.ID(), st)
		if s.c.Left != nil {
			s.c.Left(st, p, Leave)
		}
	}
}

// DropUser takes a user's sessions out of a stream, and nobody is told.
func (s *Service) DropUser(user id.UUID, st Stream) {
	for _, p := range s.List(st, true) {
		if p.Conn.UserID() == user && s.remove(p.Conn, st, false, Leave) {
			s.forget(p.Conn.ID(), st)
		}
	}
}

// EndsFor says why a session is about to end, when that is something else than Disconnect.
func (s *Service) EndsFor(c session.Conn, why Reason) {
	m := s.mineOf(c.ID())
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.sessions[c.ID()]; b != nil {
		b.ending = why
	}
}

// End takes a session out of everything: its connection is gone. It may not be tracked again.
func (s *Service) End(c session.Conn) {
	m := s.mineOf(c.ID())
	m.mu.Lock()
	b := m.sessions[c.ID()]
	delete(m.sessions, c.ID())
	m.mu.Unlock()
	if b == nil {
		return
	}
	for _, st := range b.streams {
		s.remove(c, st, true, b.ending)
	}
	for _, user := range b.follows {
		s.followsOf(user).drop(c, user)
	}
}

// Find is a session's presence in a stream.
func (s *Service) Find(st Stream, sessionID id.UUID) (Presence, bool) {
	sh := s.shardOf(st)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m := sh.streams[st]
	if i := m.find(sessionID); i >= 0 {
		return m.list[i], true
	}
	return Presence{}, false
}

// List are the presences of a stream in the order they came.
func (s *Service) List(st Stream, hidden bool) []Presence {
	sh := s.shardOf(st)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m := sh.streams[st]
	if m == nil {
		return nil
	}
	if hidden {
		return m.inOrder(slices.Clone(m.list))
	}
	return m.visible()
}

// HasUser reports whether a session of the user is visible in a stream.
func (s *Service) HasUser(st Stream, user id.UUID) bool {
	sh := s.shardOf(st)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m := sh.streams[st]
	return m != nil && slices.ContainsFunc(m.list, func(p Presence) bool { return !p.Meta.Hidden && p.Conn.UserID() == user })
}

// Count is how many presences a stream has, hidden ones included.
func (s *Service) Count(st Stream) int {
	sh := s.shardOf(st)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if m := sh.streams[st]; m != nil {
		return len(m.list)
	}
	return 0
}

// Streams is how many streams a session is in, those of its notifications and status among them.
func (s *Service) Streams(c session.Conn) int {
	m := s.mineOf(c.ID())
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.sessions[c.ID()]; b != nil {
		return len(b.streams)
	}
	return 0
}

// Total is how many presences there are.
func (s *Service) Total() int { return int(s.count.Load()) }

// Send queues a message to every member of a stream, in one order for all.
func (s *Service) Send(st Stream, msg *codec.Shared) {
	s.SendExcept(st, msg, id.UUID{})
}

// SendExcept is Send but for one session.
func (s *Service) SendExcept(st Stream, msg *codec.Shared, except id.UUID) {
	sh := s.shardOf(st)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if m := sh.streams[st]; m != nil {
		for i := range m.list {
			if m.list[i].Conn.ID() != except {
				m.list[i].Conn.Send(msg)
			}
		}
	}
}

// SendTo is Send to those of these sessions that are members.
func (s *Service) SendTo(st Stream, msg *codec.Shared, sessions []id.UUID) {
	sh := s.shardOf(st)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.streams[st].sendTo(msg, sessions)
}

func (m *members) sendTo(msg *codec.Shared, sessions []id.UUID) {
	for n, u := range sessions {
		if i := m.find(u); i >= 0 && !slices.Contains(sessions[:n], u) {
			m.list[i].Conn.Send(msg)
		}
	}
}

// Relay queues what a member says to the other members of its stream, or to those of the sessions in to that are members,
// if there are any in it. say makes the message; name is the stream's as a match, and nobody may change the sender. It is
// called at most once, with a lock held: not when from is no member, and not when nobody gets it.
func (s *Service) Relay(st Stream, from id.UUID, to []id.UUID, say func(name string, sender *rtapi.UserPresence) *codec.Shared) {
	sh := s.shardOf(st)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	m := sh.streams[st]
	at := m.find(from)
	if at < 0 || len(to) == 0 && len(m.list) == 1 {
		return
	}
	sender := &m.list[at]
	if sender.wire == nil {
		sender.wire = sender.Wire(st.Mode)
	}
	if m.name == "" {
		m.name = st.Member()
	}
	msg := say(m.name, sender.wire)
	if len(to) > 0 {
		m.sendTo(msg, to)
		return
	}
	for i := range m.list {
		if i != at {
			m.list[i].Conn.Send(msg)
		}
	}
}

// take removes a session from a stream, and an empty stream with it. sh is locked.
func (sh *shard) take(st Stream, sessionID id.UUID) (Presence, bool) {
	m := sh.streams[st]
	i := m.find(sessionID)
	if i < 0 {
		return Presence{}, false
	}
	p := m.list[i]
	if m.cut(i); len(m.list) == 0 {
		delete(sh.streams, st)
	}
	return p, true
}

const indexAbove = 16 // members; fewer are found faster by looking at each

func (m *members) find(sessionID id.UUID) int {
	if m == nil {
		return -1
	}
	if m.at != nil {
		if i, ok := m.at[sessionID]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(m.list, func(p Presence) bool { return p.Conn.ID() == sessionID })
}

func (m *members) add(c session.Conn, meta Meta) Presence {
	m.next++
	p := Presence{Conn: c, Meta: meta, order: m.next}
	m.list = append(m.list, p)
	switch {
	case m.at != nil:
		m.at[c.ID()] = len(m.list) - 1
	case len(m.list) > indexAbove:
		m.at = make(map[id.UUID]int, 2*len(m.list))
		for i := range m.list {
			m.at[m.list[i].Conn.ID()] = i
		}
	}
	return p
}

func (m *members) cut(i int) {
	if m.at == nil {
		m.list = slices.Delete(m.list, i, i+1)
		return
	}
	delete(m.at, m.list[i].Conn.ID())
	last := len(m.list) - 1
	if i < last {
		m.list[i] = m.list[last]
		m.at[m.list[i].Conn.ID()] = i
	}
	m.list[last] = Presence{}
	m.list = m.list[:last]
}

func (m *members) visible() []Presence {
	list := make([]Presence, 0, len(m.list))
	for _, p := range m.list {
		if !p.Meta.Hidden {
			list = append(list, p)
		}
	}
	return m.inOrder(list)
}

// inOrder sorts presences as they came.
func (m *members) inOrder(list []Presence) []Presence {
	if m.at != nil {
		slices.SortFunc(list, func(a, b Presence) int { return cmp.Compare(a.order, b.order) })
	}
	return list
}

// remember notes that a session is in a stream; false when the session has ended.
func (s *Service) remember(c session.Conn, st Stream) bool {
	m := s.mineOf(c.ID())
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.sessions[c.ID()]
	if b != nil {
		b.streams = append(b.streams, st)
	}
	return b != nil
}

func (s *Service) forget(sessionID id.UUID, st Stream) {
	m := s.mineOf(sessionID)
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.sessions[sessionID]
	if b == nil {
		return
	}
	if i := slices.Index(b.streams, st); i >= 0 {
		last := len(b.streams) - 1
		b.streams[i] = b.streams[last]
		b.streams = b.streams[:last]
	}
}

// mineOf takes a byte in which ids differ, whatever their version: the lowest of a time or of randomness.
func (s *Service) mineOf(sessionID id.UUID) *mine { return &s.mine[int(sessionID[3])%shards] }
