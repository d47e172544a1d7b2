// Package worker runs the catalogue calls of realtime sessions: those of one session one after the other in the order
// they came, those of many sessions side by side on a few goroutines. An idle session holds none.
package worker

import "sync"

// Pool is a fixed number of goroutines that run the lines of all sessions.
type Pool struct {
	ready   chan *Line // lines with work that no goroutine has taken; never blocks, see schedule
	quit    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	backlog []*Line // beyond the capacity of ready
}

// New starts the goroutines; Stop ends them.
func New(workers int) *Pool {
	p := &Pool{ready: make(chan *Line, 1024), quit: make(chan struct{})}
	for range workers {
		p.running.Go(p.run) // ended by Stop, which waits
	}
	return p
}

// Stop waits for the calls under way; what still waits in lines is dropped.
func (p *Pool) Stop() {
	close(p.quit)
	p.running.Wait()
}

func (p *Pool) run() {
	for {
		select {
		case <-p.quit:
			return
		case l := <-p.ready:
			l.serve()
			p.refill()
		}
	}
}

func (p *Pool) schedule(l *Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.backlog) == 0 {
		select {
		case p.ready <- l:
			return
		default:
		}
	}
	p.backlog = append(p.backlog, l)
}

func (p *Pool) refill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.backlog) > 0 {
		select {
		case p.ready <- p.backlog[0]:
			p.backlog = p.backlog[1:]
		default:
			return
		}
	}
}

// Line is the queue of one session.
type Line struct {
	pool *Pool
	max  int

	mu     sync.Mutex
	queue  []func()
	busy   bool // scheduled or being served
	full   bool // Push has answered full since room was last announced
	closed bool
	room   func()
}

// Line makes a session's queue. At most max calls wait; room is called, from a worker, when a line that was full has
// room for half of them again.
func (p *Pool) Line(max int, room func()) *Line { return &Line{pool: p, max: max, room: room} }

// Push queues a call. more says whether the line takes another one after it: the caller then goes on reading its
// connection, or stops until room is called. The call is queued in either case, so a caller that stops is at most one
// over. After Close it is dropped.
func (l *Line) Push(call func()) (more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return true
	}
	l.queue = append(l.queue, call)
	if !l.busy {
		l.busy = true
		l.pool.schedule(l)
	}
	l.full = l.full || len(l.queue) >= l.max
	return !l.full
}

// Close drops what waits; a call under way ends as it will.
func (l *Line) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.queue = true, nil
}

const turnMax = 16 // calls of one line before others get their turn

// serve runs what waits, at most a turn of it.
func (l *Line) serve() {
	for range turnMax {
		call, room := l.next()
		if call == nil {
			return
		}
		if room {
			l.room()
		}
		call()
	}
	l.pool.schedule(l)
}

func (l *Line) next() (call func(), room bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		l.busy, l.queue = false, nil
		return nil, false
	}
	call, l.queue = l.queue[0], l.queue[1:]
	if l.full && len(l.queue) <= l.max/2 {
		l.full, room = false, l.room != nil
	}
	return call, room
}
