package link

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/skirmishgg/skirmish/bench/delay"
	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

// Link forwards between Open and Close.
type Link struct {
	// constant after Open
	near, far *namespace
	line      *delay.Line[parcel]
	readers   sync.WaitGroup

	mu       sync.Mutex
	up, down simnet.Model
	refused  uint64
	closed   bool
}

// parcel is one packet on its way into a device.
type parcel struct {
	into *os.File
	pkt  *[]byte
}

var packets = sync.Pool{New: func() any { b := make([]byte, 0, MTU); return &b }}

// Open makes the namespaces and starts forwarding. err is a *MissingError when the machine does not allow it.
func Open(c Config) (*Link, error) {
	for _, direction := range []simnet.LinkConfig{c.Up, c.Down} {
		if err := direction.Check(); err != nil {
			return nil, err
		}
	}
	near, err := newNamespace(NearAddr)
	if err != nil {
		return nil, err
	}
	far, err := newNamespace(FarAddr)
	if err != nil {
		near.close()
		return nil, err
	}
	l := &Link{near: near, far: far, up: simnet.NewModel(c.Up, c.Seed), down: simnet.NewModel(c.Down, ^c.Seed)}
	if l.line, err = delay.New(l.deliver); err != nil {
		near.close()
		far.close()
		return nil, fmt.Errorf("bench link: %w", err)
	}
	l.readers.Go(func() { l.forward(near.tun, far.tun, &l.up) }) // both end when Close closes their device
	l.readers.Go(func() { l.forward(far.tun, near.tun, &l.down) })
	return l, nil
}

// Near runs f on a thread in the near namespace, and Far in the far one: sockets that f makes and processes
// that it starts belong there. Dial addresses, not names: a resolver runs on other threads.
func (l *Link) Near(f func() error) error { return l.near.run(f) }

// Far is Near for the other end.
func (l *Link) Far(f func() error) error { return l.far.run(f) }

// SetLinks changes both directions from the next packet on. It panics when a config is wrong.
func (l *Link) SetLinks(up, down simnet.LinkConfig) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up.SetConfig(up)
	l.down.SetConfig(down)
}

// Stats is what happened so far.
func (l *Link) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{Up: l.up.Stats(), Down: l.down.Stats(), Refused: l.refused, Line: l.line.Stats()}
}

// Close ends forwarding and lets go of the namespaces, which end with the last socket in them. A second call does
// nothing.
func (l *Link) Close() error {
	l.mu.Lock()
	was := l.closed
	l.closed = true
	l.mu.Unlock()
	if was {
		return nil
	}
	l.line.Close()
	err := errors.Join(l.near.close(), l.far.close())
	l.readers.Wait()
	return err
}

func (l *Link) forward(from, into *os.File, model *simnet.Model) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return // closed
		}
		pkt := buf[:n]
		if n == 0 || pkt[0]>>4 != 4 {
			continue // IPv6 housekeeping of the namespace must not use up the model's random numbers
		}
		now := clock.Real{}.Now()
		l.mu.Lock()
		fate := model.Send(now, n)
		l.mu.Unlock()
		for i := range fate.Copies {
			b := packets.Get().(*[]byte)
			*b = append((*b)[:0], pkt...)
			if bit := fate.Flip[i]; bit >= 0 {
				(*b)[bit/8] ^= 1 << (bit % 8)
			}
			l.line.Push(fate.At[i], parcel{into, b})
		}
	}
}

// deliver runs on the line's thread.
func (l *Link) deliver(p parcel) {
	if _, err := p.into.Write(*p.pkt); err != nil {
		l.mu.Lock()
		l.refused++
		l.mu.Unlock()
	}
	packets.Put(p.pkt)
}
