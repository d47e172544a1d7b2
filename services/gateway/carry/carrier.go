package carry

import (
	"bytes"
	"errors"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Name is that of carriers in logs and metrics.
const Name = "carrier"

const (
	rate        = 10          // ticks a second, to look after deadlines and after clients that did not keep up
	whosMax     = 1024        // senders that have a number at a time; the one that has it longest gives it up
	goodbyeTime = time.Second // for what is queued before a connection is closed
)

// nothing is the carrier's world. It never travels.
type nothing struct {
	None bool `snap:""`
}

func definition(g *carrier) match.Definition {
	return match.Definition{
		Name: Name, Rate: rate, Carrier: true, MaxPlayers: seatsMax, Grace: -1,
		Schema: match.Schema[struct{}](match.Kind[nothing](1)), New: func() match.Game { return g },
	}
}

// carrier is a match's place on a shard.
type carrier struct {
	// constant once it is started
	s    *Service
	id   id.UUID
	info *shard.Info

	// owned by Service.mu
	list []*member

	// any goroutine
	marks atomic.Pointer[member] // those that want to be looked at
	woken atomic.Bool            // the shard was told so
	empty atomic.Bool            // nobody is in it any more, nor will be

	// owned by the shard
	members map[id.UUID]*member // that it has seen, until they are gone
	seats   [seatsMax]*member   // by slot
	numbers map[wire.CarriedPresence]uint16
	whos    []*wire.CarriedPresence // by number - 1, at most whosMax
	nextWho int
}

var errNobody = errors.New("no place was kept for this connection")

func newCarrier(s *Service, u id.UUID) *carrier {
	return &carrier{s: s, id: u, members: map[id.UUID]*member{}, numbers: map[wire.CarriedPresence]uint16{}}
}

// of is a user's member that is not over, of the list that mu guards.
func (g *carrier) of(user id.UUID) *member {
	for _, m := range g.list {
		if m.caller.UserID == user && !m.over.Load() && m.ending.Load() == 0 {
			return m
		}
	}
	return nil
}

// Init has nothing to make.
func (g *carrier) Init(*match.Ctx) error { return nil }

// Join gives a connection to the member whose session its token names.
func (g *carrier) Join(c *match.Ctx, p *match.Player) error {
	g.Carry(c) // the member may have been placed this very moment
	if len(p.Data) != 16 {
		return errNobody
	}
	m := g.members[id.UUID(p.Data)]
	if m == nil || m.over.Load() || m.caller.UserID != p.UserID {
		return errNobody
	}
	g.seats[p.Slot] = m
	m.seat.was = true
	return nil
}

// Return begins anew with a client without memory.
func (g *carrier) Return(c *match.Ctx, p *match.Player) {
	m := g.seats[p.Slot]
	m.seat.in.Restart()
	m.seat.out.Restart()
	m.seat.known, m.seat.lossy, m.seat.sent = [whosMax / 64]uint64{}, false, 0
	if m.first == nil && !g.push(frame{m: m, kind: wire.CarriedEnvelope}) {
		c.Kick(p, wire.CloseOverflow)
	}
}

// Away cannot be: a connection that is lost is over.
func (g *carrier) Away(*match.Ctx, *match.Player) {}

// Leave says that a connection is over.
func (g *carrier) Leave(_ *match.Ctx, p *match.Player, why match.Close) {
	m := g.seats[p.Slot]
	if m == nil {
		return // Join refused it
	}
	g.seats[p.Slot] = nil
	g.drop(m, why)
}

func (g *carrier) drop(m *member, why wire.Close) {
	delete(g.members, m.id)
	m.finish(why)
}

// Carry looks at the members that want it.
func (g *carrier) Carry(c *match.Ctx) {
	g.woken.Store(false) // before looking: who marks from here on wakes again
	for m := g.marks.Swap(nil); m != nil; {
		next := m.nextMarked
		m.marked.Store(false)
		g.look(c, m)
		m = next
	}
}

// look takes what a member has for its client.
func (g *carrier) look(c *match.Ctx, m *member) {
	t := &m.seat
	if m.finished.Load() {
		return
	}
	if !t.arrived {
		t.arrived, t.since = true, c.Tick()
		g.members[m.id] = m
	}
	if m.renewed.Swap(false) {
		t.since = c.Tick()
	}
	m.take()
	p := g.player(c, m)
	if p != nil {
		g.feed(c, p, m)
	}
	if m.ending.Load() != 0 {
		g.end(c, p, m)
	}
}

// player is a member's connection, nil while there is none.
func (g *carrier) player(c *match.Ctx, m *member) *match.Player {
	for _, p := range c.Players() {
		if g.seats[p.Slot] == m && p.Connected {
			return p
		}
	}
	return nil
}

// end closes a connection when what was queued for it has arrived, or a second later.
func (g *carrier) end(c *match.Ctx, p *match.Player, m *member) {
	why, t := wire.Close(m.ending.Load()), &m.seat
	if p == nil {
		if !t.was {
			g.drop(m, why)
		}
		return // else Leave follows, or has been
	}
	if t.leaveBy == 0 {
		t.leaveBy = c.Tick() + c.TicksIn(goodbyeTime)
	}
	arrived := t.waiting == nil && m.first == nil && match.EventRoom(p) == channel.EventBudget && match.StreamsIdle(p)
	if arrived || c.Tick() >= t.leaveBy || why == wire.CloseOverflow || why == wire.CloseProtocol {
		m.over.Store(true)
		c.Kick(p, why)
	}
}

// Tick looks after deadlines, and after clients that have made room.
func (g *carrier) Tick(c *match.Ctx) {
	if g.empty.Load() {
		c.End()
		return
	}
	g.Carry(c)
	for _, p := range c.Players() {
		m := g.seats[p.Slot]
		g.feed(c, p, m)
		if m.ending.Load() != 0 {
			g.end(c, p, m)
		}
	}
	if len(g.members) > len(c.Players()) {
		g.expire(c)
	}
}

// expire ends the members that never came.
func (g *carrier) expire(c *match.Ctx) {
	within := c.TicksIn(g.s.c.Deadline)
	for _, m := range g.members {
		if !m.seat.was && c.Tick()-m.seat.since >= within {
			g.s.Counters.Never.Add(1)
			g.drop(m, wire.CloseTimeout)
		}
	}
}

// take moves what others have queued behind what waits, in the order in which it was queued.
func (m *member) take() {
	var first, last *parcel
	for n := m.queue.Swap(nil); n != nil; {
		next := n.next
		if last == nil {
			last = n
		}
		n.next, first = first, n
		n = next
	}
	switch t := &m.seat; {
	case first == nil:
		return
	case t.waiting == nil:
		t.waiting, t.last = first, last
	default:
		t.last.next, t.last = first, last
	}
}

// feed sends what a client has room for.
func (g *carrier) feed(c *match.Ctx, p *match.Player, m *member) {
	t := &m.seat
	w := ways{c, p}
	if m.first != nil {
		if !g.send(w, m, m.first) {
			return
		}
		m.first = nil
	}
	for n := t.waiting; n != nil && g.send(w, m, n.packed); n = t.waiting {
		t.waiting = n.next
		m.queued.Add(-n.cost())
		g.s.Counters.Delivered.Add(1)
	}
}

// send sends one message; false when the client has no room for all of it now.
func (g *carrier) send(w ways, m *member, n *packed) bool {
	if n.kind == wire.CarriedEnvelope {
		return g.sendEnvelope(w, m, n.body)
	}
	number, ok := g.introduce(w, m, n.sender)
	if !ok {
		return false
	}
	t := &m.seat
	if n.kind == wire.CarriedLossy && t.lossy && len(n.body) <= wire.CarriedLossyMax {
		buf := append(wire.AppendDelivery(t.out.Begin()[:0], n.kind, number, n.opCode), n.body...)
		if match.SendRawLossy(w.p, buf) != nil {
			g.s.Counters.Dropped.Add(1)
		}
		return true
	}
	return t.out.Send(w, wire.CarriedStream, append(wire.AppendDelivery(t.out.Begin(), n.kind, number, n.opCode), n.body...)) == nil
}

// sendEnvelope sends an envelope in as many pieces as it takes.
func (g *carrier) sendEnvelope(w ways, m *member, body []byte) bool {
	t := &m.seat
	for {
		piece, kind := body[t.sent:], wire.CarriedEnvelope
		if len(piece) > wire.CarriedPieceMax {
			piece, kind = piece[:wire.CarriedPieceMax], wire.CarriedPiece
		}
		if t.out.Send(w, wire.CarriedStream, append(append(t.out.Begin(), byte(kind)), piece...)) != nil {
			return false
		}
		if t.sent += len(piece); kind == wire.CarriedEnvelope {
			t.sent = 0
			return true
		}
	}
}

// introduce gives the client's number of a sender, which it is told of first if it does not know it; 0 for nobody.
func (g *carrier) introduce(w ways, m *member, who *wire.CarriedPresence) (number uint16, ok bool) {
	if who == nil {
		return 0, true
	}
	number = g.numbers[*who]
	if number == 0 {
		number = g.enroll(who)
	}
	t, bit := &m.seat, uint64(1)<<((number-1)%64)
	if known := &t.known[(number-1)/64]; *known&bit == 0 {
		if t.out.Send(w, wire.CarriedStream, wire.AppendWho(t.out.Begin(), number, who)) != nil {
			return 0, false
		}
		*known |= bit
	}
	return number, true
}

// enroll gives a sender the number that was given longest ago.
func (g *carrier) enroll(who *wire.CarriedPresence) uint16 {
	i := g.nextWho
	g.nextWho = (i + 1) % whosMax
	if i == len(g.whos) {
		g.whos = append(g.whos, nil)
	}
	if old := g.whos[i]; old != nil {
		delete(g.numbers, *old)
		for _, m := range g.members {
			m.seat.known[i/64] &^= 1 << (i % 64)
		}
	}
	g.whos[i] = who
	g.numbers[*who] = uint16(i + 1)
	return uint16(i + 1)
}

// ways are the two ways to one player, for a channel.Splitter.
type ways struct {
	c *match.Ctx
	p *match.Player
}

func (w ways) SendEvent(ch uint8, data []byte) error  { return match.SendRaw(w.p, ch, data) }
func (w ways) SendStream(ch uint8, data []byte) error { return match.SendStream(w.c, w.p, ch, data) }
func (w ways) EventRoom() int                         { return match.EventRoom(w.p) }
func (w ways) StreamsIdle() bool                      { return match.StreamsIdle(w.p) }

// Receive takes a client's message.
func (g *carrier) Receive(c *match.Ctx, p *match.Player, msg match.Message) {
	m := g.seats[p.Slot]
	if msg.Kind == match.MessageLossy {
		if msg.Channel != 0 || len(msg.Data) == 0 || wire.CarriedKind(msg.Data[0]) != wire.CarriedLossy {
			g.malformed(c, p)
			return
		}
		g.take(c, p, m, msg.Data, true)
		return
	}
	if msg.Kind == match.MessageEvent && msg.Channel != 0 || msg.Kind == match.MessageStream && msg.Channel != wire.CarriedStream {
		g.malformed(c, p)
		return
	}
	rest, err := m.seat.in.Accept(msg.Data)
	if err != nil {
		g.malformed(c, p)
		return
	}
	for ok := rest != nil; ok; rest, ok = m.seat.in.Next() {
		g.take(c, p, m, rest, false)
	}
}

// take decides what a message is.
func (g *carrier) take(c *match.Ctx, p *match.Player, m *member, msg []byte, lossy bool) {
	switch kind := wire.CarriedKind(msg[0]); {
	case m.over.Load() || m.ending.Load() != 0:
	case kind == wire.CarriedData || kind == wire.CarriedLossy:
		g.s.Counters.Messages.Add(1)
		if g.push(frame{m: m, kind: kind, body: msg[1:]}) {
			return
		}
		if lossy {
			g.s.Counters.Dropped.Add(1)
			return
		}
		g.s.Counters.Overflows.Add(1)
		m.over.Store(true)
		c.Kick(p, wire.CloseOverflow)
	case kind == wire.CarriedWish && len(msg) == 2 && msg[1] <= wire.CarriedTakesLossy:
		m.seat.lossy = msg[1]&wire.CarriedTakesLossy != 0
	default:
		g.malformed(c, p)
	}
}

func (g *carrier) malformed(c *match.Ctx, p *match.Player) {
	g.s.Counters.Malformed.Add(1)
	c.Kick(p, wire.CloseProtocol)
}

// push hands a frame to the pump, with a copy of its body; false when its member, or the ring, is over its limit.
func (g *carrier) push(f frame) bool {
	m := f.m
	if m.asked.Load() >= askedMax || int(m.bytes.Load())+len(f.body) > askedBytes {
		return false
	}
	f.body = bytes.Clone(f.body)
	m.asked.Add(1)
	m.bytes.Add(int32(len(f.body)))
	if !g.s.frames.TryPush(f) {
		m.asked.Add(-1)
		m.bytes.Add(-int32(len(f.body)))
		return false
	}
	g.s.stir()
	return true
}
