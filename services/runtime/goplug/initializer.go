package goplug

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime"
)

// initializer is what a module registers with. The methods around operations are in operation.go.
type initializer struct {
	host    *runtime.Host
	logger  nakama.Logger
	builder *runtime.Builder
}

var _ nakama.Initializer = (*initializer)(nil)

func (i *initializer) GetConfig() (nakama.Config, error) {
	return runtime.Visible(i.host.Settings), nil
}

func (i *initializer) RegisterRpc(id string, f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, string) (string, error)) error {
	i.builder.RPC(id, func(ctx context.Context, payload string) (string, error) {
		return f(ctx, i.logger, i.host.DB, i.host.NK, payload)
	})
	return nil
}

func (i *initializer) RegisterBeforeRt(id string, f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *rtapi.Envelope) (*rtapi.Envelope, error)) error {
	i.builder.BeforeEnvelope(id, func(ctx context.Context, in *rtapi.Envelope) (*rtapi.Envelope, error) {
		return f(ctx, i.logger, i.host.DB, i.host.NK, in)
	})
	return nil
}

func (i *initializer) RegisterAfterRt(id string, f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *rtapi.Envelope, *rtapi.Envelope) error) error {
	i.builder.AfterEnvelope(id, func(ctx context.Context, out, in *rtapi.Envelope) error {
		return f(ctx, i.logger, i.host.DB, i.host.NK, out, in)
	})
	return nil
}

// RegisterBeforeEvent and RegisterAfterEvent are not in nakama's interface; modules find them by asking for them.
func (i *initializer) RegisterBeforeEvent(f beforeFunc[api.Event]) error {
	return before(i, "Event", f)
}

func (i *initializer) RegisterAfterEvent(f afterRequestFunc[api.Event]) error {
	return afterRequest(i, "Event", f)
}

func (i *initializer) RegisterMatch(name string, f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule) (nakama.Match, error)) error {
	i.builder.Match(name, func() match.Handler {
		return &handler{host: i.host, logger: i.logger, make: f}
	})
	return nil
}

func (i *initializer) RegisterMatchmakerMatched(f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, []nakama.MatchmakerEntry) (string, error)) error {
	i.builder.MatchmakerMatched = func(ctx context.Context, entries []nakama.MatchmakerEntry) (string, error) {
		return f(ctx, i.logger, i.host.DB, i.host.NK, entries)
	}
	return nil
}

func (i *initializer) RegisterMatchmakerOverride(f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, [][]nakama.MatchmakerEntry) [][]nakama.MatchmakerEntry) error {
	i.builder.MatchmakerOverride = func(ctx context.Context, candidates [][]nakama.MatchmakerEntry) ([][]nakama.MatchmakerEntry, error) {
		return f(ctx, i.logger, i.host.DB, i.host.NK, candidates), nil
	}
	return nil
}

func (i *initializer) RegisterMatchmakerProcessor(f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, []nakama.MatchmakerEntry) [][]nakama.MatchmakerEntry) error {
	i.builder.MatchmakerProcessor = func(ctx context.Context, entries []nakama.MatchmakerEntry) ([][]nakama.MatchmakerEntry, error) {
		return f(ctx, i.logger, i.host.DB, i.host.NK, entries), nil
	}
	return nil
}

type tournamentFunc = func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *api.Tournament, int64, int64) error

func (i *initializer) tournament(f tournamentFunc) func(context.Context, *api.Tournament, int64, int64) error {
	return func(ctx context.Context, t *api.Tournament, end, reset int64) error {
		return f(ctx, i.logger, i.host.DB, i.host.NK, t, end, reset)
	}
}

func (i *initializer) RegisterTournamentEnd(f tournamentFunc) error {
	i.builder.TournamentEnd = i.tournament(f)
	return nil
}

func (i *initializer) RegisterTournamentReset(f tournamentFunc) error {
	i.builder.TournamentReset = i.tournament(f)
	return nil
}

func (i *initializer) RegisterLeaderboardReset(f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *api.Leaderboard, int64) error) error {
	i.builder.LeaderboardReset = func(ctx context.Context, l *api.Leaderboard, reset int64) error {
		return f(ctx, i.logger, i.host.DB, i.host.NK, l, reset)
	}
	return nil
}

// notifyFunc takes what a store tells of a purchase P, in its words D.
type notifyFunc[P, D any] = func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, nakama.NotificationType, *P, *D) error

func notify[P, D any](i *initializer, f notifyFunc[P, D]) func(context.Context, nakama.NotificationType, *P, *D) error {
	return func(ctx context.Context, t nakama.NotificationType, p *P, data *D) error {
		return f(ctx, i.logger, i.host.DB, i.host.NK, t, p, data)
	}
}

func (i *initializer) RegisterPurchaseNotificationApple(f notifyFunc[api.ValidatedPurchase, nakama.AppleNotificationData]) error {
	i.builder.PurchaseApple = notify(i, f)
	return nil
}

func (i *initializer) RegisterSubscriptionNotificationApple(f notifyFunc[api.ValidatedSubscription, nakama.AppleNotificationData]) error {
	i.builder.SubscriptionApple = notify(i, f)
	return nil
}

func (i *initializer) RegisterPurchaseNotificationGoogle(f notifyFunc[api.ValidatedPurchase, nakama.PurchaseV2GoogleResponse]) error {
	i.builder.PurchaseGoogle = notify(i, f)
	return nil
}

func (i *initializer) RegisterSubscriptionNotificationGoogle(f notifyFunc[api.ValidatedSubscription, nakama.SubscriptionV2GoogleResponse]) error {
	i.builder.SubscriptionGoogle = notify(i, f)
	return nil
}

type eventFunc = func(context.Context, nakama.Logger, *api.Event)

func (i *initializer) event(f eventFunc) runtime.Event {
	return func(ctx context.Context, e *api.Event) { f(ctx, i.logger, e) }
}

func (i *initializer) RegisterEvent(f eventFunc) error {
	i.builder.Events = append(i.builder.Events, i.event(f))
	return nil
}

func (i *initializer) RegisterEventSessionStart(f eventFunc) error {
	i.builder.Started = append(i.builder.Started, i.event(f))
	return nil
}

func (i *initializer) RegisterEventSessionEnd(f eventFunc) error {
	i.builder.Ended = append(i.builder.Ended, i.event(f))
	return nil
}

func (i *initializer) RegisterStorageIndex(name, collection, key string, fields []string, sortable []string, maxEntries int, indexOnly bool) error {
	return i.builder.Index(runtime.StorageIndex{
		Name: name, Collection: collection, Key: key, Fields: fields, Sortable: sortable, MaxEntries: maxEntries, IndexOnly: indexOnly,
	})
}

func (i *initializer) RegisterStorageIndexFilter(index string, f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *nakama.StorageWrite) bool) error {
	i.builder.IndexFilter(index, func(ctx context.Context, w *nakama.StorageWrite) (bool, error) {
		return f(ctx, i.logger, i.host.DB, i.host.NK, w), nil
	})
	return nil
}

func (i *initializer) RegisterFleetManager(f nakama.FleetManagerInitializer) error {
	if f == nil {
		return errors.New("no fleet manager given")
	}
	if err := f.Init(i.host.NK, newCallbacks()); err != nil {
		return fmt.Errorf("fleet manager: %w", err)
	}
	i.builder.Fleet = f
	return nil
}

func (i *initializer) RegisterShutdown(f func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule)) error {
	i.builder.Shutdown = func(ctx context.Context) { f(ctx, i.logger, i.host.DB, i.host.NK) }
	return nil
}

func (i *initializer) RegisterHttp(pattern string, f func(http.ResponseWriter, *http.Request), methods ...string) error {
	i.builder.HTTP = append(i.builder.HTTP, runtime.Route{Pattern: pattern, Handler: f, Methods: methods})
	return slash(pattern)
}

func (i *initializer) RegisterConsoleHttp(pattern string, f func(http.ResponseWriter, *http.Request), methods ...string) error {
	i.builder.Console = append(i.builder.Console, runtime.Route{Pattern: pattern, Handler: f, Methods: methods})
	return slash(pattern)
}

func slash(pattern string) error {
	if !strings.HasPrefix(pattern, "/") {
		return fmt.Errorf("HTTP handler: path pattern %q does not start with /", pattern)
	}
	return nil
}
