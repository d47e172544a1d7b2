package runtime

import (
	"context"
	"iter"

	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/op"
)

// What server code is called for: the value of runtime.RUNTIME_CTX_MODE.
const (
	ModeEvent               = "event"
	ModeRunOnce             = "run_once"
	ModeRPC                 = "rpc"
	ModeBefore              = "before"
	ModeAfter               = "after"
	ModeMatch               = "match"
	ModeMatchmaker          = "matchmaker"
	ModeMatchmakerOverride  = "matchmaker_override"
	ModeMatchmakerProcessor = "matchmaker_processor"
	ModeMatchCreate         = "match_create"
	ModeTournamentEnd       = "tournament_end"
	ModeTournamentReset     = "tournament_reset"
	ModeLeaderboardReset    = "leaderboard_reset"
	ModePurchaseApple       = "purchase_notification_apple"
	ModeSubscriptionApple   = "subscription_notification_apple"
	ModePurchaseGoogle      = "purchase_notification_google"
	ModeSubscriptionGoogle  = "subscription_notification_google"
	ModeIndexFilter         = "storage_index_filter"
	ModeShutdown            = "shutdown"
)

// Context is ctx with what every function of server code finds in it.
func (h *Host) Context(ctx context.Context, mode string) context.Context {
	return &scope{Context: ctx, host: h, mode: mode}
}

// MatchContext is the context of a call of a match.Handler with what it lacks for server code.
func (h *Host) MatchContext(ctx context.Context) context.Context { return h.Context(ctx, ModeMatch) }

// CallerContext is Context for a call on behalf of somebody.
func (h *Host) CallerContext(ctx context.Context, mode string, c op.Caller) context.Context {
	return &scope{Context: ctx, host: h, mode: mode, caller: c}
}

// scope answers for the names of runtime.RUNTIME_CTX_*: one allocation, where a chain of WithValues has a dozen.
type scope struct {
	context.Context
	host           *Host
	mode           string
	caller         op.Caller
	headers, query map[string][]string // of an RPC over HTTP or gRPC
}

// Value implements context.Context. What the call does not have is left to the context below.
func (s *scope) Value(key any) any {
	if name, ok := key.(string); ok {
		if v := s.value(name); v != nil {
			return v
		}
	}
	return s.Context.Value(key)
}

func (s *scope) value(name string) any {
	c := &s.caller
	switch name {
	case nakama.RUNTIME_CTX_ENV:
		return s.host.Env
	case nakama.RUNTIME_CTX_MODE:
		return s.mode
	case nakama.RUNTIME_CTX_NODE:
		return s.host.Node
	case nakama.RUNTIME_CTX_VERSION:
		return s.host.Version
	case nakama.RUNTIME_CTX_HEADERS:
		return some(s.headers, s.headers != nil)
	case nakama.RUNTIME_CTX_QUERY_PARAMS:
		return some(s.query, s.query != nil)
	case nakama.RUNTIME_CTX_USER_ID:
		if !c.UserID.IsZero() {
			return c.UserID.String()
		}
	case nakama.RUNTIME_CTX_USERNAME:
		return some(c.Username, !c.UserID.IsZero())
	case nakama.RUNTIME_CTX_VARS:
		return some(c.Vars, len(c.Vars) > 0)
	case nakama.RUNTIME_CTX_USER_SESSION_EXP:
		return some(c.Expires, c.Expires != 0)
	case nakama.RUNTIME_CTX_SESSION_ID:
		return some(c.SessionID, c.SessionID != "")
	case nakama.RUNTIME_CTX_LANG:
		return some(c.Lang, c.Lang != "")
	case nakama.RUNTIME_CTX_CLIENT_IP:
		return some(c.ClientIP, c.ClientIP != "")
	case nakama.RUNTIME_CTX_CLIENT_PORT:
		return some(c.ClientPort, c.ClientPort != "")
	}
	return nil
}

func some(v any, present bool) any {
	if present {
		return v
	}
	return nil
}

var keys = [...]string{
	nakama.RUNTIME_CTX_ENV, nakama.RUNTIME_CTX_MODE, nakama.RUNTIME_CTX_NODE, nakama.RUNTIME_CTX_VERSION,
	nakama.RUNTIME_CTX_HEADERS, nakama.RUNTIME_CTX_QUERY_PARAMS, nakama.RUNTIME_CTX_USER_ID, nakama.RUNTIME_CTX_USERNAME,
	nakama.RUNTIME_CTX_VARS, nakama.RUNTIME_CTX_USER_SESSION_EXP, nakama.RUNTIME_CTX_SESSION_ID, nakama.RUNTIME_CTX_LANG,
	nakama.RUNTIME_CTX_CLIENT_IP, nakama.RUNTIME_CTX_CLIENT_PORT, nakama.RUNTIME_CTX_MATCH_ID, nakama.RUNTIME_CTX_MATCH_NODE,
	nakama.RUNTIME_CTX_MATCH_LABEL, nakama.RUNTIME_CTX_MATCH_TICK_RATE, nakama.RUNTIME_CTX_TRACE_ID,
}

// Values are what a context of server code has, by the names of runtime.RUNTIME_CTX_*: string, int or int64,
// map[string]string, or map[string][]string.
func Values(ctx context.Context) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, key := range keys {
			if v := ctx.Value(key); v != nil && !yield(key, v) {
				return
			}
		}
	}
}
