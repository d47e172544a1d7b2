// Package query is the language in which clients search parties, matches and matchmaker tickets:
//
//	+label.mode:ranked -label.region:eu label.map:dust*^2 +max_size:>=4
//
// A query is a list of clauses. One with + must match, one with - must not; the others raise the score, and one of them
// must match when there is no + at all. Each looks at one field of a Document. A clause without a field matches nothing,
// so AND, OR and NOT are harmless; * alone matches everything.
//
//	clause  = [ "+" | "-" ] ( field ":" value | term ) [ "^" boost ]
//	value   = term                exact; * is any run and ? any character; 5 is the number and the text
//	        | term "~" [ edits ]  within so many edits: 0, 1 (as without a number) or 2
//	        | "/" RE2 "/"         of the whole value
//	        | ( ">" | ">=" | "<" | "<=" ) ( number | quoted date )
//	        | quoted              is understood, and matches nothing
//
// A feature Parses a text once and Matches it against each document. Both take time that is bounded by the product of the
// sizes of text and document, whatever is in them: nothing backtracks. Any goroutine may use a Query or a Document that
// is not being written.
package query

import "errors"

// Refusals of texts.
var (
	ErrSyntax     = errors.New("query is not well formed")
	ErrExpression = errors.New("query has an invalid regular expression")
)

const (
	textMax  = 4096 // bytes of a query
	editsMax = 2
)

// Query is a compiled text. The zero value matches everything.
type Query struct {
	required, excluded, optional []clause
	broken                       bool // it has an expression that cannot be
}

// clause is one condition, and what it adds to the score.
type clause struct {
	condition
	boost  float64
	source string // as it was written
}

// Parse compiles a text; an empty one matches everything.
// Errors: ErrSyntax; ErrExpression, which comes with a Query that matches nothing, for callers that live with it.
func Parse(text string) (*Query, error) {
	if len(text) > textMax {
		return nil, ErrSyntax
	}
	q, p := &Query{}, parser{text}
	for p.space(); p.rest != ""; p.space() {
		err := p.clause(q)
		if errors.Is(err, ErrExpression) {
			q.broken = true
		} else if err != nil {
			return nil, err
		}
	}
	if q.broken {
		return q, ErrExpression
	}
	return q, nil
}

// Equal asks for the documents that have a text in a field, whatever characters it is of.
func Equal(field, text string) *Query {
	test := func(v *value) bool { return v.kind == isText && v.text == text }
	c := condition{kind: ofField, field: field, test: test, exact: true, text: text}
	return &Query{required: []clause{{condition: c, boost: 1}}}
}

// Match reports whether a document is what the query asks for, and how well: the sum of the boosts of all clauses that
// match. Allocates nothing unless the query is fuzzy or has an expression.
func (q *Query) Match(d *Document) (score float64, ok bool) {
	if q.broken {
		return 0, false
	}
	for i := range q.excluded {
		if q.excluded[i].holds(d) {
			return 0, false
		}
	}
	for i := range q.required {
		if !q.required[i].holds(d) {
			return 0, false
		}
		score += q.required[i].boost
	}
	ok = len(q.required) > 0 || len(q.optional) == 0
	for i := range q.optional {
		if q.optional[i].holds(d) {
			score += q.optional[i].boost
			ok = true
		}
	}
	if !ok {
		return 0, false
	}
	return score, true
}
