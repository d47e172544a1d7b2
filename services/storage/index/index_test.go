package index

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/query"
	"github.com/skirmishgg/skirmish/services/storage"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	anna   = id.UUID{0: 0xa, 15: 1}
	ben    = id.UUID{0: 0xb, 15: 1}
	server = op.Caller{Trusted: true}
)

// desk is storage with indexes over one store.
type desk struct {
	*Service
	*each.Clock
	t       *testing.T
	db      store.DB
	objects *storage.Service
}

func onEachStore(t *testing.T, f func(t *testing.T, d *desk)) {
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		d := &desk{t: t, db: db, Clock: clock, Service: New(Config{DB: db, Log: slog.New(slog.DiscardHandler)})}
		t.Cleanup(d.Stop)
		d.objects = storage.New(storage.Config{DB: db, Changed: d.Changed})
		d.user(anna, "anna")
		d.user(ben, "ben")
		f(t, d)
	})
}

func (d *desk) user(u id.UUID, name string) {
	d.t.Helper()
	row := &schema.User{ID: u, Username: name, LangTag: "en", Metadata: "{}", Wallet: "{}"}
	if err := d.db.Write(d.t.Context(), nil, func(tx store.Tx) error { return store.Put(tx, schema.Users, row) }); err != nil {
		d.t.Fatal(err)
	}
}

// remove deletes an account as package account does.
func (d *desk) remove(u id.UUID) {
	d.t.Helper()
	err := d.db.Update(d.t.Context(), func(tx store.Tx) error {
		tx.AfterCommit(func(store.Commit) { d.Removed(u) })
		return store.Delete(tx, schema.Users, u)
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// write is at a time of its own, so that there is an order of updates.
func (d *desk) write(key, value string, user id.UUID, read int32) {
	d.t.Helper()
	d.Advance(time.Second)
	w := storage.Write{ID: storage.ID{Collection: "c", Key: key, UserID: user}, Value: value, PermissionRead: read, PermissionWrite: 1}
	if _, err := d.objects.Write(d.t.Context(), server, []storage.Write{w}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) delete(key string, user id.UUID) {
	d.t.Helper()
	if err := d.objects.Delete(d.t.Context(), server, []storage.Delete{{ID: storage.ID{Collection: "c", Key: key, UserID: user}}}); err != nil {
		d.t.Fatal(err)
	}
}

// found is the keys that a search of index x answers.
func (d *desk) found(c op.Caller, text string, order ...string) string {
	d.t.Helper()
	p, err := d.Search(d.t.Context(), c, Search{Index: "x", Query: text, Order: order, Limit: 100})
	if err != nil {
		d.t.Fatalf("search for %q: %v", text, err)
	}
	return keysOf(p.Objects)
}

func keysOf(objects []*storage.Object) string {
	keys := make([]string, len(objects))
	for i, o := range objects {
		keys[i] = o.Key
	}
	return strings.Join(keys, " ")
}

func (d *desk) want(want, got string) {
	d.t.Helper()
	if got != want {
		d.t.Errorf("found %q, want %q", got, want)
	}
}

func spec() Spec {
	return Spec{Name: "x", Collection: "c", Fields: []string{"level", "name", "at", "on", "deep"}, Sortable: []string{"level", "name"}, EntriesMax: 100}
}

// TestQueries: fields of the value and of the object, in every order.
func TestQueries(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.write("before", `{"level": 1, "name": "zoe"}`, anna, 2)
		d.Replace([]Spec{spec()})
		d.write("five", `{"level": 5, "name": "bob", "on": true, "other": 7}`, ben, 2)
		d.write("text", `{"level": "high", "at": "2026-03-01T00:00:00Z"}`, anna, 2)
		d.write("deep", `{"deep": {"er": [1, 2]}, "name": "amy"}`, id.UUID{}, 2)
		d.write("none", `{"other": 7}`, anna, 2)
		f := func(want, text string, order ...string) { t.Helper(); d.want(want, d.found(server, text, order...)) }

		f("before five text deep", "")
		f("before five text deep", "*")
		f("five", "+value.level:>=5")
		f("before", "+value.name:zoe")
		f("text", "+value.level:high")
		f("five", "+value.on:T")
		f("text", `+value.at:<"2026-06-01T00:00:00Z"`)
		f("deep", "+value.deep.er:2")
		f("", "+value.other:7")
		f("", "+name:zoe")
		f("five", "+key:five")
		f("before text", "+user_id:"+anna.String())
		f("five before text deep", "value.name:bob^3 *")
		f("before five text deep", "", "value.level")
		f("text five before deep", "", "-value.level") // what has none is last, in both directions
		f("deep five before text", "", "value.name")
		f("before five deep text", "", "-value.name")
		f("before five text deep", "", "name", "value.at", "value.other", "nothing") // none of them sorts
		f("deep text five before", "", "-update_time")

		d.write("five", `{"level": 0}`, ben, 2) // moves to the end of what was updated
		f("before text deep five", "")
		f("five before text deep", "", "value.level")
		d.write("five", `{"other": 0}`, ben, 2)
		f("before text deep", "")
		d.delete("text", anna)
		f("before deep", "")
		d.remove(anna)
		f("deep", "")
		d.write("deep", `{"level": 3}`, id.UUID{}, 2)
		f("deep", "+value.level:3")
	})
}

// TestRefusals: each wrong search has its own error.
func TestRefusals(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.Replace([]Spec{spec()})
		d.write("a", `{"level": 1}`, anna, 2)
		d.write("b", `{"level": 2}`, anna, 2)
		f := func(want error, q Search) {
			t.Helper()
			if _, err := d.Search(t.Context(), server, q); !errors.Is(err, want) {
				t.Errorf("%+v: %v, want %v", q, err, want)
			}
		}
		f(UnknownError("y"), Search{Index: "y", Limit: 1})
		f(query.ErrSyntax, Search{Index: "x", Query: `"`, Limit: 1})
		f(query.ErrExpression, Search{Index: "x", Query: "value.name:/(/", Limit: 1})
		f(storage.ErrCursor, Search{Index: "x", Limit: 1, Cursor: "?"})
		f(storage.ErrCursor, Search{Index: "x", Limit: 1, Cursor: "e30="})
		p, err := d.Search(t.Context(), server, Search{Index: "x", Order: []string{"value.level"}, Limit: 1})
		if err != nil || p.Cursor == "" {
			t.Fatal(p, err)
		}
		f(nil, Search{Index: "x", Order: []string{"value.level"}, Limit: 9, Cursor: p.Cursor})
		f(storage.ErrCursor, Search{Index: "x", Limit: 1, Cursor: p.Cursor})
		f(storage.ErrCursor, Search{Index: "x", Query: "*", Order: []string{"value.level"}, Limit: 1, Cursor: p.Cursor})
		if text := UnknownError("y").Error(); text != `index "y" not found` {
			t.Error(text)
		}
	})
}

// TestPermissions: a page has only what the caller may read, and as much of that as was asked for.
func TestPermissions(t *testing.T) {
	for _, only := range []bool{false, true} {
		onEachStore(t, func(t *testing.T, d *desk) {
			s := spec()
			s.IndexOnly = only
			d.Replace([]Spec{s})
			for _, user := range []id.UUID{anna, ben} {
				for read := range int32(3) {
					d.write(fmt.Sprint(map[id.UUID]string{anna: "anna", ben: "ben"}[user], read), `{"level": 1}`, user, read)
				}
			}
			d.want("anna0 anna1 anna2 ben0 ben1 ben2", d.found(server, ""))
			d.want("anna1 anna2 ben2", d.found(op.Caller{UserID: anna}, ""))
			p, err := d.Search(t.Context(), op.Caller{UserID: ben}, Search{Index: "x", Limit: 2})
			if err != nil {
				t.Fatal(err)
			}
			d.want("anna2 ben1", keysOf(p.Objects))
			if p, err = d.Search(t.Context(), op.Caller{UserID: ben}, Search{Index: "x", Limit: 2, Cursor: p.Cursor}); err != nil || p.Cursor != "" {
				t.Error(p, err)
			}
			d.want("ben2", keysOf(p.Objects))
		})
	}
}

// TestIndexOnly: objects come with the index's fields alone, and otherwise as they are stored.
func TestIndexOnly(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		s := spec()
		s.IndexOnly = true
		d.Replace([]Spec{s})
		d.write("k", `{"other":1,"name":"é","level":1e2,"deep":{"b":[1],"a":null}}`, anna, 1)
		p, err := d.Search(t.Context(), server, Search{Index: "x", Limit: 1})
		if err != nil || len(p.Objects) != 1 {
			t.Fatal(p, err)
		}
		stored, err := d.objects.Read(t.Context(), server, []storage.ID{{Collection: "c", Key: "k", UserID: anna}})
		if err != nil {
			t.Fatal(err)
		}
		want := *stored[0]
		want.Value = `{"deep": {"a": null, "b": [1]}, "name": "é", "level": 100}`
		if got := *p.Objects[0]; got != want {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	})
}

// TestFull: what was updated last stays, also when the index is filled from the store.
func TestFull(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		s := spec()
		s.EntriesMax = 3
		d.Replace([]Spec{s})
		for _, key := range strings.Fields("e d c b a") {
			d.write(key, `{"level": 1}`, anna, 2)
		}
		d.want("c b a", d.found(server, ""))
		d.write("d", `{"level": 2}`, anna, 2)
		d.want("b a d", d.found(server, ""))
		d.write("b", `{"level": 2}`, anna, 2)
		d.want("a d b", d.found(server, ""))
		s.EntriesMax = 4
		d.Replace([]Spec{s})
		d.want("c a d b", d.found(server, ""))
		d.delete("a", anna)
		d.want("c d b", d.found(server, ""))
		d.write("new", `{"level": 2}`, anna, 2)
		d.want("c d b new", d.found(server, ""))
	})
}

// TestKey: an index of one key has nothing else.
func TestKey(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		s := spec()
		s.Key = "k"
		d.write("k", `{"level": 1}`, anna, 2)
		d.write("other", `{"level": 1}`, anna, 2)
		d.Replace([]Spec{s})
		d.want("k", d.found(server, ""))
		d.write("k", `{"level": 2}`, ben, 2)
		d.write("other", `{"level": 2}`, anna, 2)
		d.want("k k", d.found(server, ""))
	})
}

// TestFilter: a filter decides anew with each write; one that fails keeps the object out, and one that searches or writes
// does not wait for itself.
func TestFilter(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		s := spec()
		s.Filter = func(ctx context.Context, o *storage.Object) (bool, error) {
			if strings.Contains(string(o.Value), "search") {
				if _, err := d.Search(ctx, server, Search{Index: "x", Limit: 1}); err != nil {
					return false, err
				}
				w := storage.Write{ID: storage.ID{Collection: "c", Key: "made", UserID: anna}, Value: `{"name": "in"}`}
				if _, err := d.objects.Write(ctx, server, []storage.Write{w}); err != nil {
					return false, err
				}
			}
			if strings.Contains(string(o.Value), "fail") {
				return true, errors.New("no")
			}
			return strings.Contains(string(o.Value), "in"), nil
		}
		d.write("a", `{"name": "in"}`, anna, 2)
		d.write("b", `{"name": "out"}`, anna, 2)
		d.Replace([]Spec{s})
		d.want("a", d.found(server, ""))
		d.write("b", `{"name": "in"}`, anna, 2)
		d.want("a b", d.found(server, ""))
		d.write("a", `{"name": "out"}`, anna, 2)
		d.want("b", d.found(server, ""))
		d.write("b", `{"name": "in, but fails"}`, anna, 2)
		d.want("", d.found(server, ""))
		d.write("c", `{"name": "in search"}`, anna, 2)
		d.want("c", d.found(server, "+key:c"))
		d.want("made", d.found(server, "+key:made")) // told of before the search of c
		s.Filter = nil
		d.Replace([]Spec{s})
		d.want("a b c made", d.found(server, "", "-key")) // not sortable: by time, then key
	})
}

// TestReplace: an index that is the same stays, one that is not is filled anew, and one that nobody wants is gone.
func TestReplace(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		d.write("a", `{"level": 1, "extra": 5}`, anna, 2)
		d.Replace([]Spec{spec()})
		d.want("a", d.found(server, ""))
		same, other := d.set.Load().byName["x"], spec()
		d.Replace([]Spec{other, spec()})
		if d.set.Load().byName["x"] != same {
			t.Error("the same index was filled anew")
		}
		other.Fields = []string{"extra"}
		other.Sortable = nil
		d.Replace([]Spec{spec(), other}) // the later counts
		d.want("a", d.found(server, "+value.extra:5"))
		sizes := map[string]int{}
		d.Sizes(func(name string, n int) { sizes[name] = n })
		if len(sizes) != 1 || sizes["x"] != 1 {
			t.Error(sizes)
		}
		d.Replace(nil)
		if _, err := d.Search(t.Context(), server, Search{Index: "x"}); err != UnknownError("x") {
			t.Error(err)
		}
		d.Stop()
		d.Stop()
	})
}

// TestTooManyWait: an index that is told of more than it remembers reads the store anew.
func TestTooManyWait(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		hold, held := make(chan struct{}), make(chan struct{})
		var once sync.Once
		s := spec()
		s.Filter = func(context.Context, *storage.Object) (bool, error) {
			once.Do(func() { close(held); <-hold })
			return true, nil
		}
		d.Replace([]Spec{s})
		d.write("a", `{"level": 1}`, anna, 2)
		<-held
		d.write("b", `{"level": 1}`, anna, 2)
		for n := range waitingMax + 1 {
			d.Changed(storage.ID{Collection: "c", Key: fmt.Sprint(n), UserID: anna})
		}
		if n := len(d.set.Load().byName["x"].waiting.keys); n > waitingMax {
			t.Error(n, "keys wait")
		}
		close(hold)
		d.want("a b", d.found(server, ""))
	})
}

// TestTrouble: while the store cannot be read a search says so.
func TestTrouble(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		if err := d.db.Close(); err != nil {
			t.Fatal(err)
		}
		d.Replace([]Spec{spec()})
		if p, err := d.Search(t.Context(), server, Search{Index: "x", Limit: 1}); err == nil || errors.Is(err, ErrBehind) {
			t.Error(p, err)
		}
	})
}

// TestAgainstBruteForce: while writers change objects of their own, delete them and lose their accounts, an index is filled
// and searched. A writer finds what it has written; when all are done, pages of random searches are what sorting and
// matching every stored object gives.
func TestAgainstBruteForce(t *testing.T) {
	onEachStore(t, func(t *testing.T, d *desk) {
		const writers, rounds = 6, 60
		users := make([]id.UUID, writers)
		for n := range users {
			users[n] = id.UUID{0: 0xc0, 15: byte(n)}
			d.user(users[n], fmt.Sprint("writer", n))
		}
		small := spec()
		small.EntriesMax, small.IndexOnly, small.Name = 20, true, "small" // at work, but not compared: it depends on what was deleted when
		d.Replace([]Spec{small})
		var all sync.WaitGroup
		for n, user := range users {
			all.Go(func() { d.churn(t, user, rand.New(rand.NewPCG(1, uint64(n))), rounds) })
		}
		s := spec()
		s.EntriesMax = 10_000
		d.Replace([]Spec{small, s}) // filled meanwhile
		all.Wait()
		d.remove(users[0])
		d.remove(users[1])

		rows, err := store.List(t.Context(), d.db, byKey, store.Range{Prefix: []any{"c"}})
		if err != nil || len(rows) < 40 {
			t.Fatal(len(rows), err)
		}
		rng := rand.New(rand.NewPCG(7, 7))
		for range 200 {
			d.compare(rng, rows, s)
		}
	})
}

// churn is a writer.
func (d *desk) churn(t *testing.T, user id.UUID, rng *rand.Rand, rounds int) {
	for n := range rounds {
		o := storage.ID{Collection: "c", Key: fmt.Sprint("k", rng.IntN(20)), UserID: user}
		if rng.IntN(4) == 0 {
			if err := d.objects.Delete(t.Context(), server, []storage.Delete{{ID: o}}); err != nil {
				t.Error(err)
			}
			continue
		}
		d.Advance(time.Duration(rng.IntN(2)) * time.Second)
		value := fmt.Sprintf(`{"level": %d, "name": "n%d", "turn": %d}`, rng.IntN(8), rng.IntN(5), n)
		if rng.IntN(8) == 0 {
			value = fmt.Sprintf(`{"level": "l%d"}`, rng.IntN(8))
		}
		w := storage.Write{ID: o, Value: value, PermissionRead: rng.Int32N(3), PermissionWrite: 1}
		stored, err := d.objects.Write(t.Context(), server, []storage.Write{w})
		if err != nil {
			t.Error(err)
			return
		}
		if rng.IntN(5) > 0 {
			continue
		}
		q := Search{Index: "small", Query: "+user_id:" + user.String() + " +key:" + o.Key, Limit: 10}
		p, err := d.Search(t.Context(), server, q)
		if err != nil || len(p.Objects) > 1 || len(p.Objects) == 1 && p.Objects[0].Version != stored[0].Version {
			t.Errorf("wrote %v, found %v, %v", stored, p, err)
		}
	}
}

// compare makes a random search, page by page.
func (d *desk) compare(rng *rand.Rand, rows []*storage.Object, s Spec) {
	d.t.Helper()
	texts := []string{"", "*", "+value.level:>3", "-value.level:2", "value.name:n1^2 value.name:n3 value.level:<3", "+value.name:n2 value.level:5", "+value.level:l3"}
	orders := [][]string{nil, {"value.level"}, {"-value.level"}, {"value.name", "-value.level"}, {"-update_time"}, {"-value.name", "create_time"}}
	callers := []op.Caller{server, {UserID: id.UUID{0: 0xc0, 15: byte(rng.IntN(6))}}}
	q := Search{Index: s.Name, Query: texts[rng.IntN(len(texts))], Order: orders[rng.IntN(len(orders))], Limit: 1 + rng.IntN(40)}
	caller := callers[rng.IntN(2)]

	var got []*storage.Object
	for {
		p, err := d.Search(d.t.Context(), caller, q)
		if err != nil {
			d.t.Fatal(err)
		}
		if p.Cursor != "" && len(p.Objects) != q.Limit {
			d.t.Errorf("a page of %d objects, %d were asked for", len(p.Objects), q.Limit)
		}
		got = append(got, p.Objects...)
		if q.Cursor = p.Cursor; q.Cursor == "" {
			break
		}
	}
	want := bruteForce(rows, s, caller, q)
	if !slices.EqualFunc(got, want, func(a, b *storage.Object) bool { return *a == *b }) {
		d.t.Errorf("%+v of %v:\n got %v\nwant %v", q, caller.UserID, keysOf(got), keysOf(want))
	}
}

// bruteForce is the answer of a search, by other means than an index where there are any.
func bruteForce(rows []*storage.Object, s Spec, c op.Caller, q Search) (objects []*storage.Object) {
	parsed, err := query.Parse(q.Query)
	if err != nil {
		panic(err)
	}
	var hits []hit
	byEntry := map[*entry]*storage.Object{}
	for _, o := range rows {
		e := s.entry(o)
		if score, ok := parsed.Match(e.document); ok && storage.MayRead(c, o) {
			hits = append(hits, hit{e, score})
			byEntry[e] = o
		}
	}
	p := page{order: s.order(q.Order)}
	slices.SortFunc(hits, p.compare)
	for _, h := range hits {
		objects = append(objects, byEntry[h.entry])
	}
	return objects
}
