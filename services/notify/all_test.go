package notify

import (
	"errors"
	"slices"
	"testing"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
)

// kept are the subjects in a user's list.
func (d *desk) kept(user id.UUID) (subjects []string) {
	d.t.Helper()
	page, err := d.s.List(d.t.Context(), user, 100, "")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, n := range page.Notifications {
		subjects = append(subjects, n.Subject)
	}
	return subjects
}

func TestSendAll(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		more := map[id.UUID]string{} // so that one write is not enough
		for i := range everybodyRow {
			u := id.UUID{0: 0x80, 14: byte(i >> 8), 15: byte(i)}
			more[u] = u.String()
		}
		sessiontest.PutUsers(t, d.db, more)
		first, last := d.open(anna), d.open(id.UUID{0: 0x80, 15: 255})
		news := Notification{Subject: "live", Content: "{}", Code: 1}
		if err := d.s.SendAll(news); err != nil {
			t.Fatal(err)
		}
		if a, b := taken(first), taken(last); !slices.Equal(a, []string{"live"}) || !slices.Equal(b, a) || d.kept(anna) != nil {
			t.Errorf("open sessions got %q and %q, %q is kept", a, b, d.kept(anna))
		}

		news.Subject, news.Persistent = "news", true
		if err := d.s.SendAll(news); err != nil {
			t.Fatal(err)
		}
		last.Wait(1) // in the order of ids, so that all others have it
		if a, b := taken(first), taken(last); !slices.Equal(a, []string{"news"}) || !slices.Equal(b, a) {
			t.Errorf("open sessions got %q and %q", a, b)
		}
		rows, err := store.List(t.Context(), d.db, schema.Notifications.By("id"), store.Range{})
		if err != nil || len(rows) != 2+everybodyRow {
			t.Errorf("%d notifications are kept, %v", len(rows), err)
		}
		if got := d.kept(id.UUID{}); got != nil {
			t.Errorf("the system user has %q", got)
		}

		if err := d.s.SendAll(Notification{Content: "{}", Code: 1}); !errors.Is(err, ErrSubject) {
			t.Errorf("without a subject: %v", err)
		}
		d.s.Stop()
		if err := d.s.SendAll(news); !errors.Is(err, ErrMany) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestChanges(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		var ids []id.UUID
		for _, user := range []id.UUID{anna, anna, ben} {
			n := &Notification{UserID: user, Subject: "old", Content: "{}", Code: 7, Persistent: true}
			if err := d.s.Send(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, n.ID)
		}
		count := func(user id.UUID, want int) {
			t.Helper()
			if got, err := d.s.Get(t.Context(), user, append(ids, gone)...); err != nil || len(got) != want {
				t.Errorf("%d notifications, want %d, %v", len(got), want, err)
			}
		}
		count(id.UUID{}, 3)
		count(anna, 2)

		subject, content, none := "new", `{"a": 1}`, ""
		if err := d.s.Update(t.Context(), []Change{{ID: ids[0], Subject: &subject, SenderID: &ben}, {ID: ids[2], Content: &content}, {ID: gone, Subject: &subject}}); err != nil {
			t.Fatal(err)
		}
		if err := d.s.Update(t.Context(), []Change{{ID: ids[1], Subject: &subject}, {ID: ids[0], Subject: &none}}); !errors.Is(err, ErrSubject) {
			t.Errorf("an empty subject: %v", err)
		}
		got, err := d.s.Get(t.Context(), id.UUID{}, ids...)
		if err != nil || got[0].Subject != "new" || got[0].SenderID != ben || got[0].Content != "{}" || got[1].Subject != "old" || got[2].Content != `{"a": 1}` {
			t.Errorf("changed to %+v %+v %+v, %v", got[0], got[1], got[2], err)
		}

		if err := d.s.DeleteAll(t.Context(), []Named{{anna, ids[2]}, {anna, ids[0]}, {UserID: ben, ID: gone}}); err != nil {
			t.Fatal(err)
		}
		count(id.UUID{}, 2)
		if err := d.s.DeleteAll(t.Context(), []Named{{ID: ids[1]}, {ID: ids[2]}}); err != nil {
			t.Fatal(err)
		}
		count(id.UUID{}, 0)
	})
}

func TestMore(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		for range 2 {
			if err := d.s.Send(t.Context(), &Notification{UserID: anna, Subject: "s", Content: "{}", Persistent: true}); err != nil {
				t.Fatal(err)
			}
		}
		for limit, want := range map[int]bool{1: true, 2: false, 3: false} {
			page, err := d.s.List(t.Context(), anna, limit, "")
			if err != nil || page.More != want || len(page.Notifications) != min(limit, 2) {
				t.Errorf("a page of %d: %+v, %v", limit, page, err)
			}
		}
	})
}
