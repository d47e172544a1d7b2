package carry

import (
	"context"
	"slices"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// frame is a client's message on its way from a shard to the workers.
type frame struct {
	m    *member
	kind wire.CarriedKind // CarriedData, CarriedLossy; CarriedEnvelope: tell the client of the match anew
	body []byte
}

// pump is a goroutine that takes what the shards say, hands it to the members' lines and takes those who are gone out of
// everything. Started by New, ended by Stop.
func (s *Service) pump() {
	defer close(s.done)
	for {
		s.takeAll()
		s.parked.Store(true)
		if s.frames.Len() > 0 || s.ended.Load() != nil { // it came before it was known that the pump would wait
			s.parked.Store(false)
			continue
		}
		select {
		case <-s.wake:
		case <-s.quit:
			s.takeAll()
			return
		}
	}
}

// takeAll takes the ended first and deals with them last: what they had sent before is in the ring by then.
func (s *Service) takeAll() {
	ended := s.ended.Swap(nil)
	for f, ok := s.frames.TryPop(); ok; f, ok = s.frames.TryPop() {
		f.m.line.Push(func() { f.m.run(&f) })
	}
	for m := ended; m != nil; {
		next := m.nextEnded
		m.line.Push(m.gone)
		m = next
	}
}

// stir wakes the pump. A shard calls it: the channel is touched only when the pump sleeps.
func (s *Service) stir() {
	if s.parked.CompareAndSwap(true, false) {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// finish hands a member whose connection is over to the pump; the first reason counts. Any goroutine.
func (m *member) finish(why wire.Close) {
	if m.finished.Swap(true) {
		return
	}
	m.over.Store(true)
	m.why = why
	for before := m.s.ended.Load(); ; before = m.s.ended.Load() {
		m.nextEnded = before
		if m.s.ended.CompareAndSwap(before, m) {
			break
		}
	}
	m.s.stir()
}

const callTime = 10 * time.Second // for one message

// run carries out a client's message, on a worker.
func (m *member) run(f *frame) {
	m.asked.Add(-1)
	m.bytes.Add(-int32(len(f.body)))
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	if f.kind == wire.CarriedEnvelope {
		m.tellAgain(ctx)
		return
	}
	opCode, to, data, err := wire.ParseDataSend(f.body)
	if err != nil {
		m.s.Counters.Malformed.Add(1)
		m.want(wire.CloseProtocol)
		return
	}
	in := &rtapi.MatchDataSend{MatchId: m.matchID, OpCode: opCode, Data: data, Reliable: f.kind == wire.CarriedData}
	for target := range slices.Chunk(to, 16) {
		u := id.UUID(target)
		in.Presences = append(in.Presences, &rtapi.UserPresence{SessionId: u.String(), UserId: nobody})
	}
	// Match data is never answered, whatever is wrong with it.
	_, _ = m.s.c.Door.Call(ctx, m.s.data, m.caller, in)
}

// nobody stands where a user's id has to be and nobody looks: only the session counts.
var nobody = id.UUID{}.String()

// tellAgain begins anew with a client that knows nothing: the member's second process, or another device of the user's.
// Joining once more changes nothing and answers what the match is now.
func (m *member) tellAgain(ctx context.Context) {
	out, err := m.s.c.Door.Call(ctx, m.s.join, m.caller, &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: m.matchID}})
	if joined, ok := out.(*rtapi.Match); err == nil && ok {
		m.Send(codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_Match{Match: joined}}))
		return
	}
	m.want(wire.CloseKicked) // a hook or the match does not want it any more
}

// gone takes a member whose connection is over out of everything, on a worker, after all it had sent.
func (m *member) gone() {
	if m.why == wire.CloseLeft {
		ctx, cancel := context.WithTimeout(context.Background(), callTime)
		defer cancel()
		_, _ = m.s.c.Door.Call(ctx, m.s.leave, m.caller, &rtapi.MatchLeave{MatchId: m.matchID}) // else End does
	}
	m.s.forget(m)
	m.s.remove(m)
}
