// Package daily is the module of docs/scripting.md. It imports nothing but nakama-common, so it is as well a module of
// Nakama.
package daily

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

// InitModule registers what the module offers.
func InitModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	if err := initializer.RegisterRpc("quest", quest); err != nil {
		return err
	}
	return initializer.RegisterBeforeUpdateAccount(cleanName)
}

var quests = []string{"win three duels", "play with a friend", "find the key"}

// quest tells what today's quest is.
func quest(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, payload string) (string, error) {
	if _, ok := ctx.Value(runtime.RUNTIME_CTX_USER_ID).(string); !ok {
		return "", runtime.NewError("sign in first", 16) // 16: unauthenticated
	}
	answer, err := json.Marshal(map[string]string{"quest": quests[time.Now().YearDay()%len(quests)]})
	return string(answer), err
}

// cleanName refuses display names that pretend to be staff, and trims the others.
func cleanName(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, in *api.UpdateAccountRequest) (*api.UpdateAccountRequest, error) {
	if in.DisplayName == nil {
		return in, nil
	}
	in.DisplayName.Value = strings.TrimSpace(in.DisplayName.Value)
	if strings.HasPrefix(strings.ToLower(in.DisplayName.Value), "admin") {
		return nil, runtime.NewError("that name is taken", 3)
	}
	return in, nil
}
