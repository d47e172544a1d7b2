package js

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// Language loads JavaScript and TypeScript modules. It is a runtime.Language.
type Language struct {
	cache *bind.Cache // outlives reloads
}

// New is a language nothing was loaded of.
func New() *Language { return &Language{cache: bind.NewCache(time.Now)} }

// Name implements runtime.Language.
func (l *Language) Name() string { return "JavaScript" }

// Extensions implements runtime.Language.
func (l *Language) Extensions() []string { return []string{".js", ".ts"} }

// Check implements runtime.Language: it compiles, and runs the script, but not InitModule.
func (l *Language) Check(_ context.Context, h *runtime.Host, files []runtime.File) error {
	f, ok, err := entryOf(h.Settings.Runtime.JSEntrypoint, files)
	if err != nil || !ok {
		return err
	}
	_, err = compile(f)
	return err
}

// Load implements runtime.Language: it compiles the entry point, runs it, and calls its InitModule.
func (l *Language) Load(ctx context.Context, h *runtime.Host, files []runtime.File, b *runtime.Builder) error {
	s := &h.Settings.Runtime
	f, ok, err := entryOf(s.JSEntrypoint, files)
	if err != nil || !ok {
		return err
	}
	p := &program{
		host: h, file: f.Name, cache: l.cache, seed: rand.Uint64(), freeze: s.JSReadOnlyGlobals && s.ReadOnlyGlobals,
		limit: time.Duration(s.JSMaxMs) * time.Millisecond, pool: make(chan *machine, s.JSMaxCount),
	}
	if p.script, err = compile(f); err != nil {
		return err
	}
	m, err := p.newMachine(ctx, b)
	if err != nil {
		return err
	}
	if p.closed = !slices.Contains(p.names, ""); p.closed {
		p.replies = nil
	}
	p.made.Store(1)
	p.pool <- m
	return nil
}
