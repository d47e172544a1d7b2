package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/skirmishgg/skirmish/bench"
	"github.com/skirmishgg/skirmish/bench/link"
	"github.com/skirmishgg/skirmish/bench/proxy"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

type benchCmd struct {
	Run   benchRunCmd   `cmd:"" default:"withargs" help:"Measure rows and print a table (the default)."`
	Proxy benchProxyCmd `cmd:"" help:"A UDP proxy that delays, loses, reorders, corrupts and rebinds."`
	Link  benchLinkCmd  `cmd:"" help:"Run a command behind a bad link for TCP and UDP alike (Linux, needs root)."`
}

type benchRunCmd struct {
	Rows    []string      `arg:"" optional:"" help:"Rows to measure; all of them when none is named. \"arena\" is the arena row."`
	List    bool          `help:"List the rows and what each is."`
	Runs    int           `default:"5" help:"Repetitions; the table shows medians."`
	Window  time.Duration `default:"2s" help:"Length of one measurement."`
	Quick   bool          `help:"One short run each, to see that it works. The figures mean nothing."`
	Out     string        `type:"path" help:"Where to write JSON. A whole bench writes bench/results/latest.json."`
	Profile string        `type:"path" help:"Folder for CPU and heap profiles of the measured processes; costs a few percent."`
}

// arenaRow is what "skirmish bench arena" measures: its two figures.
const arenaRow = "arena_players_per_core_60hz"

func (c *benchRunCmd) Run(a *app) error {
	if c.List {
		for _, r := range bench.Rows() {
			fmt.Printf("%-32s %s\n", r.Name, r.Doc)
		}
		return nil
	}
	var names []string
	for _, n := range c.Rows {
		if n == "arena" {
			n = arenaRow
		}
		names = append(names, n)
	}
	return bench.Run(a.ctx, names, bench.Options{Out: c.Out, Runs: c.Runs, Window: c.Window, Quick: c.Quick, CPUProfile: c.Profile}, os.Stdout)
}

// linkFlags describe a link each way, in the words of simnet.ParseLink.
type linkFlags struct {
	Up   string `placeholder:"LINK" help:"Client to server, e.g. \"delay=25ms jitter=5ms loss=5%\"."`
	Down string `placeholder:"LINK" help:"Server to client; the same as --up when left out."`
	Seed uint64 `default:"1" help:"Of the dice."`
}

func (f *linkFlags) parse() (up, down simnet.LinkConfig, err error) {
	if up, err = simnet.ParseLink(f.Up); err != nil {
		return up, down, fmt.Errorf("--up: %w", err)
	}
	if f.Down == "" {
		return up, up, nil
	}
	if down, err = simnet.ParseLink(f.Down); err != nil {
		return up, down, fmt.Errorf("--down: %w", err)
	}
	return up, down, nil
}

type benchProxyCmd struct {
	Listen string `default:"127.0.0.1:7777" help:"What clients are told."`
	Target string `arg:"" help:"The server's UDP address, e.g. 127.0.0.1:7350."`
	linkFlags
	Rebind time.Duration `help:"Give every client a new address this often, as a NAT does that forgets."`
}

func (c *benchProxyCmd) Run(a *app) error {
	up, down, err := c.parse()
	if err != nil {
		return err
	}
	p, err := proxy.New(proxy.Config{Listen: c.Listen, Target: c.Target, Up: up, Down: down, Seed: c.Seed, RebindEvery: c.Rebind})
	if err != nil {
		return err
	}
	fmt.Printf("proxy on %v to %s; ^C ends it\n", p.Addr(), c.Target)
	return p.Run(a.ctx)
}

type benchLinkCmd struct {
	Command []string `arg:"" passthrough:"" help:"Command and its arguments; it runs at 10.66.0.1."`
	Serve   string   `help:"Command line (for sh -c) that runs at the far end, 10.66.0.2."`
	linkFlags
}

func (c *benchLinkCmd) Run(a *app) error {
	up, down, err := c.parse()
	if err != nil {
		return err
	}
	l, err := link.Open(link.Config{Up: up, Down: down, Seed: c.Seed})
	if err != nil {
		return err
	}
	defer l.Close()
	if c.Serve != "" {
		far := exec.CommandContext(a.ctx, "sh", "-c", c.Serve)
		far.Stdout, far.Stderr = os.Stderr, os.Stderr
		if err := l.Far(far.Start); err != nil {
			return fmt.Errorf("start the far end: %w", err)
		}
		defer func() { _ = far.Process.Kill() }() // the command at the near end decides how it went
	}
	command := c.Command
	if command[0] == "--" && len(command) > 1 {
		command = command[1:]
	}
	near := exec.CommandContext(a.ctx, command[0], command[1:]...)
	near.Stdin, near.Stdout, near.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = l.Near(near.Run)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	return err
}
