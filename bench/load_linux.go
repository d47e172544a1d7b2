package bench

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/bench/enet"
	"github.com/skirmishgg/skirmish/bench/floor"
	"github.com/skirmishgg/skirmish/bench/load"
	"github.com/skirmishgg/skirmish/bench/proc"
)

const (
	transportRate = 60
	inputBytes    = 60          // what a client sends a tick
	replyBytes    = 200         // what it gets
	connectWait   = time.Minute // 2,000 handshakes take a second or two on a quiet box
)

// floorServer is the role "floor".
func floorServer(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("floor", flag.ContinueOnError)
	rate := fs.Int("rate", transportRate, "ticks a second")
	out := fs.Int("out", replyBytes, "bytes a reply")
	if err := fs.Parse(args); err != nil {
		return err
	}
	return floor.Serve(con, *rate, *out)
}

// loadHello is the generator's first line, said when all its clients are connected.
type loadHello struct {
	Ready int `json:"ready"`
}

// loadChild is the role "load": clients of one protocol against one server.
// It connects, says how many are ready, then answers "run DURATION" with a load.Report.
func loadChild(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("load", flag.ContinueOnError)
	protocol := fs.String("proto", "floor", "floor, enet, transport or handshake")
	addr := fs.String("addr", "", "the server")
	clients := fs.Int("clients", 64, "how many")
	rate := fs.Int("rate", transportRate, "ticks a second")
	in := fs.Int("in", inputBytes, "payload bytes a client sends a tick")
	key := fs.String("key", "", "token key of the server, hex")
	stamps := fs.Bool("stamps", false, "kernel receive timestamps")
	if err := fs.Parse(args); err != nil {
		return err
	}
	server, err := netip.ParseAddrPort(*addr)
	if err != nil {
		return err
	}
	c := load.Config{Addr: server, Clients: *clients, Rate: *rate, Stamps: *stamps}
	switch *protocol {
	case "floor":
		// The floor carries no header: it gets the bytes that ours has on the wire, so that the kernel copies as much.
		c.New = func(int) (load.Protocol, error) { return load.Echo{Bytes: *in}, nil }
	case "enet":
		c.New = func(i int) (load.Protocol, error) { return enet.New(uint32(i+1), *in), nil }
	case "transport":
		if c.New, err = transportLoad(*key, server, *in); err != nil {
			return err
		}
	case "handshake":
		mint, err := minter(*key, server)
		if err != nil {
			return err
		}
		c.New = func(int) (load.Protocol, error) { return load.NewShaker(server, mint), nil }
	default:
		return fmt.Errorf("protocol %q", *protocol)
	}
	return generate(con, c, nil)
}

// generate connects the clients of c and serves "run DURATION" until the console closes.
// extra, when given, adds what a row wants to know to each report.
func generate(con *proc.Console, c load.Config, extra func(*load.Generator, load.Report) any) error {
	g, err := load.New(c)
	if err != nil {
		return err
	}
	defer g.Close()
	ctx, cancel := context.WithTimeout(context.Background(), connectWait)
	defer cancel()
	if err := g.Connect(ctx); err != nil {
		return err
	}
	con.Say(loadHello{Ready: c.Clients})
	for command := range con.Commands() {
		d, err := time.ParseDuration(strings.TrimPrefix(command, "run "))
		if err != nil {
			return err
		}
		report := g.Run(d)
		if extra != nil {
			con.Say(extra(g, report))
			continue
		}
		con.Say(report)
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }
