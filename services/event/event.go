// Package event is the queue of events: what clients and server code report, and the starts and ends of realtime
// sessions. Functions of server code take them, on workers of their own and in no particular order; nobody waits for them.
//
// An event for which there is no function is not queued. When the queue is full the event is dropped, counted, and a
// warning is logged. Stop lets the workers finish what is queued.
package event

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/protocol/op"
)

// Message is an event.
type Message = api.Event

// Kind says which functions get an event.
type Kind int

const (
	Custom       Kind = iota // reported by a client or by server code
	SessionStart             // of a realtime session
	SessionEnd
	Kinds // how many there are
)

// Func takes an event. c is whom it concerns. The context ends with the server. Must not panic.
type Func func(ctx context.Context, c op.Caller, e *Message)

// Config is what a Service is made of.
type Config struct {
	QueueMax  int               // runtime.event_queue_size
	Workers   int               // runtime.event_queue_workers
	Functions func(Kind) []Func // for events of that kind, at this time
	Dropped   func()            // told of each event for which there was no room
	Log       *slog.Logger
}

// Service is the queue and its workers.
type Service struct {
	// constant after New
	c      Config
	queue  chan *task // pointers: a queue of 65,536 should cost little while it is empty
	ctx    context.Context
	cancel context.CancelFunc
	// any goroutine
	workers sync.WaitGroup
	gate    sync.RWMutex // held to write by Stop, to read by Publish
	stopped bool         // behind gate
	full    atomic.Bool  // the warning has been logged
}

type task struct {
	caller op.Caller
	event  *Message
	funcs  []Func
}

// New starts the workers; Stop ends them.
func New(c Config) *Service {
	s := &Service{c: c, queue: make(chan *task, c.QueueMax)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for range c.Workers {
		s.workers.Go(s.work) // ends with the queue; Stop waits
	}
	return s
}

// Publish queues an event and returns at once.
func (s *Service) Publish(k Kind, c op.Caller, e *Message) {
	funcs := s.c.Functions(k)
	if len(funcs) == 0 {
		return
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.stopped {
		return
	}
	select {
	case s.queue <- &task{c, e, funcs}:
		s.full.Store(false)
	default:
		s.c.Dropped()
		if !s.full.Swap(true) {
			s.c.Log.Warn("Runtime event queue full, events may be lost")
		}
	}
}

// Started and Ended tell of a realtime session.
func (s *Service) Started(c op.Caller, at time.Time) {
	s.Publish(SessionStart, c, &Message{Name: "session_start", External: true, Timestamp: timestamppb.New(at)})
}

func (s *Service) Ended(c op.Caller, at time.Time) {
	s.Publish(SessionEnd, c, &Message{
		Name: "session_end", External: true, Timestamp: timestamppb.New(at),
		Properties: map[string]string{"reason": strconv.Itoa(int(runtime.PresenceReasonDisconnect))},
	})
}

func (s *Service) work() {
	for t := range s.queue {
		for _, f := range t.funcs {
			f(s.ctx, t.caller, t.event)
		}
	}
}

// Stop takes no more events and waits for those that are queued, until ctx is done: then the functions' contexts end, and
// those that still run are left to themselves.
func (s *Service) Stop(ctx context.Context) {
	s.gate.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.queue)
	}
	s.gate.Unlock()
	done := make(chan struct{})
	go func() { s.workers.Wait(); close(done) }() // ends with the workers
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.cancel()
}

// Register adds the operation of clients.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "Event", ID: 23, Auth: op.Session, HTTP: []string{"POST /v2/event *"}}, s.event)
}

func (s *Service) event(_ context.Context, c op.Caller, in *api.Event) (*emptypb.Empty, error) {
	in.External = true
	s.Publish(Custom, c, in)
	return &emptypb.Empty{}, nil
}
