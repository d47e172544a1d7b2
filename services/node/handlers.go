package node

import (
	"context"
	"time"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/match"
)

// Handlers make the handlers of authoritative matches, by the name that server code calls them.
type Handlers map[string]func() match.Handler

// handlersTime is how long handlers may take to return when the server stops.
const handlersTime = 2 * time.Second

func newMatches(b *backend, n *Node) *match.Service {
	s := b.settings
	return match.New(match.Config{
		Presence: b.presence, Live: b.live, Node: s.Name, SingleMatch: s.Session.SingleMatch, TokenKey: s.Session.EncryptionKey,
		Handlers: func(name string) (func() match.Handler, bool) { return b.handlers(n.c.Matches, name) },
		Native: func(u id.UUID) bool {
			_, ok := n.native(u)
			return ok
		},
		Over:     func(matchID string) { b.matchmaker.EndBackfill(matchID) },
		InputMax: s.Match.InputQueueSize, CallMax: s.Match.CallQueueSize, JoinMax: s.Match.JoinAttemptQueueSize,
		SignalMax: s.Match.SignalQueueSize, DeferredMax: s.Match.DeferredQueueSize, EmptyMax: seconds(s.Match.MaxEmptySec),
		LabelInterval: millis(s.Match.LabelUpdateIntervalMs),
		Log:           b.log,
	})
}

// stopMatches ends the authoritative matches while their members can still be told.
func (b *backend) stopMatches(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, handlersTime)
	defer cancel()
	b.match.Stop(ctx)
}

// CreateMatch begins an authoritative match with one of Config.Matches, and answers its id.
func (n *Node) CreateMatch(ctx context.Context, handler string, params map[string]any) (string, error) {
	return n.backend.match.Create(ctx, handler, params)
}
