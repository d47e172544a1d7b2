package rank

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/id"
)

func owner(n uint64) (u id.UUID) {
	binary.BigEndian.PutUint64(u[:], n*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(u[8:], n)
	return u
}

// model is a sorted slice: what a Board should say.
type model struct {
	b    *Board
	keys []Key
}

func (m *model) at(o id.UUID) int {
	return slices.IndexFunc(m.keys, func(k Key) bool { return k.Owner == o })
}

func (m *model) set(k Key) {
	m.remove(k.Owner)
	i := 0
	for i < len(m.keys) && m.b.before(&m.keys[i], &k) {
		i++
	}
	m.keys = slices.Insert(m.keys, i, k)
}

func (m *model) remove(o id.UUID) {
	if i := m.at(o); i >= 0 {
		m.keys = slices.Delete(m.keys, i, i+1)
	}
}

// check compares everything that can be asked.
func (m *model) check(t *testing.T) {
	t.Helper()
	if m.b.Len() != len(m.keys) {
		t.Fatalf("%d records, want %d", m.b.Len(), len(m.keys))
	}
	for i, k := range m.keys {
		if rank, ok := m.b.Rank(k.Owner); !ok || rank != i+1 {
			t.Fatalf("rank %d of %v, want %d", rank, k, i+1)
		}
		if got, ok := m.b.At(i + 1); !ok || got != k {
			t.Fatalf("at rank %d is %v, want %v", i+1, got, k)
		}
	}
	if n := len(m.keys); n > 0 {
		all, first, rank, count := m.b.Around(nil, m.keys[n/2].Owner, func(_, count int) (int, int) { return 1, count })
		if !slices.Equal(all, m.keys) || first != 1 || rank != n/2+1 || count != n {
			t.Fatalf("around rank %d of %d: from %d, %d records", rank, count, first, len(all))
		}
	}
	invariants(t, m.b)
}

// invariants holds the tree against its own description.
func invariants(t *testing.T, b *Board) {
	t.Helper()
	var walk func(at, parent uint32, height int, low *Key) uint32
	walk = func(at, parent uint32, height int, low *Key) (below uint32) {
		if height == 0 {
			l := b.leaves.at(at)
			if l.parent != parent {
				t.Fatalf("leaf %d says its parent is %d, not %d", at, l.parent, parent)
			}
			for _, n := range l.items[:l.count] {
				e := b.entries.at(n)
				if e.leaf != at || low != nil && b.before(&e.Key, low) {
					t.Fatalf("entry %d of leaf %d is in %d, key %v below %v", n, at, e.leaf, e.Key, low)
				}
			}
			return uint32(l.count)
		}
		nd := b.nodes.at(at)
		if nd.parent != parent || nd.count < 1 {
			t.Fatalf("node %d: parent %d, not %d; %d children", at, nd.parent, parent, nd.count)
		}
		for i := range nd.count {
			if i > 0 {
				low = &nd.keys[i]
			}
			n := walk(nd.children[i], at, height-1, low)
			if n != nd.below[i] {
				t.Fatalf("node %d child %d: %d below, counted %d", at, i, nd.below[i], n)
			}
			below += n
		}
		return below
	}
	if n := walk(b.root, 0, b.height, nil); int(n) != b.count {
		t.Fatalf("%d entries, counted %d", n, b.count)
	}
}

func TestModel(t *testing.T) {
	for _, descending := range []bool{false, true} {
		for _, spread := range []int64{1, 50, 1 << 40} {
			t.Run(fmt.Sprintf("%t %d", descending, spread), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(1, uint64(spread)))
				m := &model{b: New(descending)}
				for step := range 6000 {
					o := owner(r.Uint64N(1500))
					growing := step%3000 < 2000
					if r.IntN(10) < 7 == growing {
						k := Key{r.Int64N(spread), r.Int64N(2), o}
						m.b.Set(k, uint64(step))
						m.set(k)
					} else {
						m.b.Remove(o, uint64(step))
						m.remove(o)
					}
					if step%500 == 0 {
						m.check(t)
					}
				}
				for _, k := range slices.Clone(m.keys) {
					m.b.Remove(k.Owner, 6000)
					m.remove(k.Owner)
					invariants(t, m.b)
				}
				m.check(t)
			})
		}
	}
}

// TestInOrder fills boards as a warm start does, and the other way round, until nodes have nodes above them.
func TestInOrder(t *testing.T) {
	const n = 300_000
	for name, score := range map[string]func(i int) int64{
		"up":   func(i int) int64 { return int64(i) },
		"down": func(i int) int64 { return int64(n - i) },
	} {
		b := New(false)
		for i := range n {
			b.Set(Key{Score: score(i), Owner: owner(uint64(i))}, 0)
		}
		invariants(t, b)
		for i := 0; i < n; i += 999 {
			want := i + 1
			if name == "down" {
				want = n - i
			}
			if rank, _ := b.Rank(owner(uint64(i))); rank != want {
				t.Fatalf("%s: record %d has rank %d, want %d", name, i, rank, want)
			}
		}
		for i := range n {
			if i%100 != 0 {
				b.Remove(owner(uint64(i)), 1)
			}
		}
		invariants(t, b)
		leaves := 0
		for at := range uint32(len(b.leaves.chunks)) {
			for i := range b.leaves.chunks[at] {
				if b.leaves.chunks[at][i].count > 0 {
					leaves++
				}
			}
		}
		if leaves > n/100/10 {
			t.Errorf("%s: %d records in %d leaves", name, n/100, leaves)
		}
	}
}

// TestOrderOfCommits: callbacks of two commits may run in the wrong order.
func TestOrderOfCommits(t *testing.T) {
	b, o := New(true), owner(1)
	want := func(score int64, ok bool) {
		t.Helper()
		k, found := b.At(1)
		if found != ok || k.Score != score {
			t.Errorf("the first is %v, %t; want score %d, %t", k, found, score, ok)
		}
	}
	b.Set(Key{Score: 2, Owner: o}, 7)
	b.Set(Key{Score: 1, Owner: o}, 6)
	want(2, true)
	b.Set(Key{Score: 3, Owner: o}, 7) // twice in one batch
	want(3, true)
	b.Remove(o, 6)
	want(3, true)
	b.Remove(o, 9)
	b.Set(Key{Score: 4, Owner: o}, 8)
	want(0, false)
	for i := range uint64(removedMax) { // so many more are not too many
		b.Remove(owner(i+2), 9)
	}
	b.Set(Key{Score: 4, Owner: o}, 8)
	want(0, false)
	b.Set(Key{Score: 5, Owner: o}, 10)
	want(5, true)

	seen := b.Version(o)
	b.Set(Key{Score: 6, Owner: o}, 11)
	b.Settle(o, nil, seen)
	want(6, true)
	b.Settle(o, &Key{Score: 8, Owner: o}, b.Version(o))
	want(8, true)
	b.Settle(o, nil, b.Version(o))
	want(0, false)
	if len(b.removed.young)+len(b.removed.old) > 2*removedMax {
		t.Error("what is removed is remembered for ever")
	}
}

func TestMemory(t *testing.T) {
	const bytesMax = 72
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{10_000, 100_000} {
		b := New(true)
		for i := range n {
			b.Set(Key{Score: r.Int64N(1 << 30), Owner: owner(uint64(i))}, 1)
		}
		for range 2 * n {
			b.Set(Key{Score: r.Int64N(1 << 30), Owner: owner(r.Uint64N(uint64(n)))}, 1)
		}
		if per := b.Bytes() / n; per > bytesMax {
			t.Errorf("%d bytes a record at %d records, want at most %d", per, n, bytesMax)
		}
	}
	if b := New(true); b.Bytes() > 2000 {
		t.Errorf("an empty board has %d bytes", b.Bytes())
	}
}

func FuzzBoard(f *testing.F) {
	f.Add([]byte("some operations, three bytes each"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		m := &model{b: New(len(ops)%2 == 0)}
		for ; len(ops) >= 3; ops = ops[3:] {
			o := owner(uint64(ops[0]))
			if ops[1] < 200 {
				k := Key{int64(ops[1]), int64(ops[2]), o}
				m.b.Set(k, 1)
				m.set(k)
			} else {
				m.b.Remove(o, 1)
				m.remove(o)
			}
		}
		m.check(t)
	})
}

func BenchmarkBoard(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		board, r := New(true), rand.New(rand.NewPCG(1, 2))
		for i := range n {
			board.Set(Key{Score: r.Int64N(1 << 30), Owner: owner(uint64(i))}, 1)
		}
		b.Run(fmt.Sprintf("Rank/%d", n), func(b *testing.B) {
			for b.Loop() {
				board.Rank(owner(r.Uint64N(uint64(n))))
			}
			b.ReportMetric(float64(board.Bytes())/float64(n), "B/record")
		})
		b.Run(fmt.Sprintf("Set/%d", n), func(b *testing.B) {
			for b.Loop() {
				board.Set(Key{Score: r.Int64N(1 << 30), Owner: owner(r.Uint64N(uint64(n)))}, 1)
			}
		})
		dst := make([]Key, 0, 100)
		b.Run(fmt.Sprintf("Around100/%d", n), func(b *testing.B) {
			for b.Loop() {
				dst, _, _, _ = board.Around(dst[:0], owner(r.Uint64N(uint64(n))), func(rank, count int) (int, int) { return max(1, rank-50), min(count, rank+49) })
			}
		})
	}
}
