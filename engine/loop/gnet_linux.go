package loop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/udp"
)

// gnetLoop is socket 0 as the one event loop of a gnet engine.
type gnetLoop struct {
	gnet.BuiltinEventEngine

	// constant after boot
	port   *Port
	config udp.Config
	engine gnet.Engine
	fd     int // a duplicate of gnet's socket: the same socket for recvmmsg and the reuseport group

	booted chan error // what OnBoot came to
	ended  chan error // how gnet.Run returned

	// owned by the event loop
	batch []udp.Datagram
	timer *time.Timer   // wakes the loop for sessions
	armed time.Duration // when it will; 0: it has

	// any goroutine
	loop atomic.Pointer[gnet.EventLoop] // known since the first datagram, before which there is nothing to wake it for
}

func (p *Port) openGnet(c udp.Config) error {
	var err error
	// "udp" listens on IPv6 and IPv4 where the kernel has both; without IPv6 in the kernel that fails, and IPv4 is meant.
	for _, network := range []string{"udp", "udp4"} {
		if err = p.bootGnet(c, network); !errors.Is(err, unix.EAFNOSUPPORT) {
			break
		}
	}
	return err
}

func (p *Port) bootGnet(c udp.Config, network string) error {
	g := &gnetLoop{
		port: p, config: c, fd: -1, booted: make(chan error, 1), ended: make(chan error, 1),
		batch: make([]udp.Datagram, udp.MaxBatch),
	}
	go func() { // stopped by close, which waits for ended
		err := gnet.Run(g, network+"://"+c.Addr, gnet.WithNumEventLoop(1), gnet.WithLogger(quiet{}))
		if err == nil {
			err = errors.New("gnet stopped")
		}
		g.ended <- err
	}()
	select {
	case err := <-g.booted:
		if err != nil {
			<-g.ended
			return err
		}
		p.gnet = g
		return nil
	case err := <-g.ended:
		return fmt.Errorf("loop: %w", err)
	}
}

// OnBoot runs when gnet has bound its socket: the shards' join it here, before a packet is read.
func (g *gnetLoop) OnBoot(e gnet.Engine) gnet.Action {
	g.engine = e
	if err := g.bind(); err != nil {
		g.booted <- err
		return gnet.Shutdown
	}
	g.booted <- nil
	return gnet.None
}

func (g *gnetLoop) bind() error {
	fd, err := g.engine.Dup()
	if err != nil {
		return fmt.Errorf("loop: duplicate gnet's socket: %w", err)
	}
	c := g.config
	c.ControlFD = fd
	group, err := udp.Open(c)
	if err != nil {
		_ = unix.Close(fd)
		return err
	}
	g.fd, g.port.group = fd, group
	return nil
}

// OnTraffic gets the datagram that woke the loop; the rest is drained behind gnet's back.
func (g *gnetLoop) OnTraffic(c gnet.Conn) gnet.Action {
	control := g.port.control.Load()
	if control == nil {
		return gnet.None
	}
	if g.loop.Load() == nil {
		l := c.EventLoop()
		g.loop.Store(&l)
	}
	s := g.port.group.Control()
	if pkt, err := c.Next(-1); err == nil && len(pkt) <= udp.MaxDatagram {
		if from, ok := c.RemoteAddr().(*net.UDPAddr); ok {
			addr := from.AddrPort()
			var c clock.Real
			control.Answer(s, pkt, netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), c.Now())
		}
	}
	g.turn(control)
	return gnet.None
}

// wake has the event loop call Run.
func (g *gnetLoop) wake() {
	if l := g.loop.Load(); l != nil {
		_ = (*l).Execute(context.Background(), g) // an error is that the engine stops
	}
}

// Run is a turn that no datagram asked for.
func (g *gnetLoop) Run(context.Context) error {
	if control := g.port.control.Load(); control != nil {
		g.armed = 0
		g.turn(control)
	}
	return nil
}

func (g *gnetLoop) turn(control *Control) {
	_ = control.Drain(g.port.group.Control(), g.batch) // an error is that the socket is closed; gnet sees that itself
	next := control.Next()
	if control.SessionCount() == 0 || g.armed != 0 && g.armed <= next {
		return
	}
	var c clock.Real
	wait := max(next-c.Now(), time.Nanosecond)
	g.armed = next
	if g.timer == nil {
		g.timer = time.AfterFunc(wait, g.wake) // ends with close; what it wakes is ended by then
	} else {
		g.timer.Reset(wait)
	}
}

// close ends the engine, then the sockets.
func (g *gnetLoop) close(group udp.Group) error {
	// Stop asks the engine to end and then looks every half second whether it has. It is told not to wait: Run's return
	// says the same at once.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = g.engine.Stop(ctx)
	<-g.ended
	if g.timer != nil {
		g.timer.Stop()
	}
	err := group.Close()
	if e := unix.Close(g.fd); err == nil {
		err = e
	}
	return err
}

// quiet is gnet's logger: what is worth saying about the port, the node says.
type quiet struct{}

func (quiet) Debugf(string, ...any) {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}
