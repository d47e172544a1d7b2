package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// TestJavaScriptClient runs Nakama's JavaScript client: js/*.test.mjs, under node's own test runner.
func TestJavaScriptClient(t *testing.T) {
	install(t)
	eachStore(t, func(t *testing.T, s *server) { s.javaScript(t, "js/") }, "--arena") // which a suite finds
}

// TestJavaScriptClientOverUDP runs the matchmaker's suite where groups are sent to matches over UDP.
func TestJavaScriptClientOverUDP(t *testing.T) {
	install(t)
	t.Parallel()
	s := start(t, "--matchmaker.native_match", "arena")
	s.javaScript(t, "js/matchmaker.test.mjs", "SKIRMISH_NATIVE_MATCH=arena")
}

// javaScript runs suites against the server.
func (s *server) javaScript(t *testing.T, suites string, env ...string) {
	t.Helper()
	cmd := exec.Command("node", "--test", "--test-force-exit", "--test-reporter=spec", suites)
	cmd.Env = append(append(os.Environ(), fmt.Sprintf("SKIRMISH_PORT=%d", s.port)), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// install fetches the client once; tests call it before they are parallel.
func install(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("js/node_modules/@heroiclabs/nakama-js"); err != nil {
		if err := run("js", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
			t.Fatalf("these tests need node and npm (apt-get install nodejs npm) and the npm registry: %v", err)
		}
	}
}
