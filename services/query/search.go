package query

import (
	"cmp"
	"math"
	"slices"
)

// Search calls yield with each document that q matches and its score, the best score first and then in the index's order,
// until yield returns false. yield must not change the index.
//
// As long as documents have the best score that q can give, which is all of them without optional clauses, they are yielded
// as they are found: who stops after ten has looked at little more than ten. Lower scores are held back until the end.
func (x *Index[K]) Search(q *Query, yield func(key K, score float64) bool) {
	p, ok := x.plan(q)
	if !ok {
		return
	}
	var held []hit
	misses := 0
	for r := p.next(0); r != noRef; r = p.next(r + 1) {
		s := &x.slots[r.slot()]
		score, ok := q.Match(s.document)
		switch {
		case !ok:
			if misses++; misses == p.patience {
				p.narrow(r)
			}
		case score < p.best:
			held = append(held, hit{score, r})
		case !yield(s.key, score):
			return
		}
	}
	slices.SortFunc(held, func(a, b hit) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.ref, b.ref)) })
	for _, h := range held {
		if !yield(x.slots[h.ref.slot()].key, h.score) {
			return
		}
	}
}

// hit is a document that was found.
type hit struct {
	score float64
	ref   ref
}

// plan is how a search goes about: it walks over what is in all of the lists, and asks each document. What it finds
// includes everything that the query matches.
type plan struct {
	lists []list  // the shortest first
	best  float64 // the highest score there can be

	// When so many documents have been asked in vain, the interval is worth sorting: it becomes a list too.
	patience int // 0: there is none, or it would not help
	interval interval
}

// list is a set of refs in order, and how many they are at most.
type list struct {
	cursor
	count int
}

// cursor walks over refs.
type cursor interface {
	// seek is the first ref that is not before r, noRef when there is none. r never goes back.
	seek(r ref) ref
}

// next is the first ref from r on that is in all lists.
func (p *plan) next(r ref) ref {
	r = p.lists[0].seek(r)
	for i := 1; i < len(p.lists) && r != noRef; {
		if s := p.lists[i].seek(r); s == r {
			i++
		} else if s == noRef {
			return noRef
		} else {
			r, i = p.lists[0].seek(s), 1
		}
	}
	return r
}

// narrow makes a list of the interval, for what comes after r.
func (p *plan) narrow(r ref) {
	refs := p.interval.refs(r + 1)
	p.lists = slices.Insert(p.lists, 0, list{refs, len(*refs)})
}

// plan is how to search for q. False: no document can match.
func (x *Index[K]) plan(q *Query) (p plan, ok bool) {
	if q.broken || x.Len() == 0 {
		return p, false
	}
	for i := range q.excluded {
		if q.excluded[i].kind == always {
			return p, false
		}
	}
	var intervals []interval
	for i := range q.required {
		c := &q.required[i]
		if !p.require(x.look(&c.condition), &intervals) {
			return p, false
		}
	}
	var looks []look
	var possible []*clause
	for i := range q.optional {
		c := &q.optional[i]
		if l := x.look(&c.condition); l.how != nowhere {
			looks = append(looks, l)
			possible = append(possible, c)
		}
	}
	p.best = x.best(q.required, possible)
	if len(q.required) == 0 && len(q.optional) > 0 && !p.requireOne(looks, x.Len(), &intervals) {
		return p, false
	}
	if len(p.lists) == 0 {
		p.lists = append(p.lists, list{&blockCursor{blocks: &x.all}, x.Len()})
	}
	slices.SortStableFunc(p.lists, func(a, b list) int { return cmp.Compare(a.count, b.count) })
	p.choose(intervals)
	return p, true
}

// best is the highest score that a document may have: the sum of all boosts; but of texts that one field would have to have
// at once, as in "region:eu region:us", only the best counts.
func (x *Index[K]) best(required []clause, optional []*clause) float64 {
	sum, exact := 0.0, true
	var either []clause // one for each text
	for i := range required {
		sum += required[i].boost
		exact = exact && whole(required[i].boost)
	}
	for _, c := range optional {
		sum += c.boost
		exact = exact && whole(c.boost)
		if !c.exact || c.numeric || x.fields[c.field].several > 0 {
			continue
		}
		if i := slices.IndexFunc(either, func(e clause) bool { return e.field == c.field && e.text == c.text }); i >= 0 {
			either[i].boost += c.boost
		} else {
			either = append(either, *c)
		}
	}
	if !exact || len(either) > unionMax {
		return sum // what a part of it comes to depends on the order
	}
	for i, e := range either {
		for j, other := range either {
			if j != i && other.field == e.field && (other.boost > e.boost || other.boost == e.boost && j < i) {
				sum -= e.boost
				break
			}
		}
	}
	return sum
}

// whole boosts add up to the same in any order.
func whole(boost float64) bool { return boost == math.Trunc(boost) && boost < 1<<32 }

// require adds a condition that must hold. False: it cannot.
func (p *plan) require(l look, intervals *[]interval) bool {
	switch l.how {
	case nowhere:
		return false
	case listed:
		p.lists = append(p.lists, l.list)
	case between:
		for i := range *intervals {
			if known := &(*intervals)[i]; known.points == l.interval.points {
				return known.meet(l.interval)
			}
		}
		*intervals = append(*intervals, l.interval)
	}
	return true
}

// requireOne adds conditions of which one must hold, at least. False: none can.
func (p *plan) requireOne(looks []look, documents int, intervals *[]interval) bool {
	switch len(looks) {
	case 0:
		return false
	case 1:
		return p.require(looks[0], intervals)
	}
	var either union
	count := 0
	for _, l := range looks {
		if l.how == between && l.interval.count < documents/16 {
			l.how, l.list = listed, list{l.interval.refs(0), l.interval.count}
		}
		if l.how != listed || len(looks) > unionMax {
			return true // all documents are asked
		}
		either.add(l.cursor)
		count += l.count
	}
	p.lists = append(p.lists, list{&either, count})
	return true
}

// choose picks the smallest interval, if it can help.
func (p *plan) choose(intervals []interval) {
	if len(intervals) == 0 {
		return
	}
	p.interval = slices.MinFunc(intervals, func(a, b interval) int { return cmp.Compare(a.size(), b.size()) })
	size := p.interval.size()
	switch {
	case size >= p.lists[0].count:
	case size < 64:
		p.narrow(0)
	default:
		p.patience = size / 4 // to sort costs about a quarter of asking as many documents
	}
}

// look is where the documents are for which a condition may hold.
type look struct {
	how how
	list
	interval interval
}

type how uint8

const (
	anywhere how = iota // the documents must be asked
	nowhere
	listed  // in list: all of them match
	between // in interval
)

// unionMax is of how many lists one is made: each step costs as much.
const unionMax = 16

// look finds out where documents may be for which c holds.
func (x *Index[K]) look(c *condition) look {
	switch c.kind {
	case always:
		return look{}
	case never:
		return look{how: nowhere}
	}
	f := x.fields[c.field]
	switch {
	case f == nil:
		return look{how: nowhere}
	case c.exact:
		return f.equal(c)
	case c.terms:
		return f.matching(c)
	case c.within != nil:
		i := f.points(c.within.kind).interval(*c.within)
		if i.count == 0 {
			return look{how: nowhere}
		}
		return look{how: between, interval: i}
	}
	return look{}
}

// equal looks for a text, or the number that it is as well.
func (f *field) equal(c *condition) look {
	var l look
	l.how = nowhere
	if t := f.texts[c.text]; t != nil {
		l.how, l.list = listed, list{&blockCursor{blocks: &t.refs}, t.refs.count}
	}
	if !c.numeric {
		return l
	}
	key := numberKey(c.number)
	i := f.numbers.interval(span{isNumber, key, key})
	if i.count == 0 {
		return l
	}
	numbers := &pointCursor{points: &f.numbers, key: key, at: i.from}
	if l.how == nowhere {
		l.how, l.list = listed, list{numbers, i.count}
	} else {
		var either union
		either.add(l.cursor)
		either.add(numbers)
		l.list = list{&either, l.count + i.count}
	}
	return l
}

// matching looks through the texts, when they are few.
func (f *field) matching(c *condition) look {
	const textsMax = 256
	if len(f.texts) > textsMax {
		return look{}
	}
	var either union
	count := 0
	for _, t := range f.texts {
		if !c.test(&value{text: t.text}) {
			continue
		}
		if len(either) == unionMax {
			return look{}
		}
		either.add(&blockCursor{blocks: &t.refs})
		count += t.refs.count
	}
	if len(either) == 0 {
		return look{how: nowhere}
	}
	return look{how: listed, list: list{&either, count}}
}

// interval is the documents with a number, or a date, in a span. Met by another one of the same points, it is those with
// one in both, and those with several.
type interval struct {
	points   *points
	span     span
	from, to position
	count    int
	met      bool
}

func (p *points) interval(s span) interval {
	i := interval{points: p, span: s, from: p.seek(point{s.low, 0}, position{})}
	i.to = p.seek(point{s.high, noRef}, i.from)
	i.count = p.between(i.from, i.to)
	return i
}

// meet narrows the interval to what is in another one too. False: nothing is.
func (i *interval) meet(other interval) bool {
	s := span{i.span.kind, max(i.span.low, other.span.low), min(i.span.high, other.span.high)}
	*i = interval{points: i.points, span: s, met: true}
	if s.low <= s.high {
		*i = i.points.interval(s)
		i.met = true
	}
	return i.size() > 0
}

// size is how many refs there are at most.
func (i *interval) size() int {
	if i.met {
		return i.count + i.points.several.count
	}
	return i.count
}

// refs are the documents from a ref on, in order.
func (i *interval) refs(first ref) *refList {
	refs := make(refList, 0, i.size())
	for at := i.from; at != i.to; {
		block := i.points.list[at.block]
		end := len(block)
		if at.block == i.to.block {
			end = i.to.index
		}
		for _, p := range block[at.index:end] {
			if p.ref >= first {
				refs = append(refs, p.ref)
			}
		}
		if at.block == i.to.block {
			break
		}
		at = position{at.block + 1, 0}
	}
	if i.met {
		for _, block := range i.points.several.list {
			refs = append(refs, block...)
		}
	}
	slices.Sort(refs)
	return &refs
}

// refList is a cursor over refs in order; one may be there twice.
type refList []ref

func (l *refList) seek(r ref) ref {
	step := 1 // near is likelier than far
	for step < len(*l) && (*l)[step-1] < r {
		*l = (*l)[step:]
		step *= 2
	}
	n, _ := slices.BinarySearch((*l)[:min(step, len(*l))], r)
	*l = (*l)[n:]
	if len(*l) == 0 {
		return noRef
	}
	return (*l)[0]
}

// blockCursor walks over the refs of a set.
type blockCursor struct {
	blocks *blocks[ref]
	at     position
}

func (c *blockCursor) seek(r ref) ref {
	c.at = c.blocks.seek(r, c.at)
	if c.at.block == len(c.blocks.list) {
		return noRef
	}
	return c.blocks.list[c.at.block][c.at.index]
}

// pointCursor walks over the documents that have one number.
type pointCursor struct {
	points *points
	key    uint64
	at     position
}

func (c *pointCursor) seek(r ref) ref {
	c.at = c.points.seek(point{c.key, r}, c.at)
	if c.at.block == len(c.points.list) {
		return noRef
	}
	if p := c.points.list[c.at.block][c.at.index]; p.key == c.key {
		return p.ref
	}
	return noRef
}

// union walks over what is in any of its cursors.
type union []struct {
	cursor
	at ref
}

func (u *union) add(c cursor) {
	*u = append(*u, struct {
		cursor
		at ref
	}{c, c.seek(0)})
}

func (u *union) seek(r ref) ref {
	first := noRef
	for i := range *u {
		c := &(*u)[i]
		if c.at < r {
			c.at = c.seek(r)
		}
		first = min(first, c.at)
	}
	return first
}
