package query

// Clause is one condition of a Query, for who indexes more than a Document at a time.
type Clause struct {
	Sign  Sign
	Boost float64
	c     *condition
}

// Sign is what a query does with a document for which a clause holds.
type Sign uint8

const (
	Optional Sign = iota // scores it
	Required             // scores it, and refuses all others
	Excluded             // refuses it
)

// Clauses are the conditions of a query, the required first, then the excluded, then the optional.
func (q *Query) Clauses() (list []Clause) {
	add := func(sign Sign, clauses []clause) {
		for i := range clauses {
			list = append(list, Clause{sign, clauses[i].boost, &clauses[i].condition})
		}
	}
	add(Required, q.required)
	add(Excluded, q.excluded)
	add(Optional, q.optional)
	return list
}

// Broken reports whether the query has an expression that cannot be: it matches nothing.
func (q *Query) Broken() bool { return q.broken }

// Holds reports whether the condition holds for a document, whatever the sign.
func (c Clause) Holds(d *Document) bool { return c.c.holds(d) }

// Always and Never report whether it holds for every document, or for none.
func (c Clause) Always() bool { return c.c.kind == always }
func (c Clause) Never() bool  { return c.c.kind == never }

// Term is the text that a value of the field must be, or the number's key when numeric; ok is false for other conditions.
func (c Clause) Term() (field, text string, number uint64, numeric, ok bool) {
	return c.c.field, c.c.text, numberKey(c.c.number), c.c.numeric, c.c.exact
}

// Range is the interval of keys, both ends included, in which a number of the field must be; ok is false for other
// conditions.
func (c Clause) Range() (field string, low, high uint64, ok bool) {
	s := c.c.within
	if s == nil || s.kind != isNumber {
		return "", 0, 0, false
	}
	// The bound itself may be out. Keys of numbers are next to each other, so the interval then begins or ends one further.
	if low, high = s.low, s.high; low > 0 {
		if !c.c.test(numberOf(low)) {
			low++
		}
	} else if !c.c.test(numberOf(high)) {
		high--
	}
	return c.c.field, low, high, true
}

// Values are those of a document: texts with their text, numbers with the key of their place among numbers, and nothing
// else.
func (d *Document) Values(yield func(field, text string, number uint64, numeric bool) bool) {
	for i := range d.values {
		v := &d.values[i]
		if v.kind == isText && !yield(v.field, v.text, 0, false) || v.kind == isNumber && !yield(v.field, "", v.key(), true) {
			return
		}
	}
}

// numberOf is the number with this key.
func numberOf(key uint64) *value {
	if key>>63 == 1 {
		return &value{kind: isNumber, bits: key &^ (1 << 63)}
	}
	return &value{kind: isNumber, bits: ^key}
}
