// Package sessiontest gives the tests of realtime features what stands around them: connections that keep what was sent
// to them, users in a store, and a desk at which the operations of a feature are called.
//
//	desk := sessiontest.NewDesk(t, feature.Register)
//	c := sessiontest.NewConn(id.UUID{1}, anna, "anna")
//	desk.OK(c.Caller(), "StatusUpdate", &rtapi.StatusUpdate{})
//	… c.Take() …
package sessiontest

import (
	"slices"
	"sync"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/session"
)

var _ session.Conn = (*Conn)(nil)

// Conn is a connection that keeps what was sent to it and never closes. Any goroutine may use it.
type Conn struct {
	// constant after NewConn
	id, user id.UUID
	name     string
	// any goroutine
	mu    sync.Mutex
	heard sync.Cond // of each message
	sent  []*codec.Shared
}

// NewConn is a connection with the session id and the user that are given.
func NewConn(session, user id.UUID, name string) *Conn {
	c := &Conn{id: session, user: user, name: name}
	c.heard.L = &c.mu
	return c
}

// Caller is the connection's user as the caller of an operation.
func (c *Conn) Caller() op.Caller {
	return op.Caller{UserID: c.user, Username: c.name, SessionID: c.id.String()}
}

// Wait returns once n messages have come since the last Take.
func (c *Conn) Wait(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.sent) < n {
		c.heard.Wait()
	}
}

// Take is what came since the last Take, oldest first.
func (c *Conn) Take() []*rtapi.Envelope {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := envelopes(c.sent)
	c.sent = nil
	return list
}

// Peek is what the next Take will begin with.
func (c *Conn) Peek() []*rtapi.Envelope { return envelopes(c.Shared()) }

// Shared is Peek as it was sent: messages that are one value were encoded once.
func (c *Conn) Shared() []*codec.Shared {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}

func envelopes(sent []*codec.Shared) (list []*rtapi.Envelope) {
	for _, m := range sent {
		list = append(list, m.Message.(*rtapi.Envelope))
	}
	return list
}

// Notifications are those that stand in a list of messages; other messages have none.
func Notifications(list []*rtapi.Envelope) (all []*api.Notification) {
	for _, e := range list {
		all = append(all, e.GetNotifications().GetNotifications()...)
	}
	return all
}

// ID and the rest are session.Conn.

func (c *Conn) ID() id.UUID             { return c.id }
func (c *Conn) UserID() id.UUID         { return c.user }
func (c *Conn) Username() string        { return c.name }
func (c *Conn) Vars() map[string]string { return nil }
func (c *Conn) Lang() string            { return "en" }
func (c *Conn) Close(string)            {}

// Send panics when m is no envelope: nothing else goes to a connection.
func (c *Conn) Send(m *codec.Shared) bool {
	_ = m.Message.(*rtapi.Envelope)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, m)
	c.heard.Broadcast()
	return true
}
