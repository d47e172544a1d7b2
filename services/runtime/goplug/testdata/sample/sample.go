// Package sample is a Go module that uses a bit of everything.
package sample

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/runtime/goplug/testdata/shared"
)

// InitModule registers everything.
func InitModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	logger.WithField("module", "sample").Info("hello from %s", ctx.Value(runtime.RUNTIME_CTX_NODE))
	return errors.Join(
		initializer.RegisterRpc("who", who),
		initializer.RegisterRpc("fail", fail),
		initializer.RegisterRpc("boom", boom),
		initializer.RegisterBeforeGetUsers(beforeGetUsers),
		initializer.RegisterAfterAuthenticateDevice(afterAuthenticateDevice),
		initializer.RegisterBeforeRt("ChannelJoin", beforeJoin),
		initializer.RegisterEvent(func(context.Context, runtime.Logger, *api.Event) {}),
		initializer.RegisterMatch("duel", func(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule) (runtime.Match, error) {
			return nil, errors.New("no duels today")
		}),
		initializer.RegisterStorageIndex("names", "people", "", []string{"name"}, nil, 10, false),
		initializer.RegisterHttp("/hello/{name}", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("hello")) }, http.MethodGet),
	)
}

func who(ctx context.Context, _ runtime.Logger, db *sql.DB, _ runtime.NakamaModule, payload string) (string, error) {
	text, err := json.Marshal(map[string]any{"payload": payload, "mode": ctx.Value(runtime.RUNTIME_CTX_MODE), "db": db.PingContext(ctx) == nil, "rounds": shared.Rounds})
	return string(text), err
}

func fail(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, string) (string, error) {
	return "", runtime.NewError("not today", 9)
}

func boom(context.Context, runtime.Logger, *sql.DB, runtime.NakamaModule, string) (string, error) {
	var nowhere *api.User
	nowhere.Id = "boom"
	return "", nil
}

func beforeGetUsers(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *api.GetUsersRequest) (*api.GetUsersRequest, error) {
	if len(in.Usernames) > 0 {
		return nil, nil
	}
	return in, nil
}

func afterAuthenticateDevice(_ context.Context, logger runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, out *api.Session, _ *api.AuthenticateDeviceRequest) error {
	logger.Info("signed in, new: %v", out.Created)
	return nil
}

func beforeJoin(_ context.Context, _ runtime.Logger, _ *sql.DB, _ runtime.NakamaModule, in *rtapi.Envelope) (*rtapi.Envelope, error) {
	return in, nil
}
