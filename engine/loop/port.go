package loop

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Port is the server's UDP port: the sockets, and the goroutine of socket 0.
//
//	Open    binds everything; what comes waits
//	Start   socket 0 is answered
//	Stop    nothing is answered any more
//	Close   after the shards have stopped
type Port struct {
	// constant after Open
	group   udp.Group
	gnet    *gnetLoop // nil: the portable loop
	control atomic.Pointer[Control]

	stopped  atomic.Bool // Stop was called
	stopping atomic.Bool // the loop is to end
	ended    sync.WaitGroup
}

// Open binds the port. The driver is c.Driver's: "linux" has gnet hold socket 0, "auto" is that where it works.
func Open(c udp.Config) (*Port, error) {
	p := &Port{}
	var err error
	switch c.Driver {
	case "", "auto":
		if err = p.openGnet(c); err == nil {
			return p, nil
		}
		if !errors.Is(err, udp.ErrAstray) && !errors.Is(err, errors.ErrUnsupported) {
			return nil, err // a port in use would be in use for the portable driver as well
		}
		c.Driver = "portable"
	case "linux":
		return p, p.openGnet(c)
	}
	p.group, err = udp.Open(c)
	return p, err
}

// Group is the port's sockets. Its Control socket is the Port's own.
func (p *Port) Group() udp.Group { return p.group }

// Start lets control answer socket 0. Called once.
func (p *Port) Start(control *Control) {
	p.control.Store(control)
	if p.gnet != nil {
		return // its loop runs already; what came before was dropped, and clients ask again
	}
	p.ended.Go(func() { p.run(control) }) // stopped by Stop, which waits for it
}

// run is the loop where gnet is not.
func (p *Port) run(control *Control) {
	s := p.group.Control()
	batch := make([]udp.Datagram, udp.MaxBatch)
	var c clock.Real
	for !p.stopping.Load() {
		if control.Drain(s, batch) != nil {
			return
		}
		s.Wait(min(control.Next(), c.Now()+time.Second))
	}
}

// Wake gives the loop a turn soon. Any goroutine.
func (p *Port) Wake() {
	if p.gnet != nil {
		p.gnet.wake()
		return
	}
	p.group.Control().Wake()
}

// goodbyesWithin is how long sessions may take to end: what is queued for them, then four goodbyes in 150 ms.
const goodbyesWithin = goodbyeWithin + 500*time.Millisecond

// Stop closes the sessions, ends the loop and waits for it. The sockets stay open: a group's live and die together.
func (p *Port) Stop() {
	if p.stopped.Swap(true) {
		return
	}
	if control := p.control.Load(); control != nil {
		select {
		case <-control.EndSessions(wire.CloseShutdown):
		case <-time.After(goodbyesWithin):
		}
	}
	p.stopping.Store(true)
	p.control.Store(nil)
	if p.gnet == nil {
		p.group.Control().Wake()
	}
	p.ended.Wait()
}

// Close closes the sockets. No shard may use its own any more.
func (p *Port) Close() error {
	p.Stop()
	if p.gnet != nil {
		return p.gnet.close(p.group)
	}
	return p.group.Close()
}
