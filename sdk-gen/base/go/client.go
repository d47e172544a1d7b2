package skirmish

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Client is a Conn on a UDP socket and a goroutine of its own. Its methods may be called from any goroutine.
type Client struct {
	mu     sync.Mutex // guards conn and what its callbacks touch
	conn   *Conn
	origin time.Time

	socket *net.UDPConn
	done   chan struct{}
	opened chan struct{}
	leave  chan struct{}
	once   sync.Once
}

// Connect joins with a connect token (its text form) and returns once the connection is open. Callbacks of game run on
// the client's goroutine, from then until Closed; they may not call the Client's own methods, but those of the Conn.
// Errors: ctx's, a token that cannot be read, *DeniedError, handshake.ErrTimeout.
func Connect(ctx context.Context, tokenText string, game Game) (*Client, error) {
	t, err := token.ParseText(tokenText)
	if err != nil {
		return nil, err
	}
	return ConnectToken(ctx, t, game)
}

// ConnectToken is Connect with a token that was parsed before.
func ConnectToken(ctx context.Context, t *token.Connect, game Game) (*Client, error) {
	c := &Client{origin: time.Now(), done: make(chan struct{}), opened: make(chan struct{}), leave: make(chan struct{})}
	var err error
	if c.conn, err = NewConn(t, game, rand.Reader); err != nil {
		return nil, err
	}
	if c.socket, err = net.ListenUDP("udp", nil); err != nil {
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
	c.once.Do(func() { close(c.leave) })
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
	f(c.conn, time.Since(c.origin))
}

// Stats is the quality of the connection.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn.Stats()
}

// run reads until the next thing is due, then lets the Conn do it.
func (c *Client) run() {
	defer close(c.done)
	defer c.socket.Close()
	buf := make([]byte, wire.MaxDatagram+1)
	out := &socketSender{socket: c.socket, buf: make([]byte, wire.MaxDatagram)}
	opened, left := false, false
	for {
		c.mu.Lock()
		now := time.Since(c.origin)
		next := c.conn.Poll(now, out)
		phase := c.conn.Phase()
		c.mu.Unlock()
		if phase == Connected && !opened {
			opened = true
			close(c.opened)
		}
		if phase == Ended {
			return
		}
		if !left {
			select {
			case <-c.leave:
				left = true
				c.mu.Lock()
				c.conn.Leave(time.Since(c.origin))
				c.mu.Unlock()
				continue
			default:
			}
		}
		c.receiveUntil(c.origin.Add(next), buf)
	}
}

// receiveUntil takes datagrams until a moment; a burst is taken whole.
func (c *Client) receiveUntil(until time.Time, buf []byte) {
	if err := c.socket.SetReadDeadline(until); err != nil {
		return
	}
	n, from, err := c.socket.ReadFromUDPAddrPort(buf)
	if err != nil {
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			time.Sleep(time.Millisecond) // the network says no (ICMP); the protocol's own timeouts decide what it means
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn.Receive(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Since(c.origin))
}

// socketSender is where a Conn's datagrams go.
type socketSender struct {
	socket *net.UDPConn
	buf    []byte
}

func (s *socketSender) Buffer() []byte { return s.buf }

func (s *socketSender) Queue(n int, to netip.AddrPort) {
	_, _ = s.socket.WriteToUDPAddrPort(s.buf[:n], to) // what cannot be sent is lost like any datagram
}
