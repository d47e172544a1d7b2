package shard

import (
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// message is what other goroutines ask of a shard.
type message struct {
	kind      messageKind
	admission *Admission
	running   *running
	match     id.UUID
	why       wire.Close
	answer    *match.Answer
}

type messageKind uint8

const (
	askJoin   messageKind = iota // admission
	askAgain                     // admission, whose answer is missing
	askStart                     // running
	askEnd                       // match, why
	askAnswer                    // match, answer
	askCarry                     // match
	askDrain
	askStop
)

// Admission is an accepted connection on its way from the control loop to the shard of its match.
type Admission struct {
	Accepted handshake.Accepted // a copy
	Route    uint64             // what the control loop noted with the token, see Again
}

// Join hands over a connection. False: the inbox is full.
func (s *Shard) Join(a *Admission) bool { return s.push(message{kind: askJoin, admission: a}) }

// Again says that the RESPONSE of an admission came again: the client has not got its answer, ACCEPT or DENY.
func (s *Shard) Again(a *Admission) bool { return s.push(message{kind: askAgain, admission: a}) }

// Start hands over a match, which is the shard's from now on. info is what others may know of it. False: the inbox is
// full.
func (s *Shard) Start(m *match.Match, info *Info) bool {
	return s.push(message{kind: askStart, running: &running{Match: m, info: info, id: info.ID}})
}

// End ends a match.
func (s *Shard) End(match id.UUID, why wire.Close) bool {
	return s.push(message{kind: askEnd, match: match, why: why})
}

// Drain refuses joins from now on; who plays may go on.
func (s *Shard) Drain() bool { return s.push(message{kind: askDrain}) }

// Stop ends all matches with CloseShutdown, says goodbye, and lets Run return.
func (s *Shard) Stop() bool { return s.push(message{kind: askStop}) }

func (s *Shard) push(m message) bool {
	if !s.inbox.TryPush(m) {
		s.Stats.InboxFull.Add(1)
		return false
	}
	s.socket.Wake()
	return true
}

// Answer hands a match what came of its post. False: the inbox is full.
func (s *Shard) Answer(match id.UUID, a *match.Answer) bool {
	return s.push(message{kind: askAnswer, match: match, answer: a})
}

// Carry lets a match.Carrier take what waits for it, and sends what it has for its players. False: the inbox is full, and its
// next tick does the same.
func (s *Shard) Carry(match id.UUID) bool { return s.push(message{kind: askCarry, match: match}) }

func (s *Shard) takeInbox() {
	for range inboxTake {
		m, ok := s.inbox.TryPop()
		if !ok {
			return
		}
		switch m.kind {
		case askJoin:
			s.join(m.admission)
		case askAgain:
			s.answerAgain(m.admission)
		case askStart:
			s.start(m.running)
		case askEnd:
			if r := s.find(m.match); r != nil {
				r.Stop(m.why)
			}
		case askAnswer:
			if r := s.find(m.match); r != nil {
				r.Answer(m.answer)
			}
		case askCarry:
			if r := s.find(m.match); r != nil {
				r.Carry()
				s.sendFresh(r)
			}
		case askDrain:
			s.draining = true
		case askStop:
			s.stop()
		}
	}
}

func (s *Shard) stop() {
	if s.stopping {
		return
	}
	s.draining, s.stopping, s.stopAt = true, true, s.now+goodbyesWithin
	for _, m := range s.matches {
		m.Stop(wire.CloseShutdown)
		m.lingers = 0
	}
	for _, c := range s.conns {
		c.peer.Close(wire.CloseShutdown, s.now)
	}
}
