package pool

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/query"
)

// ticketOf makes a ticket of a few words:
//
//	NAME MIN-MAX [xMULTIPLE] [wWEIGHT] [pPARTY] [sSESSION] [standing] [FIELD=TEXT] [FIELD=#NUMBER] [? QUERY]
func ticketOf(t testing.TB, line string) *Ticket {
	t.Helper()
	line, text, _ := strings.Cut(line, "?")
	words := strings.Fields(line)
	k := &Ticket{Document: &query.Document{}, Multiple: 1, Weight: 1, Owner: words[0]}
	fmt.Sscanf(words[1], "%d-%d", &k.Min, &k.Max)
	for _, w := range words[2:] {
		var n float64
		if field, value, ok := strings.Cut(w, "="); ok {
			if _, err := fmt.Sscanf(value, "#%g", &n); err == nil {
				k.Document.Number("properties."+field, n)
			} else {
				k.Document.Text("properties."+field, value)
			}
			continue
		}
		fmt.Sscanf(w[1:], "%g", &n)
		switch {
		case w == "standing":
			k.Standing = true
		case w[0] == 'x':
			k.Multiple = int(n)
		case w[0] == 'w':
			k.Weight = int(n)
		case w[0] == 'p':
			k.Party = id.UUID{1, byte(n)}
		case w[0] == 's':
			k.Sessions = append(k.Sessions, id.UUID{2, byte(n)})
		}
	}
	q, err := query.Parse(strings.TrimSpace(text))
	if q == nil {
		t.Fatalf("%s: %v", text, err)
	}
	k.Query = q
	return k
}

func names(m Match) string {
	var list []string
	for _, k := range m {
		list = append(list, fmt.Sprint(k.Owner))
	}
	return strings.Join(list, " ")
}

func allNames(list []Match) string {
	var texts []string
	for _, m := range list {
		texts = append(texts, names(m))
	}
	return strings.Join(texts, ", ")
}

const all = 1 << 30

// play adds tickets, one a line, and says what matches; "round" is a round, "-NAME" takes a ticket out, "now" shows what
// has matched so far. What matches at the end comes last.
func play(t testing.TB, c Config, script string) string {
	t.Helper()
	p := New(c)
	byName := map[string]*Ticket{}
	var told []string
	show := func() { told = append(told, allNames(p.Step(all, nil))) }
	created := int64(0)
	for line := range strings.SplitSeq(script, ";") {
		switch line = strings.TrimSpace(line); {
		case line == "round":
			p.Round()
		case line == "now":
			show()
		case line[0] == '-':
			p.Remove(byName[line[1:]])
		default:
			k := ticketOf(t, line)
			created++
			k.Created = created
			byName[k.Owner.(string)] = k
			if err := p.Add(k); err != nil {
				t.Fatal(err)
			}
		}
	}
	show()
	return strings.Join(told, " | ")
}

// TestRules is the table of what clients can count on.
func TestRules(t *testing.T) {
	f := func(script, want string) {
		t.Helper()
		if got := play(t, Config{RoundsMax: 2}, script); got != want {
			t.Errorf("%s:\n got %s\nwant %s", script, got, want)
		}
	}
	// sizes
	f("a 2-2; b 2-2", "b a")
	f("a 2-2; b 2-2; c 2-2", "b a")
	f("a 2-2; now; b 2-2; now; c 2-2; d 2-2", " | a b | d c")
	f("a 2-4; b 2-4; now; round; now; round", " |  | b a")
	f("a 2-4; b 2-4; c 2-4; d 2-4", "b c d a")
	f("a 2-4; b 2-4; c 2-4; d 2-4; e 2-4", "b c d a")
	f("a 2-2; b 2-4; now; round; now; round", " |  | a b")
	f("a 2-2; b 3-3; round; round; round", "")
	f("a 2-4; b 3-4; round; now; round", " | ")
	f("a 2-4; b 3-4; c 2-4; round; round", "b c a")
	f("a 2-4; b 4-4; c 2-4; round; round", "c a")
	f("a 2-4; b 2-3; c 2-3; round; round", "b c a") // no more than anybody allows
	f("a 2-4; b 2-2; c 2-4; d 2-4; e 2-4", "c d e a")
	// multiples
	f("a 2-4 x2; b 2-4 x2; c 2-4 x2; round; now; round", " | c a")
	f("a 2-6 x2; b 2-6 x3; c 2-6; round; round", "c a")
	f("a 4-8 x4; b 4-8 x4 w2; c 4-8 x4; d 4-8 x4; round; round", "b d a")
	f("a 3-6 x3; b 3-6 x3 w2; c 3-6 x3 w2; round; round", "c a")
	f("a 3-6 x3; b 3-6 x3 w3; round; round", "")
	// parties
	f("a 4-4 w2 p1; b 4-4 w2 p2", "b a")
	f("a 4-4 w3 p1; b 4-4 w2 p2; c 4-4", "c a")
	f("a 4-4 w2 p1; b 4-4 w2 p1; round", "")
	f("a 2-2 w2 p1; b 2-2; round; round", "")
	f("a 5-5; b 5-5 w3; c 5-5 w2; d 5-5", "b d a")
	f("a 2-4 w3 p1; b 2-4; c 2-4", "b a")
	// sessions
	f("a 2-2 s1; b 2-2 s1; round; now; c 2-2 s2", " | a c")
	f("a 3-3 s1; b 3-3 s2; c 3-3 s2; now; d 3-3 s3", " | a b d")
	f("a 2-4 s1; b 2-4 s2; c 2-4 s1; round; round", "b a") // the last candidate is no candidate: no matter
	// rounds: who has searched enough is only found
	f("a 2-2; round; now; b 2-2", " | a b")
	f("a 2-2 ? +properties.x:y; round; now; b 2-2 x=y ? +properties.x:z; round", " | ")
	f("a 2-3; round; round; now; b 2-3; round; now; round", " |  | a b")
	f("a 2-2; -a; b 2-2", "")
	f("a 2-2; now; b 2-2; -a", " | ")
	// queries: one-sided, the best score and then the oldest
	f("a 2-2 r=eu ? +properties.r:us; b 2-2 r=us ? +properties.r:asia", "b a")
	f("a 2-2 r=eu ? +properties.r:us; now; b 2-2 r=us ? +properties.r:asia", " | b a")
	f("a 2-2 r=eu ? +properties.r:us; b 2-2 r=eu ? +properties.r:us; round; round", "")
	f("a 2-2 s=#5 ? +properties.s:>=8 +properties.s:<=10; b 2-2 s=#7 ? -*; c 2-2 s=#8 ? -*", "c a")
	f("b 2-2 m=x ? +properties.z:z; c 2-2 m=y ? +properties.z:z; a 2-2 ? properties.m:x properties.m:y^2", "c a")
	f("b 2-2 m=y ? +properties.z:z; c 2-2 m=y ? +properties.z:z; a 2-2 ? properties.m:x properties.m:y^2", "b a")
	f("a 2-2 ? properties.m:/a(/; b 2-2 ? properties.m:/a(/; round", "")
	f("a 2-2 ? properties.m:/a(/; b 2-2", "a b")
	f("a 3-3 ? +properties.k:1; now; b 3-3 k=1 ? -*; now; c 3-3 k=1 ? -*", " |  | b c a")
	// standing ones search for ever, for any size
	f("a 7-10 w6 standing; now; b 2-10; now", " | b a | ")
	f("a 7-10 w6 standing; round; round; round; now; b 8-10", " | ")
	f("a 7-10 w6 standing; b 8-10; c 2-10; now", "b c a | ")
	f("a 7-10 w6 standing; now; b 8-10; now; c 2-16; now", " |  | b c a | ")
	f("b 8-10; c 2-10; a 7-10 w6 standing; now", "b c a | ")
	f("a 7-10 w6 standing s9; b 7-10 w2 standing s9; round", "")
}

func TestMutual(t *testing.T) {
	f := func(script, want string) {
		t.Helper()
		if got := play(t, Config{RoundsMax: 2, Mutual: true}, script); got != want {
			t.Errorf("%s:\n got %s\nwant %s", script, got, want)
		}
	}
	f("a 2-2 r=eu ? +properties.r:us; b 2-2 r=us ? +properties.r:asia; round; round", "")
	f("a 2-2 r=eu ? +properties.r:us; b 2-2 r=us ? +properties.r:eu", "b a")
	f("a 3-3 g=a ? -properties.g:c; b 3-3 g=b; c 3-3 g=c; round; round", "")
	f("a 2-3 g=a ? -properties.g:c; b 2-3 g=b; c 2-3 g=c; round; round", "b a")
	f("a 3-3; b 3-3 g=b ? -properties.g:c; c 3-3 g=c; now; d 3-3; round", " | a b d")
}

// world is a random stream of tickets for the tests below.
type world struct {
	r     *rand.Rand
	n     int
	plain bool // no parties, no sessions in common
}

func newWorld(seed uint64) *world { return &world{r: rand.New(rand.NewPCG(seed, 1))} }

func (w *world) ticket(t testing.TB) *Ticket {
	w.n++
	pick := func(words ...string) string { return words[w.r.IntN(len(words))] }
	line := fmt.Sprintf("t%d %s r=%s k=#%d ", w.n, pick("2-2", "2-2", "2-4", "2-4 x2", "3-3", "4-4", "2-5", "3-6 x3", "2-3"), pick("eu", "us", "asia"), w.r.IntN(100))
	if !w.plain {
		line += fmt.Sprintf("s%d ", w.r.IntN(200))
		if w.r.IntN(4) == 0 {
			line += fmt.Sprintf("p%d w%d ", w.r.IntN(20), 1+w.r.IntN(3))
		}
	}
	if w.r.IntN(40) == 0 {
		line += "standing "
	}
	low := w.r.IntN(100)
	line += "? " + pick("", "*", "+properties.r:eu", "+properties.r:us", "-properties.r:asia", "properties.r:eu properties.r:us^2",
		fmt.Sprintf("+properties.k:>=%d +properties.k:<%d", low, low+40), fmt.Sprintf("+properties.r:eu +properties.k:>%d", low),
		fmt.Sprintf("+properties.r:us properties.k:>%d^2", low), "+properties.k:7", "properties.r:/e./")
	k := ticketOf(t, line)
	k.Created = int64(w.n)
	return k
}

// TestProperties: goal, nobody is ever in a match that he did not allow, and who leaves is not seen again; method, random
// tickets, removals, steps and rounds, and each match looked at from every side.
func TestProperties(t *testing.T) {
	for seed := range uint64(12) {
		for _, mutual := range []bool{false, true} {
			w, p := newWorld(seed), New(Config{RoundsMax: 1 + int(seed%3), Mutual: mutual})
			gone, byNumber, matches := map[*Ticket]bool{}, []*Ticket(nil), 0
			for range 600 {
				switch w.r.IntN(12) {
				case 0:
					p.Round()
				case 1:
					if len(byNumber) > 0 {
						k := byNumber[w.r.IntN(len(byNumber))]
						gone[k] = true
						p.Remove(k)
					}
				case 2, 3, 4:
					for _, m := range p.Step(1+w.r.IntN(20), nil) {
						checkMatch(t, m, mutual)
						for _, k := range m {
							if gone[k] {
								t.Fatalf("seed %d: %v left the pool before", seed, k.Owner)
							}
							gone[k] = true
						}
						matches++
					}
				default:
					k := w.ticket(t)
					if err := p.Add(k); err != nil {
						t.Fatal(err)
					}
					byNumber = append(byNumber, k)
				}
			}
			here := 0
			for _, k := range byNumber {
				if !gone[k] {
					here++
				}
				if gone[k] == k.in() {
					t.Fatalf("seed %d: %v is gone: %t, in the pool: %t", seed, k.Owner, gone[k], k.in())
				}
				p.Remove(k)
			}
			if here == 0 || matches < 20 || p.Len() != 0 || len(p.partitions)+len(p.sessions)+len(p.searching)+len(p.byTerm)+len(p.rest.list)+p.parties != 0 {
				t.Fatalf("seed %d: %d tickets stayed, %d matches; the pool still has %d, %v", seed, here, matches, p.Len(), p.sessions)
			}
		}
	}
}

// checkMatch looks at a match with the rules as they are written down.
func checkMatch(t testing.TB, m Match, mutual bool) {
	t.Helper()
	total := 0
	for _, k := range m {
		total += k.Weight
	}
	last := m[len(m)-1]
	if len(m) < 2 {
		t.Fatalf("%s is alone", names(m))
	}
	for i, a := range m {
		if total < a.Min || total > a.Max || total%a.Multiple != 0 {
			t.Fatalf("%d players for %v, who allows %d to %d by %d", total, a.Owner, a.Min, a.Max, a.Multiple)
		}
		if a != last && !wanted(last, a) {
			t.Fatalf("%v does not want %v", last.Owner, a.Owner)
		}
		for _, b := range m[i+1:] {
			if a == b || mutual && !(wanted(a, b) && wanted(b, a)) {
				t.Fatalf("%v and %v are in a match", a.Owner, b.Owner)
			}
			for _, s := range a.Sessions {
				if slices.Contains(b.Sessions, s) {
					t.Fatalf("%v and %v share a session", a.Owner, b.Owner)
				}
			}
		}
		if a != last && !a.Party.IsZero() && a.Party == last.Party {
			t.Fatalf("%v and %v are of one party", a.Owner, last.Owner)
		}
	}
}

// TestEqualSeeds: the same calls give the same matches.
func TestEqualSeeds(t *testing.T) {
	run := func(seed uint64) string {
		w, p := newWorld(seed), New(Config{RoundsMax: 2})
		var list []Match
		for i := range 2000 {
			if err := p.Add(w.ticket(t)); err != nil {
				t.Fatal(err)
			}
			if i%100 == 99 {
				p.Round()
			}
			list = p.Step(i%4, list)
		}
		return allNames(p.Step(all, list))
	}
	for seed := range uint64(5) {
		if a, b := run(seed), run(seed); a != b {
			t.Fatalf("seed %d:\n%s\n%s", seed, a, b)
		}
	}
	if run(1) == run(2) {
		t.Error("other tickets, the same matches")
	}
}

// TestNoStarvation: goal, who can be matched is, however many come after him; method, one with few wishes among a stream
// that fits him and each other, and the oldest must never be passed over by his like.
func TestNoStarvation(t *testing.T) {
	p := New(Config{RoundsMax: 2})
	waiting := []string{}
	for n := range 1000 {
		name := fmt.Sprintf("t%d", n)
		if err := p.Add(ticketOf(t, name+" 5-5")); err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, name)
		for _, m := range p.Step(all, nil) {
			for _, k := range m {
				if !slices.Contains(waiting[:5], k.Owner.(string)) {
					t.Fatalf("%v went before %s", k.Owner, waiting[0])
				}
			}
			waiting = waiting[5:]
		}
	}
	if len(waiting) != 0 {
		t.Errorf("%d wait", len(waiting))
	}
}

// TestWaking: goal, a full group is made when its last ticket comes, whoever's query makes it; method, after each ticket
// no active one may find a group that the pool did not. (With parties, sessions in common or mutual wishes who leaves may
// make a group possible too: what fits together depends on the order. Such a group waits for the next arrival or round.)
func TestWaking(t *testing.T) {
	for seed := range uint64(8) {
		w, p := newWorld(seed), New(Config{RoundsMax: 2})
		w.plain = true
		woken := 0
		for n := range 400 {
			if err := p.Add(w.ticket(t)); err != nil {
				t.Fatal(err)
			}
			if n%60 == 59 {
				p.Round()
			}
			for _, m := range p.Step(all, nil) {
				if m[len(m)-1].number != p.number {
					woken++
				}
			}
			for k := range p.searching {
				missing := k.missing
				if m := p.search(k, k.Standing); m != nil {
					t.Fatalf("seed %d: %s was not found by %v (missing %d)", seed, names(m), k.Owner, missing)
				}
				k.missing = missing
			}
		}
		if woken == 0 {
			t.Errorf("seed %d: nobody was woken", seed)
		}
	}
}

func TestExplain(t *testing.T) {
	p := New(Config{RoundsMax: 2, Mutual: true})
	var first *Ticket
	for _, line := range []string{
		"a 3-4 s1 p1 r=eu k=#5 ? +properties.r:eu -properties.k:>8 properties.k:*^2",
		"b 3-4 s1 r=us", "c 2-4 p1 r=eu k=#9", "d 3-5 r=eu k=#1 ? +properties.r:us", "e 3-4 r=eu w2 k=#1 ? properties.k:4 properties.k:5",
	} {
		k := ticketOf(t, line)
		if first == nil {
			first = k
		}
		if err := p.Add(k); err != nil {
			t.Fatal(err)
		}
	}
	e, ok := p.Explain(first)
	want := `{4 [{+properties.r:eu 1} {-properties.k:>8 1}] 0 2 1 1 1 1 2 2 3 true 0 2}`
	if got := fmt.Sprint(e); got != want || !ok {
		t.Errorf(" got %s\nwant %s", got, want)
	}
	p.Remove(first)
	if _, ok := p.Explain(first); ok {
		t.Error("a ticket that is gone is explained")
	}
}
