package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/matchmaker"
	"github.com/skirmishgg/skirmish/services/session"
)

func newMatchmaker(b *backend, n *Node) (*matchmaker.Service, error) {
	s := b.settings.Matchmaker
	if _, ok := n.games[s.NativeMatch]; !ok && s.NativeMatch != "" {
		return nil, fmt.Errorf("matchmaker.native_match: %w: %q", ErrNoGame, s.NativeMatch)
	}
	return matchmaker.New(matchmaker.Config{
		Live: b.live, Parties: b.party, Node: b.settings.Name,
		Tickets: s.MaxTickets, Interval: seconds(s.IntervalSec), Intervals: s.MaxIntervals, Mutual: s.RevPrecision,
		NewToken: b.match.NewToken, Native: natives{n}, Now: time.Now, Random: rand.Reader, Log: b.log, Hooks: b.matchmakerHooks,
		Worked: func(took time.Duration) { b.metrics.MatchmakerRound.Observe(took) }, // made after this
	}), nil
}

// matchmakerHooks are the functions that modules have for groups.
func (b *backend) matchmakerHooks() matchmaker.Hooks {
	set := b.runtime.Set()
	return matchmaker.Hooks{Matched: set.MatchmakerMatched, Override: set.MatchmakerOverride, Processor: set.MatchmakerProcessor}
}

// partyTickets is the matchmaker as parties use it; it is built after them.
type partyTickets struct{ b *backend }

func (p partyTickets) CancelParty(u id.UUID) { p.b.matchmaker.CancelParty(u) }

// natives is the node as the matchmaker uses it.
type natives struct{ n *Node }

// matchedEmptyFor is after how long without players a matched group's match ends, when its game does not say: its players
// have a token's lifetime to come.
const matchedEmptyFor = time.Minute

// Begin starts a match of the game that the settings name.
func (x natives) Begin(context.Context, []*matchmaker.Entry) (string, error) {
	s := x.n.c.Settings
	if s.Matchmaker.NativeMatch == "" {
		return "", nil
	}
	u, err := x.n.StartMatch(s.Matchmaker.NativeMatch, MatchOptions{EmptyFor: matchedEmptyFor})
	if err != nil {
		return "", err
	}
	return u.String() + "." + s.Name, nil
}

// Has reports whether an id is that of a match of the engine's.
func (x natives) Has(matchID string) bool {
	text, _, _ := strings.Cut(matchID, ".")
	u, err := id.Parse(text)
	if err != nil {
		return false
	}
	_, ok := x.n.native(u)
	return ok
}

// ConnectToken makes a token as if the player had asked for it over the connection that holds the ticket.
func (x natives) ConnectToken(ctx context.Context, matchID string, e *matchmaker.Entry) (string, error) {
	conn := e.Conn()
	c := op.Caller{
		UserID: conn.UserID(), Username: conn.Username(), Vars: conn.Vars(), SessionID: conn.ID().String(), Lang: conn.Lang(),
		Node: x.n.c.Settings.Name,
	}
	if o, ok := conn.(session.Origin); ok {
		c.Host, c.ClientIP = o.Origin()
	}
	t, err := x.n.backend.connect.CreateConnectToken(ctx, c, &api.CreateConnectTokenRequest{MatchId: matchID})
	if err != nil {
		return "", err
	}
	return t.Token, nil
}
