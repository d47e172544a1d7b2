// Package worker runs the catalogue calls of realtime sessions: those of one session one after the other in the order
// they came, those of many sessions side by side. An idle session holds no goroutine.
//
// A call may take long: server code asks web services. So the number of goroutines follows the number of sessions with
// work, up to the pool's limit, and a session waits for another one's call only beyond it.
package worker

import "sync"

// Pool runs the lines of all sessions. Any goroutine may use it.
type Pool struct {
	// constant after New
	max int // goroutines

	mu      sync.Mutex
	ready   []*Line // have work and wait for a goroutine, the longest first; each line is in it once at most
	first   int     // of ready
	running int     // goroutines
	idle    int     // of those, the waiting ones that nobody has woken
	stopped bool
	work    sync.Cond // ready or stopped changed
	over    sync.WaitGroup
}

// idleMax is how many goroutines stay when there is nothing to do: as many as wait together for one commit of the store,
// so that each commit of a busy server does not start as many anew, whose stacks have to grow again. // 128 * 8 KB
const idleMax = 128

// New makes a pool of at most max goroutines; they are started when there is work for them. Stop ends them.
func New(max int) *Pool {
	p := &Pool{max: max}
	p.work.L = &p.mu
	return p
}

// Stop waits for the calls under way; what still waits in lines is dropped, and so is what is pushed later. It may be
// called twice.
func (p *Pool) Stop() {
	p.mu.Lock()
	p.stopped, p.ready, p.first = true, nil, 0
	p.work.Broadcast()
	p.mu.Unlock()
	p.over.Wait()
}

// schedule queues a line that has work and is in no one's hands.
func (p *Pool) schedule(l *Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.ready = append(p.ready, l)
	switch {
	case p.idle > 0:
		p.idle-- // here, not when it wakes: the next line must not count on the same goroutine
		p.work.Signal()
	case p.running < p.max:
		p.running++
		p.over.Go(p.run) // ends when idle beyond idleMax, or by Stop, which waits
	}
}

func (p *Pool) run() {
	for {
		l := p.take()
		if l == nil {
			return
		}
		l.serve()
	}
}

// take waits for a line; nil ends the goroutine.
func (p *Pool) take() *Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.first == len(p.ready) && !p.stopped && p.idle < idleMax {
		p.idle++
		p.work.Wait()
	}
	if p.first == len(p.ready) || p.stopped {
		p.running--
		return nil
	}
	l := p.ready[p.first]
	p.ready[p.first] = nil
	p.first++
	if p.first == len(p.ready) {
		p.ready, p.first = p.ready[:0], 0
	} else if p.first >= 1024 && p.first*2 >= len(p.ready) {
		// Never empty under steady load: the room in front is given back.
		n := copy(p.ready, p.ready[p.first:])
		clear(p.ready[n:])
		p.ready, p.first = p.ready[:n], 0
	}
	return l
}

// Line is the queue of one session. Any goroutine may use it.
type Line struct {
	// constant after Pool.Line
	pool *Pool
	max  int
	room func()

	mu     sync.Mutex
	queue  []func()
	busy   bool // scheduled or being served
	full   bool // Push has answered full since room was last announced
	closed bool
}

// Line makes a session's queue. At most max calls wait; room is called, from a goroutine of the pool, when a line that
// was full has room for half of them again.
func (p *Pool) Line(max int, room func()) *Line { return &Line{pool: p, max: max, room: room} }

// Push queues a call. more says whether the line takes another one after it: the caller then goes on reading its
// connection, or stops until room is called, once for each run of Pushes that answered false. The call is queued in
// either case, so the line is over its limit only by what a caller pushes that does not stop. After Close it is dropped.
func (l *Line) Push(call func()) (more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return true
	}
	l.push(call)
	l.full = l.full || len(l.queue) >= l.max
	return !l.full
}

// Idle reports whether no call waits or is under way: who alone pushes may then make the next one himself.
func (l *Line) Idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.busy && !l.closed
}

// push needs mu.
func (l *Line) push(call func()) {
	l.queue = append(l.queue, call)
	if !l.busy {
		l.busy = true
		l.pool.schedule(l)
	}
}

// Close drops what waits and runs last when the call under way, if any, has ended. Only the first Close counts.
func (l *Line) Close(last func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed, l.full, l.queue = true, false, nil
	if last != nil {
		l.push(last)
	}
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
	call, l.queue[0] = l.queue[0], nil
	l.queue = l.queue[1:]
	if l.full && len(l.queue) <= l.max/2 {
		l.full, room = false, l.room != nil
	}
	return call, room
}
