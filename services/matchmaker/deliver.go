package matchmaker

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/heroiclabs/nakama-common/rtapi"
	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
)

var errMatchID = errors.New("it returned no valid match ID")

// deliverAll tells groups what they play in. Each has a goroutine of its own, since server code may take its time; Run
// waits for them at the end.
func (s *Service) deliverAll(ctx context.Context, groups [][]*ticket) {
	for _, g := range groups {
		select {
		case s.delivering <- struct{}{}:
		case <-ctx.Done():
			return // the server stops, and they with it
		}
		s.delivered.Go(func() { // ended by itself, Run waits
			s.deliver(ctx, g)
			<-s.delivering
		})
	}
}

// place is what a group plays in: a match, or a token for a relayed one.
type place struct {
	matchID, token string
	native         bool // players get connect tokens
}

func (s *Service) deliver(ctx context.Context, group []*ticket) {
	list := entries(group)
	p, err := s.placeOf(ctx, group, list)
	if err != nil {
		s.c.Log.Error("a group was matched, and there is no match for it", "players", len(list), "error", err)
		return
	}
	users := make([]*rtapi.MatchmakerMatched_MatchmakerUser, len(list))
	for i, e := range list {
		users[i] = e.user()
	}
	for i, e := range list {
		m := &rtapi.MatchmakerMatched{Ticket: e.t.id, Users: users, Self: users[i]}
		if m.Id = (&rtapi.MatchmakerMatched_Token{Token: p.token}); p.matchID != "" {
			m.Id = &rtapi.MatchmakerMatched_MatchId{MatchId: p.matchID}
		}
		if p.native {
			m.Self = s.connecting(ctx, p.matchID, e)
		}
		e.Conn().Send(codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_MatchmakerMatched{MatchmakerMatched: m}}))
	}
}

func (s *Service) placeOf(ctx context.Context, group []*ticket, list []*Entry) (p place, err error) {
	if b := backfillOf(group); b != nil {
		return s.placeIn(b.MatchID), nil
	}
	matchID := s.hooked(ctx, list)
	if matchID == "" && s.c.Native != nil {
		if matchID, err = s.c.Native.Begin(ctx, list); err != nil {
			matchID = ""
			s.c.Log.Error("a group plays in a relayed match: no other could be started", "error", err)
		}
	}
	if matchID != "" {
		return s.placeIn(matchID), nil
	}
	p.token, err = s.c.NewToken()
	return p, err
}

func (s *Service) placeIn(matchID string) place {
	return place{matchID: matchID, native: s.c.Native != nil && s.c.Native.Has(matchID)}
}

// hooked is the match that server code made; "" when it did not.
func (s *Service) hooked(ctx context.Context, list []*Entry) string {
	hook := s.hooks().Matched
	if hook == nil {
		return ""
	}
	matchID, err := hook(ctx, public(list))
	if err == nil && matchID != "" && !isMatchID(matchID) {
		err = errMatchID
	}
	if err != nil {
		s.c.Log.Error("the matchmaker matched hook failed", "error", err)
		return ""
	}
	return matchID
}

func isMatchID(text string) bool {
	u, node, ok := strings.Cut(text, ".")
	_, err := id.Parse(u)
	return ok && node != "" && err == nil
}

func public(list []*Entry) []nakama.MatchmakerEntry {
	out := make([]nakama.MatchmakerEntry, len(list))
	for i, e := range list {
		out[i] = e
	}
	return out
}

// ConnectToken is the string property of a recipient's own entry that has the token for the match over UDP.
const ConnectToken = "connect_token"

// connecting is a player's own entry with a connect token. Without one, a client asks CreateConnectToken.
func (s *Service) connecting(ctx context.Context, matchID string, e *Entry) *rtapi.MatchmakerMatched_MatchmakerUser {
	self := e.user()
	token, err := s.c.Native.ConnectToken(ctx, matchID, e)
	if err != nil {
		s.c.Log.Warn("no connect token for a matched player", "match", matchID, "error", err)
		return self
	}
	self.StringProperties = maps.Clone(self.StringProperties)
	if self.StringProperties == nil {
		self.StringProperties = map[string]string{}
	}
	self.StringProperties[ConnectToken] = token
	return self
}
