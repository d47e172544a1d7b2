package lua

import (
	"context"
	"encoding/json"
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/bind"
)

// openRegistrations adds the functions by which modules offer theirs. A machine remembers each under a key; the runtime is
// given closures that know the key, and find the function on whatever machine serves the call.
func (m *machine) openRegistrations(nk *lua.LTable) {
	named := func(missing string, offer func(o bind.Offers, name string, f bind.Script)) lua.LGFunction {
		return func(L *lua.LState) int {
			f, name := L.CheckFunction(1), L.CheckString(2)
			if name == "" {
				L.ArgError(2, missing)
			}
			m.register(f, func(o bind.Offers, f bind.Script) { offer(o, name, f) })
			return 0
		}
	}
	single := func(offer func(o bind.Offers, f bind.Script)) lua.LGFunction {
		return func(L *lua.LState) int { m.register(L.CheckFunction(1), offer); return 0 }
	}
	m.root.SetFuncs(nk, map[string]lua.LGFunction{
		"register_rpc":                named("expects rpc id", bind.Offers.RPC),
		"register_req_before":         named("expects method name", bind.Offers.Before),
		"register_req_after":          named("expects method name", bind.Offers.After),
		"register_rt_before":          named("expects message name", bind.Offers.BeforeEnvelope),
		"register_rt_after":           named("expects message name", bind.Offers.AfterEnvelope),
		"register_matchmaker_matched": single(bind.Offers.MatchmakerMatched),
		"register_tournament_end":     single(bind.Offers.TournamentEnd),
		"register_tournament_reset":   single(bind.Offers.TournamentReset),
		"register_leaderboard_reset":  single(bind.Offers.LeaderboardReset),
		"register_shutdown":           single(func(o bind.Offers, f bind.Script) { o.Shutdown(f, func(error) {}) }), // logged when it failed
		"register_storage_index":      m.registerIndex,
		"register_storage_index_filter": func(L *lua.LState) int {
			name, f := L.CheckString(1), L.CheckFunction(2)
			m.register(f, func(o bind.Offers, f bind.Script) { o.IndexFilter(name, f) })
			return 0
		},
	})
}

// register remembers a function and, while the modules run for the first time, offers it.
func (m *machine) register(f *lua.LFunction, offer func(bind.Offers, bind.Script)) {
	key := len(m.functions) // machines run the same modules, so they count alike
	m.functions = append(m.functions, f)
	if m.builder != nil {
		offer(bind.Offers{Builder: m.builder, Lang: bind.Lua}, m.program.script(key))
	}
}

var errUnregistered = errors.New("the function was not registered by this machine's run of the modules")

// script is the function of a key, on whatever machine is free.
func (p *program) script(key int) bind.Script {
	return func(ctx context.Context, args ...any) (results []any, err error) {
		err = p.with(ctx, func(m *machine) error {
			if key >= len(m.functions) {
				return errUnregistered
			}
			return m.invoke(ctx, m.functions[key], func(c *call) []lua.LValue {
				values := []lua.LValue{contextTable(c.L, ctx)}
				for _, a := range args {
					values = append(values, toLua(c.L, a))
				}
				return values
			}, func(out []lua.LValue) error {
				results = make([]any, len(out))
				for i := range out {
					if results[i], err = toGo(out[i], 0); err != nil {
						return err
					}
				}
				return nil
			})
		})
		return results, err
	}
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
