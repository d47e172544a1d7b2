package party

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/query"
)

// Refusals of listings.
var (
	ErrQuery  = errs.New(errs.InvalidArgument, "Query is invalid.")
	ErrCursor = errs.New(errs.InvalidArgument, "Cursor is invalid.")
)

// directory finds parties by id, and by what queries ask of them.
type directory struct {
	mu    sync.RWMutex
	byID  map[id.UUID]*party
	index *query.Index[*party]
	last  uint64 // ordinal
}

func newDirectory() directory {
	return directory{byID: map[id.UUID]*party{}, index: query.NewIndex[*party](query.OldestFirst)}
}

// put makes a party known, or known by another document.
func (d *directory) put(p *party, l *listing, document *query.Document) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byID[p.id] == nil {
		d.last++
		p.ordinal = d.last
		d.byID[p.id] = p
	}
	p.listing = l
	d.index.Put(p, document)
}

func (d *directory) remove(p *party) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byID, p.id)
	d.index.Remove(p)
}

func (d *directory) find(u id.UUID) *party {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byID[u]
}

// all is every party, oldest first.
func (d *directory) all() []*party {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.SortedFunc(maps.Values(d.byID), func(a, b *party) int { return cmp.Compare(a.ordinal, b.ordinal) })
}

// search calls yield with each party that q suits, best score first, then oldest first, until it returns false.
func (d *directory) search(q *query.Query, yield func(h hit, l *listing) bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	d.index.Search(q, func(p *party, score float64) bool { return yield(hit{score, p.ordinal}, p.listing) })
}

// listing is a party as it is found. It is made anew at each change.
type listing struct {
	party  *api.Party
	hidden bool
}

// list sets what listings find; it makes a new party known. p is locked.
func (s *Service) list(p *party, label string, object map[string]any, hidden bool) {
	l := &listing{hidden: hidden, party: &api.Party{PartyId: p.name, Open: p.open, MaxSize: int32(p.max), Label: cmp.Or(label, "{}")}}
	d := &query.Document{}
	d.Value("label", object)
	d.Bool("open", p.open)
	d.Bool("hidden", hidden)
	d.Number("max_size", float64(p.max))
	d.Number("create_time", float64(p.since.UnixNano()))
	d.Date("create_time", p.since)
	d.Keyword("node", s.c.Node)
	s.directory.put(p, l, d)
}

// Filter says which parties a listing is of.
type Filter struct {
	Open   *bool // nil: both
	Hidden bool  // those that hide from clients, too
	Query  string
}

// List finds up to limit parties, best score first, then oldest first, from beyond a cursor; "": from the first.
// Errors: ErrQuery, ErrCursor: it was not made by List with this filter and limit.
func (s *Service) List(f Filter, limit int, cursor string) (*api.PartyList, error) {
	q, err := query.Parse(f.Query)
	if err != nil {
		return nil, ErrQuery
	}
	purpose := f.purpose(limit)
	var after hit // zero: from the first
	if cursor != "" {
		if after, err = parseCursor(cursor, purpose); err != nil {
			return nil, err
		}
	}
	out, last := &api.PartyList{}, hit{}
	s.directory.search(q, func(h hit, l *listing) bool {
		switch {
		case l.hidden && !f.Hidden, f.Open != nil && *f.Open != l.party.Open, after.ordinal != 0 && h.compare(after) <= 0:
			return true
		case len(out.Parties) == limit:
			out.Cursor = last.cursor(purpose) // there is another page
			return false
		}
		out.Parties, last = append(out.Parties, l.party), h
		return true
	})
	return out, nil
}

// hit is the place of a party in what a query finds. Ordinals begin with 1.
type hit struct {
	score   float64
	ordinal uint64
}

func (h hit) compare(other hit) int {
	return cmp.Or(cmp.Compare(other.score, h.score), cmp.Compare(h.ordinal, other.ordinal))
}

// A cursor is base64 of: u64 hash of what it is for · f64 score · u64 ordinal, of the last party before it, big-endian.
const cursorSize = 8 + 8 + 8

func (h hit) cursor(purpose uint64) string {
	b := make([]byte, 0, cursorSize)
	b = binary.BigEndian.AppendUint64(b, purpose)
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(h.score))
	b = binary.BigEndian.AppendUint64(b, h.ordinal)
	return base64.URLEncoding.EncodeToString(b)
}

func parseCursor(text string, purpose uint64) (h hit, err error) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(b) != cursorSize || binary.BigEndian.Uint64(b) != purpose {
		return h, ErrCursor
	}
	h.score, h.ordinal = math.Float64frombits(binary.BigEndian.Uint64(b[8:])), binary.BigEndian.Uint64(b[16:])
	if h.ordinal == 0 || !(h.score >= 0) {
		return h, ErrCursor
	}
	return h, nil
}

// purpose is a hash of what a cursor belongs to.
func (f Filter) purpose(limit int) uint64 {
	h := fnv.New64a()
	open := byte(2)
	if f.Open != nil {
		open = 0
		if *f.Open {
			open = 1
		}
	}
	hidden := byte(0)
	if f.Hidden {
		hidden = 1
	}
	_, _ = h.Write([]byte{byte(limit), open, hidden})
	_, _ = h.Write([]byte(f.Query))
	return h.Sum64()
}
