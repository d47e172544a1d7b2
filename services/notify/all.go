package notify

import (
	"context"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// ErrMany refuses another notification to everybody while too many are on their way.
var ErrMany = errs.New(errs.ResourceExhausted, "Too many notifications to everybody are on their way.")

const (
	everybodyMax = 64  // persistent notifications to everybody that wait
	everybodyRow = 256 // users of one write
)

// everybody is the persistent notifications to all users, of which one after the other goes out in the background.
type everybody struct {
	ctx    context.Context // of the writes; ends with Stop
	cancel context.CancelFunc

	// behind Service.mu
	waiting []Notification
	running bool
	stopped bool
	idle    chan struct{} // closed when the goroutine ends
}

// SendAll sends a notification to everybody: to all open sessions at once, or, a persistent one, to every user there is, a
// few hundred at a time in the background. A server that stops leaves the rest of the users without.
// Errors: those of Check, ErrMany.
func (s *Service) SendAll(n Notification) error {
	if err := n.Check(); err != nil {
		return err
	}
	n.CreateTime = s.c.Now()
	if !n.Persistent {
		n.ID = newID()
		s.deliverAll(&n)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &s.everybody
	if len(e.waiting) == everybodyMax || e.stopped {
		return ErrMany
	}
	if e.waiting = append(e.waiting, n); !e.running {
		e.running, e.idle = true, make(chan struct{})
		go s.sendWaiting(e.idle) // ends when nothing waits; Stop waits
	}
	return nil
}

// deliverAll sends one message to all open sessions.
func (s *Service) deliverAll(n *Notification) {
	msg := codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_Notifications{
		Notifications: &rtapi.Notifications{Notifications: []*api.Notification{n.message()}},
	}})
	for _, user := range s.c.Live.Users() {
		s.c.Presence.Send(streamOf(user), msg)
	}
}

func (s *Service) sendWaiting(idle chan<- struct{}) {
	defer close(idle)
	for {
		s.mu.Lock()
		e := &s.everybody
		if len(e.waiting) == 0 || e.stopped {
			e.waiting, e.running = nil, false
			s.mu.Unlock()
			return
		}
		n := e.waiting[0]
		e.waiting = e.waiting[1:]
		s.mu.Unlock()
		if err := s.sendEverybody(e.ctx, n); err != nil {
			s.c.Log.Error("A notification to everybody did not reach all", "error", err)
		}
	}
}

// sendEverybody goes through all users in the order of their ids.
func (s *Service) sendEverybody(ctx context.Context, n Notification) error {
	for last := (id.UUID{}); ; { // the system user is the first, and none
		users, err := store.List(ctx, s.c.DB, schema.Users.By("id"), store.Range{After: []any{last}, Limit: everybodyRow})
		if err != nil || len(users) == 0 {
			return err
		}
		last = users[len(users)-1].ID
		if err := s.sendUsers(ctx, n, users); err != nil {
			return err
		}
	}
}

func (s *Service) sendUsers(ctx context.Context, n Notification, users []*schema.User) error {
	list := make([]*Notification, len(users))
	hints := make([]store.Ref, 0, 2*len(users))
	for i, user := range users {
		one := n
		one.ID, one.UserID = newID(), user.ID
		list[i] = &one
		hints = append(hints, schema.Users.Ref(user.ID), schema.Notifications.Ref(one.ID))
	}
	var kept []*Notification
	err := s.c.DB.Write(ctx, hints, func(tx store.Tx) error {
		kept = kept[:0]
		for _, one := range list {
			_, there, err := store.Get(tx, schema.Users, one.UserID)
			if err != nil {
				return err
			}
			if !there {
				continue // deleted since
			}
			if err := Put(tx, one); err != nil {
				return err
			}
			kept = append(kept, one)
		}
		return nil
	})
	if err == nil {
		s.Deliver(kept...)
	}
	return err
}

// Stop ends what goes out in the background, and returns when it is over. The store may be closed then.
func (s *Service) Stop() {
	s.mu.Lock()
	e := &s.everybody
	e.stopped = true
	running, idle := e.running, e.idle
	s.mu.Unlock()
	e.cancel()
	if running {
		<-idle
	}
}
