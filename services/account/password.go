package account

import (
	"context"
	"crypto/sha256"
	"runtime"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/singleflight"

	"github.com/skirmishgg/skirmish/protocol/errs"
)

// ErrBusy refuses a password when too many are being looked at.
var ErrBusy = errs.New(errs.ResourceExhausted, "Too many sign-ins at once, try again.")

const (
	passwordCost = 13 // 2¹³ rounds, as Nakama stores them: about 0.45 s of a core
	waitPerSlot  = 16 // 16 × 0.45 s: as long as a request may take to be answered
)

// Passwords hashes and compares, a few at a time: each takes a core for half a second, and a storm of sign-ins must not
// take those that matches tick on. Policy when more than waitPerSlot wait for each slot: ErrBusy. Equal questions asked
// at once (a client that repeats itself, many first sign-ins of one account) are answered together.
// Any goroutine may use it; one serves the whole node.
type Passwords struct {
	// constant after New
	cost    int
	waitMax int64
	slots   chan struct{}
	// any goroutine
	waiting atomic.Int64
	flights singleflight.Group
	bcrypts atomic.Int64 // how many were computed
}

// NewPasswords computes at most slots hashes at once; 0: half of the cores, at least one. cost 0: 13, which stored
// hashes of existing databases have.
func NewPasswords(slots, cost int) *Passwords {
	if slots == 0 {
		slots = max(1, runtime.NumCPU()/2)
	}
	if cost == 0 {
		cost = passwordCost
	}
	return &Passwords{cost: cost, slots: make(chan struct{}, slots), waitMax: int64(slots * (waitPerSlot + 1))}
}

// Hash is what is stored of a new password of an account.
// Errors: ErrPasswordLong, ErrBusy, and those of ctx.
func (p *Passwords) Hash(ctx context.Context, account, password string) ([]byte, error) {
	if len(password) > passwordMax {
		return nil, ErrPasswordLong
	}
	return flight(ctx, p, key("hash", account, password), func() ([]byte, error) {
		return bcrypt.GenerateFromPassword([]byte(password), p.cost)
	})
}

// Match reports whether hash is of this password. Of a password longer than 72 bytes the rest does not count. A hash that
// is none matches nothing.
// Errors: ErrBusy, and those of ctx.
func (p *Passwords) Match(ctx context.Context, hash []byte, password string) (bool, error) {
	return flight(ctx, p, key("match", string(hash), password), func() (bool, error) {
		return bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil, nil
	})
}

// key names a question without keeping the password in memory.
func key(question, about, password string) string {
	sum := sha256.Sum256([]byte(password))
	return question + about + string(sum[:])
}

// flight computes f in a slot, once for all that ask under one key meanwhile. A caller that goes away leaves the
// computation to the others.
func flight[T any](ctx context.Context, p *Passwords, key string, f func() (T, error)) (T, error) {
	done := p.flights.DoChan(key, func() (any, error) {
		defer p.waiting.Add(-1)
		if p.waiting.Add(1) > p.waitMax {
			return nil, ErrBusy
		}
		p.slots <- struct{}{}
		defer func() { <-p.slots }()
		p.bcrypts.Add(1)
		return f()
	})
	var none T
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(T), nil
	}
}
