package lua

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	nakama "github.com/heroiclabs/nakama-common/runtime"
	lua "github.com/yuin/gopher-lua"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// openRegistrations adds the functions by which modules offer theirs. A machine remembers each under a key; the runtime is
// given closures that know the key, and find the function on whatever machine serves the call.
func (m *machine) openRegistrations(nk *lua.LTable) {
	named := func(missing string, offer func(p *program, b *runtime.Builder, key, name string)) lua.LGFunction {
		return func(L *lua.LState) int {
			f, name := L.CheckFunction(1), L.CheckString(2)
			if name == "" {
				L.ArgError(2, missing)
			}
			m.register(strings.ToLower(name), f, offer)
			return 0
		}
	}
	single := func(offer func(p *program, b *runtime.Builder, key, name string)) lua.LGFunction {
		return func(L *lua.LState) int { m.register("", L.CheckFunction(1), offer); return 0 }
	}
	m.root.SetFuncs(nk, map[string]lua.LGFunction{
		"register_rpc":                named("expects rpc id", offerRPC),
		"register_req_before":         named("expects method name", offerBefore),
		"register_req_after":          named("expects method name", offerAfter),
		"register_rt_before":          named("expects message name", offerBeforeEnvelope),
		"register_rt_after":           named("expects message name", offerAfterEnvelope),
		"register_matchmaker_matched": single(offerMatched),
		"register_tournament_end":     single(offerTournamentEnd),
		"register_tournament_reset":   single(offerTournamentReset),
		"register_leaderboard_reset":  single(offerLeaderboardReset),
		"register_shutdown":           single(offerShutdown),
		"register_storage_index":      m.registerIndex,
		"register_storage_index_filter": func(L *lua.LState) int {
			name, f := L.CheckString(1), L.CheckFunction(2)
			m.register(name, f, offerIndexFilter)
			return 0
		},
	})
}

// register remembers a function and, while the modules run for the first time, offers it.
func (m *machine) register(name string, f *lua.LFunction, offer func(p *program, b *runtime.Builder, key, name string)) {
	key := strconv.Itoa(len(m.functions)) // machines run the same modules, so they count alike
	m.functions[key] = f
	if m.builder != nil {
		offer(m.program, m.builder, key, name)
	}
}

// call runs the function of a key. take may be nil.
func (p *program) call(ctx context.Context, key string, args func(*call) ([]lua.LValue, error), take func(*call, []lua.LValue) error) error {
	return p.with(ctx, func(m *machine) error {
		f := m.functions[key]
		if f == nil {
			return errUnregistered
		}
		if take == nil {
			take = func(*call, []lua.LValue) error { return nil }
		}
		return m.invoke(ctx, f, args, take)
	})
}

var (
	errUnregistered = errors.New("the function was not registered by this machine's run of the modules")
	errRPCResult    = bind.Text("Runtime function returned invalid data - only allowed one return value of type String/Byte.")
	errFilterResult = bind.Text("Invalid return type for Storage Index Filter function: bool expected")
	errMatchID      = bind.Text("Invalid return value from runtime Matchmaker Matched hook, not a valid match ID.")
	errHookResult   = bind.Text("Unexpected return type from runtime hook, must be nil")
)

func offerRPC(p *program, b *runtime.Builder, key, name string) {
	b.RPC(name, func(ctx context.Context, payload string) (answer string, err error) {
		err = p.call(ctx, key, func(c *call) ([]lua.LValue, error) {
			return []lua.LValue{contextTable(c.L, ctx), lua.LString(payload)}, nil
		}, func(_ *call, results []lua.LValue) error {
			if len(results) == 0 || results[len(results)-1] == lua.LNil {
				return nil
			}
			text, ok := results[len(results)-1].(lua.LString)
			if !ok {
				return errRPCResult
			}
			answer = string(text)
			return nil
		})
		return answer, err
	})
}

// message is a message as an argument; nil for none, and for those without fields.
func message(c *call, m proto.Message) (lua.LValue, error) {
	if _, empty := m.(*emptypb.Empty); m == nil || empty || !m.ProtoReflect().IsValid() {
		return lua.LNil, nil
	}
	v, err := bind.ToValue(m, bind.Lua)
	return toLua(c.L, v), err
}

// back reads a message that a function returned; ok is false when it returned nothing.
func back(results []lua.LValue, into proto.Message) (ok bool, err error) {
	if len(results) == 0 || results[0] == lua.LNil {
		return false, nil
	}
	v, err := toGo(results[0], 0)
	if err != nil {
		return false, err
	}
	m, isObject := v.(map[string]any)
	if !isObject {
		return false, errors.New("runtime function returned no table")
	}
	return true, bind.FromValue(m, into)
}

func offerBefore(p *program, b *runtime.Builder, key, name string) {
	b.Before(name, func(ctx context.Context, in proto.Message) (out proto.Message, err error) {
		err = p.call(ctx, key, func(c *call) ([]lua.LValue, error) {
			v, err := message(c, in)
			return []lua.LValue{contextTable(c.L, ctx), v}, err
		}, func(_ *call, results []lua.LValue) error {
			if _, empty := in.(*emptypb.Empty); empty {
				out = in
				return nil
			}
			changed := in.ProtoReflect().New().Interface()
			ok, err := back(results, changed)
			if ok {
				out = changed
			}
			return err
		})
		return out, err
	})
}

func offerAfter(p *program, b *runtime.Builder, key, name string) {
	b.After(name, func(ctx context.Context, out, in proto.Message) error { return p.after(ctx, key, out, in) })
}

func (p *program) after(ctx context.Context, key string, out, in proto.Message) error {
	return p.call(ctx, key, func(c *call) ([]lua.LValue, error) {
		answer, err := message(c, out)
		if err != nil {
			return nil, err
		}
		request, err := message(c, in)
		return []lua.LValue{contextTable(c.L, ctx), answer, request}, err
	}, nil)
}

func offerBeforeEnvelope(p *program, b *runtime.Builder, key, name string) {
	b.BeforeEnvelope(name, func(ctx context.Context, in *rtapi.Envelope) (out *rtapi.Envelope, err error) {
		err = p.call(ctx, key, func(c *call) ([]lua.LValue, error) {
			v, err := message(c, in)
			return []lua.LValue{contextTable(c.L, ctx), v}, err
		}, func(_ *call, results []lua.LValue) error {
			changed := &rtapi.Envelope{}
			ok, err := back(results, changed)
			switch {
			case err != nil:
				return runtime.ErrBeforeEnvelope
			case ok:
				out = changed
			}
			return nil
		})
		return out, err
	})
}

func offerAfterEnvelope(p *program, b *runtime.Builder, key, name string) {
	b.AfterEnvelope(name, func(ctx context.Context, out, in *rtapi.Envelope) error { return p.after(ctx, key, out, in) })
}

func offerMatched(p *program, b *runtime.Builder, key, _ string) {
	b.MatchmakerMatched = func(ctx context.Context, entries []nakama.MatchmakerEntry) (id string, err error) {
		err = p.call(ctx, key, func(c *call) ([]lua.LValue, error) {
			return []lua.LValue{contextTable(c.L, ctx), toLua(c.L, bind.Entries(entries))}, nil
		}, func(_ *call, results []lua.LValue) error {
			if len(results) == 0 || results[0] == lua.LNil {
				return nil
			}
			text, ok := results[0].(lua.LString)
			if !ok {
				return errMatchID
			}
			id = string(text)
			return nil
		})
		return id, err
	}
}

// nothing refuses the result of a hook that should have none.
func nothing(_ *call, results []lua.LValue) error {
	if len(results) > 0 && results[0] != lua.LNil {
		return errHookResult
	}
	return nil
}

func (p *program) tournament(key string) func(context.Context, *api.Tournament, int64, int64) error {
	return func(ctx context.Context, t *api.Tournament, end, reset int64) error {
		return p.call(ctx, key, func(c *call) ([]lua.LValue, error) {
			return []lua.LValue{contextTable(c.L, ctx), toLua(c.L, bind.Tournament(bind.Lua, t)), lua.LNumber(end), lua.LNumber(reset)}, nil
		}, nothing)
	}
}

func offerTournamentEnd(p *program, b *runtime.Builder, key, _ string) {
	b.TournamentEnd = p.tournament(key)
}

func offerTournamentReset(p *program, b *runtime.Builder, key, _ string) {
	b.TournamentReset = p.tournament(key)
}

func offerLeaderboardReset(p *program, b *runtime.Builder, key, _ string) {
	b.LeaderboardReset = func(ctx context.Context, l *api.Leaderboard, reset int64) error {
		return p.call(ctx, key, func(c *call) ([]lua.LValue, error) {
			board := toLua(c.L, bind.Leaderboard(bind.Lua, l)).(*lua.LTable)
			board.RawSetString("", lua.LNil) // its resets are texts here, under their names
			board.RawSetString("prev_reset", lua.LString(strconv.FormatUint(uint64(l.PrevReset), 10)))
			board.RawSetString("next_reset", lua.LString(strconv.FormatUint(uint64(l.NextReset), 10)))
			return []lua.LValue{contextTable(c.L, ctx), board, lua.LNumber(reset)}, nil
		}, nothing)
	}
}

func offerShutdown(p *program, b *runtime.Builder, key, _ string) {
	b.Shutdown = func(ctx context.Context) {
		_ = p.call(ctx, key, func(c *call) ([]lua.LValue, error) { return []lua.LValue{contextTable(c.L, ctx)}, nil }, nil) // logged there
	}
}

func offerIndexFilter(p *program, b *runtime.Builder, key, name string) {
	b.IndexFilter(name, func(ctx context.Context, w *nakama.StorageWrite) (keep bool, err error) {
		err = p.call(ctx, key, func(c *call) ([]lua.LValue, error) {
			v, err := bind.Write(w)
			return []lua.LValue{contextTable(c.L, ctx), toLua(c.L, v)}, err
		}, func(_ *call, results []lua.LValue) error {
			b, ok := lua.LFalse, false
			if len(results) > 0 {
				b, ok = results[0].(lua.LBool)
			}
			if !ok {
				return errFilterResult
			}
			keep = bool(b)
			return nil
		})
		return keep, err
	})
}

func (m *machine) registerIndex(L *lua.LState) int {
	index := runtime.StorageIndex{Name: L.CheckString(1), Collection: L.CheckString(2), Key: L.CheckString(3), MaxEntries: L.CheckInt(6), IndexOnly: L.OptBool(7, false)}
	index.Fields, index.Sortable = texts(L, 4), texts(L, 5)
	if m.builder != nil {
		if err := m.builder.Index(index); err != nil {
			L.RaiseError("%s", err)
		}
	}
	return 0
}

// texts is an argument that is a list of strings.
func texts(L *lua.LState, n int) (list []string) {
	L.CheckTable(n).ForEach(func(_, v lua.LValue) {
		s, ok := v.(lua.LString)
		if !ok {
			L.ArgError(n, "expects a list of strings")
		}
		list = append(list, string(s))
	})
	return list
}

// jsonText is a match's state for people to read.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
