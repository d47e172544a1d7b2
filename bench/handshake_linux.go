package bench

import (
	"fmt"

	"github.com/skirmishgg/skirmish/bench/load"
)

var handshakeRow = Row{
	Name: "handshakes_per_core_s",
	Doc:  "full handshakes (REQUEST, CHALLENGE, RESPONSE, ACCEPT, a peer made) per second of the server's CPU",
	Aim:  "≥ 8,000",
	run:  runHandshakes,
}

const (
	handshakeAim     = 8000
	handshakeClients = 64  // in flight
	handshakeVisits  = 500 // a second and client; a handshake takes two
	handshakeUsedMax = 1 << 17
)

func runHandshakes(e *env) error {
	var rates []float64
	var last load.Report
	for range e.o.Runs {
		micros, r, err := measureHandshakes(e)
		if err != nil {
			return err
		}
		rates, last = append(rates, 1e6/micros), r
	}
	r := measured(e.row.Name, "1/s", rates)
	e.add(r.aimed("≥ 8,000", r.Median >= handshakeAim).noted("one peer made and forgotten each; %d handshakes in the last run", last.Received))
	return nil
}

func measureHandshakes(e *env) (micros float64, r load.Report, err error) {
	var hello transportHello
	server, err := e.server(&hello, "transport", "--drop")
	if err != nil {
		return 0, r, err
	}
	defer server.Stop()
	gen, err := e.load(nil, "load", "--proto", "handshake", "--addr", hello.Addr, "--key", hello.Key,
		"--clients", itoa(handshakeClients), "--rate", itoa(handshakeVisits))
	if err != nil {
		return 0, r, err
	}
	defer gen.Stop()
	if err := gen.Ask("run 200ms", nil); err != nil {
		return 0, r, err
	}
	micros, err = costPerOp(server, func() error { return gen.Ask(fmt.Sprintf("run %v", e.o.Window), &r) })
	return micros, r, err
}
