package goplug

import (
	"debug/buildinfo"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
)

// explain adds to a plugin's refusal by the Go runtime, which names one package at best, how plugin and server differ.
func explain(path string, refused error) error {
	theirs, err := buildinfo.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w (%w)", refused, err)
	}
	ours, ok := debug.ReadBuildInfo()
	if !ok {
		return refused
	}
	differ := differences(theirs, ours)
	if len(differ) == 0 {
		return refused
	}
	return fmt.Errorf("%w. It differs from the server: %s", refused, strings.Join(differ, "; "))
}

// matter are the build settings that must be alike.
var matter = []string{"-race", "-msan", "-asan", "-trimpath", "-tags", "-gcflags", "-asmflags", "CGO_ENABLED", "GOARCH", "GOOS", "GOAMD64", "GOARM64", "GOEXPERIMENT"}

// differences are a plugin's deviations from the server that may keep it from being loaded.
func differences(plugin, server *debug.BuildInfo) (list []string) {
	if plugin.GoVersion != server.GoVersion {
		list = append(list, fmt.Sprintf("Go is %s, not %s", plugin.GoVersion, server.GoVersion))
	}
	for _, key := range matter {
		if p, s := setting(plugin, key), setting(server, key); p != s {
			list = append(list, fmt.Sprintf("%s is %q, not %q", key, p, s))
		}
	}
	for _, m := range plugin.Deps {
		i := slices.IndexFunc(server.Deps, func(o *debug.Module) bool { return o.Path == m.Path })
		if i >= 0 && name(m) != name(server.Deps[i]) {
			list = append(list, fmt.Sprintf("module %s is %s, not %s", m.Path, name(m), name(server.Deps[i])))
		}
	}
	return list
}

func setting(b *debug.BuildInfo, key string) string {
	for _, s := range b.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// name is a module's version, or what it is replaced by.
func name(m *debug.Module) string {
	if r := m.Replace; r != nil {
		return strings.TrimSpace(r.Path + " " + r.Version)
	}
	return m.Version
}
