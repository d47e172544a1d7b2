package lua

import (
	"cmp"
	"context"
	"time"

	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// Language loads Lua modules. It is a runtime.Language.
type Language struct {
	cache *bind.Cache // outlives reloads
	ran   bool        // a load has come to its end
}

// New is a language nothing was loaded of.
func New() *Language { return &Language{cache: bind.NewCache(time.Now)} }

// Name implements runtime.Language.
func (l *Language) Name() string { return "Lua" }

// Extensions implements runtime.Language.
func (l *Language) Extensions() []string { return []string{".lua"} }

// Check implements runtime.Language: it compiles.
func (l *Language) Check(_ context.Context, _ *runtime.Host, files []runtime.File) error {
	_, err := compile(files)
	return err
}

// Load implements runtime.Language: it compiles all modules, then runs each that no other has required already.
func (l *Language) Load(ctx context.Context, h *runtime.Host, files []runtime.File, b *runtime.Builder) error {
	modules, err := compile(files)
	if err != nil || len(modules) == 0 {
		return err
	}
	s := &h.Settings.Runtime
	p := &program{host: h, modules: modules, cache: l.cache, limits: limitsOf(s), ranOnce: l.ran}
	p.pool = make(chan *machine, p.limits.machines)
	m, err := p.newMachine(ctx, b, nil)
	if err != nil {
		return err
	}
	p.made.Store(1)
	if s.LuaReadOnlyGlobals && s.ReadOnlyGlobals {
		p.shared = m
	} else {
		p.pool <- m
	}
	for i := range modules {
		b.Match(modules[i].name, p.newHandler(&modules[i]))
	}
	l.ran = true
	return nil
}

func limitsOf(s *config.Runtime) limits {
	return limits{
		instructions: int64(cmp.Or(s.LuaMaxInstructions, -1)),
		callStack:    cmp.Or(s.CallStackSize, s.LuaCallStackSize),
		registry:     cmp.Or(s.RegistrySize, s.LuaRegistrySize),
		machines:     cmp.Or(s.MaxCount, s.LuaMaxCount),
	}
}
