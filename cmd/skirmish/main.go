// Command skirmish is the server, its demo, its bots and its benchmarks in one binary.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/skirmishgg/skirmish/bench"
)

// version is set by the linker: see the Makefile.
var version = "dev"

// cli is the command line: kong reads the tags and writes the help.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the server with an arena match."`
	Demo    demoCmd    `cmd:"" help:"Run the server, twelve bots and a page that shows the match live."`
	Bot     botCmd     `cmd:"" help:"Let bots join a running server."`
	Bench   benchCmd   `cmd:"" help:"Measure, or put a bad link between a client and a server."`
	Version versionCmd `cmd:"" help:"Print version, Go version and platform."`
}

const description = `Skirmish runs multiplayer games: matches at 1 to 256 ticks a second over encrypted UDP, in one binary without a database.

Try it:
  skirmish demo                  a live match and a page to watch it
  skirmish serve                 the server alone
  skirmish bench --list          what can be measured

"skirmish COMMAND --help" explains a command.`

func main() {
	if len(os.Args) > 1 && os.Args[1] == bench.ChildCommand { // a process of the bench's own, never typed by people
		exitOn(bench.Child(os.Args[2:]))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	k := kong.Parse(&c, kong.Name("skirmish"), kong.Description(description), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	k.BindTo(ctx, (*context.Context)(nil))
	exitOn(k.Run())
}

// exitOn ends the program with an error's sentence.
func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "skirmish:", err)
		os.Exit(1)
	}
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Printf("skirmish %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
