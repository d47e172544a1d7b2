package query

import (
	"math"
	"regexp"
	"regexp/syntax"
	"strconv"
	"time"
	"unicode/utf8"
)

// condition is what a clause asks of a document.
type condition struct {
	kind  conditionKind
	field string            // of ofField
	test  func(*value) bool // of ofField: one of the field's values must pass it

	// What an Index can look up instead of asking every document. Nothing is set when it cannot.
	exact   bool    // text is what the value must be, or number
	text    string  //
	numeric bool    // exact: it may also be number
	number  float64 //
	terms   bool    // test depends on texts only
	within  *span   // the value is in here, when it passes; it may also not pass
}

type conditionKind uint8

const (
	never conditionKind = iota // holds for no document
	always
	ofField
)

// span is an interval of numbers or dates, both ends included.
type span struct {
	kind      kind
	low, high uint64 // keys
}

func (c *condition) holds(d *Document) bool {
	return c.kind == always || c.kind == ofField && d.any(c.field, c.test)
}

// present is any value at all, also one that is no text.
func present(field string) condition {
	return condition{kind: ofField, field: field, test: func(*value) bool { return true }}
}

func equal(field, text string) condition {
	number, err := strconv.ParseFloat(text, 64)
	numeric := err == nil && isDecimal(text)
	test := func(v *value) bool {
		return v.kind == isText && v.text == text || numeric && v.kind == isNumber && v.number() == number
	}
	return condition{kind: ofField, field: field, test: test, exact: true, text: text, numeric: numeric, number: number}
}

func compareNumbers(field string, bound float64, direction byte, orEqual bool) condition {
	test := func(v *value) bool {
		if v.kind != isNumber {
			return false
		}
		n := v.number()
		return direction == '>' && n > bound || direction == '<' && n < bound || orEqual && n == bound
	}
	return condition{kind: ofField, field: field, test: test, within: spanFrom(isNumber, numberKey(bound), direction)}
}

func compareDates(field string, bound time.Time, direction byte, orEqual bool) condition {
	than := dateOf("", bound)
	test := func(v *value) bool {
		if v.kind != isDate {
			return false
		}
		c := v.compareDate(&than)
		return direction == '>' && c > 0 || direction == '<' && c < 0 || orEqual && c == 0
	}
	return condition{kind: ofField, field: field, test: test, within: spanFrom(isDate, than.key(), direction)}
}

func spanFrom(k kind, bound uint64, direction byte) *span {
	if direction == '>' {
		return &span{k, bound, math.MaxUint64}
	}
	return &span{k, 0, bound}
}

// key is a number's or a date's place in an order of integers; dates of one second share it.
func (v *value) key() uint64 {
	if v.kind == isNumber {
		return numberKey(v.number())
	}
	return v.bits ^ 1<<63
}

func numberKey(n float64) uint64 {
	bits := math.Float64bits(n + 0) // + 0: there is one zero
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

// expressionMax is how many steps the program of an expression may have: a repetition counts as often as it may run.
const expressionMax = 5000 // 1,000 is the most that one repetition may ask for

// expression is a regular expression of the whole value.
// Errors: ErrExpression.
func expression(field, text string) (condition, error) {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil || steps(tree) > expressionMax {
		return condition{}, ErrExpression
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return condition{}, ErrExpression
	}
	re.Longest() // so that a match that ends early is not preferred to the whole value
	test := func(v *value) bool {
		if v.kind != isText {
			return false
		}
		at := re.FindStringIndex(v.text)
		return at != nil && at[0] == 0 && at[1] == len(v.text)
	}
	return condition{kind: ofField, field: field, test: test, terms: true}, nil
}

// steps is about how long the program of an expression becomes. syntax.Parse has bounded the depth of the tree; a count
// over the limit is cut off there, so that nested repetitions cannot overflow it.
func steps(tree *syntax.Regexp) int {
	n := 1 + len(tree.Rune)/2
	for _, sub := range tree.Sub {
		n += steps(sub)
	}
	if tree.Op == syntax.OpRepeat {
		n *= max(tree.Min, tree.Max, 1)
	}
	return min(n, expressionMax+1)
}

func fuzzy(field string, text []rune, edits int) condition {
	test := func(v *value) bool { return v.kind == isText && within(text, []rune(v.text), edits) }
	return condition{kind: ofField, field: field, test: test, terms: true}
}

// within reports whether a becomes b by so many edits at most: a character taken out, put in or replaced. What two texts
// begin with in common needs no edit, so there are at most three ways to go for each edit.
func within(a, b []rune, edits int) bool {
	if len(a)-len(b) > edits || len(b)-len(a) > edits {
		return false
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	switch {
	case len(a) == 0 || len(b) == 0:
		return true // the rest is no longer than what edits are left
	case edits == 0:
		return false
	}
	return within(a[1:], b[1:], edits-1) || within(a[1:], b, edits-1) || within(a, b[1:], edits-1)
}

func pattern(field string, w word) condition {
	test := func(v *value) bool { return v.kind == isText && w.matches(v.text) }
	return condition{kind: ofField, field: field, test: test, terms: true}
}

// word is a term: characters, and wildcards that were not escaped.
type word []rune

const (
	anyRun rune = -1 // *
	anyOne rune = -2 // ?
)

// literal is the term with its wildcards as characters, for where there are none.
func (w word) literal() []rune {
	plain := make([]rune, len(w))
	for i, c := range w {
		switch c {
		case anyRun:
			c = '*'
		case anyOne:
			c = '?'
		}
		plain[i] = c
	}
	return plain
}

func (w word) String() string { return string(w.literal()) }

func (w word) isStar() bool { return len(w) == 1 && w[0] == anyRun }

func (w word) isPattern() bool {
	for _, c := range w {
		if c == anyRun || c == anyOne {
			return true
		}
	}
	return false
}

// matches reports whether the term, wildcards and all, is the whole text. Only the last * is tried again, one character
// further: an earlier one could not do better.
func (w word) matches(text string) bool {
	star, resume := -1, 0 // the last *, and where in the text what comes after it was tried
	i, at := 0, 0
	for at < len(text) {
		c, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case i < len(w) && w[i] == anyRun:
			star, resume = i, at
			i++
		case i < len(w) && (w[i] == anyOne || w[i] == c):
			i++
			at += size
		case star >= 0:
			_, size = utf8.DecodeRuneInString(text[resume:])
			resume += size
			i, at = star+1, resume
		default:
			return false
		}
	}
	for i < len(w) && w[i] == anyRun {
		i++
	}
	return i == len(w)
}
