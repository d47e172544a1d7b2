// Package gatewaytest gives the doors' tests the whole catalogue without what stands behind it: every operation is
// there with its real Spec and messages, but a call is only written down and answered as the test says.
package gatewaytest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/persist/bunt"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/catalogue"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/rpc"
	"github.com/skirmishgg/skirmish/services/session"
)

// Keys of the Door that New makes.
const (
	ServerKey = "server key"
	HTTPKey   = "http key"
)

// Register adds every operation of the client protocol and ours. Their functions are not to be called.
func Register(r *op.Registry, functions *rpc.Service) {
	catalogue.Features{RPC: functions}.Register(r)
}

// Call is a call that reached an operation.
type Call struct {
	Name   string
	Caller op.Caller
	In     proto.Message
}

// Catalogue is a Door over a sealed registry.
type Catalogue struct {
	*gateway.Door
	RPC *rpc.Service
	Log *Log

	mu     sync.Mutex
	calls  []Call
	answer op.Call
}

// New makes a catalogue with these server functions. Functions, and what the gateway itself offers, really run.
func New(t testing.TB, functions map[string]rpc.Func) *Catalogue {
	t.Helper()
	c := &Catalogue{RPC: rpc.New(functions), Log: &Log{}}
	r := op.NewRegistry()
	Register(r, c.RPC)
	r.Wrap(c.record)
	r.Seal()
	c.Door = &gateway.Door{
		Registry: r, Sessions: sessions(t), Live: session.NewLive(), ServerKey: ServerKey, HTTPKey: HTTPKey,
		ProxyCount: 1, Node: "test", Log: slog.New(slog.NewTextHandler(c.Log, nil)),
	}
	return c
}

func sessions(t testing.TB) *session.Service {
	t.Helper()
	db, err := bunt.Open(bunt.Config{Dir: t.TempDir(), Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := session.New(t.Context(), session.Config{
		EncryptionKey: "a", TokenExpiry: time.Hour, RefreshEncryptionKey: "b", RefreshExpiry: time.Hour, DB: db, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Token is a session token of a user.
func (c *Catalogue) Token(t testing.TB, user id.UUID, username string, vars map[string]string) string {
	t.Helper()
	pair, err := c.Sessions.Issue(t.Context(), user, username, vars, false)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Token
}

// Answer sets what operations do from now on; nil: succeed with an empty answer.
func (c *Catalogue) Answer(f op.Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = f
}

// Calls are those since the last time it was asked.
func (c *Catalogue) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

func (c *Catalogue) record(e *op.Entry, next op.Call) op.Call {
	switch e.Spec.Name {
	case "RpcFunc", "Healthcheck", "Ping", "Pong":
		return next
	}
	return func(ctx context.Context, caller op.Caller, in proto.Message) (proto.Message, error) {
		c.mu.Lock()
		c.calls = append(c.calls, Call{e.Spec.Name, caller, in})
		answer := c.answer
		c.mu.Unlock()
		if answer != nil {
			return answer(ctx, caller, in)
		}
		return e.Response.New().Interface(), nil
	}
}

// Log holds what was logged. Any goroutine may use it.
type Log struct {
	mu   sync.Mutex
	text []byte
}

func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, line...)
	return len(line), nil
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
