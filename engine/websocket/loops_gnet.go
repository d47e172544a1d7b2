//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package websocket

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// loops are the event loops of a gnet client. gnet polls, reads and closes; what is written goes to the socket directly,
// so that gnet never holds output.
type loops struct {
	gnet.BuiltinEventEngine

	// constant after openLoops
	server *Server
	client *gnet.Client

	mu    sync.Mutex
	known map[gnet.EventLoop]*loop
}

// loop is one event loop.
type loop struct {
	// constant
	engine gnet.EventLoop
	server *Server

	// owned by the loop's goroutine
	out  []byte // what one connection is sent in one call
	turn []*Conn

	mu        sync.Mutex
	pending   []*Conn // something is to be done for them at the next turn
	scheduled bool
}

// place is a connection in its loop; the zero value is nowhere.
type place struct {
	loop   *loop
	socket gnet.Conn
}

func (p place) pend(c *Conn) { p.loop.pend(c) }

const loopWrite = 64 << 10 // bytes of one write, about

func openLoops(s *Server, n int) (*loops, error) {
	l := &loops{server: s, known: map[gnet.EventLoop]*loop{}}
	var err error
	if l.client, err = gnet.NewClient(l, gnet.WithNumEventLoop(n), gnet.WithLogger(quiet{})); err == nil {
		err = l.client.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("websocket: start %d event loops: %w", n, err)
	}
	return l, nil
}

func (l *loops) close() {
	if l != nil {
		_ = l.client.Stop() // every connection has ended; there is nothing to fail
	}
}

func (s *Server) canEnroll(nc net.Conn) bool {
	tcp, ok := nc.(*net.TCPConn)
	return ok && s.loops != nil && tcp.RemoteAddr() != nil // nil: the client went before we asked who it is
}

// enroll moves a connection into the loop with the fewest. Answers false when nothing has happened; otherwise c has
// the socket, or has ended.
func (s *Server) enroll(c *Conn, nc net.Conn) bool {
	if !s.canEnroll(nc) {
		return false
	}
	s.enrolling.RLock()
	defer s.enrolling.RUnlock()
	if s.halted {
		return false
	}
	tcp := nc.(*net.TCPConn)
	dropZones(tcp)
	_ = tcp.SetDeadline(time.Time{})
	e := &enrolling{conn: c}
	if _, err := s.loops.client.EnrollContext(tcp, e); err != nil || !e.opened {
		// gnet has closed the socket.
		c.end(fmt.Errorf("websocket: enter an event loop: %w", err))
	}
	return true
}

// enrolling is a socket's context in gnet: whose it is, and whether the loop has taken it, which Enroll does not tell.
type enrolling struct {
	conn   *Conn
	opened bool
}

// dropZones forgets the interface names in IPv6 link-local addresses: at the end of a connection gnet puts their memory,
// which is net's, into a pool of buffers.
func dropZones(tcp *net.TCPConn) {
	for _, a := range []net.Addr{tcp.LocalAddr(), tcp.RemoteAddr()} {
		if a, ok := a.(*net.TCPAddr); ok {
			a.Zone = ""
		}
	}
}

// OnOpen runs on the loop that has taken a socket.
func (l *loops) OnOpen(g gnet.Conn) ([]byte, gnet.Action) {
	e := g.Context().(*enrolling)
	c := e.conn
	loop := l.of(g.EventLoop())
	c.mu.Lock()
	c.home, c.place = onLoop, place{loop, g}
	e.opened = true
	c.mu.Unlock()
	c.receive(nil)
	return nil, loop.flush(c)
}

func (l *loops) of(engine gnet.EventLoop) *loop {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.known[engine]
	if found == nil {
		found = &loop{engine: engine, server: l.server}
		l.known[engine] = found
	}
	return found
}

// OnTraffic runs when a socket has bytes; it takes all that gnet has read.
func (l *loops) OnTraffic(g gnet.Conn) gnet.Action {
	data, err := g.Next(-1)
	if err != nil {
		return gnet.Close
	}
	c := g.Context().(*enrolling).conn
	loop := c.place.loop
	if loop == nil {
		return gnet.Close // it has left already
	}
	paused := c.isPaused()
	c.receive(data)
	if paused {
		// More comes than the handler takes for now, and gnet would go on reading.
		return loop.leave(c, nil)
	}
	return loop.flush(c)
}

// OnClose runs when a socket of the loop has been closed, by whomever.
func (l *loops) OnClose(g gnet.Conn, err error) gnet.Action {
	c := g.Context().(*enrolling).conn
	c.mu.Lock()
	mine := c.place.socket == g
	c.mu.Unlock()
	if mine {
		c.end(err)
	}
	return gnet.None
}

// pend asks for a turn for c. One wake-up of the loop serves all that ask meanwhile.
func (l *loop) pend(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = append(l.pending, c)
	if !l.scheduled {
		l.scheduled = true
		_ = l.engine.Execute(context.Background(), l) // fails when the loops have ended, and all connections with them
	}
}

// Run gives every connection that asked its turn. gnet calls it on the loop.
func (l *loop) Run(context.Context) error {
	l.mu.Lock()
	l.turn, l.pending = l.pending, l.turn[:0]
	l.scheduled = false
	l.mu.Unlock()
	for _, c := range l.turn {
		l.serve(c)
	}
	clear(l.turn)
	return nil
}

func (l *loop) serve(c *Conn) {
	c.mu.Lock()
	here, socket := c.place.loop == l, c.place.socket
	c.mu.Unlock()
	if !here {
		return // it left or ended in the meantime
	}
	if l.flush(c) == gnet.Close {
		_ = l.engine.Close(socket)
	}
}

// flush reads on after Resume and writes what waits. Close: the socket is done with, here at least.
func (l *loop) flush(c *Conn) gnet.Action {
	for {
		c.mu.Lock()
		if c.dead {
			c.mu.Unlock()
			return gnet.Close
		}
		resumed := c.resumed
		out := c.take(l.out[:0], loopWrite)
		c.pended = resumed || len(out) > 0 // what comes until the next round here is seen by it
		c.mu.Unlock()
		if resumed {
			c.receive(nil)
		}
		if len(out) == 0 {
			if resumed {
				continue
			}
			return gnet.None
		}
		if cap(out) <= 2*loopWrite {
			l.out = out
		}
		n, err := write(c.place.socket.Fd(), out)
		if err != nil {
			c.terminate(err)
			return gnet.Close
		}
		if n < len(out) {
			return l.leave(c, append([]byte(nil), out[n:]...))
		}
		c.wrote()
	}
}

// write does not wait; n is less than all when the kernel's buffer is full.
func write(fd int, b []byte) (n int, err error) {
	for {
		n, err = unix.Write(fd, b)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, os.NewSyscallError("write", err)
		}
	}
}

// leave moves a connection to a goroutine. left is what was taken and could not be written. gnet is told to close its
// descriptor; the connection goes on with a duplicate.
func (l *loop) leave(c *Conn, left []byte) gnet.Action {
	nc, err := duplicate(c.place.socket)
	if err != nil {
		c.terminate(err)
		return gnet.Close
	}
	c.mu.Lock()
	c.home, c.place, c.left, c.pended = moving, place{}, left, false
	c.mu.Unlock()
	l.server.thread(c, nc)
	return gnet.Close
}

func duplicate(g gnet.Conn) (net.Conn, error) {
	fd, err := g.Dup()
	if err != nil {
		return nil, fmt.Errorf("websocket: duplicate a descriptor: %w", err)
	}
	f := os.NewFile(uintptr(fd), "websocket")
	defer f.Close()
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("websocket: leave an event loop: %w", err)
	}
	return nc, nil
}

// quiet is gnet's logger: what is worth saying, the handlers say.
type quiet struct{}

func (quiet) Debugf(string, ...any) {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}
