package simnet

import "time"

// Link is one direction between two points: packets go in, and come out when they are due.
type Link struct {
	model Model
	queue Queue[[]byte]
	store store
	lent  []byte // what Receive gave out last
}

// NewLink returns an idle link. It panics when c.Check fails.
func NewLink(c LinkConfig, seed uint64) *Link { return &Link{model: NewModel(c, seed)} }

// SetConfig changes the link from the next packet on. It panics when c.Check fails.
func (l *Link) SetConfig(c LinkConfig) { l.model.SetConfig(c) }

// Send puts a copy of pkt on the link. Calls come in the order of time.
func (l *Link) Send(now time.Duration, pkt []byte) {
	fate := l.model.Send(now, len(pkt))
	for i := range fate.Copies {
		l.queue.Push(fate.At[i], l.store.copyOf(pkt, fate.Flip[i]))
	}
}

// Receive gives the next packet that is due at now. pkt is valid until the next Receive.
func (l *Link) Receive(now time.Duration) (pkt []byte, ok bool) {
	l.store.giveBack(l.lent)
	l.lent, _, ok = l.queue.Pop(now)
	return l.lent, ok
}

// Next is when the next packet is due; false when none is under way.
func (l *Link) Next() (at time.Duration, ok bool) { return l.queue.Next() }

// Stats is what happened so far.
func (l *Link) Stats() Stats { return l.model.Stats() }

// store recycles packet buffers, so that a long run allocates as much as was ever under way at once.
type store struct{ free [][]byte }

// copyOf copies pkt and flips one bit of the copy, or none for -1.
func (s *store) copyOf(pkt []byte, flip int) []byte {
	var b []byte
	if n := len(s.free); n > 0 {
		b, s.free = s.free[n-1], s.free[:n-1]
	}
	if b == nil {
		b = make([]byte, 0, max(len(pkt), 1280)) // also for an empty packet: nil means none
	}
	b = append(b[:0], pkt...)
	if flip >= 0 {
		b[flip/8] ^= 1 << (flip % 8)
	}
	return b
}

func (s *store) giveBack(b []byte) {
	if b != nil {
		s.free = append(s.free, b)
	}
}
