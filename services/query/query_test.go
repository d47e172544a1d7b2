package query

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

const sample = `{
	"mode": "ranked", "map": "dust 2", "level": 5, "rank": "5", "gap": -2.5, "open": true, "closed": false,
	"tags": ["fast", "new"], "sizes": [2, 4], "a": {"b": {"c": "deep"}}, "list": [{"x": "one"}, {"x": "two"}], "none": null,
	"day": "2026-01-02", "at": "2026-01-02T03:04:05Z", "local": "2026-01-02 03:04:05", "almost": "2026-01-02x",
	"odd": "a+b:c*", "path": "maps/dust", "word": "straße", "empty": ""
}`

func sampleDocument(t testing.TB) *Document {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(sample), &v); err != nil {
		t.Fatal(err)
	}
	d := &Document{}
	d.Value("label", v)
	d.Number("max_size", 4)
	d.Keyword("node", "2026-01-02")
	d.Bool("open", true)
	d.Date("create_time", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return d
}

func TestMatch(t *testing.T) {
	d := sampleDocument(t)
	f := func(text string, want bool) {
		t.Helper()
		q, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		if _, ok := q.Match(d); ok != want {
			t.Errorf("%s: %t, want %t", text, ok, want)
		}
	}
	// signs
	f("", true)
	f("  ", true)
	f("*", true)
	f("+*", true)
	f("-*", false)
	f("+label.mode:ranked", true)
	f("+label.mode:casual", false)
	f("-label.mode:ranked", false)
	f("-label.mode:casual", true)
	f("label.mode:casual label.level:5", true)
	f("label.mode:casual label.level:6", false)
	f("+label.mode:ranked label.level:6", true)
	f("+label.mode:ranked -label.level:5", false)
	f("label.level:6 -label.mode:casual", false)
	f("+ label.mode:ranked", true)
	f("label.mode: ranked", true)
	// terms without a field
	f("ranked", false)
	f("+ranked", false)
	f("-ranked", true)
	f("label.mode:ranked OR label.mode:casual", true)
	f("+label.mode:ranked AND +label.level:5", true)
	f("+label.mode:ranked AND +label.level:6", false)
	f(`"ranked"`, false)
	f("/ranked/", false)
	f("rank*", false)
	f("5", false)
	f("-5", true)
	f("(label.mode:ranked)", false)
	// whole values, letter by letter
	f("label.mode:Ranked", false)
	f("label.mode:rank", false)
	f("mode:ranked", false)
	f("label:ranked", false)
	f("label.a.b.c:deep", true)
	f("label.tags:new", true)
	f("label.tags:old", false)
	f("label.list.x:two", true)
	f("label.sizes:4", true)
	f("label.none:null", false)
	f("-label.none:*", true)
	f("label.missing:x", false)
	f(`label.map:dust\ 2`, true)
	f("label.map:dust 2", false)
	f(`label.map:"dust 2"`, false)
	f(`label.odd:a\+b\:c\*`, true)
	f(`label.odd:a+b\:c\*`, true)
	f("label.path:maps/dust", true)
	f(`label.mode:r\anked`, false)
	// wildcards
	f("label.mode:rank*", true)
	f("label.mode:*ked", true)
	f("label.mode:r*k*d", true)
	f("label.mode:r*x*d", false)
	f("label.mode:r?nked", true)
	f("label.mode:rank?", false)
	f("label.word:stra?e", true)
	f("label.mode:*", true)
	f("label.level:*", true)
	f("label.day:*", true)
	f("label.empty:*", true)
	f("label.missing:*", false)
	f(`label.mode:rank\*`, false)
	f("label.level:5*", false)
	f("label.rank:?", true)
	// expressions
	f("label.mode:/ran(k|g)ed/", true)
	f("label.mode:/rank/", false)
	f("label.mode:/rank|ranked/", true)
	f("label.mode:/anked/", false)
	f("label.mode:/rank|x/", false)
	f("label.path:/maps\\/.*/", true)
	f("label.map:/dust \\d/", true)
	f(`label.mode:/\Qranked/`, true)
	f("label.level:/5/", false)
	f("label.mode:/(a*)*b/", false)
	// numbers
	f("label.level:5", true)
	f("label.level:5.0", true)
	f("label.rank:5", true)
	f("label.rank:5.0", false)
	f("label.gap:-2.5", true)
	f("label.level:>4", true)
	f("label.level:>5", false)
	f("label.level:>=5", true)
	f("label.level:<6", true)
	f("label.level:<5", false)
	f("label.level:<=5", true)
	f("label.gap:<-2", true)
	f("label.gap:>-2.6", true)
	f("label.rank:>4", false)
	f("+label.level:>=5 +label.level:<=10", true)
	f("+max_size:4 +label.sizes:>3", true)
	// truths
	f("label.open:T", true)
	f("label.open:true", false)
	f("label.closed:F", true)
	f("+open:T", true)
	// dates
	f(`label.day:>"2026-01-01"`, true)
	f(`label.day:>="2026-01-02T00:00:00Z"`, true)
	f(`label.day:>"2026-01-02"`, false)
	f(`label.at:<"2026-01-02T05:04:06+02:00"`, true)
	f(`label.local:<="2026-01-02T03:04:05"`, true)
	f(`create_time:<"2026-01-02"`, false)
	f("label.day:2026-01-02", false)
	f("label.day:2026*", false)
	f("label.almost:2026-01-02x", true)
	f("node:2026-01-02", true)
	f(`label.mode:>"2026-01-02"`, false)
	// within edits
	f("label.mode:renked~", true)
	f("label.mode:anked~1", true)
	f("label.mode:rankedd~", true)
	f("label.mode:rnkd~", false)
	f("label.mode:rnkd~2", true)
	f("label.mode:ranked~0", true)
	f("label.mode:renked~0", false)
	f("label.word:strasse~2", true)
	f("label.level:6~", false)
}

func TestScore(t *testing.T) {
	d := sampleDocument(t)
	f := func(text string, want float64) {
		t.Helper()
		q, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if score, ok := q.Match(d); !ok || score != want {
			t.Errorf("%s: %v, %t; want %v", text, score, ok, want)
		}
	}
	f("", 0)
	f("*", 1)
	f("*^3", 3)
	f("-label.mode:casual^5", 0)
	f("+label.mode:ranked", 1)
	f("+label.mode:ranked^2 label.level:5^0.5 label.level:6^9", 2.5)
	f("label.tags:* label.sizes:>1^2", 3)
	f("label.mode:/ran.*/^4", 4)
	f("label.mode:renked~1^2", 2)
	f("label.mode:rank*^2", 2)
	f(`label.map:"dust 2"^7 +*`, 1)
}

func TestRefusedTexts(t *testing.T) {
	f := func(text string, want error) {
		t.Helper()
		q, err := Parse(text)
		if !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", text, err, want)
		}
		if q != nil {
			if _, ok := q.Match(sampleDocument(t)); ok || want != ErrExpression {
				t.Errorf("%.40s: there is a query, and it matches: %t", text, ok)
			}
		}
	}
	for _, text := range []string{
		"field:", "+field:", "field: ", "+", "-", "a:b +", "+-a:b", "--a:b", ":b", ">abc", ">5", "a:>", "a:>abc", "a:>=", "a:>5x", `a:>"b"`, "a:>*",
		`"open`, `a:"open`, `a:"open\"`, "a:/open", "/open", `a:/open\/`, "a:b:c", "a:+b", "a:-b", "a:-", "a:=b", "a:b^", "a:b^x", "a:b^-1", "a:b^1.2.3",
		"a:b~3", "a:b~1.5", "a:b~x", "a:b^2c", `a:"b"c`, "a:/b/c", "^2", "~", "a:^2", "a:~2", "=", "a:b^" + strings.Repeat("9", 400),
		"a:>" + strings.Repeat("9", 400), strings.Repeat("x", textMax+1),
	} {
		f(text, ErrSyntax)
	}
	for _, text := range []string{
		"label.mode:/a(/", "+* label.mode:/[/", `*  -label.mode:/\8/`, "label.mode:/a{1001}/", "label.mode:/(a{100}){100}/",
		"label.mode:/((((a{9}){9}){9}){9}){9}/", `label.mode:/(\pL{10}){10}/`, "label.mode:/" + strings.Repeat("a{1000}", 6) + "/",
	} {
		f(text, ErrExpression)
	}
}

// TestWildcardsAgainstExpressions: goal, the one-pass matcher finds what a slow and obvious one does; method, all patterns
// of up to five signs against all texts of up to five letters.
func TestWildcardsAgainstExpressions(t *testing.T) {
	patterns, texts := words([]rune{'a', 'é', anyRun, anyOne}, 5), words([]rune{'a', 'é'}, 5)
	for _, p := range patterns {
		text := string(p.literal())
		re := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(text) + "$")
		for _, value := range texts {
			if got, want := p.matches(string(value)), re.MatchString(string(value)); got != want {
				t.Fatalf("%s against %s: %t, want %t", text, string(value), got, want)
			}
		}
	}
}

// TestEditsAgainstTable: goal and method as above, with the table of distances as everybody knows it.
func TestEditsAgainstTable(t *testing.T) {
	all := words([]rune{'a', 'b'}, 5)
	for _, a := range all {
		for _, b := range all {
			d := distance(a, b)
			for edits := range editsMax + 1 {
				if got := within(a, b, edits); got != (d <= edits) {
					t.Fatalf("%s and %s are %d apart, within %d: %t", string(a), string(b), d, edits, got)
				}
			}
		}
	}
}

// words are all of these letters up to a length.
func words(letters []rune, length int) []word {
	all := []word{nil}
	for from := 0; length > 0; length-- {
		to := len(all)
		for _, w := range all[from:to] {
			for _, c := range letters {
				all = append(all, append(w[:len(w):len(w)], c))
			}
		}
		from = to
	}
	return all
}

func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// TestLongTexts: goal, no query takes longer than its size times the document's; method, the worst that is known for
// matchers that go back, which would not end.
func TestLongTexts(t *testing.T) {
	d := &Document{}
	d.Keyword("a", strings.Repeat("a", 2048))
	for _, text := range []string{
		"a:" + strings.Repeat("*a", 1000) + "b", "a:/(a*)*b/", "a:/" + strings.Repeat("a?", 1000) + strings.Repeat("a", 1000) + "b/",
		"a:" + strings.Repeat("a", 2047) + "bbb~2",
	} {
		q, err := Parse(text)
		if err != nil {
			t.Fatalf("%.20s: %v", text, err)
		}
		if _, ok := q.Match(d); ok {
			t.Errorf("%.20s matches", text)
		}
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	d := sampleDocument(t)
	q, err := Parse(`+label.mode:rank* +label.level:>=5 -label.map:x label.tags:new^2 label.day:>"2026-01-01"`)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { q.Match(d) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParse: no text may do more than be refused, and what is understood may be asked of any document.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "*", "+label.mode:ranked -label.level:5^2 label.map:dust*", `a:"b c" d:/e|f/ g:>=5 h:<"2026-01-02"`, "a:b~2^3", `a\:b:c\ d`, "a:>abc", `x:/a(/`, "+", "a:?*?*b",
	} {
		f.Add(text, "ranked")
	}
	f.Fuzz(func(t *testing.T, text, val string) {
		q, err := Parse(text)
		if err != nil {
			if q == nil == errors.Is(err, ErrExpression) {
				t.Errorf("%v, and a query: %t", err, q != nil)
			}
			return
		}
		d := sampleDocument(t)
		d.Text("a", val)
		score, ok := q.Match(d)
		if score < 0 || score != score || !ok && score != 0 {
			t.Errorf("score %v", score)
		}
		if again, err := Parse(" " + text + " "); err != nil && !strings.HasSuffix(text, `\`) {
			t.Errorf("with spaces around it: %v", err)
		} else if err == nil && !strings.HasSuffix(text, `\`) {
			if s, o := again.Match(d); s != score || o != ok {
				t.Error("with spaces around it, it asks for something else")
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	d := sampleDocument(b)
	q, err := Parse("+label.mode:ranked +label.level:>=5 -label.map:x label.tags:new^2")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		q.Match(d)
	}
}
