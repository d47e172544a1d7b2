package pool

import (
	"errors"
	"slices"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/query"
)

// ErrFull refuses a ticket: there is no room for more.
var ErrFull = errors.New("pool: too many tickets")

// Config is what a Pool is made of.
type Config struct {
	RoundsMax int  // rounds in which a ticket searches: at the last it takes any size that it allows
	Mutual    bool // each query in a match must want all the others' tickets; else only the searching one's is asked
}

// Ticket is a party, or one player, that wants a match. What its owner sets is constant from Add until it has left.
type Ticket struct {
	Query    *query.Query    // of the others; nil wants everybody
	Document *query.Document // what the others' queries are asked of, one value a field; the pool takes it over
	Min, Max int             // players of the match; Max ≥ Min ≥ 1
	Multiple int             // that divides their number; ≥ 1
	Weight   int             // players it stands for
	Party    id.UUID         // tickets of one party do not meet; zero: of none
	Sessions []id.UUID       // nor do tickets that share a session
	Created  int64           // time, of any unit
	Standing bool            // it never becomes passive, and takes any size that it allows at once
	Owner    any             // not looked at

	state  state
	number uint64 // in the order of Add
	rounds int
	wants  wants
	// missing is how many players must come before another search for a full group can do better; at 0 it is woken.
	missing int
	woken   bool
}

// state is where a ticket is in its life.
type state uint8

const (
	outside state = iota
	fresh         // added, and not searched for; a search makes it active
	active        // searched for, and woken by arrivals; the last round makes it passive
	passive       // found by others; a match or Remove ends it
)

// Match is a group. The ticket that searched comes last, the others in the order in which it wanted them.
type Match []*Ticket

// Pool has the tickets.
type Pool struct {
	c Config

	number     uint64
	count      int
	partitions map[int]*partition // by Ticket.Max
	sessions   map[id.UUID]int    // tickets of each
	searching  map[*Ticket]struct{}
	parties    int // tickets of more than one player

	fresh   []*Ticket // not searched for, oldest first
	due     []*Ticket // to be searched for in this round, oldest first
	wakened []*Ticket // by arrivals
	arrivals
	combiner
}

// partition is the tickets of one Max: a full group is of one partition.
type partition struct {
	index  *query.Index[*Ticket]
	weight int // of all
}

// New makes an empty pool.
func New(c Config) *Pool {
	return &Pool{
		c: c, partitions: map[int]*partition{}, sessions: map[id.UUID]int{}, searching: map[*Ticket]struct{}{},
		arrivals: arrivals{byTerm: map[term]*wanting{}},
	}
}

// Len is how many tickets there are; Searching is how many of them are not passive.
func (p *Pool) Len() int       { return p.count }
func (p *Pool) Searching() int { return len(p.searching) }

// in reports whether a ticket is in the pool.
func (t *Ticket) in() bool { return t.state != outside }

// Add takes a ticket in, to be searched for by Step. Errors: ErrFull.
func (p *Pool) Add(t *Ticket) error {
	part := p.partitions[t.Max]
	if part == nil {
		part = &partition{index: query.NewIndex[*Ticket](query.OldestFirst)}
		p.partitions[t.Max] = part
	}
	if !part.index.Put(t, t.Document) {
		return ErrFull
	}
	part.weight += t.Weight
	p.number++
	p.count++
	t.number, t.state, t.rounds, t.missing, t.woken = p.number, fresh, 0, 0, false
	if t.Query == nil {
		t.Query = everybody
	}
	if t.Weight > 1 {
		p.parties++
	}
	for _, s := range t.Sessions {
		p.sessions[s]++
	}
	p.searching[t] = struct{}{}
	p.fresh = append(p.fresh, t)
	return nil
}

var everybody = &query.Query{}

// Remove takes a ticket out; one that is not there is no matter.
func (p *Pool) Remove(t *Ticket) {
	if !t.in() {
		return
	}
	p.calm(t)
	t.state = outside
	part := p.partitions[t.Max]
	part.index.Remove(t)
	if part.weight -= t.Weight; part.index.Len() == 0 {
		delete(p.partitions, t.Max)
	}
	p.count--
	if t.Weight > 1 {
		p.parties--
	}
	for _, s := range t.Sessions {
		if p.sessions[s]--; p.sessions[s] == 0 {
			delete(p.sessions, s)
		}
	}
}

// calm ends a ticket's searches.
func (p *Pool) calm(t *Ticket) {
	if t.state == active {
		p.forget(t)
	}
	t.state = passive
	delete(p.searching, t)
}

// Round begins a round: Step will search for every ticket that is not passive.
func (p *Pool) Round() {
	p.due = p.due[:0]
	for t := range p.searching {
		t.rounds++
		p.due = append(p.due, t)
	}
	slices.SortFunc(p.due, older)
}

func older(a, b *Ticket) int {
	if a.number < b.number {
		return -1
	}
	return 1
}

// Idle reports whether Step has nothing to do.
func (p *Pool) Idle() bool { return len(p.fresh)+len(p.wakened)+len(p.due) == 0 }

// Step does up to so many searches and appends the matches they make, whose tickets have left the pool.
func (p *Pool) Step(searches int, dst []Match) []Match {
	for range searches {
		t := p.next()
		if t == nil {
			break
		}
		if m := p.turn(t); m != nil {
			dst = append(dst, m)
		}
	}
	return dst
}

// next is the ticket to search for: the fresh ones first, since each search finds them, then those they woke, then the
// round's. nil: none is left.
func (p *Pool) next() *Ticket {
	for len(p.fresh) > 0 {
		t := p.fresh[0]
		if p.fresh = p.fresh[1:]; len(p.fresh) == 0 {
			p.fresh = nil // the array goes
		}
		if t.state == fresh {
			return t
		}
	}
	for len(p.wakened) > 0 {
		t := p.wakened[0]
		if p.wakened = p.wakened[1:]; len(p.wakened) == 0 {
			p.wakened = nil
		}
		if t.woken = false; t.state == active {
			return t
		}
	}
	for len(p.due) > 0 {
		t := p.due[0]
		if p.due = p.due[1:]; t.state == active || t.state == fresh {
			return t
		}
	}
	p.due = nil
	return nil
}

// turn searches for a ticket and moves it on in its life.
func (p *Pool) turn(t *Ticket) Match {
	m := p.search(t, p.settles(t))
	if m != nil {
		for _, member := range m {
			p.Remove(member)
		}
		return m
	}
	p.advance(t)
	return nil
}

// last reports whether a ticket searches for the last time.
func (p *Pool) last(t *Ticket) bool {
	return !t.Standing && (t.rounds >= p.c.RoundsMax || t.rounds > 0 && t.Min == t.Max)
}

func (p *Pool) settles(t *Ticket) bool { return t.Standing || p.last(t) }

// advance moves a ticket on that was searched for in vain.
func (p *Pool) advance(t *Ticket) {
	if t.state == fresh {
		t.state = active
		p.note(t)
		p.arrive(t)
	}
	if p.last(t) {
		p.calm(t)
	}
}

// Propose works off what Step would and appends the groups that there are for each ticket, but takes nobody out: who picks
// among them does, by Remove.
func (p *Pool) Propose(dst []Match) []Match {
	for t := p.next(); t != nil; t = p.next() {
		if m := p.search(t, p.settles(t)); m != nil {
			dst = append(dst, m)
		}
		p.advance(t)
	}
	return dst
}

// Skip works off what Step would without looking for groups: somebody else makes them, of All.
func (p *Pool) Skip() {
	for t := p.next(); t != nil; t = p.next() {
		p.advance(t)
	}
}

// All is every ticket, in the order of Add.
func (p *Pool) All() []*Ticket {
	list := make([]*Ticket, 0, p.count)
	for _, part := range p.partitions {
		part.index.Search(everybody, func(t *Ticket, _ float64) bool {
			list = append(list, t)
			return true
		})
	}
	slices.SortFunc(list, older)
	return list
}
