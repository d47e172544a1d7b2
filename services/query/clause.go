package query

import "iter"

// Clause is one condition of a Query, for who looks at them one by one.
type Clause struct {
	Sign Sign
	c    *clause
}

// Sign is what a query does with a document for which a clause holds.
type Sign uint8

const (
	Optional Sign = iota // scores it
	Required             // scores it, and refuses all others
	Excluded             // refuses it
)

// Clauses are the conditions of a query: the required, the excluded, then the optional ones.
func (q *Query) Clauses() iter.Seq[Clause] {
	return func(yield func(Clause) bool) {
		for i := range q.required {
			if !yield(Clause{Required, &q.required[i]}) {
				return
			}
		}
		for i := range q.excluded {
			if !yield(Clause{Excluded, &q.excluded[i]}) {
				return
			}
		}
		for i := range q.optional {
			if !yield(Clause{Optional, &q.optional[i]}) {
				return
			}
		}
	}
}

// String is the clause as it was written, sign and boost included.
func (c Clause) String() string { return c.c.source }

// Holds reports whether the condition holds for a document, whatever the sign.
func (c Clause) Holds(d *Document) bool { return c.c.holds(d) }

// Term is the text that a value of the field must be for the condition to hold; ok is false when something else will do.
func (c Clause) Term() (field, text string, ok bool) {
	return c.c.field, c.c.text, c.c.exact && !c.c.numeric
}

// Texts are the fields and values of a document that are texts.
func (d *Document) Texts() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range d.values {
			if v := &d.values[i]; v.kind == isText && !yield(v.field, v.text) {
				return
			}
		}
	}
}
