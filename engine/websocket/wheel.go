package websocket

import (
	"sync"
	"time"
)

const wheelSlots = 512

// wheel holds one entry a connection: when to look at its deadlines next. A connection that hears something does not
// touch it; the deadlines are computed when the entry comes up. Any goroutine may use it; advance is the ticker's.
type wheel struct {
	tick time.Duration // constant

	mu    sync.Mutex
	done  int64 // the last tick that was handled
	slots [wheelSlots]*entry
}

type entry struct {
	prev, next *entry
	due        int64 // in ticks; 0: not in the wheel
	removed    bool  // for good
	conn       *Conn
}

// look makes sure that the connection is looked at by t.
func (w *wheel) look(e *entry, t time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := max(int64((t+w.tick-1)/w.tick), w.done+1)
	if e.removed || (e.due != 0 && e.due <= due) {
		return
	}
	w.unlink(e)
	slot := &w.slots[due%wheelSlots]
	e.due, e.next = due, *slot
	if *slot != nil {
		(*slot).prev = e
	}
	*slot = e
}

// remove takes the connection out for good.
func (w *wheel) remove(e *entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(e)
	e.removed = true
}

func (w *wheel) unlink(e *entry) {
	if e.due == 0 {
		return
	}
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		w.slots[e.due%wheelSlots] = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	}
	e.prev, e.next, e.due = nil, nil, 0
}

// advance takes out everything that is due and appends it to list.
func (w *wheel) advance(now time.Duration, list []*Conn) []*Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := int64(now / w.tick)
	first := max(w.done+1, last-wheelSlots+1) // one round meets every slot
	for t := first; t <= last; t++ {
		for e := w.slots[t%wheelSlots]; e != nil; {
			next := e.next
			if e.due <= last {
				w.unlink(e)
				list = append(list, e.conn)
			}
			e = next
		}
	}
	w.done = max(w.done, last)
	return list
}
