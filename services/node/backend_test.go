package node

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/rpc"
)

var postgres *pgtest.Server

func TestMain(m *testing.M) { pgtest.Main(m, &postgres) }

var errRefused = errs.New(errs.FailedPrecondition, "Not today.").On(errs.RuntimeFunctionException)

// startOn starts a node with every door, on free ports, with a fresh store: "embedded" or "postgres". It offers the
// functions echo and refuse.
func startOn(t *testing.T, store string, more ...string) *Node {
	t.Helper()
	return startWith(t, store, nil, map[string]rpc.Func{
		"echo":   func(_ context.Context, _ op.Caller, r rpc.Request) (string, error) { return r.Payload, nil },
		"refuse": func(context.Context, op.Caller, rpc.Request) (string, error) { return "", errRefused },
	}, more...)
}

// startWith is startOn with games and functions of the test's own.
func startWith(t *testing.T, store string, games []*match.Definition, funcs map[string]rpc.Func, more ...string) *Node {
	t.Helper()
	return startAs(t, store, Config{Games: games, RPC: funcs}, more...)
}

// startAs starts a node of a config whose settings come from flags.
func startAs(t *testing.T, store string, c Config, more ...string) *Node {
	t.Helper()
	args := []string{
		"--socket.address=127.0.0.1", "--socket.port=0", "--console.address=127.0.0.1", "--data_dir=" + t.TempDir(), "--rate_limit.enabled=false", "--udp.shards=1",
	}
	if store == "postgres" {
		dsn := postgres.Database(t)
		if _, err := migrate.Up(t.Context(), dsn, 0); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--database.address="+dsn)
	}
	flags, rest := config.Split(append(args, more...))
	if len(rest) > 0 {
		t.Fatalf("flags that are none: %v", rest)
	}
	settings, err := config.Load(config.Sources{Flags: flags, Generate: true})
	if err != nil {
		t.Fatal(err)
	}
	c.Leaderboards = append(c.Leaderboards, leaderboard.Definition{ID: "ops-board", EnableRanks: true}, leaderboard.Definition{
		ID: "ops-cup", EnableRanks: true, Title: "Cup", Category: 7, StartTime: 1_500_000_000, Duration: 2_000_000_000, JoinRequired: true, MaxSize: 1, MaxNumScore: 2,
	})
	c.Settings, c.Log, c.KeepMaxProcs = settings, slog.New(slog.NewTextHandler(io.Discard, nil)), true
	n, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return n
}
