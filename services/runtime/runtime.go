package runtime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// Config is what a Runtime is made of.
type Config struct {
	Host      *Host
	Languages []Language          // the earlier go first
	Functions map[string]rpc.Func // of the node itself: before those of any module
	Registry  *op.Registry        // sealed
	RPC       *rpc.Service
	Loaded    func(*Set) // is told of each Set, once it serves; nil: nobody is
}

// Runtime has the Set that serves.
type Runtime struct {
	// constant after New
	c Config
	// any goroutine
	set     atomic.Pointer[Set]
	loading sync.Mutex // held while a Set is built and swapped in
	stamp   stamp      // of the files of the newest load, also of one that failed; behind loading
}

// New has a Set without anything. Call Load before players come.
func New(c Config) *Runtime {
	r := &Runtime{c: c}
	r.set.Store(&Set{host: c.Host, log: c.Host.Log})
	return r
}

// Set is what serves now. What a call needs it takes from one Set.
func (r *Runtime) Set() *Set { return r.set.Load() }

// Host is what modules share.
func (r *Runtime) Host() *Host { return r.c.Host }

// HTTP is the handler that modules have for a request, nil when there is none.
func (r *Runtime) HTTP(q *http.Request) http.Handler { return r.Set().HTTP(q) }

// Load runs the modules in runtime.path and serves what they registered, in place of what served before. If anything
// fails it changes nothing.
func (r *Runtime) Load(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	start := time.Now()
	r.stamp = stampOf(r.c.Host.Root)
	next, err := r.build(ctx)
	if err != nil {
		return err
	}
	r.swap(next)
	r.c.Host.Log.Info("Modules loaded", "path", r.c.Host.Root, "rpc", len(next.rpcs), "hooks", len(next.hooks), "matches", len(next.matches),
		"ms", time.Since(start).Milliseconds())
	return nil
}

// Reload is Load for a server that has modules already.
func (r *Runtime) Reload(ctx context.Context) error { return r.Load(ctx) }

// Check says what is wrong with the modules as far as that can be told without running them.
func Check(ctx context.Context, h *Host, languages []Language) error {
	files, err := list(h.Root)
	if err != nil {
		return err
	}
	var wrong []error
	for _, l := range languages {
		if err := guarded(l, func() error { return l.Check(ctx, h, files.of(l)) }); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", l.Name(), err))
		}
	}
	return errors.Join(wrong...)
}

func (r *Runtime) build(ctx context.Context) (*Set, error) {
	h := r.c.Host
	files, err := list(h.Root)
	if err != nil {
		return nil, err
	}
	var builders []*Builder
	for _, l := range r.c.Languages {
		b := NewBuilder()
		if err := guarded(l, func() error { return l.Load(ctx, h, files.of(l), b) }); err != nil {
			return nil, fmt.Errorf("%s: %w", l.Name(), err)
		}
		builders = append(builders, b)
	}
	return newSet(h, r.c.Registry, builders)
}

// guarded makes an error of a panic while modules load.
func guarded(l Language, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s panicked: %v\n%s", l.Name(), p, debug.Stack())
		}
	}()
	return f()
}

// swap puts a Set in place of the one before. A call finds hooks and functions of one or the other.
func (r *Runtime) swap(next *Set) {
	old := r.set.Swap(next)
	for _, e := range r.c.Registry.Entries() {
		e.SetHook(next.hooks[e])
	}
	functions := make(map[string]rpc.Func, len(next.rpcs)+len(r.c.Functions))
	for id, f := range next.rpcs {
		functions[id] = f
	}
	for id, f := range r.c.Functions {
		functions[id] = f
	}
	r.c.RPC.Replace(functions)
	if r.c.Loaded != nil {
		r.c.Loaded(next)
	}
	for _, f := range old.replaced {
		f()
	}
}
