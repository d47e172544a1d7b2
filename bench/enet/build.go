// Package enet is the reference the transport row is compared to: an echo server of Debian's libenet in C, and the
// small part of ENet's protocol that a load generator needs to speak with it.
//
// The server is compiled when the bench runs (cc, libenet-dev); without them the row says that it was not measured.
// The client speaks ENet 1.3: connect, verify, acknowledge, ping, unreliable sends; no fragments, no resends of its
// own beyond CONNECT, which loopback does not need. One goroutine owns a Client.
package enet

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed server/server.c
var source []byte

// Build compiles the server into dir and returns the binary's path.
// Errors: no compiler or no libenet; the text says which package brings it.
func Build(dir string) (string, error) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return "", fmt.Errorf("no C compiler (apt-get install gcc): %w", err)
	}
	src, bin := filepath.Join(dir, "enet-server.c"), filepath.Join(dir, "enet-server")
	if err := os.WriteFile(src, source, 0o644); err != nil {
		return "", err
	}
	if out, err := exec.Command(cc, "-O2", "-o", bin, src, "-lenet").CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the ENet server (apt-get install libenet-dev): %w\n%s", err, out)
	}
	return bin, nil
}
