package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// TestJavaScriptClient runs Nakama's JavaScript client: js/*.test.mjs, under node's own test runner.
func TestJavaScriptClient(t *testing.T) {
	if _, err := os.Stat("js/node_modules/@heroiclabs/nakama-js"); err != nil {
		if err := run("js", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
			t.Fatalf("these tests need node and npm (apt-get install nodejs npm) and the npm registry: %v", err)
		}
	}
	eachStore(t, func(t *testing.T, s *server) {
		cmd := exec.Command("node", "--test", "--test-force-exit", "--test-reporter=spec", "js/")
		cmd.Env = append(os.Environ(), fmt.Sprintf("SKIRMISH_PORT=%d", s.port))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
	}, "--arena") // which a suite finds
}
