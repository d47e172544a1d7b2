package skirmish

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Client is a Conn on a transport and a goroutine of its own. Its methods may be called from any goroutine.
type Client struct {
	// constant after Connect
	open   func() (Transport, error)
	origin time.Time

	mu   sync.Mutex // guards conn and what its callbacks touch
	conn *Conn

	// owned by run
	out       sender
	rebindAt  time.Duration // not before
	announced bool          // opened is closed

	done   chan struct{}
	opened chan struct{}
	leave  chan struct{}
	rebind chan struct{}
	once   sync.Once
}

// Options are what a connection can do without.
type Options struct {
	Open func() (Transport, error) // at the start, and when the network seems gone; nil: UDP
}

// Connect joins with a connect token (its text form) and returns once the connection is open. Callbacks of game run on
// the client's goroutine, from then until Closed; they may not call the Client's own methods, but those of the Conn.
// Errors: ctx's, a token that cannot be read, ErrSchema, *DeniedError, ErrTimeout.
func Connect(ctx context.Context, tokenText string, game Game) (*Client, error) {
	t, err := token.ParseText(tokenText)
	if err != nil {
		return nil, err
	}
	return ConnectWith(ctx, t, game, Options{})
}

// ConnectToken is Connect with a token that was parsed before.
func ConnectToken(ctx context.Context, t *token.Connect, game Game) (*Client, error) {
	return ConnectWith(ctx, t, game, Options{})
}

// ConnectWith is ConnectToken with options.
func ConnectWith(ctx context.Context, t *token.Connect, game Game, o Options) (*Client, error) {
	conn, err := NewConn(t, game, rand.Reader)
	if err != nil {
		return nil, err
	}
	return start(ctx, conn, o)
}

// Resume is ConnectWith for a process that takes up the connection of another: see ResumeConn.
func Resume(ctx context.Context, r Resumable, game Game, o Options) (*Client, error) {
	conn, err := ResumeConn(r, game, rand.Reader)
	if err != nil {
		return nil, err
	}
	return start(ctx, conn, o)
}

// start drives a Conn over a transport and waits until it is connected.
func start(ctx context.Context, conn *Conn, o Options) (*Client, error) {
	if o.Open == nil {
		o.Open = UDP
	}
	c := &Client{conn: conn, open: o.Open, origin: time.Now(), done: make(chan struct{}), opened: make(chan struct{}), leave: make(chan struct{}), rebind: make(chan struct{}, 1)}
	c.out.buf = make([]byte, wire.MaxDatagram)
	var err error
	if c.out.transport, err = c.open(); err != nil {
		return nil, err
	}
	go c.run() // ends when the connection has, or after Close; Wait waits for it
	select {
	case <-c.opened:
		return c, nil
	case <-c.done:
		return nil, c.Err()
	case <-ctx.Done():
		c.Close()
		return nil, ctx.Err()
	}
}

// Close leaves the match and waits until the goodbye is sent. It may be called twice.
func (c *Client) Close() {
	c.once.Do(func() {
		close(c.leave)
		c.wake()
	})
	<-c.done
}

// Wait returns when the connection has ended; Err says why.
func (c *Client) Wait() { <-c.done }

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the connection ended, nil while it has not.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn.Err()
}

// Do runs f with the Conn, between two of its steps.
func (c *Client) Do(f func(conn *Conn, now time.Duration)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn.now = time.Since(c.origin)
	f(c.conn, c.conn.now)
}

// nudge ends the wait for a datagram, so that what was just queued goes out. mu is held.
func (c *Client) nudge() {
	if t, ok := c.out.transport.(interface{ Wake() }); ok {
		t.Wake()
		return
	}
	c.conn.Poll(c.conn.now, &c.out)
}

// SetInput makes in the input of every tick from now on, for a Game without Input. Error: ErrInputType.
func SetInput[I any](c *Client, in I) (err error) {
	c.Do(func(conn *Conn, _ time.Duration) { err = Hold(conn, in) })
	return err
}

// Stats is the quality of the connection.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn.Stats()
}

// Rebind goes on from another socket, as after a change of networks that the client was told of. Silence of a tenth of
// the timeout does the same.
func (c *Client) Rebind() {
	select {
	case c.rebind <- struct{}{}:
		c.wake()
	default: // asked for already
	}
}

// wake ends the wait for a datagram, if the transport can: a session's may be a second long.
func (c *Client) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.out.transport.(interface{ Wake() }); ok {
		t.Wake()
	}
}

// run lets the Conn do what is due, then reads until the next thing is.
func (c *Client) run() {
	defer close(c.done)
	defer func() { _ = c.out.transport.Close() }()
	buf := make([]byte, wire.MaxDatagram+1)
	for {
		next, phase := c.poll()
		if phase == Connected && !c.announced {
			c.announced = true
			close(c.opened)
		}
		if phase == Ended {
			return
		}
		c.read(buf, next)
	}
}

// poll takes the wishes of other goroutines, then the Conn's turn.
func (c *Client) poll() (next time.Duration, phase Phase) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Since(c.origin)
	select {
	case <-c.leave:
		c.conn.Leave(now)
	case <-c.rebind:
		c.reopen(now)
	default:
		if c.conn.Astray(now) && now >= c.rebindAt {
			c.reopen(now)
		}
	}
	return c.conn.Poll(now, &c.out), c.conn.Phase()
}

// reopen changes sockets, if another is to be had.
func (c *Client) reopen(now time.Duration) {
	c.rebindAt = now + c.conn.patience(rebindPart)
	if next, err := c.open(); err == nil {
		_ = c.out.transport.Close()
		c.out.transport = next
	}
}

// read takes one datagram, if it comes before the next thing is due.
func (c *Client) read(buf []byte, until time.Duration) {
	n, from, err := c.out.transport.Read(buf, c.origin.Add(until))
	if err != nil {
		if !expired(err) {
			time.Sleep(time.Millisecond) // the network says no (ICMP); the protocol's own timeouts decide what it means
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn.Receive(buf[:n], from, time.Since(c.origin))
}
