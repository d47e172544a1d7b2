// Command skirmish is the server, its tools, its demo, its bots and its benchmarks in one binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/skirmishgg/skirmish/bench"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/node"
)

// version is set by the linker: see the Makefile.
var version = "dev"

// Exit codes. A command that failed has said why.
const (
	exitOK     = 0
	exitFailed = 1 // what was asked for did not work; a configuration that is not valid
	exitUsage  = 2 // the command line makes no sense
)

// cli is the command line but for the settings, which config.Split takes out first: kong reads the tags and writes the help.
type cli struct {
	Version kong.VersionFlag `help:"Print the version and exit."`

	Serve       serveCmd       `cmd:"" default:"withargs" help:"Run the server. The default: \"skirmish\" alone does the same."`
	Demo        demoCmd        `cmd:"" help:"Run the server, twelve bots and a page that shows the match live."`
	Migrate     migrateCmd     `cmd:"" help:"Create or change the schema of a Postgres database: up, down, redo, status."`
	Check       checkCmd       `cmd:"" help:"Check what a server would start with, and exit."`
	Config      configCmd      `cmd:"" help:"Print, validate and explain the configuration."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running server whether it is well."`
	Doctor      doctorCmd      `cmd:"" help:"Look at what this machine gives a server."`
	Bot         botCmd         `cmd:"" help:"Let bots join a running server."`
	Bench       benchCmd       `cmd:"" help:"Measure, or put a bad link between a client and a server."`
	VersionCmd  versionCmd     `cmd:"" name:"version" help:"Print version, Go version and platform."`
}

const description = `Skirmish is a game server: accounts, storage and realtime matches at 1 to 256 ticks a second over encrypted UDP, in one binary.

Try it:
  skirmish                       the server, with the embedded store in ./data
  skirmish demo                  a live match and a page to watch it
  skirmish --database.address postgres:password@localhost:5432/nakama
                                 the server on Postgres; "skirmish migrate up" comes first
  skirmish config help socket    the settings of the client API

Every setting is a flag (--socket.port 7350), a variable (SKIRMISH_SOCKET_PORT) and a line of a YAML file
(--config skirmish.yml). Flags win over variables, variables over files.

"skirmish COMMAND --help" explains a command.`

// without are the commands that take no settings.
var without = []string{"bot", "bench", "healthcheck", "version"}

// app is what commands get: the settings of the command line, and when to stop.
type app struct {
	ctx   context.Context // ends with SIGINT or SIGTERM
	hurry <-chan struct{} // closed by the second of them
	flags config.Flags
}

// load reads the configuration. generate: a server is about to start, so missing secrets are made.
func (a *app) load(generate bool, defaults map[string]string) (*config.Config, error) {
	return config.Load(config.Sources{Defaults: defaults, Flags: a.flags, Env: os.Environ(), Generate: generate})
}

// errSaid ends the program like any error, when what is wrong has been said already.
var errSaid = errors.New("said")

func main() {
	if len(os.Args) > 1 && os.Args[1] == bench.ChildCommand { // a process of the bench's own, never typed by people
		os.Exit(say(bench.Child(os.Args[2:])))
	}
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	a := &app{}
	a.ctx, a.hurry = node.WatchSignals()
	rest := args
	if len(args) == 0 || !slices.Contains(without, args[0]) {
		a.flags, rest = config.Split(args)
	}
	if len(rest) > 0 && len(rest) < len(args) && slices.Contains(without, rest[0]) {
		return usage(fmt.Errorf("%s takes no settings, but got %s", rest[0], strings.Join(a.flags.Names(), ", ")))
	}
	var c cli
	k, err := kong.New(&c, kong.Name("skirmish"), kong.Description(description), kong.Vars{"version": versionLine()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Bind(a))
	if err != nil {
		return say(err) // a mistake in the tags
	}
	parsed, err := k.Parse(rest)
	if err != nil {
		return usage(err)
	}
	return say(parsed.Run())
}

// say ends the program with an error's sentence.
func say(err error) int {
	switch {
	case err == nil:
		return exitOK
	case !errors.Is(err, errSaid):
		fmt.Fprintln(os.Stderr, "skirmish:", err)
	}
	return exitFailed
}

func usage(err error) int {
	fmt.Fprintf(os.Stderr, "skirmish: %v\n\"skirmish --help\" lists the commands, \"skirmish config help\" the settings\n", err)
	return exitUsage
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Printf("skirmish %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// versionLine is version+commit.
func versionLine() string {
	commit := "dev"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 8 {
				commit = s.Value[:8]
			}
		}
	}
	return version + "+" + commit
}

// settingsHelp is what commands that take settings add to their help.
func settingsHelp() string {
	var b strings.Builder
	b.WriteString("Settings, as flags --section.key=value, variables SKIRMISH_SECTION_KEY (or …_FILE), or in YAML files that --config names:\n\n")
	_, _ = io.WriteString(&b, "  --config FILE  --name  --data_dir  --shutdown_grace_sec\n")
	config.Overview(&b)
	b.WriteString("\n\"skirmish config help SECTION\" explains a section's settings, \"skirmish config print\" shows what is in force.")
	return b.String()
}
