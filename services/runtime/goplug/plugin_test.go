//go:build cgo && (linux || darwin || freebsd)

// Plugins exist where plugin.go is built, and nowhere else is there anything to test.

package goplug

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build compiles a folder of testdata. Plugins must have the flags of the server that loads them: a test binary is no
// such server (it has other flags, and with -race or -cover other packages), so the server is a program of its own.
func build(t *testing.T, folder, out string, flags ...string) {
	t.Helper()
	args := append(append([]string{"build", "-o", out}, flags...), "./testdata/"+folder)
	if text, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, text)
	}
}

// serve runs the host over a folder of modules.
func serve(t *testing.T, host, modules string) (text string, ok bool) {
	t.Helper()
	out, err := exec.Command(host, modules).CombinedOutput()
	return string(out), err == nil
}

func hasAll(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

var answers = []string{
	`msg="hello from host" runtime=go module=sample`,
	`ANSWER who {"db":false,"mode":"rpc","payload":"p","rounds":1}`,
	"ANSWER fail error not today",
	"ANSWER boom error Internal server error.",
}

// TestModuleBothWays compiles one module as a plugin and into a server: both serve the same.
func TestModuleBothWays(t *testing.T) {
	dir := t.TempDir()
	modules := filepath.Join(dir, "modules")
	if err := os.Mkdir(modules, 0o755); err != nil {
		t.Fatal(err)
	}
	host, linked := filepath.Join(dir, "host"), filepath.Join(dir, "linked")
	build(t, "host", linked, "-tags=linked")
	text, ok := serve(t, linked, modules)
	if !ok {
		t.Error("the server with the module linked in failed")
	}
	hasAll(t, text, answers...)

	build(t, "host", host)
	build(t, "plugin", filepath.Join(modules, "sample.so"), "-buildmode=plugin")
	text, ok = serve(t, host, modules)
	if !ok {
		t.Error("the server with the plugin failed")
	}
	hasAll(t, text, answers...)
	if strings.Count(text, "hello from host") != 1 {
		t.Errorf("the plugin ran more than once:\n%s", text)
	}

	// What does not fit is refused, with its differences.
	build(t, "plugin", filepath.Join(modules, "sample.so"), "-buildmode=plugin", "-tags=other")
	if text, ok = serve(t, host, modules); ok {
		t.Error("a plugin with other flags was loaded")
	}
	hasAll(t, text, "FAILED Go: plugin sample.so:", "was built with a different version of package github.com/skirmishgg/skirmish/services/runtime/goplug/testdata/shared", `It differs from the server: -tags is "other", not ""`)

	build(t, "wrong", filepath.Join(modules, "sample.so"), "-buildmode=plugin")
	if text, ok = serve(t, host, modules); ok {
		t.Error("an InitModule of the wrong type was loaded")
	}
	hasAll(t, text, "FAILED Go: plugin sample.so: InitModule is a func(context.Context) error, not a func(context.Context, runtime.Logger, *sql.DB")

	if err := os.WriteFile(filepath.Join(modules, "sample.so"), []byte("not a plugin"), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, ok = serve(t, host, modules); ok {
		t.Error("rubbish was loaded")
	}
	hasAll(t, text, "FAILED Go: plugin sample.so:")
}
