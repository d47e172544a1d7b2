package main

import (
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/node"
)

// door is a place where the server can be reached.
type door struct {
	name string
	url  string // what to type
}

// doors are a node's.
func doors(n *node.Node) []door {
	return []door{
		{"REST, WebSocket", "http://" + reach(n.HTTPAddr())},
		{"gRPC", reach(n.GRPCAddr())},
		{"sessions, matches", "udp " + reach(n.Addr())},
	}
}

// reach is an address that this machine can reach a listener by.
func reach(addr netip.AddrPort) string {
	if addr.Addr().IsUnspecified() {
		return fmt.Sprintf("localhost:%d, on every interface", addr.Port())
	}
	return addr.String()
}

// printBanner tells who started a server on a terminal where everything is. The console's password is on it once: on the
// start that made it.
func printBanner(w io.Writer, c *config.Config, doors []door) {
	line := func(name, value string) { fmt.Fprintf(w, "  %-18s %s\n", name, value) }
	fmt.Fprintf(w, "\n  Skirmish %s\n\n", version)
	for _, d := range doors {
		line(d.name, d.url)
	}
	line("store", storeName(c))
	line("data folder", c.DataDir)
	if slices.Contains(c.Generated, "console.password") {
		line("console sign-in", fmt.Sprintf("%s / %s   (made just now, and kept in %s)", c.Console.Username, c.Console.Password, c.SecretsFile()))
	}
	fmt.Fprintf(w, "\n  ^C stops\n\n")
}
