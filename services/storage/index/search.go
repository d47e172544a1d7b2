package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/query"
	"github.com/skirmishgg/skirmish/services/storage"
)

// Search asks an index for one page.
type Search struct {
	Index  string
	Query  string // "": everything
	Order  []string
	Limit  int
	Cursor string // "": the first page
}

// UnknownError says that there is no index of this name.
type UnknownError string

func (e UnknownError) Error() string { return fmt.Sprintf("index %q not found", string(e)) }

// Search finds what the caller may read, in the order that was asked for: of fields that are sortable (value.field), of
// create_time and update_time, each with a - in front for the opposite; other words are passed over. What lacks the field
// comes last either way. Then the best score goes first, then what was updated first. It takes about 150 ns for each
// object that the query matches.
// Errors: UnknownError, query.ErrSyntax, query.ErrExpression, storage.ErrCursor, ErrBehind.
func (s *Service) Search(ctx context.Context, c op.Caller, q Search) (*storage.Page, error) {
	x, err := s.current(ctx, q.Index)
	if err != nil {
		return nil, err
	}
	wanted, err := query.Parse(q.Query)
	if err != nil {
		return nil, err
	}
	p := page{caller: c, order: x.spec.order(q.Order), limit: q.Limit}
	if q.Cursor != "" {
		if p.after, err = x.spec.parseCursor(q, p.order); err != nil {
			return nil, err
		}
	}
	if q.Limit < 1 {
		return &storage.Page{}, nil
	}
	x.mu.RLock()
	hits := p.find(x.table, wanted)
	x.mu.RUnlock()
	out := &storage.Page{}
	if len(hits) > q.Limit { // one more tells whether a cursor is due
		hits = hits[:q.Limit]
		out.Cursor = cursorAt(q, p.order, hits[q.Limit-1])
	}
	out.Objects, err = x.objects(ctx, c, hits)
	return out, err
}

// current is an index that shows everything that was committed before the call.
func (s *Service) current(ctx context.Context, name string) (*index, error) {
	for {
		x := s.set.Load().byName[name]
		if x == nil {
			return nil, UnknownError(name)
		}
		if err := x.current(ctx); err != errEnded { // one that has ended is in the set no more
			return x, err
		}
	}
}

// objects are those that were found. What has changed since, so that the caller may no longer see it, is left out.
func (x *index) objects(ctx context.Context, c op.Caller, hits []hit) ([]*storage.Object, error) {
	objects := make([]*storage.Object, 0, len(hits))
	if x.spec.IndexOnly {
		for _, h := range hits {
			o := h.object
			objects = append(objects, &o)
		}
		return objects, nil
	}
	keys := make([][]any, len(hits))
	for i, h := range hits {
		keys[i] = []any{x.spec.Collection, h.object.Key, h.object.UserID}
	}
	rows, err := store.GetMany(ctx, x.db, schema.Storage, keys...)
	if err != nil {
		return nil, fmt.Errorf("read %d objects of a storage index: %w", len(keys), err)
	}
	for _, row := range rows {
		if row != nil && storage.MayRead(c, row) {
			objects = append(objects, row)
		}
	}
	return objects, nil
}

// page is a search under way.
type page struct {
	caller op.Caller
	order  []term
	after  *hit // nil: from the first on
	limit  int
}

// hit is an object that was found.
type hit struct {
	*entry
	score float64
}

// find is the page, and one more when there is more.
func (p *page) find(t *table, q *query.Query) (hits []hit) {
	most := p.limit + 1
	full := false // hits[most-1] is better than all that were left out
	t.documents.Search(q, func(s *slot, score float64) bool {
		h := hit{s.entry, score}
		switch {
		case !storage.MayRead(p.caller, &h.object):
		case p.after != nil && p.compare(h, *p.after) <= 0:
		case full && p.compare(hits[most-1], h) < 0:
		default:
			if hits = append(hits, h); len(hits) == 2*most {
				slices.SortFunc(hits, p.compare)
				hits, full = hits[:most], true
			}
		}
		return true
	})
	slices.SortFunc(hits, p.compare)
	return hits[:min(len(hits), most)]
}

func (p *page) compare(a, b hit) int {
	for _, t := range p.order {
		if c := t.compare(a.entry, b.entry); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(b.score, a.score), a.object.UpdateTime.Compare(b.object.UpdateTime), compareKeys(a.entry, b.entry))
}

// term is one step of an order.
type term struct {
	by      int // place among the sortable fields, or one of these
	reverse bool
}

const (
	byCreateTime = -1
	byUpdateTime = -2
)

func (s *Spec) order(words []string) (order []term) {
	for _, word := range words {
		name, reverse := strings.CutPrefix(word, "-")
		field, isField := strings.CutPrefix(name, "value.")
		switch at := slices.Index(s.Sortable, field); {
		case isField && at >= 0:
			order = append(order, term{at, reverse})
		case name == "create_time":
			order = append(order, term{byCreateTime, reverse})
		case name == "update_time":
			order = append(order, term{byUpdateTime, reverse})
		}
	}
	return order
}

func (t term) compare(a, b *entry) (c int) {
	switch t.by {
	case byCreateTime:
		c = a.object.CreateTime.Compare(b.object.CreateTime)
	case byUpdateTime:
		c = a.object.UpdateTime.Compare(b.object.UpdateTime)
	default:
		x, y := &a.sort[t.by], &b.sort[t.by]
		if x.kind == missing || y.kind == missing {
			return cmp.Compare(y.kind, x.kind) // last, whatever the direction
		}
		c = cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.number, y.number), strings.Compare(x.text, y.text))
	}
	if t.reverse {
		return -c
	}
	return c
}

// sortValue is what an object has in a sortable field: numbers come before texts.
type sortValue struct {
	kind   sortKind
	number float64
	text   string
}

type sortKind uint8

const (
	missing sortKind = iota
	isNumber
	isText
)

// sortValueOf is a JSON value's place in an order. A truth is 0 or 1; lists and objects have none.
func sortValueOf(v any) sortValue {
	switch v := v.(type) {
	case float64:
		return sortValue{kind: isNumber, number: v}
	case string:
		return sortValue{kind: isText, text: v}
	case bool:
		if v {
			return sortValue{kind: isNumber, number: 1}
		}
		return sortValue{kind: isNumber}
	}
	return sortValue{}
}

// value is the JSON value that sortValueOf makes the same of.
func (v sortValue) value() any {
	switch v.kind {
	case isNumber:
		return v.number
	case isText:
		return v.text
	}
	return nil
}
