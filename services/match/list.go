package match

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/query"
)

// Refusals of listings.
var (
	ErrQuery = errs.New(errs.InvalidArgument, "Query is invalid.")

	errLimit        = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 100.")
	errRelayedLabel = errs.New(errs.InvalidArgument, "Label filtering is not supported for non-authoritative matches.")
	errRelayedQuery = errs.New(errs.InvalidArgument, "Query filtering is not supported for non-authoritative matches.")
	errMinSize      = errs.New(errs.InvalidArgument, "Minimum size must be 0 or above.")
	errMaxSize      = errs.New(errs.InvalidArgument, "Maximum size must be 0 or above.")
	errSizes        = errs.New(errs.InvalidArgument, "Maximum size must be greater than or equal to minimum size when both are specified.")
)

const (
	listDefault = 10
	listMax     = 100 // what a client may ask for; server code may ask for any number
)

func (s *Service) listMatches(_ context.Context, _ op.Caller, in *api.ListMatchesRequest) (*api.MatchList, error) {
	limit := listDefault
	if in.Limit != nil {
		if in.Limit.Value < 1 || in.Limit.Value > listMax {
			return nil, errLimit
		}
		limit = int(in.Limit.Value)
	}
	relayed := in.Authoritative != nil && !in.Authoritative.Value
	switch {
	case relayed && in.Label != nil:
		return nil, errRelayedLabel
	case relayed && in.Query != nil:
		return nil, errRelayedQuery
	case in.MinSize.GetValue() < 0:
		return nil, errMinSize
	case in.MaxSize.GetValue() < 0:
		return nil, errMaxSize
	case in.MinSize != nil && in.MaxSize != nil && in.MinSize.Value > in.MaxSize.Value:
		return nil, errSizes
	}
	matches, err := s.List(Filter{in.Authoritative, in.Label, in.Query, in.MinSize, in.MaxSize}, limit)
	if err != nil {
		return nil, err
	}
	return &api.MatchList{Matches: matches}, nil
}

// Filter says which matches a listing is of; nil is no wish.
type Filter struct {
	Authoritative *wrapperspb.BoolValue   // only these, or only relayed ones
	Label         *wrapperspb.StringValue // the whole of it
	Query         *wrapperspb.StringValue // of services/query; Label does not count then
	Min, Max      *wrapperspb.Int32Value  // members, as they are now
}

// List finds up to limit matches: authoritative and native ones that the query suits best first, equal ones newest first;
// then, where neither query nor label nor Authoritative leaves them out, relayed ones in no order.
// Errors: ErrQuery.
func (s *Service) List(f Filter, limit int) ([]*api.Match, error) {
	var found []*api.Match
	if f.Authoritative == nil || f.Authoritative.Value {
		var err error
		if found, err = s.listing.search(f, limit); err != nil {
			return nil, err
		}
	}
	if f.Query == nil && f.Label == nil && !f.Authoritative.GetValue() && len(found) < limit {
		s.relayed.each(func(u id.UUID) bool {
			st := relayedStream(u)
			if n := s.c.Presence.Count(st); n > 0 && f.fits(n) { // the last member may have left meanwhile
				found = append(found, &api.Match{MatchId: st.Member(), Size: int32(n)})
			}
			return len(found) < limit
		})
	}
	return found, nil
}

// fits reports whether a match of so many members is wanted.
func (f *Filter) fits(size int) bool {
	return (f.Min == nil || size >= int(f.Min.Value)) && (f.Max == nil || size <= int(f.Max.Value))
}

// compile is what the filter says about labels.
func (f *Filter) compile() (*query.Query, error) {
	switch {
	case f.Query != nil:
		q, err := query.Parse(f.Query.Value)
		if err != nil {
			return nil, ErrQuery
		}
		return q, nil
	case f.Label != nil:
		return query.Equal("label_string", f.Label.Value), nil
	}
	return &query.Query{}, nil
}

// Native is a match of the engine, as listings know it. The functions are called by any goroutine.
type Native struct {
	ID    id.UUID
	Game  string // the name of its definition
	Rate  int    // ticks a second
	Size  func() int
	Label func() string
}

// AddNative makes a match of the engine be listed.
func (s *Service) AddNative(n Native) {
	name := presence.Stream{Mode: presence.ModeAuthoritative, Subject: n.ID, Label: s.c.Node}.Member()
	s.listing.add(n.ID, &native{Native: n, name: name, since: time.Now()})
}

// RemoveNative takes one out of the listings; one that is not there does not matter.
func (s *Service) RemoveNative(u id.UUID) { s.listing.remove(u) }

// NativeRelabelled says that the label of one has changed.
func (s *Service) NativeRelabelled(u id.UUID) { s.listing.change(u) }

// native is an engine's match in the listing.
type native struct {
	Native
	name  string
	since time.Time
}

func (n *native) size() int { return n.Size() }

func (n *native) listed() *api.Match {
	return &api.Match{
		MatchId: n.name, Authoritative: true, Label: labelValue(n.Label()), Size: int32(n.Size()), TickRate: int32(n.Rate), HandlerName: n.Game,
	}
}

func (n *native) started() time.Time { return n.since }

func (m *match) started() time.Time { return m.created }

// listable is a match that has a label: an authoritative one, or one of the engine.
type listable interface {
	listed() *api.Match
	size() int // members now
	started() time.Time
}

// listing finds matches by their labels. A match is in it from its beginning to its end, and with the size of the moment.
// A label that has changed is entered by the next search when few have (changedFew), and at the latest when it has waited for
// the interval: a handler that writes a new label on every tick costs no more than one that writes one a second.
type listing struct {
	// constant
	node     string
	interval time.Duration

	mu    sync.RWMutex
	all   map[id.UUID]listable
	index *query.Index[id.UUID]

	entering sync.Mutex // held from when changed is taken until it is entered: an older label never comes after a newer one
	changes  struct {
		mu    sync.Mutex
		list  map[id.UUID]struct{}
		timer bool // one runs, and will enter them
	}
}

const changedFew = 64 // labels that a search enters first: a millisecond

func (l *listing) init(node string, interval time.Duration) {
	l.node, l.interval = node, interval
	l.all, l.index = map[id.UUID]listable{}, query.NewIndex[id.UUID](query.NewestFirst)
	l.changes.list = map[id.UUID]struct{}{}
}

func (l *listing) add(u id.UUID, m listable) {
	d := l.document(m)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[u] = m
	l.index.Put(u, d)
}

func (l *listing) remove(u id.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, u)
	l.index.Remove(u)
}

// change notes that a match has another label. It takes no time, and may be called with anything locked.
func (l *listing) change(u id.UUID) {
	c := &l.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list[u] = struct{}{}
	if !c.timer {
		c.timer = true
		time.AfterFunc(l.interval, l.due)
	}
}

func (l *listing) due() {
	l.changes.mu.Lock()
	l.changes.timer = false
	l.changes.mu.Unlock()
	l.enter()
}

// enter makes the labels that have changed be found.
func (l *listing) enter() {
	l.entering.Lock()
	defer l.entering.Unlock()
	c := &l.changes
	c.mu.Lock()
	changed := c.list
	c.list = map[id.UUID]struct{}{}
	c.mu.Unlock()
	for u := range changed {
		l.mu.RLock()
		m := l.all[u]
		l.mu.RUnlock()
		if m == nil {
			continue
		}
		d := l.document(m)
		l.mu.Lock()
		if l.all[u] == m { // it has not ended meanwhile
			l.index.Put(u, d)
		}
		l.mu.Unlock()
	}
}

func (l *listing) changed() int {
	l.changes.mu.Lock()
	defer l.changes.mu.Unlock()
	return len(l.changes.list)
}

// search finds up to limit matches. Errors: ErrQuery.
func (l *listing) search(f Filter, limit int) (found []*api.Match, err error) {
	q, err := f.compile()
	if err != nil {
		return nil, err
	}
	if n := l.changed(); n > 0 && n <= changedFew {
		l.enter()
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	l.index.Search(q, func(u id.UUID, _ float64) bool {
		if m := l.all[u]; f.fits(m.size()) {
			found = append(found, m.listed())
		}
		return len(found) < limit
	})
	return found, nil
}

// document is what a query sees of a match.
func (l *listing) document(m listable) *query.Document {
	seen, since := m.listed(), m.started()
	d := &query.Document{}
	d.Keyword("_id", seen.MatchId)
	d.Keyword("label_string", seen.Label.GetValue())
	d.Number("tick_rate", float64(seen.TickRate))
	d.Keyword("handler_name", seen.HandlerName)
	d.Keyword("node", l.node)
	d.Number("create_time", float64(since.UnixNano()))
	d.Date("create_time", since)
	var object map[string]any
	if json.Unmarshal([]byte(seen.Label.GetValue()), &object) == nil {
		d.Value("label", object)
	}
	return d
}
