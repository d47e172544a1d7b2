package match

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// match is an authoritative one. It is its handler's Dispatcher.
type match struct {
	// constant after Create
	service     *Service
	id          id.UUID
	name        string // ID.NODE
	stream      presence.Stream
	handlerName string
	handler     Handler
	rate        int
	created     time.Time
	ctx         *handlerContext
	cancel      context.CancelFunc

	// owned by the match's goroutine
	emptyTicks int
	messages   []*Message // of one Loop

	// any goroutine
	label   atomic.Pointer[string] // nil until Init has returned
	tick    atomic.Int64
	members atomic.Pointer[[]*member] // in the order they came; replaced, never changed
	over    atomic.Bool               // set with mu held
	wake    chan struct{}             // has room for one: look at the queues

	mu     sync.Mutex
	inside map[id.UUID]*member // by session
	queue  queues

	deferred []broadcast // until the handler's current call returns
}

// member is a session in a match.
type member struct {
	conn     session.Conn
	presence *Presence
}

var (
	errNoHandler = errors.New("not found") // what server code is told of a name that no module has
	errStopping  = errors.New("the server is stopping")
)

// Create begins an authoritative match with the handler of this name, and answers its id. params arrive as a copy and
// are plain data. Errors have the words that server code knows: "error creating match: …".
func (s *Service) Create(ctx context.Context, handlerName string, params map[string]any) (string, error) {
	m, err := s.create(ctx, handlerName, params)
	if err != nil {
		if errors.Is(err, runtime.ErrCannotEncodeParams) || errors.Is(err, runtime.ErrCannotDecodeParams) {
			return "", err
		}
		return "", fmt.Errorf("error creating match: %w", err)
	}
	return m.name, nil
}

func (s *Service) create(ctx context.Context, handlerName string, params map[string]any) (*match, error) {
	if s.c.Handlers == nil {
		return nil, errNoHandler
	}
	newHandler, ok := s.c.Handlers(handlerName)
	if !ok {
		return nil, errNoHandler
	}
	params, err := plain(params)
	if err != nil {
		return nil, err
	}
	u, err := id.NewV4(s.c.Random)
	if err != nil {
		return nil, err
	}
	st := presence.Stream{Mode: presence.ModeAuthoritative, Subject: u, Label: s.c.Node}
	m := &match{
		service: s, id: u, name: st.Member(), stream: st, handlerName: handlerName,
		created: time.Now(), inside: map[id.UUID]*member{}, wake: make(chan struct{}, 1),
	}
	base, cancel := context.WithCancel(s.c.Context)
	m.ctx, m.cancel = &handlerContext{Context: base, match: m}, cancel
	m.members.Store(&[]*member{})
	if err := m.init(newHandler, params); err != nil {
		m.cancel()
		return nil, err
	}
	return m, s.begin(m)
}

// init makes the handler and asks it how it wants to run. It runs on the creator's goroutine.
func (m *match) init(newHandler func() Handler, params map[string]any) error {
	var rate int
	var label string
	if _, err := m.guard(func() (_ bool, err error) {
		m.handler = newHandler()
		rate, label, err = m.handler.Init(m.ctx, params)
		return true, err
	}); err != nil {
		return err
	}
	if rate < RateMin || rate > RateMax {
		return fmt.Errorf("MatchInit returned invalid tick rate, must be between %d and %d", RateMin, RateMax)
	}
	if len(label) > LabelMax {
		return ErrLabelLong
	}
	m.rate = rate
	m.label.Store(&label)
	return nil
}

// begin makes a match findable and starts its goroutine.
func (s *Service) begin(m *match) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		m.cancel()
		return errStopping
	}
	s.running.Add(1)
	s.directory.add(m)
	s.listing.add(m.id, m)
	go m.run() // ends with the match; Stop waits for it
	return nil
}

// plain is a copy of what server code passes, through the encoding that limits it to plain data wherever it is written.
func plain(params map[string]any) (map[string]any, error) {
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(params); err != nil {
		return nil, runtime.ErrCannotEncodeParams
	}
	var copied map[string]any
	if err := gob.NewDecoder(&buf).Decode(&copied); err != nil {
		return nil, runtime.ErrCannotDecodeParams
	}
	return copied, nil
}

func init() {
	for _, v := range []any{
		map[string]any(nil), []any(nil), map[string]string(nil), []string(nil), map[string]int64(nil), []int64(nil),
		map[string]float64(nil), []float64(nil), []map[string]any(nil),
	} {
		gob.Register(v)
	}
}

// run is the match's goroutine. Ticks have deadlines of their own, one period apart whatever a tick takes; a deadline
// that has passed before its turn came is left out, as a ticker does. A tick that is always late still leaves each queue
// its turn.
func (m *match) run() {
	defer m.service.running.Done()
	period := time.Second / time.Duration(m.rate)
	next := time.Now().Add(period)
	timer := time.NewTimer(period)
	defer timer.Stop()
	for !m.over.Load() {
		if wait := time.Until(next); wait <= 0 {
			m.loop()
			next = next.Add(period)
			next = next.Add(max(0, time.Since(next)).Truncate(period))
		}
		if m.serve() {
			continue
		}
		timer.Reset(time.Until(next))
		select {
		case <-timer.C:
		case <-m.wake:
		}
	}
}

// loop is a tick.
func (m *match) loop() {
	if m.abandoned() {
		m.finish(EndedEmpty)
		return
	}
	taken := m.takeInput()
	m.messages = m.messages[:0]
	for i := range taken {
		m.messages = append(m.messages, &taken[i])
	}
	m.call("match_loop", func() (bool, error) { return m.handler.Loop(m.ctx, m, m.tick.Load(), m.messages) })
	clear(m.messages)
	m.tick.Add(1)
}

// abandoned counts the ticks without members and says whether they were too many.
func (m *match) abandoned() bool {
	if m.size() > 0 {
		m.emptyTicks = 0
		return false
	}
	m.emptyTicks++
	most := m.service.c.EmptyMax
	return most > 0 && m.emptyTicks > int(most.Seconds()*float64(m.rate))
}

// call runs one call of the handler and does as it says; it answers whether the match goes on.
func (m *match) call(what string, f func() (goOn bool, err error)) bool {
	goOn, err := m.guard(f)
	switch {
	case m.over.Load():
		return false // ended by somebody else meanwhile
	case err != nil:
		m.service.c.Log.Warn("match handler failed, the match ends", "mid", m.name, "handler", m.handlerName, "call", what, "error", err)
		m.finish(EndedFailed)
		return false
	}
	m.flush()
	if !goOn {
		m.service.c.Log.Debug("match handler goes on no longer", "mid", m.name, "handler", m.handlerName, "call", what)
		m.finish(EndedByHandler)
	}
	return goOn
}

// guard turns a panic of the handler into an error: it ends this match and no other.
func (m *match) guard(f func() (bool, error)) (goOn bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			m.service.c.Log.Error("match handler panicked", "mid", m.name, "handler", m.handlerName, "panic", p, "stack", string(debug.Stack()))
			goOn, err = false, fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// finish ends the match: what waits for it is answered, its members are out of it. Those of a handler that failed are
// disconnected; the others see nothing, but for those that can be told: see Watcher. Only the first call counts. Any
// goroutine, without mu: a handler that does not return cannot keep the match alive.
func (m *match) finish(why Ended) {
	m.mu.Lock()
	if m.over.Swap(true) {
		m.mu.Unlock()
		return
	}
	members, waiting := *m.members.Load(), m.queue
	m.inside, m.queue = nil, queues{}
	m.members.Store(&[]*member{})
	m.mu.Unlock()
	m.cancel()
	m.service.directory.remove(m)
	m.service.listing.remove(m.id)
	m.service.c.Presence.Drop(m.stream)
	for _, mb := range members {
		if w, ok := mb.conn.(Watcher); ok {
			w.MatchEnded(m.name, why)
		}
		if why.disconnects() {
			mb.conn.Close(session.KickReason)
		}
	}
	waiting.refuse()
	m.look()
	if over := m.service.c.Over; over != nil {
		over(m.name)
	}
}

// look wakes the match's goroutine.
func (m *match) look() {
	select {
	case m.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (m *match) size() int { return len(*m.members.Load()) }

func (m *match) currentLabel() string {
	if label := m.label.Load(); label != nil {
		return *label
	}
	return ""
}
