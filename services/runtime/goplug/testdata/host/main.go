// A server that is as small as can be: it loads the modules of a folder, calls two functions and says what came of it.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/persist"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/rpc"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/goplug"
	"github.com/skirmishgg/skirmish/services/runtime/goplug/testdata/shared"
)

func main() {
	if err := run(os.Args[1], linked...); err != nil {
		fmt.Println("FAILED", err)
		os.Exit(1)
	}
}

func run(root string, modules ...goplug.Module) error {
	functions, registry := rpc.New(nil), op.NewRegistry()
	functions.Register(registry)
	registry.Seal()
	db, err := persist.SQL(persist.Config{})
	if err != nil {
		return err
	}
	language := goplug.New(modules...)
	host := &runtime.Host{Log: slog.New(slog.NewTextHandler(os.Stdout, nil)), DB: db, Settings: &config.Config{}, Node: "host", Root: root}
	r := runtime.New(runtime.Config{Host: host, Languages: []runtime.Language{language}, Registry: registry, RPC: functions})
	if err := r.Load(context.Background()); err != nil {
		return err
	}
	if err := r.Reload(context.Background()); err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if _, ok := r.Set().Match("duel"); !ok || len(r.Set().Indexes) != 1 {
		return fmt.Errorf("match %v, indexes %v", ok, r.Set().Indexes)
	}
	fmt.Println("rounds", shared.Rounds)
	for _, id := range []string{"who", "fail", "boom"} {
		out, err := registry.Named("RpcFunc").Invoke(context.Background(), op.Caller{}, &api.Rpc{Id: id, Payload: "p"})
		if err != nil {
			fmt.Println("ANSWER", id, "error", err)
			continue
		}
		fmt.Println("ANSWER", id, out.(*api.Rpc).Payload)
	}
	return nil
}
