package js

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// program is a script, and what its InitModule registered. Constant after Load but for the pool.
type program struct {
	host   *runtime.Host
	file   string
	script *goja.Program
	cache  *bind.Cache
	limit  time.Duration // of a call's own computing; 0: none
	freeze bool

	names   []string // of registered functions by key; "": it is no global one
	closed  bool     // all of them are global: InitModule need not run again
	replies []reply  // of nk, while InitModule ran first
	seed    uint64   // of Math.random then

	pool chan *machine
	made atomic.Int32
}

// reply is what a function of nk gave.
type reply struct {
	name string
	out  []any
	err  error
}

// with runs f on a machine that nobody else uses meanwhile. One that was interrupted is not used again.
func (p *program) with(ctx context.Context, f func(*machine) error) error {
	m, err := p.get(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if m.spoilt {
			p.made.Add(-1)
			return
		}
		p.pool <- m
	}()
	return f(m)
}

// get takes a free machine, makes another, or waits for one.
func (p *program) get(ctx context.Context) (*machine, error) {
	select {
	case m := <-p.pool:
		return m, nil
	default:
	}
	for {
		if p.made.Add(1) <= int32(cap(p.pool)) {
			m, err := p.newMachine(ctx, nil)
			if err != nil {
				p.made.Add(-1)
			}
			return m, err
		}
		p.made.Add(-1)
		select {
		case m := <-p.pool:
			return m, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond): // a machine may have been thrown away
		}
	}
}

// random is what Math.random draws from.
func random(seed uint64) goja.RandSource { return rand.New(rand.NewPCG(seed, seed)).Float64 }
