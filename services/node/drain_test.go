package node

import (
	"context"
	"errors"
	"testing"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// TestDrain waits for the last match, or for as long as it may, and lets no new one start meanwhile.
func TestDrain(t *testing.T) {
	def := arena.Definition(arena.Rate)
	n, err := Start(Config{Addr: "127.0.0.1:0", Games: []*match.Definition{&def}, KeepMaxProcs: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	one, err := n.StartMatch(def.Name, MatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Drain(over); !errors.Is(err, context.Canceled) {
		t.Errorf("a match runs, and Drain says %v", err)
	}
	if _, err := n.StartMatch(def.Name, MatchOptions{}); err == nil {
		t.Error("a match starts on a server that drains")
	}
	done := make(chan error, 1)
	go func() { done <- n.Drain(t.Context()) }() // ends with the match
	if err := n.EndMatch(one, wire.CloseMatchEnded); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || len(n.Matches()) > 0 {
		t.Error(err, n.Matches())
	}
}
