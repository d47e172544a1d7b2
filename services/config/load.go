package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Sources is where Load looks.
type Sources struct {
	Defaults map[string]string // of this program, instead of the tags', by path
	Flags    Flags
	Env      []string // os.Environ()
	Generate bool     // make the secrets that nobody gave and keep them in the data folder: a server that is about to start
}

// Load reads every source, checks the outcome and, where Sources say so, makes the missing secrets.
// Errors: Problems, with everything that is wrong; the Config is as far as it could be read even then, for who shows it.
func Load(s Sources) (*Config, error) {
	c := &Config{origin: map[string]Source{}}
	for _, k := range keys {
		values := k.Default
		if v, ok := s.Defaults[k.Path]; ok {
			values = []string{v}
		}
		if err := c.set(k, values); err != nil {
			panic(fmt.Sprintf("config: default of %s: %v", k.Path, err))
		}
	}
	ps := s.Flags.problems
	fromEnv, warnings, more := readEnv(s.Env)
	ps, c.Warnings = append(ps, more...), warnings
	outer := slices.Concat(fromEnv, s.Flags.given)
	files, more := c.readFiles(outer)
	ps = append(ps, more...)
	all := slices.Concat(files, outer)
	ps = append(ps, c.apply(all)...)

	var err error
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		ps.problemf(c.origin["data_dir"], "data_dir", "%v", err)
	}
	kept, more := readSecrets(c.SecretsFile())
	ps = append(ps, more...)
	kept = slices.DeleteFunc(kept, func(g given) bool { return c.Given(g.key.Path) })
	ps = append(ps, c.apply(kept)...)

	c.derive()
	ps = append(ps, c.check()...)
	if len(ps) == 0 && s.Generate {
		if err := c.generate(); err != nil {
			ps.problemf(Source{}, "", "%v", err)
		}
	}
	ps = append(ps, c.refuseUnsafe()...)
	return c, ps.asError()
}

// readFiles reads the files that flags or environment name.
func (c *Config) readFiles(outer []given) (all []given, ps Problems) {
	var named given
	for _, g := range outer {
		if g.key.Path == "config" {
			named = g // flags come last
		}
	}
	for _, path := range named.values {
		text, err := readFile(path)
		if err != nil {
			ps.problemf(named.from, "config", "%v", err)
			continue
		}
		found, more := readYAML(path, FromFile, text)
		ps = append(ps, more...)
		for _, g := range found {
			if g.key.Path == "config" {
				c.Warnings.problemf(g.from, "config", "is ignored: files are named with --config or in %s only", g.key.Env())
				continue
			}
			all = append(all, g)
		}
	}
	return all, ps
}

// apply sets values, later ones over earlier ones.
func (c *Config) apply(all []given) (ps Problems) {
	for _, g := range all {
		values := g.values
		if g.key.ListStyle == "env" {
			values = mergeEnv(c.Values(g.key), values)
		}
		c.origin[g.key.Path] = g.from
		if err := c.set(g.key, values); err != nil {
			ps.problemf(g.from, g.key.Path, "%v", err)
			_ = c.set(g.key, g.key.Default) // so that nothing else is said about it
		}
	}
	return ps
}

// mergeEnv lets entries KEY=VALUE of next replace those of the same KEY, in their place.
func mergeEnv(entries, next []string) []string {
	merged := slices.Clone(entries)
	for _, e := range next {
		name, _, ok := strings.Cut(e, "=")
		at := slices.IndexFunc(merged, func(m string) bool { return strings.HasPrefix(m, name+"=") })
		if ok && at >= 0 {
			merged[at] = e
		} else {
			merged = append(merged, e)
		}
	}
	return merged
}

// derive fills in what follows from other settings, and moves values from older names.
func (c *Config) derive() {
	for _, a := range []*string{&c.Socket.Address, &c.Console.Address, &c.UDP.Address} {
		*a = strings.Trim(*a, "[]") // Nakama wants IPv6 addresses in brackets
	}
	if c.UDP.Port == 0 {
		c.UDP.Port = c.Socket.Port
	}
	if c.UDP.Address == "" {
		c.UDP.Address = c.Socket.Address
	}
	if c.UDP.Shards == 0 && c.LAN.Enabled {
		c.UDP.Shards = 1
	}
	if c.Runtime.Path == "" {
		c.Runtime.Path = filepath.Join(c.DataDir, "modules")
	}
	for _, r := range []struct {
		path     string
		old, now *int
	}{
		{"runtime.lua_min_count", &c.Runtime.MinCount, &c.Runtime.LuaMinCount},
		{"runtime.lua_max_count", &c.Runtime.MaxCount, &c.Runtime.LuaMaxCount},
		{"runtime.lua_call_stack_size", &c.Runtime.CallStackSize, &c.Runtime.LuaCallStackSize},
		{"runtime.lua_registry_size", &c.Runtime.RegistrySize, &c.Runtime.LuaRegistrySize},
	} {
		if *r.old > 0 && !c.Given(r.path) {
			*r.now = *r.old
		}
	}
	if !c.Runtime.ReadOnlyGlobals && !c.Given("runtime.lua_read_only_globals") {
		c.Runtime.LuaReadOnlyGlobals = false
	}
	if c.Given("satori.cache_enabled") && !c.Given("satori.cache_disabled") {
		c.Satori.CacheDisabled = !c.Satori.CacheEnabled
	}
}

// Given says whether somebody gave the setting: it is not the default.
func (c *Config) Given(path string) bool { return c.origin[path].Kind != FromDefault }

// Embedded says whether the store is the embedded one.
func (c *Config) Embedded() bool { return len(c.Database.Address) == 0 }

// below is the port that belongs to another: 0 stays 0, a free port.
func below(port, by int) int {
	if port == 0 {
		return 0
	}
	return port - by
}

// GRPCPort is the client API's gRPC port.
func (c *Config) GRPCPort() int { return below(c.Socket.Port, 1) }

// ConsoleGRPCPort is the console API's gRPC port.
func (c *Config) ConsoleGRPCPort() int { return below(c.Console.Port, 3) }
