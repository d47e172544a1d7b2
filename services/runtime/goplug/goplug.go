package goplug

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/runtime"
)

// Module is what a Go module is to the server. It registers its functions with the initializer.
type Module = func(ctx context.Context, logger nakama.Logger, db *sql.DB, nk nakama.NakamaModule, initializer nakama.Initializer) error

// Go is the language. Its methods are called by one goroutine at a time.
type Go struct {
	linked []Module
	ran    []*runtime.Builder // what linked modules registered, once they have run
	opened map[string]opened  // plugins, by path
}

// opened is a plugin that is part of the process.
type opened struct {
	builder *runtime.Builder
	changed time.Time // of the file
}

var _ runtime.Language = (*Go)(nil)

// New runs these modules, in this order, before plugins.
func New(linked ...Module) *Go { return &Go{linked: linked, opened: map[string]opened{}} }

// Name and Extensions are runtime.Language.
func (g *Go) Name() string         { return "Go" }
func (g *Go) Extensions() []string { return []string{".so"} }

// Load runs what has not run yet, and registers again what has.
func (g *Go) Load(ctx context.Context, h *runtime.Host, files []runtime.File, b *runtime.Builder) error {
	for i, m := range g.linked {
		if i == len(g.ran) {
			built, err := run(ctx, h, m)
			if err != nil {
				return fmt.Errorf("module %d of those linked in: %w", i+1, err)
			}
			g.ran = append(g.ran, built)
		}
		b.Add(g.ran[i])
	}
	for _, f := range files {
		built, err := g.plugin(ctx, h, f)
		if err != nil {
			return fmt.Errorf("plugin %s: %w", f.Name, err)
		}
		b.Add(built)
	}
	return nil
}

func (g *Go) plugin(ctx context.Context, h *runtime.Host, f runtime.File) (*runtime.Builder, error) {
	info, err := os.Stat(f.Path())
	if err != nil {
		return nil, err
	}
	if o, ok := g.opened[f.Path()]; ok {
		if !o.changed.Equal(info.ModTime()) {
			h.Log.Warn("A plugin has changed. Go cannot replace it: restart the server", "plugin", f.Name)
		}
		return o.builder, nil
	}
	m, err := open(f.Path())
	if err != nil {
		return nil, err
	}
	built, err := run(ctx, h, m)
	if err != nil {
		return nil, err
	}
	g.opened[f.Path()] = opened{built, info.ModTime()}
	return built, nil
}

// run calls a module. Those that fail may be called again by the next reload.
func run(ctx context.Context, h *runtime.Host, m Module) (*runtime.Builder, error) {
	i := &initializer{host: h, logger: Logger(h.Log), builder: runtime.NewBuilder()}
	if err := m(h.Context(ctx, runtime.ModeRunOnce), i.logger, h.DB, h.NK, i); err != nil {
		return nil, fmt.Errorf("InitModule: %w", err)
	}
	return i.builder, nil
}

// Logger is the log that Go modules get.
func Logger(log *slog.Logger) nakama.Logger { return runtime.NewLogger(log.With("runtime", "go")) }

// Check opens the plugins without running them.
func (g *Go) Check(_ context.Context, _ *runtime.Host, files []runtime.File) error {
	var wrong []error
	for _, f := range files {
		if _, err := open(f.Path()); err != nil {
			wrong = append(wrong, fmt.Errorf("plugin %s: %w", f.Name, err))
		}
	}
	return errors.Join(wrong...)
}
