package party

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
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

// directory finds parties by id, and has all of them in the order of their creation.
type directory struct {
	mu      sync.RWMutex
	byID    map[id.UUID]*party
	ordered []*party
	last    uint64 // ordinal
}

func (d *directory) add(p *party) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	p.ordinal = d.last
	d.byID[p.id] = p
	d.ordered = append(d.ordered, p)
}

func (d *directory) remove(p *party) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byID, p.id)
	if i, ok := slices.BinarySearchFunc(d.ordered, p.ordinal, func(p *party, n uint64) int { return cmp.Compare(p.ordinal, n) }); ok {
		d.ordered = slices.Delete(d.ordered, i, i+1)
	}
}

func (d *directory) find(u id.UUID) *party {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byID[u]
}

func (d *directory) all() []*party {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Clone(d.ordered)
}

// listing is a party as it is found. It is made anew at each change.
type listing struct {
	document query.Document
	party    *api.Party
	hidden   bool
}

// list sets what listings find. p is locked, or nobody knows it yet.
func (s *Service) list(p *party, label string, object map[string]any, hidden bool) {
	l := &listing{hidden: hidden, party: &api.Party{PartyId: p.name, Open: p.open, MaxSize: int32(p.max), Label: cmp.Or(label, "{}")}}
	d := &l.document
	d.Value("label", object)
	d.Bool("open", p.open)
	d.Bool("hidden", hidden)
	d.Number("max_size", float64(p.max))
	d.Number("create_time", float64(p.since.UnixNano()))
	d.Date("create_time", p.since)
	d.Keyword("node", s.c.Node)
	p.listing.Store(l)
}

// Filter says which parties a listing is of.
type Filter struct {
	Open   *bool // nil: both
	Hidden bool  // those that hide from clients, too
	Query  string
}

// List finds up to limit parties, best score first, then oldest first, from beyond a cursor; "": from
// the first.
// Errors: ErrQuery, ErrCursor: it was not made by List with this filter and limit.
func (s *Service) List(f Filter, limit int, cursor string) (*api.PartyList, error) {
	q, err := query.Parse(f.Query)
	if err != nil {
		return nil, ErrQuery
	}
	purpose := f.purpose(limit)
	page := best{limit: limit + 1} // one more tells whether there is another page
	if cursor != "" {
		if page.after, err = parseCursor(cursor, purpose); err != nil {
			return nil, err
		}
	}
	for _, p := range s.directory.all() {
		l := p.listing.Load()
		if l == nil || l.hidden && !f.Hidden || f.Open != nil && *f.Open != l.party.Open {
			continue
		}
		if score, ok := q.Match(&l.document); ok {
			page.offer(hit{score, p.ordinal, l.party})
		}
	}
	out := &api.PartyList{}
	for _, h := range page.hits[:min(limit, len(page.hits))] {
		out.Parties = append(out.Parties, h.party)
	}
	if len(page.hits) > limit {
		out.Cursor = page.hits[limit-1].cursor(purpose)
	}
	return out, nil
}

// hit is a party that was found.
type hit struct {
	score   float64
	ordinal uint64
	party   *api.Party
}

func (h hit) compare(other hit) int {
	return cmp.Or(cmp.Compare(other.score, h.score), cmp.Compare(h.ordinal, other.ordinal))
}

// best keeps the first hits beyond a place, in order.
type best struct {
	limit int
	after hit // ordinals begin with 1; 0: from the first
	hits  []hit
}

func (b *best) offer(h hit) {
	if b.after.ordinal != 0 && h.compare(b.after) <= 0 {
		return
	}
	if len(b.hits) == b.limit {
		if h.compare(b.hits[b.limit-1]) > 0 {
			return
		}
		b.hits = b.hits[:b.limit-1]
	}
	i, _ := slices.BinarySearchFunc(b.hits, h, hit.compare)
	b.hits = slices.Insert(b.hits, i, h)
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
