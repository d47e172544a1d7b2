package native_test

import (
	"testing"

	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// BenchmarkCall is one call after the other over loopback: the latency of a session at rest, and what both ends allocate.
func BenchmarkCall(b *testing.B) {
	h := newHouse(b, "linux")
	s := h.open(user(1), skirmish.SessionOptions{})
	b.ReportAllocs()
	for b.Loop() {
		if err := echo(b, s, "hello"); err != nil {
			b.Fatal(err)
		}
	}
}
