package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/persist"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/event"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/goplug"
	"github.com/skirmishgg/skirmish/services/runtime/guard"
	"github.com/skirmishgg/skirmish/services/runtime/js"
	"github.com/skirmishgg/skirmish/services/runtime/lua"
	"github.com/skirmishgg/skirmish/services/runtime/nk"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/storage"
	"github.com/skirmishgg/skirmish/services/storage/index"
	"github.com/skirmishgg/skirmish/services/transfer"
	"github.com/skirmishgg/skirmish/services/unit"
	"github.com/skirmishgg/skirmish/services/wallet"
)

// Module is a studio's own server code in Go: what a plugin calls InitModule.
type Module = goplug.Module

// languages are those of modules, in the order of their precedence.
func languages(modules []Module) []runtime.Language {
	return []runtime.Language{goplug.New(modules...), lua.New(), js.New()}
}

// newRuntime has no modules yet: they are loaded before the doors open.
func newRuntime(b *backend, n *Node) (*runtime.Runtime, error) {
	s := b.settings
	var err error
	if b.sql, err = persist.SQL(storeConfig(s, b.log)); err != nil {
		return nil, err
	}
	return runtime.New(runtime.Config{
		Host: &runtime.Host{
			NK: newNK(b), DB: b.sql, Log: b.log, Settings: s, Node: s.Name, Version: n.c.Version, Env: environment(s), Root: s.Runtime.Path,
			Guard: guard.New(guard.Limit(s.Runtime.MemoryLimitMB), b.log),
		},
		Languages: languages(n.c.Modules), Functions: n.c.RPC, Registry: b.registry, RPC: b.rpc, Loaded: b.loaded,
	}), nil
}

// loaded gives the storage indexes that modules want to those who keep them.
func (b *backend) loaded(s *runtime.Set) {
	specs := make([]index.Spec, len(s.Indexes))
	for i, x := range s.Indexes {
		specs[i] = index.Spec{
			Name: x.Name, Collection: x.Collection, Key: x.Key, Fields: x.Fields, Sortable: x.Sortable, EntriesMax: x.MaxEntries, IndexOnly: x.IndexOnly,
		}
		if s.Filters(x.Name) {
			specs[i].Filter = func(ctx context.Context, o *storage.Object) (bool, error) {
				return s.IndexFilter(ctx, x.Name, writeOf(o))
			}
		}
	}
	b.index.Replace(specs)
}

// writeOf is an object as filters of modules see it.
func writeOf(o *storage.Object) *nakama.StorageWrite {
	w := &nakama.StorageWrite{
		Collection: o.Collection, Key: o.Key, Value: string(o.Value), Version: o.Version, PermissionRead: int(o.Read), PermissionWrite: int(o.Write),
	}
	if !o.UserID.IsZero() {
		w.UserID = o.UserID.String()
	}
	return w
}

// newNK is what modules call.
func newNK(b *backend) *nk.Module {
	f := &b.features
	return nk.New(nk.Config{
		Node: b.settings.Name, Root: b.settings.Runtime.Path,
		Sessions: b.sessions, Live: b.live, Presence: b.presence, Metrics: b.metrics,
		Account: f.Account, Auth: f.Auth, Board: f.Leaderboard, Chat: f.Chat, Event: f.Event, Friend: f.Friend, Group: f.Group, Match: f.Match,
		Notify: f.Notify, Party: f.Party, Status: f.Status, Storage: f.Storage, Tournament: f.Tournament,
		Transfer: transfer.New(transfer.Config{DB: b.db, Account: f.Account, Boards: f.Leaderboard, Changed: b.index.Changed}),
		Unit:     unit.New(unit.Config{DB: b.db, Storage: f.Storage}), Wallet: wallet.New(b.db),
		Fleet: func() nakama.FleetManager { return b.runtime.Set().Fleet }, Index: b.index,
	})
}

// environment is runtime.env as a map.
func environment(s *config.Config) map[string]string {
	env := make(map[string]string, len(s.Runtime.Env))
	for _, pair := range s.Runtime.Env {
		key, value, _ := strings.Cut(pair, "=")
		env[key] = value
	}
	return env
}

func newEvents(b *backend) *event.Service {
	return event.New(event.Config{
		QueueMax: b.settings.Runtime.EventQueueSize, Workers: b.settings.Runtime.EventQueueWorkers,
		Functions: func(k event.Kind) []event.Func { return b.runtime.Set().Events(k) },
		Dropped:   b.metrics.DroppedEvents.Inc, Log: b.log,
	})
}

// startRuntime loads the modules, and goes on doing so while a developer saves them.
func (b *backend) startRuntime(n *Node) error {
	if err := b.runtime.Load(context.Background()); err != nil {
		return fmt.Errorf("modules: %w", err)
	}
	b.running.Go(func() { b.runtime.Host().Guard.Watch(b.life) }) // ended by stop, which waits
	if n.c.WatchModules {
		b.running.Go(func() { b.runtime.Watch(b.life) }) // ended by stop, which waits
	}
	return nil
}

// handlers finds what makes a match: the node's own, then those of modules.
func (b *backend) handlers(own Handlers, name string) (func() match.Handler, bool) {
	if f, ok := own[name]; ok {
		return f, ok
	}
	return b.runtime.Set().Match(name)
}

// callerOf is a realtime session as a caller, as far as it says.
func (b *backend) callerOf(c session.Conn) op.Caller {
	if said, ok := c.(interface{ Caller() op.Caller }); ok {
		return said.Caller()
	}
	return op.Caller{
		UserID: c.UserID(), Username: c.Username(), Vars: c.Vars(), SessionID: c.ID().String(), Lang: c.Lang(), Node: b.settings.Name,
	}
}

// shutdownModules starts the modules' shutdown function, if there is one, and answers what is closed when it has returned.
// ctx tells it when its time is up. The server still serves.
func (b *backend) shutdownModules(ctx context.Context) <-chan struct{} {
	over := make(chan struct{})
	f := b.runtime.Set().Shutdown
	if f == nil {
		close(over)
		return over
	}
	go func() { defer close(over); f(ctx) }() // ends with the function; Drain waits as long as it may
	return over
}

// eventsTime is how long queued events may take when the server stops.
const eventsTime = 2 * time.Second

func (b *backend) stopRuntime(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, eventsTime)
	defer cancel()
	b.event.Stop(ctx)
	return b.sql.Close()
}

// ReloadModules runs the modules in runtime.path and serves what they registered in place of what served before. If
// anything fails, what served goes on, and the error says why. Running matches finish with the code they began with.
func (n *Node) ReloadModules(ctx context.Context) error {
	if n.backend == nil {
		return errors.New("node: without settings there are no modules")
	}
	return n.backend.runtime.Reload(ctx)
}

// CheckModules says what is wrong with the modules of these settings, as far as can be told without running them.
func CheckModules(ctx context.Context, s *config.Config) error {
	return runtime.Check(ctx, &runtime.Host{Settings: s, Node: s.Name, Env: environment(s), Root: s.Runtime.Path}, languages(nil))
}
