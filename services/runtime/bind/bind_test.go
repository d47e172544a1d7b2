package bind

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"
)

// TestEveryModuleMethodHasItsFunction: what Go modules can call, scripts can too, but for what only Go has.
func TestEveryModuleMethodHasItsFunction(t *testing.T) {
	names := map[string]bool{}
	for _, f := range Functions() {
		if js := f.NameIn(JavaScript); js != "" {
			names[strings.ToLower(js)] = true
		}
	}
	module := reflect.TypeFor[runtime.NakamaModule]()
	for i := range module.NumMethod() {
		name := module.Method(i).Name
		switch name {
		case "GetFleetManager", "GetSatori": // the first is Go's alone, the second an object that languages make themselves
			continue
		case "ReadFile":
			name = "FileRead"
		case "TournamentRanksDisable":
			name = "TournamentsRanksDisable"
		}
		if !names[strings.ToLower(name)] {
			t.Errorf("scripts cannot call %s", name)
		}
	}
}

func TestNamesAndCounts(t *testing.T) {
	count := map[Lang]int{}
	for l := range map[Lang]bool{Lua: true, JavaScript: true} {
		seen := map[string]bool{}
		for _, f := range Functions() {
			name := f.NameIn(l)
			if name == "" {
				continue
			}
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
			count[l]++
		}
	}
	// Of Lua's 194, 20 are the language's own: 12 registrations, run_once, 4 loggers, get_context, get_config, get_satori.
	if count[Lua] != 194-20 || count[JavaScript] != 171 {
		t.Errorf("%d functions in Lua, %d in JavaScript", count[Lua], count[JavaScript])
	}
}

func find(t *testing.T, name string) *Function {
	t.Helper()
	i := slices.IndexFunc(Functions(), func(f *Function) bool { return f.name == name })
	if i < 0 {
		t.Fatalf("there is no %s", name)
	}
	return Functions()[i]
}

func call(t *testing.T, l Lang, name string, args ...any) string {
	t.Helper()
	h := &Host{NK: nothing{}, Cache: NewCache(time.Now)}
	out, err := find(t, name).Invoke(context.Background(), h, l, args)
	if err != nil {
		return err.Error()
	}
	for i := range out {
		if b, ok := out[i].(Bytes); ok {
			out[i] = string(b)
		}
		out[i] = Plain(out[i], l)
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// nothing is a module whose functions are not called, or refuse.
type nothing struct{ runtime.NakamaModule }

var errNothing = errors.New("not today")

func (nothing) LinkDevice(context.Context, string, string) error { return errNothing }

func (nothing) FriendsAdd(_ context.Context, _, _ string, ids, _ []string, metadata map[string]any) error {
	return errors.New(strings.Join(ids, "+"))
}

func TestArgumentsAndResults(t *testing.T) {
	const user = "6c8a4ac4-7a4f-4f4b-9c36-9a2b3a7d1f10"
	f := func(want string, l Lang, name string, args ...any) {
		t.Helper()
		if got := call(t, l, name, args...); got != want {
			t.Errorf("%s(%v) is\n%s, want\n%s", name, args, got, want)
		}
	}
	f("bad argument #1 to link_device (expects user id to be a valid identifier)", Lua, "link_device", "x", "y")
	f("bad argument #2 to link_device (string expected, got nil)", Lua, "link_device", user)
	f("bad argument #2 to linkDevice (expects string)", JavaScript, "link_device", user, 5.0)
	f("error linking: not today", JavaScript, "link_device", user, "device")
	f("bad argument #1 to users_get_random (count must be 0-1000)", Lua, "users_get_random", 1001.0)
	f("bad argument #1 to usersGetRandom (expects number)", JavaScript, "users_get_random", 5.5)
	f("bad argument #2 to match_list (value expected)", Lua, "match_list")
	f("bad argument #3 to friends_add (invalid user ids list)", Lua, "friends_add", user, "me", map[string]any{})
	f(user, Lua, "friends_add", user, "me", []any{user})
	f("bad argument #5 to friendsAdd (invalid metadata: must be an object)", JavaScript, "friends_add", user, "me", []any{user})
	f("null", Lua, "friends_add", user, "me")
	f(`["YQ=="]`, Lua, "base64_encode", "a")
	f(`["YQ"]`, JavaScript, "base64_encode", "a", false)
	f(`["a"]`, Lua, "base64url_decode", "YQ")
	f("Failed to decode string: YQ", JavaScript, "base64url_decode", "YQ")
	f(`["0cc175b9c0f1b6a831c399e269772661"]`, Lua, "md5_hash", "a")
	f(`["{\"a\":[1,2.5]}"]`, Lua, "json_encode", map[string]any{"a": []any{1.0, 2.5}})
	f("bad argument #6 to leaderboard_record_write (table expected, got string)", Lua, "leaderboard_record_write", "b", user, "", 1.0, 0.0, "x")
}

func TestCryptoRoundTrip(t *testing.T) {
	for _, l := range []Lang{Lua, JavaScript} {
		for name, key := range map[string]string{"aes128": strings.Repeat("k", 16), "aes256": strings.Repeat("k", 32)} {
			h := &Host{}
			secret, err := find(t, name+"_encrypt").Invoke(context.Background(), h, l, []any{"hello", key})
			if err != nil {
				t.Fatal(err)
			}
			if b, ok := secret[0].(Bytes); ok {
				secret[0] = string(b)
			}
			plain, err := find(t, name+"_decrypt").Invoke(context.Background(), h, l, []any{secret[0], key})
			if b, ok := plain[0].(Bytes); ok {
				plain[0] = string(b)
			}
			if err != nil || plain[0] != "hello   " {
				t.Errorf("%s: %q, %v", name, plain, err)
			}
		}
	}
}

func TestCacheIsBoundedAndExpires(t *testing.T) {
	now := time.Unix(1000, 0)
	c := NewCache(func() time.Time { return now })
	c.Put("a", 1, time.Second)
	c.Put("b", 2, 0)
	if v, ok := c.Get("a"); !ok || v != 1 {
		t.Error("a is not there")
	}
	now = now.Add(time.Second)
	if _, ok := c.Get("a"); ok {
		t.Error("a has not expired")
	}
	if v, ok := c.Get("b"); !ok || v != 2 {
		t.Error("b is not there")
	}
	c.Put("c", 3, time.Second)
	now = now.Add(cacheSweep)
	if c.Put("d", 4, 0); len(c.items) != 2 {
		t.Errorf("%d items after a sweep", len(c.items))
	}
	if c.Clear(); len(c.items) != 0 {
		t.Error("something is left")
	}
}
