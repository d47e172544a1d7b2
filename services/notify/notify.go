// Package notify tells users that something happened: a friend invited them, a group took them in, server code has
// news. A persistent notification waits in the user's list until it is deleted; every one goes at once to the user's
// open sessions.
//
// The life of a notification: a feature makes it (System), Puts it in the same write as what it tells of, and Delivers it
// when that write has returned; or it Sends it, which is both. The user Lists and Deletes.
//
// Any goroutine may call these functions, but no tick.
package notify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// Codes of the server's own notifications; server code uses numbers above 0. Two more, session.CodeReplaced and
// session.CodeBanned, say why a connection ends and are never kept.
const (
	CodeDirectMessage    int32 = -1 // somebody waits in the direct chat of both
	CodeFriendInvite     int32 = -2
	CodeFriendAccepted   int32 = -3
	CodeGroupAdded       int32 = -4
	CodeGroupJoinRequest int32 = -5 // to those who may accept it
	CodeFriendJoined     int32 = -6 // an import made the recipient a friend
	CodeFriendRemoved    int32 = -9
)

// Notification is one message to one user.
type Notification struct {
	ID         id.UUID // zero: Send draws it
	UserID     id.UUID // recipient
	Subject    string  // at most 255 characters
	Content    string  // JSON
	Code       int32
	SenderID   id.UUID   // zero: the system
	Persistent bool      // it waits in the list; otherwise only open sessions get it
	CreateTime time.Time // set by Put and Send
}

// Refusals of notifications that cannot be kept.
var (
	ErrSubject   = errs.New(errs.InvalidArgument, "Notification subject must be text of 1-255 characters.")
	ErrContent   = errs.New(errs.InvalidArgument, "Notification content must be JSON.")
	ErrCode      = errs.New(errs.InvalidArgument, "Notification code is out of range.")
	ErrRecipient = errs.New(errs.NotFound, "Notification recipient not found.")
)

const subjectMax = 255 // characters // the column is varchar(255)

// System makes a persistent notification of the server itself: from is who caused it, about what its content says. A
// subject that a long name makes too long is cut.
func System(to id.UUID, code int32, subject string, about map[string]string, from id.UUID) *Notification {
	content, _ := json.Marshal(about) // texts always have a JSON form
	if utf8.RuneCountInString(subject) > subjectMax {
		subject = string([]rune(subject)[:subjectMax])
	}
	return &Notification{ID: newID(), UserID: to, Subject: subject, Content: string(content), Code: code, SenderID: from, Persistent: true}
}

func newID() id.UUID {
	u, _ := id.NewV4(rand.Reader) // crypto/rand does not fail
	return u
}

// Check holds a notification against the rules.
func (n *Notification) Check() error {
	switch {
	case n.Subject == "" || utf8.RuneCountInString(n.Subject) > subjectMax || !utf8.ValidString(n.Subject) || strings.IndexByte(n.Subject, 0) >= 0:
		return ErrSubject
	case n.Code < math.MinInt16 || n.Code > math.MaxInt16:
		return ErrCode
	}
	if _, err := store.Normalise(store.JSON(n.Content)); err != nil {
		return ErrContent
	}
	return nil
}

// message is the notification as a session gets it.
func (n *Notification) message() *api.Notification {
	return &api.Notification{
		Id: n.ID.String(), Subject: n.Subject, Content: n.Content, Code: n.Code, SenderId: n.SenderID.String(),
		CreateTime: seconds(n.CreateTime), Persistent: n.Persistent,
	}
}

// seconds is how the API gives times of notifications: whole.
func seconds(t time.Time) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: t.Unix()} }

// Config is what a Service is made of.
type Config struct {
	DB       store.DB
	Presence *presence.Service
	Live     *session.Live
	Now      func() time.Time // of notifications that are not kept; nil: time.Now
	Log      *slog.Logger     // nil: slog.Default()
}

// Service keeps and delivers notifications.
type Service struct {
	// constant after New
	c Config
	// any goroutine
	mu        sync.Mutex
	everybody everybody
}

// New is a service over these parts.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Service{c: c}
	s.everybody.ctx, s.everybody.cancel = context.WithCancel(context.Background())
	return s
}

// streamOf has all open sessions of a user.
func streamOf(user id.UUID) presence.Stream {
	return presence.Stream{Mode: presence.ModeNotifications, Subject: user}
}

// Open lets a session get its user's notifications, from the connection's first moment to its end. presence.Begin comes
// before it.
func (s *Service) Open(c session.Conn) {
	s.c.Presence.Track(c, streamOf(c.UserID()), presence.Meta{Hidden: true})
}

// Put keeps a notification as part of a larger change, whose time becomes its CreateTime. Deliver it when the write has
// returned.
// Errors: a store.ReferenceError of the whole write when there is no such recipient.
func Put(tx store.Tx, n *Notification) error { return putAt(tx, n, tx.Now()) }

func putAt(tx store.Tx, n *Notification, at time.Time) error {
	n.CreateTime = at
	return store.Put(tx, schema.Notifications, &schema.Notification{
		ID: n.ID, UserID: n.UserID, Subject: n.Subject, Content: store.JSON(n.Content), Code: int16(n.Code), SenderID: n.SenderID, CreateTime: at,
	})
}

// Deliver sends notifications to the open sessions of their recipients: to each session one message with all of its
// user's. Who has none misses nothing that is persistent.
func (s *Service) Deliver(list ...*Notification) {
	var users []id.UUID // in the order of their first
	of := make(map[id.UUID][]*api.Notification, len(list))
	for _, n := range list {
		if s.c.Presence.Count(streamOf(n.UserID)) == 0 {
			continue
		}
		if of[n.UserID] == nil {
			users = append(users, n.UserID)
		}
		of[n.UserID] = append(of[n.UserID], n.message())
	}
	for _, user := range users {
		s.c.Presence.Send(streamOf(user), codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_Notifications{
			Notifications: &rtapi.Notifications{Notifications: of[user]},
		}}))
	}
}

// Send keeps the persistent ones of these notifications, all or none, in one write, and delivers all.
// Errors: those of Check, ErrRecipient.
func (s *Service) Send(ctx context.Context, list ...*Notification) error {
	var kept []*Notification
	now := s.c.Now()
	for _, n := range list {
		if err := n.Check(); err != nil {
			return err
		}
		if n.ID.IsZero() {
			n.ID = newID()
		}
		if n.CreateTime = now; n.Persistent {
			kept = append(kept, n)
		}
	}
	if err := s.keep(ctx, kept); err != nil {
		return err
	}
	s.Deliver(list...)
	return nil
}

func (s *Service) keep(ctx context.Context, list []*Notification) error {
	if len(list) == 0 {
		return nil
	}
	hints := make([]store.Ref, 0, len(list))
	for _, n := range list {
		hints = append(hints, schema.Notifications.Ref(n.ID))
	}
	err := s.c.DB.Write(ctx, hints, func(tx store.Tx) error {
		for i, n := range list {
			if err := putAt(tx, n, tx.Now().Add(time.Duration(i)*time.Microsecond)); err != nil { // the list keeps their order
				return err
			}
		}
		return nil
	})
	var missing *store.ReferenceError
	if errors.As(err, &missing) {
		return ErrRecipient
	}
	return err
}
