package query

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// found is one hit as a caller gets it.
type found struct {
	key   int
	score float64
}

// model is an index as everybody would write it first: all documents, in the order in which their keys came.
type model struct {
	keys      []int
	documents map[int]*Document
}

func (m *model) put(key int, d *Document) {
	if _, known := m.documents[key]; !known {
		m.keys = append(m.keys, key)
	}
	m.documents[key] = d
}

func (m *model) remove(key int) {
	m.keys = slices.DeleteFunc(m.keys, func(k int) bool { return k == key })
	delete(m.documents, key)
}

func (m *model) search(q *Query, order Order) (all []found) {
	for _, key := range m.keys {
		if score, ok := q.Match(m.documents[key]); ok {
			all = append(all, found{key, score})
		}
	}
	if order == NewestFirst {
		slices.Reverse(all)
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(b.score, a.score) })
	return all
}

func search(x *Index[int], q *Query, limit int) (all []found) {
	x.Search(q, func(key int, score float64) bool {
		all = append(all, found{key, score})
		return len(all) < limit
	})
	return all
}

// TestIndexAgainstMatch: goal, a search finds what asking every document finds, in the same order, whatever was put,
// replaced and removed before. Method: random documents of few fields and values, so that everything meets everything,
// and random queries of every kind of clause; the model above is the judge.
func TestIndexAgainstMatch(t *testing.T) {
	for seed := range uint64(60) {
		order := Order(seed%2 == 1)
		r := rand.New(rand.NewPCG(seed, 1))
		x, m := NewIndex[int](order), &model{documents: map[int]*Document{}}
		keys := 10 << (seed % 8)
		for range 4 {
			for range keys {
				change(r, x, m, keys)
			}
			if x.Len() != len(m.keys) {
				t.Fatalf("seed %d: %d documents, want %d", seed, x.Len(), len(m.keys))
			}
			for range 40 {
				compareSearch(t, x, m, order, randomQuery(r), 1+r.IntN(2*keys))
			}
		}
		for key := range keys {
			x.Remove(key)
		}
		if x.Len() != 0 || len(x.fields) != 0 || x.all.count != 0 || len(x.all.list) != 0 {
			t.Fatalf("seed %d: an empty index keeps %d fields, %d refs", seed, len(x.fields), x.all.count)
		}
	}
}

func change(r *rand.Rand, x *Index[int], m *model, keys int) {
	key := r.IntN(keys)
	if r.IntN(3) == 0 {
		x.Remove(key)
		m.remove(key)
		return
	}
	seed := r.Uint64()
	x.Put(key, randomDocument(rand.New(rand.NewPCG(seed, 2))))
	m.put(key, randomDocument(rand.New(rand.NewPCG(seed, 2))))
}

func compareSearch(t *testing.T, x *Index[int], m *model, order Order, text string, limit int) {
	t.Helper()
	q, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	want := m.search(q, order)
	if got := search(x, q, limit); !slices.Equal(got, want[:min(limit, len(want))]) {
		t.Fatalf("%s, limit %d of %d documents:\n got %v\nwant %v", text, limit, x.Len(), got, want[:min(limit, len(want))])
	}
}

func randomDocument(r *rand.Rand) *Document {
	d := &Document{}
	for range r.IntN(6) {
		field := randomField(r)
		switch r.IntN(6) {
		case 0:
			d.Number(field, float64(r.IntN(9)-4)/2)
		case 1:
			d.Date(field, time.Unix(int64(r.IntN(3)), int64(r.IntN(2))))
		case 2:
			d.Bool(field, r.IntN(2) == 0)
		case 3:
			d.Number("rank", r.NormFloat64()*100)
		default:
			d.Text(field, randomText(r))
		}
	}
	return d
}

func randomField(r *rand.Rand) string { return []string{"a", "b", "c", "a.x"}[r.IntN(4)] }

func randomText(r *rand.Rand) string {
	if r.IntN(8) == 0 {
		return fmt.Sprint(r.IntN(500)) // many, some of which are numbers that documents have too
	}
	return []string{"x", "y", "xy", "xyz", "1", "-1.5", "2"}[r.IntN(7)]
}

func randomQuery(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(5) {
		b.WriteString([]string{"+", "+", "", "", "-"}[r.IntN(5)])
		b.WriteString(randomCondition(r))
		if r.IntN(4) == 0 {
			fmt.Fprintf(&b, "^%d%s", r.IntN(3), []string{".5", "", ""}[r.IntN(3)])
		}
		b.WriteByte(' ')
	}
	return b.String()
}

func randomCondition(r *rand.Rand) string {
	field := randomField(r)
	compare := []string{">", ">=", "<", "<="}[r.IntN(4)]
	switch r.IntN(12) {
	case 0:
		return "*"
	case 1:
		return field + ":*"
	case 2:
		return field + ":x*"
	case 3:
		return field + ":/[xy1]+z?/"
	case 4:
		return field + ":xx~"
	case 5, 6:
		return fmt.Sprintf("%s:%s%d", field, compare, r.IntN(5)-2)
	case 7:
		return fmt.Sprintf("rank:%s%d", compare, r.IntN(300)-150)
	case 8:
		return fmt.Sprintf(`%s:%s"%s"`, field, compare, time.Unix(int64(r.IntN(3)), int64(r.IntN(2))).UTC().Format(time.RFC3339Nano))
	case 9:
		return "x"
	}
	return field + ":" + randomText(r)
}

// TestIndexWindows: goal, what two bounds leave is found however the search goes about it; method, windows of every width
// over numbers of which some documents have several, together with a list.
func TestIndexWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	x, m := NewIndex[int](OldestFirst), &model{documents: map[int]*Document{}}
	for key := range 3000 {
		make := func() *Document {
			d := &Document{}
			d.Number("skill", float64(key*7919%3000))
			if key%500 == 0 {
				d.Number("skill", float64(key))
			}
			d.Keyword("region", []string{"eu", "us", "asia"}[key%3])
			return d
		}
		x.Put(key, make())
		m.put(key, make())
	}
	for width := 1; width < 3000; width += 1 + width/4 {
		low := r.IntN(3000 - width)
		compareSearch(t, x, m, OldestFirst, fmt.Sprintf("+skill:>=%d +skill:<%d", low, low+width), 3000)
		compareSearch(t, x, m, OldestFirst, fmt.Sprintf("+region:eu +skill:>=%d +skill:<%d", low, low+width), 3000)
		compareSearch(t, x, m, OldestFirst, fmt.Sprintf("region:eu skill:<%d", width), 3000)
	}
}

func TestIndexOrder(t *testing.T) {
	f := func(order Order, text string, want ...int) {
		t.Helper()
		x := NewIndex[int](order)
		for key := range 4 {
			d := &Document{}
			d.Number("n", float64(key))
			x.Put(key, d)
		}
		again := &Document{}
		again.Number("n", 1)
		again.Keyword("is", "second")
		x.Put(1, again) // keeps its place
		q, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		x.Search(q, func(key int, _ float64) bool { got = append(got, key); return true })
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	f(OldestFirst, "", 0, 1, 2, 3)
	f(NewestFirst, "", 3, 2, 1, 0)
	f(NewestFirst, "+n:>0", 3, 2, 1)
	f(NewestFirst, "+* n:2 n:1^2", 1, 2, 3, 0)
	f(OldestFirst, "is:second n:>=2", 1, 2, 3)
	f(OldestFirst, "is:second is:first is:second^2 n:3^3", 1, 3)
}

// TestIndexRenumbers: when places have run out, all documents get new ones, and their order stays.
func TestIndexRenumbers(t *testing.T) {
	for _, order := range []Order{OldestFirst, NewestFirst} {
		r := rand.New(rand.NewPCG(3, 1))
		x, m := NewIndex[int](order), &model{documents: map[int]*Document{}}
		for range 100 {
			change(r, x, m, 50)
		}
		x.place = placeMax - 20
		for range 100 {
			change(r, x, m, 50)
		}
		if x.place > 1000 {
			t.Fatalf("place %d", x.place)
		}
		for range 50 {
			compareSearch(t, x, m, order, randomQuery(r), 100)
		}
	}
}

func TestIndexGet(t *testing.T) {
	x := NewIndex[string](OldestFirst)
	d := &Document{}
	d.Keyword("a", "b")
	x.Put("k", d)
	if x.Get("k") != d || x.Get("other") != nil {
		t.Error("Get finds something else")
	}
	x.Remove("k")
	x.Remove("k")
	if x.Get("k") != nil || x.Len() != 0 {
		t.Error("it is still there")
	}
}

// FuzzIndex: no text makes a search find anything else than Match does.
func FuzzIndex(f *testing.F) {
	for _, text := range []string{"+a:x -b:>1", "a:x b:y^2 c:/x.*/", "+a:1", "rank:<3", "+rank:>-50 +rank:<=50 a:*", "+a:xy~2 *", "-*"} {
		f.Add(text, uint64(1))
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		q, err := Parse(text)
		if err != nil {
			return
		}
		r := rand.New(rand.NewPCG(seed, 1))
		x, m := NewIndex[int](NewestFirst), &model{documents: map[int]*Document{}}
		for range 60 {
			change(r, x, m, 40)
		}
		if got, want := search(x, q, 100), m.search(q, NewestFirst); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestBlocksAgainstSlice: a set in pieces is the same set.
func TestBlocksAgainstSlice(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	var b blocks[ref]
	var plain []ref
	for step := range 20_000 {
		e := ref(r.IntN(6000))
		i, known := slices.BinarySearch(plain, e)
		grows := step/5000%2 == 0
		switch {
		case !known && (grows || r.IntN(8) == 0):
			b.add(e)
			plain = slices.Insert(plain, i, e)
		case known && (!grows || r.IntN(8) == 0):
			b.remove(e)
			plain = slices.Delete(plain, i, i+1)
		}
	}
	if got := slices.Concat(b.list...); !slices.Equal(got, plain) || b.count != len(plain) {
		t.Fatalf("%d elements, want %d", len(got), len(plain))
	}
	for _, e := range slices.Clone(plain) {
		b.remove(e)
		if n := len(b.list); n > 2+b.count*4/blockMax {
			t.Fatalf("%d blocks for %d elements", n, b.count)
		}
	}
}

// TestIndexChoices: goal, a score that one text of a field cannot reach alone comes first all the same; method, documents
// with one text and with two, the best of them last, and clauses of which some exclude each other.
func TestIndexChoices(t *testing.T) {
	f := func(several bool, texts ...string) {
		t.Helper()
		x, m := NewIndex[int](OldestFirst), &model{documents: map[int]*Document{}}
		make := func(key int) *Document {
			d := &Document{}
			d.Keyword("a", []string{"x", "y", "z"}[key%3])
			if several && key == 29 {
				d.Keyword("a", "x")
			}
			d.Keyword("b", []string{"1", "2"}[key/20])
			return d
		}
		for key := range 30 {
			x.Put(key, make(key))
			m.put(key, make(key))
		}
		for _, text := range texts {
			compareSearch(t, x, m, OldestFirst, text, 30)
			compareSearch(t, x, m, OldestFirst, text, 3)
		}
		x.Remove(29)
		m.remove(29)
		for _, text := range texts {
			compareSearch(t, x, m, OldestFirst, text, 30)
		}
	}
	texts := []string{
		"a:x a:y", "a:x a:z", "a:x^2 a:z", "a:z a:x a:y^3", "a:y a:z a:z", "a:z^2 a:x a:x a:x", "a:x^0.5 a:z^0.25", "+b:2 a:x a:z",
		"b:1 b:2 a:z", "a:x a:z -b:1", "a:z* a:x", "a:x a:z b:2^4",
	}
	f(false, texts...)
	f(true, texts...)
}
