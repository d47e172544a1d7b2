package bench

import (
	"fmt"

	"github.com/skirmishgg/skirmish/bench/enet"
	"github.com/skirmishgg/skirmish/bench/floor"
	"github.com/skirmishgg/skirmish/bench/load"
	"github.com/skirmishgg/skirmish/bench/proc"
)

var transportRow = Row{
	Name: "transport_client_tick_us",
	Doc:  "server CPU per client-tick: 60 B in, 200 B out, 60 Hz, AES-128-GCM, acks, replay window; 64, 256, 1,000 clients",
	Aim:  "≤ 1.4 × ENet without encryption at 256 clients",
	run:  runTransport,
}

// transportAim is the level of C netcode: 5.7 µs where ENet costs 4.0.
const transportAim = 1.4

// contender is one server that answers clients tick by tick.
type contender struct {
	name  string // as a reference is called in the table
	proto string // what the generator speaks
	in    int    // payload bytes a client sends
	start func(clients int) (*proc.Proc, []string, error)
}

// runTransport measures ours, ENet and the floor in turn, so that a slow minute of the box hits all three.
func runTransport(e *env) error {
	contenders := []contender{oursTransport(e), enetTransport(e), floorTransport(e)}
	sizes := []int{64, 256, 1000}
	if e.o.Quick {
		sizes = sizes[:1]
	}
	for _, clients := range sizes {
		costs := make([][]float64, len(contenders))
		failed := make([]error, len(contenders))
		lost := 0.0
		for range e.o.Runs {
			for i, c := range contenders {
				if failed[i] != nil {
					continue
				}
				cost, loss, err := measureTransport(e, c, clients)
				if err != nil {
					failed[i] = err
					continue
				}
				costs[i] = append(costs[i], cost)
				if i == 0 {
					lost = max(lost, loss)
				}
			}
		}
		if failed[0] != nil {
			return failed[0]
		}
		name := e.row.Name
		if clients != 256 {
			name += "_" + itoa(clients)
		}
		r := measured(name, "µs", costs[0]).noted("%d clients; at most %.2f %% of inputs in a run met another of the same client in one tick, or were lost", clients, lost*100)
		r = r.against(contenders[1].name, costs[1])
		if failed[1] != nil {
			r.Reference = "ENet not measured: " + oneLine(failed[1].Error())
		} else if clients == 256 {
			r = r.aimed(fmt.Sprintf("≤ %.1f × ENet", transportAim), r.Ratio <= transportAim)
		}
		e.add(r)
		e.add(measured(name+"_over_floor", "µs", costs[0]).against(contenders[2].name, costs[2]))
	}
	return nil
}

// measureTransport starts one contender and its clients, and returns the server's CPU microseconds per client-tick and the share of
// datagrams that went unanswered.
func measureTransport(e *env, c contender, clients int) (cost, lost float64, err error) {
	server, flags, err := c.start(clients)
	if err != nil {
		return 0, 0, err
	}
	defer server.Stop()
	args := append([]string{"--proto", c.proto, "--clients", itoa(clients), "--in", itoa(c.in)}, flags...)
	gen, err := e.load(nil, "load", args...)
	if err != nil {
		return 0, 0, err
	}
	defer gen.Stop()
	if err := gen.Ask("run 300ms", nil); err != nil { // warm: caches, branch predictors, rings
		return 0, 0, err
	}
	var report load.Report
	cost, err = costPerOp(server, func() error { return gen.Ask("run "+e.o.Window.String(), &report) })
	if err != nil {
		return 0, 0, err
	}
	if report.Ready < clients {
		return 0, 0, fmt.Errorf("%s: %d of %d clients still connected", c.name, report.Ready, clients)
	}
	if report.Sent > 0 {
		lost = max(0, 1-float64(report.Received)/float64(report.Sent))
	}
	return cost, lost, nil
}

// costPerOp is the CPU a server spends per operation that it counts while during runs.
func costPerOp(server *proc.Proc, during func() error) (micros float64, err error) {
	var before, after proc.Mark
	if err := server.Ask("mark", &before); err != nil {
		return 0, err
	}
	if err := during(); err != nil {
		return 0, err
	}
	if err := server.Ask("mark", &after); err != nil {
		return 0, err
	}
	if after.Ops == before.Ops {
		return 0, fmt.Errorf("the server did nothing in %.1f s", (after.WallMicros-before.WallMicros)/1e6)
	}
	return (after.CPUMicros - before.CPUMicros) / float64(after.Ops-before.Ops), nil
}

func enetTransport(e *env) contender {
	bin, buildErr := enet.Build(e.dir)
	return contender{name: "ENet echo, no encryption", proto: "enet", in: inputBytes, start: func(clients int) (*proc.Proc, []string, error) {
		if buildErr != nil {
			return nil, nil, buildErr
		}
		var hello floor.Hello
		p, err := proc.Start(e.ctx, e.serverCore, &hello, bin, itoa(clients), itoa(transportRate), itoa(replyBytes))
		return p, []string{"--addr", hello.Addr}, err
	}}
}

// The floor has no headers of its own: its datagrams are as long as ours on the wire.
func floorTransport(e *env) contender {
	return contender{name: "kernel floor (recvmmsg, sendmmsg)", proto: "floor", in: inputBytes + upOverhead, start: func(int) (*proc.Proc, []string, error) {
		var hello floor.Hello
		p, err := e.server(&hello, "floor", "--out", itoa(replyBytes+downOverhead))
		return p, []string{"--addr", hello.Addr}, err
	}}
}

// What ours adds to a payload: header, tag, ack block, tick block, frame byte.
const (
	upOverhead   = 1 + 4 + 2 + 16 + 4 + 3 + 1
	downOverhead = 1 + 2 + 16 + 4 + 5 + 1
)
