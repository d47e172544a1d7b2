package websocket

import (
	"context"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
)

// Config is what a Server is made of. Zero values take the defaults.
type Config struct {
	Loops        int           // event loops; default one a CPU. Negative: none, every connection has goroutines
	MaxMessage   int           // bytes of a client's message, 4096
	PingPeriod   time.Duration // 15 s
	PongWait     time.Duration // 25 s without a sign of life end a connection
	PingBackoff  int           // messages that count as a sign of life, 20
	WriteWait    time.Duration // 5 s: how long a client may take nothing of what is written
	CloseAckWait time.Duration // 2 s: how long a client may take to answer a close frame
	Queue        int           // messages that wait for a client which does not keep up, 64
	Clock        clock.Clock   // default clock.Real
}

func (c Config) withDefaults() Config {
	or := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	or(&c.PingPeriod, 15*time.Second)
	or(&c.PongWait, 25*time.Second)
	or(&c.WriteWait, 5*time.Second)
	or(&c.CloseAckWait, 2*time.Second)
	count := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	count(&c.MaxMessage, 4096)
	count(&c.PingBackoff, 20)
	count(&c.Queue, 64)
	if c.Loops == 0 {
		c.Loops = runtime.NumCPU()
	}
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	return c
}

// Server keeps connections. Any goroutine may use it.
type Server struct {
	// constant after New
	c     Config
	wheel wheel
	loops *loops // nil: none here

	quit    chan struct{}
	running sync.WaitGroup // the ticker

	enrolling sync.RWMutex // held for reading while a connection enters a loop
	halted    bool         // under enrolling: the loops have ended

	mu       sync.Mutex
	stopping bool
	conns    map[*Conn]struct{}
	empty    chan struct{} // closed when stopping and no connection is left
}

// New starts the event loops and the ticker; Stop ends them.
func New(c Config) (*Server, error) {
	s := &Server{c: c.withDefaults(), quit: make(chan struct{}), empty: make(chan struct{}), conns: map[*Conn]struct{}{}}
	s.wheel.tick = tickOf(s.c)
	s.wheel.done = int64(s.c.Clock.Now() / s.wheel.tick)
	if s.c.Loops > 0 {
		var err error
		if s.loops, err = openLoops(s, s.c.Loops); err != nil {
			return nil, err
		}
	}
	s.running.Go(s.run) // ended by Stop, which waits
	return s, nil
}

// tickOf is how finely deadlines are kept: a twentieth of the shortest.
func tickOf(c Config) time.Duration {
	shortest := min(c.PingPeriod, c.PongWait, c.WriteWait, c.CloseAckWait)
	return min(max(shortest/20, time.Millisecond), 100*time.Millisecond)
}

// run looks at the deadlines.
func (s *Server) run() {
	t := time.NewTicker(s.wheel.tick)
	defer t.Stop()
	var due []*Conn
	for {
		select {
		case <-s.quit:
			return
		case <-t.C:
		}
		now := s.c.Clock.Now()
		due = s.wheel.advance(now, due[:0])
		for _, c := range due {
			if next := c.check(now); next > 0 {
				s.wheel.look(&c.timer, next)
			}
		}
		clear(due)
	}
}

// Count is how many connections there are.
func (s *Server) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *Server) add(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.conns[c] = struct{}{}
	s.wheel.look(&c.timer, s.c.Clock.Now()+min(s.c.PingPeriod, s.c.PongWait))
	return true
}

func (s *Server) remove(c *Conn) {
	s.wheel.remove(&c.timer)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conns[c]; !ok {
		return
	}
	delete(s.conns, c)
	if s.stopping && len(s.conns) == 0 {
		close(s.empty)
	}
}

// serve gives c its socket. first was read already.
func (s *Server) serve(c *Conn, nc net.Conn, first []byte) {
	c.unparsed = first
	if !s.enroll(c, nc) {
		s.thread(c, nc)
	}
}

// Stop closes every connection with code 1001 and waits until all have ended or ctx is done; those that have not are cut.
// No connection is taken any more. It may be called twice; each call returns when all is over.
func (s *Server) Stop(ctx context.Context) {
	conns, first := s.beginStop()
	for _, c := range conns {
		c.mu.Lock()
		c.close(CloseGoingAway, "server shutting down", ErrStopped)
		c.mu.Unlock()
	}
	select {
	case <-s.empty:
	case <-ctx.Done():
	}
	for _, c := range conns {
		c.terminate(ErrStopped)
	}
	<-s.empty
	if first {
		s.enrolling.Lock()
		s.halted = true
		s.enrolling.Unlock()
		s.loops.close()
		close(s.quit)
	}
	s.running.Wait()
}

func (s *Server) beginStop() (conns []*Conn, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, s.stopping = !s.stopping, true
	for c := range s.conns {
		conns = append(conns, c)
	}
	if first && len(s.conns) == 0 {
		close(s.empty)
	}
	return conns, first
}
