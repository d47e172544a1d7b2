package limit

import (
	"context"
	"net/netip"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// ErrTooMany refuses a call over the limit. What is returned carries the seconds to wait, too.
var ErrTooMany = errs.New(errs.ResourceExhausted, "Too many requests, try again later.")

const (
	usersMax     = 1 << 17 // buckets of users // 20,000 users online who use six limited operations within a minute
	addressesMax = 1 << 15 // buckets of addresses
)

// Config is what a Limiter is made of.
type Config struct {
	Now func() time.Duration // monotonic, since any fixed moment
	// Refused, if given, counts refusals.
	Refused func(operation string)
}

// Limiter holds operations to the table. Any goroutine may use it.
type Limiter struct {
	c         Config
	users     *Buckets
	addresses *Buckets
}

// New makes a Limiter whose buckets are all full.
func New(c Config) *Limiter {
	if c.Refused == nil {
		c.Refused = func(string) {}
	}
	return &Limiter{c, NewBuckets(usersMax), NewBuckets(addressesMax)}
}

// Wrap is for op.Registry.Wrap. A call that passes costs no allocation.
func (l *Limiter) Wrap(e *op.Entry, next op.Call) op.Call {
	rule, kind := ruleOf(e.Spec)
	if kind == unlimited {
		return next
	}
	name, what, cost := e.Spec.Name, uint32(e.Spec.ID), rule.cost()
	return func(ctx context.Context, c op.Caller, in proto.Message) (proto.Message, error) {
		wait, ok := l.take(c, kind, what, cost)
		if !ok {
			l.c.Refused(name)
			return nil, ErrTooMany.After(seconds(wait))
		}
		return next(ctx, c, in)
	}
}

func (l *Limiter) take(c op.Caller, k kind, what uint32, cost cost) (time.Duration, bool) {
	if c.Trusted || c.ClientIP == "" { // a call from within has no address
		return 0, true
	}
	address, err := netip.ParseAddr(c.ClientIP)
	if err == nil && exempt(address) {
		return 0, true
	}
	if k == perAddress {
		return l.addresses.take(Key{prefix(address), what}, cost, int64(l.c.Now()))
	}
	if c.UserID.IsZero() { // a server with the HTTP key
		return 0, true
	}
	return l.users.take(Key{c.UserID, what}, cost, int64(l.c.Now()))
}

// seconds rounds up: who waits that long finds a token.
func seconds(wait time.Duration) int { return int((wait + time.Second - 1) / time.Second) }

// exempt tells whether an address is of the host itself or of a private network.
func exempt(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}

// prefix is what one holder of addresses has: an IPv4 address, or 64 bits of IPv6. An address that cannot be read
// shares the bucket of the zero address, so that nonsense is no way around the limit.
func prefix(a netip.Addr) (who [16]byte) {
	if !a.IsValid() {
		return who
	}
	who = a.As16()
	if !a.Is4() && !a.Is4In6() {
		clear(who[8:])
	}
	return who
}

// Addresses holds one kind of datagram to a rule per address.
type Addresses struct {
	buckets *Buckets
	cost    cost
}

// NewAddresses starts with full buckets.
func NewAddresses(r Rule) *Addresses { return &Addresses{NewBuckets(addressesMax), r.cost()} }

// Allow takes a token of the address at now, a monotonic time. Allocates nothing.
func (a *Addresses) Allow(from netip.Addr, now time.Duration) bool {
	if exempt(from) {
		return true
	}
	_, ok := a.buckets.take(Key{Who: prefix(from)}, a.cost, int64(now))
	return ok
}
