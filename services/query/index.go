package query

import "slices"

// Index finds the documents that a query matches among many, each under a key. It has for every field
//
//	text   ── refs of the documents with it, in order           +mode:ranked      refs of several clauses are intersected
//	number ── points (number, ref), in order of the numbers     +skill:>=90       a narrow interval's refs are sorted
//	date   ── points (date, ref)
//
// and what these leave over is asked of each document (Query.Match), so that it finds exactly what Match does. Put, Remove
// and most searches take microseconds; one that must look at all documents looks at 5 to 10 million a second.
//
// Its memory is a small multiple of the documents', and goes when they go. It is pure: no lock, no time, no randomness. One
// goroutine may Put or Remove, or any number Search.
type Index[K comparable] struct {
	newest bool
	place  uint64 // of the document that came last
	byKey  map[K]ref
	slots  []slot[K]
	free   []uint32 // slots without a document
	all    blocks[ref]
	fields map[string]*field
}

type slot[K comparable] struct {
	key      K
	document *Document
}

// field is what the documents have in a field of one name.
type field struct {
	name    string
	texts   map[string]*term
	several int // documents with more than one text: two may then hold at once
	numbers points
	dates   points
}

// term is a text and the documents that have it.
type term struct {
	text string
	refs blocks[ref]
}

// points are the numbers, or the dates, of a field.
type points struct {
	blocks[point]
	several blocks[ref] // documents with more than one of them: two bounds may then hold for different values
}

// Order is how an Index orders documents of equal score, by when their keys first came.
type Order bool

const (
	OldestFirst Order = false
	NewestFirst Order = true
)

// NewIndex makes an empty one.
func NewIndex[K comparable](order Order) *Index[K] {
	return &Index[K]{newest: order == NewestFirst, byKey: map[K]ref{}, fields: map[string]*field{}}
}

// Len is how many documents there are.
func (x *Index[K]) Len() int { return len(x.byKey) }

// Put adds a document, or puts another one in the place of the key's; its place in the order stays. The index takes the
// document over. False: 16 million documents are there.
func (x *Index[K]) Put(key K, d *Document) bool {
	r, known := x.byKey[key]
	if !known {
		if len(x.free) == 0 && len(x.slots) > slotMask {
			return false
		}
		r = x.enter(key)
	}
	s := &x.slots[r.slot()]
	x.change(r, s.document, d)
	d.values = slices.Clip(d.values)
	s.document = d
	return true
}

// Remove takes a key's document out, if there is one.
func (x *Index[K]) Remove(key K) {
	r, known := x.byKey[key]
	if !known {
		return
	}
	s := &x.slots[r.slot()]
	x.change(r, s.document, &none)
	*s = slot[K]{}
	x.free = append(x.free, r.slot())
	x.all.remove(r)
	delete(x.byKey, key)
}

// Get is a key's document, nil when there is none. It may be read until it is put again or removed.
func (x *Index[K]) Get(key K) *Document {
	r, known := x.byKey[key]
	if !known {
		return nil
	}
	return x.slots[r.slot()].document
}

var none Document

// renumber gives every document a new place, the first ones.
func (x *Index[K]) renumber() {
	old := *x
	*x = *NewIndex[K](Order(old.newest))
	var refs []ref
	for _, block := range old.all.list {
		refs = append(refs, block...)
	}
	if old.newest {
		slices.Reverse(refs)
	}
	for _, r := range refs {
		s := old.slots[r.slot()]
		x.Put(s.key, s.document)
	}
}

// enter gives a new key its slot and its place.
func (x *Index[K]) enter(key K) ref {
	if x.place == placeMax-1 {
		x.renumber()
	}
	if len(x.free) == 0 {
		x.free = append(x.free, uint32(len(x.slots)))
		x.slots = append(x.slots, slot[K]{})
	}
	at := x.free[len(x.free)-1]
	x.free = x.free[:len(x.free)-1]
	x.slots[at] = slot[K]{key, &none}

	x.place++
	place := x.place
	if x.newest {
		place = placeMax - place
	}
	r := refOf(place, at)
	x.byKey[key] = r
	x.all.add(r)
	return r
}

// change takes what only the document before has out of the lists, and adds what only the one after has.
func (x *Index[K]) change(r ref, before, after *Document) {
	before.eachSeveral(func(v *value) {
		if f := x.fields[v.field]; v.kind == isText {
			f.several--
		} else {
			f.points(v.kind).several.remove(r)
		}
	})
	old, now := before.values, after.values
	for len(old) > 0 || len(now) > 0 {
		c := 0
		switch {
		case len(now) == 0:
			c = -1
		case len(old) == 0:
			c = 1
		default:
			c = old[0].compare(&now[0])
		}
		if c <= 0 {
			if c < 0 {
				x.remove(r, &old[0])
			} else {
				now[0].field, now[0].text = old[0].field, old[0].text // one copy of them is kept
			}
			old = old[1:]
		}
		if c >= 0 {
			if c > 0 {
				x.add(r, &now[0])
			}
			now = now[1:]
		}
	}
	after.eachSeveral(func(v *value) {
		if f := x.fields[v.field]; v.kind == isText {
			f.several++
		} else {
			f.points(v.kind).several.add(r)
		}
	})
}

func (x *Index[K]) add(r ref, v *value) {
	f := x.fields[v.field]
	if f == nil {
		f = &field{name: v.field, texts: map[string]*term{}}
		x.fields[v.field] = f
	}
	v.field = f.name
	if v.kind != isText {
		f.points(v.kind).add(point{v.key(), r})
		return
	}
	t := f.texts[v.text]
	if t == nil {
		t = &term{text: v.text}
		f.texts[v.text] = t
	}
	v.text = t.text
	t.refs.add(r)
}

func (x *Index[K]) remove(r ref, v *value) {
	f := x.fields[v.field]
	if v.kind != isText {
		f.points(v.kind).remove(point{v.key(), r})
	} else if t := f.texts[v.text]; t.refs.count > 1 {
		t.refs.remove(r)
	} else {
		delete(f.texts, v.text)
	}
	if len(f.texts) == 0 && f.numbers.count == 0 && f.dates.count == 0 {
		delete(x.fields, v.field)
	}
}

func (f *field) points(k kind) *points {
	if k == isDate {
		return &f.dates
	}
	return &f.numbers
}

// eachSeveral calls do once for each field and kind of which the document has several values.
func (d *Document) eachSeveral(do func(*value)) {
	for i := 1; i < len(d.values); i++ {
		a, b := &d.values[i-1], &d.values[i]
		if a.kind != b.kind || a.field != b.field {
			continue
		}
		do(a)
		for i+1 < len(d.values) && d.values[i+1].kind == a.kind && d.values[i+1].field == a.field {
			i++
		}
	}
}
