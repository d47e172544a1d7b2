package load_test

import (
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/bench/enet"
	"github.com/skirmishgg/skirmish/bench/floor"
	"github.com/skirmishgg/skirmish/bench/load"
	"github.com/skirmishgg/skirmish/bench/proc"
)

// The generator meets the floor: nearly every datagram comes back, one a tick, with the kernel's timestamps.
func TestFloor(t *testing.T) {
	const clients, rate = 32, 60
	addr, stop := serveFloor(t, rate)
	defer stop()
	g, err := load.New(load.Config{Addr: addr, Clients: clients, Rate: rate, Stamps: true, New: func(int) (load.Protocol, error) {
		return load.Echo{Bytes: 60}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	r := g.Run(500 * time.Millisecond)
	if want := uint64(clients * rate / 2); r.Sent < want*9/10 || r.Received < r.Sent*9/10 {
		t.Errorf("sent %d (expected about %d), received %d", r.Sent, want, r.Received)
	}
	if r.GapP50ms < 10 || r.GapP50ms > 25 {
		t.Errorf("median gap %.1f ms at 60 Hz", r.GapP50ms)
	}
}

func serveFloor(t *testing.T, rate int) (netip.AddrPort, func()) {
	t.Helper()
	in, commands := io.Pipe()
	lines, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- floor.Serve(proc.NewConsole(in, out, nil), rate, 200) }() // ends when commands closes
	var hello floor.Hello
	if err := json.NewDecoder(lines).Decode(&hello); err != nil {
		t.Fatal(err)
	}
	return netip.MustParseAddrPort(hello.Addr), func() {
		commands.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Clients connect to the C server, stay connected over pings, and get every packet answered.
func TestENet(t *testing.T) {
	bin, err := enet.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var hello floor.Hello
	p, err := proc.Start(t.Context(), -1, &hello, bin, "40", "60", "200")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	g, err := load.New(load.Config{Addr: netip.MustParseAddrPort(hello.Addr), Clients: 40, Rate: 60, New: func(i int) (load.Protocol, error) {
		return enet.New(uint32(i+1), 60), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := g.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	var before, after proc.Mark
	if err := p.Ask("mark", &before); err != nil {
		t.Fatal(err)
	}
	r := g.Run(1200 * time.Millisecond) // two ping intervals
	if err := p.Ask("mark", &after); err != nil {
		t.Fatal(err)
	}
	if r.Ready != 40 || r.Received < r.Sent*9/10 {
		t.Errorf("ready %d, sent %d, received %d", r.Ready, r.Sent, r.Received)
	}
	if ops := after.Ops - before.Ops; ops < r.Sent*9/10 {
		t.Errorf("server answered %d of %d", ops, r.Sent)
	}
}
