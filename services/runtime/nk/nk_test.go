package nk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/auth"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/event"
	"github.com/skirmishgg/skirmish/services/friend"
	"github.com/skirmishgg/skirmish/services/group"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/metric"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/party"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
	"github.com/skirmishgg/skirmish/services/status"
	"github.com/skirmishgg/skirmish/services/storage"
	"github.com/skirmishgg/skirmish/services/storage/index"
	"github.com/skirmishgg/skirmish/services/tournament"
	"github.com/skirmishgg/skirmish/services/transfer"
	"github.com/skirmishgg/skirmish/services/unit"
	"github.com/skirmishgg/skirmish/services/wallet"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	annaID = id.UUID{0: 0xa, 15: 1}
	benID  = id.UUID{0: 0xb, 15: 1}
	caraID = id.UUID{0: 0xc, 15: 1}

	anna, ben, cara = annaID.String(), benID.String(), caraID.String()
	nobody          = id.UUID{15: 77}.String()
	system          = id.UUID{}.String()
)

// desk is a module over the features of one store with the users anna, ben and cara.
type desk struct {
	*Module
	*each.Clock
	t        *testing.T
	db       store.DB
	events   chan *api.Event
	sessions byte
}

func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) { test(t, newDesk(t, db, clock)) })
}

func newDesk(t *testing.T, db store.DB, clock *each.Clock) *desk {
	d := &desk{Clock: clock, t: t, db: db, events: make(chan *api.Event, 1)}
	live, quiet := session.NewLive(), slog.New(slog.DiscardHandler)
	sessions, err := session.New(t.Context(), session.Config{
		EncryptionKey: "one", TokenExpiry: time.Minute, RefreshEncryptionKey: "two", RefreshExpiry: time.Hour, DB: db, Now: clock.Now,
	})
	must(t, err)
	p := presence.New(presence.Config{})
	n := notify.New(notify.Config{DB: db, Presence: p, Live: live, Now: clock.Now, Log: quiet})
	passwords := account.NewPasswords(0, 0)
	talk := chat.New(chat.Config{DB: db, Presence: p, Live: live, Notify: n, Now: clock.Now})
	boards, err := leaderboard.New(t.Context(), leaderboard.Config{DB: db, Now: clock.Now, Log: quiet})
	must(t, err)
	events := event.New(event.Config{QueueMax: 4, Workers: 1, Dropped: func() {}, Log: quiet, Functions: func(event.Kind) []event.Func {
		return []event.Func{func(_ context.Context, _ op.Caller, e *event.Message) { d.events <- e }}
	}})
	indexes := index.New(index.Config{DB: db, Log: quiet})
	t.Cleanup(indexes.Stop)
	objects := storage.New(storage.Config{DB: db, Changed: indexes.Changed})
	accounts := account.New(account.Config{DB: db, Sessions: sessions, Live: live, Passwords: passwords, Online: p.IsOnline, Removed: indexes.Removed})
	d.Module = New(Config{
		Node: "n1", Root: t.TempDir(), Sessions: sessions, Live: live, Presence: p, Now: clock.Now,
		Account: accounts,
		Auth:    auth.New(auth.Config{DB: db, Sessions: sessions, Passwords: passwords}),
		Board:   boards, Chat: talk, Event: events,
		Friend:  friend.New(friend.Config{DB: db, Notify: n, Presence: p}),
		Group:   group.New(group.Config{DB: db, Presence: p, Notify: n, Chat: talk, Now: clock.Now}),
		Match:   match.New(match.Config{Presence: p, Live: live, Node: "n1", TokenKey: "one", Handlers: handlers, Log: quiet}),
		Metrics: metric.New(metric.Config{CustomPrefix: "custom", Now: func() time.Duration { return 0 }}),
		Notify:  n,
		Party:   party.New(party.Config{Presence: p, Live: live, Node: "n1", Now: clock.Now, Random: rand.Reader}),
		Status:  status.New(status.Config{DB: db, Presence: p, Live: live}),
		Storage: objects, Index: indexes, Unit: unit.New(unit.Config{DB: db, Storage: objects}), Wallet: wallet.New(db),
		Tournament: tournament.New(tournament.Config{DB: db, Boards: boards, Now: clock.Now}),
		Transfer:   transfer.New(transfer.Config{DB: db, Account: accounts, Boards: boards, Now: clock.Now, Changed: indexes.Changed}),
	})
	t.Cleanup(func() {
		d.c.Match.Stop(context.Background())
		events.Stop(context.Background())
		n.Stop()
		boards.Stop()
	})
	sessiontest.PutUsers(t, db, map[id.UUID]string{annaID: "anna", benID: "ben", caraID: "cara"})
	return d
}

// open is a realtime session of a user.
func (d *desk) open(user id.UUID, name string) *sessiontest.Conn {
	d.sessions++
	c := sessiontest.NewConn(id.UUID{0: d.sessions, 15: 9}, user, name)
	d.c.Live.Add(c)
	d.c.Presence.Begin(c)
	d.c.Notify.Open(c)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// is asserts what an expression says, and that it was no error.
func is(t *testing.T, want string, err error, got ...any) {
	t.Helper()
	if text := fmt.Sprint(got...); err != nil || text != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
}

// refused asserts an error by its text.
func refused(t *testing.T, want string, err error) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("refused with %v, want %s", err, want)
	}
}

func TestInterface(t *testing.T) {
	var _ runtime.NakamaModule = New(Config{})
	if errors.Is(told(nil), errAccount) || told(nil) != nil {
		t.Error("no error became one")
	}
	for refusal, known := range words {
		if told(fmt.Errorf("wrapped: %w", refusal)) != known {
			t.Errorf("%s is not told as %v", refusal.Message, known)
		}
	}
}
