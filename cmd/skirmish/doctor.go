package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/udp"
	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/services/config"
)

type doctorCmd struct{}

// Help is printed by "skirmish doctor --help".
func (doctorCmd) Help() string {
	return "Looks at what a server with these settings would find, changes nothing, and fails when a server could not run.\n\n" + settingsHelp()
}

// finding is what one look saw.
type finding struct {
	what, saw string
	advice    string // what would be better; "" for nothing
	broken    bool   // a server cannot run so
}

// Run looks at everything.
func (doctorCmd) Run(a *app) error {
	conf, err := a.load(false, nil)
	if err != nil {
		return err
	}
	broken := false
	for _, look := range []func(context.Context, *config.Config) []finding{lookAtThreads, lookAtUDP, lookAtPorts, lookAtFiles, lookAtFolder, lookAtDatabase} {
		for _, f := range look(a.ctx, conf) {
			mark := "ok  "
			switch {
			case f.broken:
				mark, broken = "FAIL", true
			case f.advice != "":
				mark = "warn"
			}
			fmt.Printf("%s  %-22s %s\n", mark, f.what, f.saw)
			if f.advice != "" {
				fmt.Printf("      %-22s %s\n", "", f.advice)
			}
		}
	}
	if broken {
		return errors.New("a server with these settings cannot run here")
	}
	return nil
}

// lookAtThreads asks for what a match thread asks for, on a thread that ends with the look.
func lookAtThreads(context.Context, *config.Config) []finding {
	got := make(chan clock.Priority, 1)
	go func() { // ends at once, and its thread with it: it stays locked
		runtime.LockOSThread()
		got <- clock.RaisePriority()
	}()
	p := <-got
	f := finding{what: "match threads", saw: fmt.Sprintf("%v, %d cores", p, runtime.NumCPU())}
	if p != clock.PriorityRealtime {
		f.advice = "real-time priority keeps ticks on time on a busy machine: CAP_SYS_NICE, or LimitRTPRIO=10 in the systemd unit"
	}
	return []finding{f}
}

// lookAtUDP opens the sockets of a server on free ports of loopback: the start-up test of the steering runs as well.
func lookAtUDP(_ context.Context, c *config.Config) (all []finding) {
	group, err := udp.Open(udp.Config{Addr: "127.0.0.1:0", Shards: 1, Driver: c.UDP.Driver})
	if err != nil {
		return []finding{{what: "UDP driver", saw: err.Error(), broken: true}}
	}
	defer group.Close()
	f := finding{what: "UDP driver", saw: group.Driver()}
	if note := group.Note(); note != "" {
		f.advice = note
	}
	all = append(all, f, udpBuffer())
	if l, err := net.ListenPacket("udp6", "[::1]:0"); err != nil {
		all = append(all, finding{what: "IPv6", saw: "none: players with IPv6 alone cannot come", advice: "enable it if the network has it"})
	} else {
		l.Close()
		all = append(all, finding{what: "IPv6", saw: "yes"})
	}
	return all
}

// lookAtPorts tries every port that a server would open.
func lookAtPorts(ctx context.Context, c *config.Config) (all []finding) {
	var lc net.ListenConfig
	for _, p := range []struct {
		what, network, address string
		port                   int
	}{
		{"REST, WebSocket port", c.Socket.Protocol, c.Socket.Address, c.Socket.Port},
		{"gRPC port", c.Socket.Protocol, c.Socket.Address, c.GRPCPort()},
		{"console port", "tcp", c.Console.Address, c.Console.Port},
		{"console gRPC port", "tcp", c.Console.Address, c.ConsoleGRPCPort()},
		{"UDP port", "udp", c.UDP.Address, c.UDP.Port},
		{"metrics port", "tcp", c.Socket.Address, c.Metrics.PrometheusPort},
	} {
		if p.what == "metrics port" && p.port == 0 {
			continue // off
		}
		address := net.JoinHostPort(p.address, strconv.Itoa(p.port))
		f := finding{what: p.what, saw: p.network + " " + address + " is free"}
		if err := listenOnce(ctx, &lc, p.network, address); err != nil {
			f.saw, f.broken = err.Error(), true
			f.advice = "does a server run already?"
		}
		all = append(all, f)
	}
	return all
}

func listenOnce(ctx context.Context, lc *net.ListenConfig, network, address string) error {
	if network == "udp" {
		l, err := lc.ListenPacket(ctx, network, address)
		if err != nil {
			return err
		}
		return l.Close()
	}
	l, err := lc.Listen(ctx, network, address)
	if err != nil {
		return err
	}
	return l.Close()
}

func lookAtFiles(context.Context, *config.Config) []finding {
	most, ok := openFilesMax()
	if !ok {
		return nil
	}
	f := finding{what: "open files", saw: fmt.Sprintf("at most %d", most)}
	if most < 10_000 {
		f.advice = "each WebSocket needs one: LimitNOFILE=1048576 in the systemd unit, or ulimit -n"
	}
	return []finding{f}
}

// lookAtFolder writes a file into the data folder, or into where the folder would be made, and removes it.
func lookAtFolder(_ context.Context, c *config.Config) []finding {
	dir := c.DataDir
	saw := dir + " is writable"
	for {
		_, err := os.Stat(dir)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			return []finding{{what: "data folder", saw: err.Error(), broken: true}}
		}
		dir = filepath.Dir(dir)
		saw = c.DataDir + " can be made"
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return []finding{{what: "data folder", saw: err.Error(), broken: true, advice: "--data_dir names another"}}
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return []finding{{what: "data folder", saw: err.Error(), broken: true}}
	}
	return []finding{{what: "data folder", saw: saw}}
}

// databaseTime is how long the database may take to answer.
const databaseTime = 10 * time.Second

func lookAtDatabase(ctx context.Context, c *config.Config) []finding {
	if c.Embedded() {
		return []finding{{what: "database", saw: "none: the embedded store in " + c.DataDir}}
	}
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	steps, err := migrate.Status(ctx, c.DSN())
	if err != nil {
		return []finding{{what: "database", saw: err.Error(), broken: true}}
	}
	pending, unknown := 0, 0
	for _, s := range steps {
		if s.Applied.IsZero() {
			pending++
		}
		if !s.Known {
			unknown++
		}
	}
	f := finding{what: "database", saw: fmt.Sprintf("%s, %d migrations run", config.RedactDSN(c.DSN()), len(steps)-pending)}
	if pending > 0 {
		f.saw, f.broken = f.saw+fmt.Sprintf(", %d pending", pending), true
		f.advice = migrate.ErrOutdated.Error()
	} else if unknown > 0 {
		f.advice = migrate.NoteNewer
	}
	return []finding{f}
}
