package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"

	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/event"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// Set is everything that one load of the modules registered, ready to be called. Immutable. Its functions put together
// the context of server code, and catch panics.
type Set struct {
	Single
	Indexes []StorageIndex
	Console []Route // on the console's port

	host     *Host
	log      *slog.Logger
	rpcs     map[string]rpc.Func
	hooks    map[*op.Entry]*op.Hook
	events   [event.Kinds][]event.Func
	matches  map[string]func() match.Handler
	filters  map[string]IndexFilter
	http     http.Handler // nil: no module has any
	replaced []func()
}

// newSet is what builders hold together; of two that have the same thing the earlier has it.
func newSet(h *Host, r *op.Registry, builders []*Builder) (*Set, error) {
	all := NewBuilder()
	for _, b := range slices.Backward(builders) { // so that the earlier ones have the last word
		all.Add(b)
	}
	s := &Set{
		Single: all.Single, Indexes: all.indexes, Console: all.Console,
		host: h, log: h.Log, rpcs: make(map[string]rpc.Func, len(all.rpcs)), hooks: map[*op.Entry]*op.Hook{},
		matches: all.matches, filters: all.filters, replaced: all.Replaced,
	}
	for id, f := range all.rpcs {
		s.rpcs[id] = s.rpc(id, f)
	}
	s.events = [event.Kinds][]event.Func{
		event.Custom: s.eventFuncs(all.Events), event.SessionStart: s.eventFuncs(all.Started), event.SessionEnd: s.eventFuncs(all.Ended),
	}
	s.hookAll(r, all)
	s.wrapSingle()
	var err error
	s.http, err = routes(all.HTTP)
	return s, err
}

func (s *Set) rpc(id string, f RPC) rpc.Func {
	return func(ctx context.Context, c op.Caller, r rpc.Request) (out string, err error) {
		defer s.catch(&err, "RPC "+id)
		if out, err = f(&scope{ctx, s.host, ModeRPC, c, r.Headers, r.Query}, r.Payload); err != nil {
			return "", &rpc.Failure{Refusal: refusal(err), Cause: err}
		}
		return out, nil
	}
}

func (s *Set) eventFuncs(list []Event) (fs []event.Func) {
	for _, f := range list {
		fs = append(fs, func(ctx context.Context, c op.Caller, e *event.Message) {
			var err error
			defer s.catch(&err, "event function")
			f(s.host.CallerContext(ctx, ModeEvent, c), e)
		})
	}
	return fs
}

// Events are the functions for events of a kind.
func (s *Set) Events(k event.Kind) []event.Func { return s.events[k] }

// Match is what makes handlers of this name.
func (s *Set) Match(name string) (make func() match.Handler, ok bool) {
	make, ok = s.matches[name]
	return make, ok
}

// Filters says whether a storage index has a filter.
func (s *Set) Filters(index string) bool { return s.filters[index] != nil }

// IndexFilter says whether an object belongs into a storage index; one without a filter takes all.
func (s *Set) IndexFilter(ctx context.Context, index string, w *nakama.StorageWrite) (in bool, err error) {
	f := s.filters[index]
	if f == nil {
		return true, nil
	}
	defer s.catch(&err, "filter of storage index "+index)
	return f(s.host.Context(ctx, ModeIndexFilter), w)
}

// catch makes an error of a panic. To be deferred.
func (s *Set) catch(err *error, what string) {
	if p := recover(); p != nil {
		s.log.Error("Server code panicked", "in", what, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = errPanic
	}
}
