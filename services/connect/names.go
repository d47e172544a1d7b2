package connect

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// names resolves host names and remembers what they were: callers write names of their own choice into their requests, so
// the memory is bounded and so is how many are asked for at once.
//
//	unknown ── looked up, callers wait ──> good for a minute ── looked up beside, callers get the old answer ──> …
//	                                  └──> nothing found: asked again after five seconds
type names struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	now    func() time.Time

	mu      sync.Mutex
	known   map[string]*name
	looking int
}

type name struct {
	addrs []netip.Addr
	due   time.Time     // when it is asked for again
	busy  chan struct{} // closed when the lookup under way is over; nil: none is
}

const (
	namesMax    = 256
	lookingMax  = 8
	lookupTime  = 5 * time.Second
	nameRefresh = time.Minute
	nameRetry   = 5 * time.Second
)

// resolve is the addresses of a host, which may be an address itself.
// Errors: ErrUnresolved; ctx's.
func (n *names) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	addrs, busy := n.begin(host)
	if len(addrs) > 0 {
		return addrs, nil
	}
	if busy == nil {
		return nil, ErrUnresolved
	}
	select {
	case <-busy:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.known[host]; known != nil && len(known.addrs) > 0 {
		return known.addrs, nil
	}
	return nil, ErrUnresolved
}

// begin is what is known of a host, and the lookup that is under way; it starts one when that is due.
func (n *names) begin(host string) (addrs []netip.Addr, busy chan struct{}) {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.known[host]
	if known == nil {
		if len(n.known) >= namesMax && !n.evict() {
			return nil, nil
		}
		known = &name{}
		n.known[host] = known
	}
	if known.busy == nil && !n.now().Before(known.due) && n.looking < lookingMax {
		known.busy = make(chan struct{})
		n.looking++
		go n.look(host, known) // ends within lookupTime; nobody waits
	}
	return known.addrs, known.busy
}

// evict makes room by forgetting the name that is due first.
func (n *names) evict() bool {
	oldest := ""
	for host, known := range n.known {
		if known.busy == nil && (oldest == "" || known.due.Before(n.known[oldest].due)) {
			oldest = host
		}
	}
	delete(n.known, oldest)
	return oldest != ""
}

func (n *names) look(host string, known *name) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	addrs, err := n.lookup(ctx, host)
	n.mu.Lock()
	defer n.mu.Unlock()
	known.due = n.now().Add(nameRetry)
	if err == nil && len(addrs) > 0 {
		known.addrs, known.due = addrs, n.now().Add(nameRefresh)
	}
	n.looking--
	close(known.busy)
	known.busy = nil
}
