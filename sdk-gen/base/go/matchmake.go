package skirmish

import (
	"context"
	"errors"

	nakama "github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/netcode/token"
)

// ErrNotNative says that a matched group plays over the realtime socket: see MatchedToken.
var ErrNotNative = errors.New("the matchmaker's match is not one of the engine")

// numberMatchmakerAdd is the operation MatchmakerAdd.
const numberMatchmakerAdd = 119

// Matchmake waits with a matchmaker ticket until it is matched: a session over UDP holds it, and ends with the call, so that
// nobody is matched who has gone.
// Errors: ctx's; *errs.Error, the server's refusal; why the session has ended.
func (a *API) Matchmake(ctx context.Context, session *nakama.Session, add *rtapi.MatchmakerAdd) (*rtapi.MatchmakerMatched, error) {
	t, err := a.ConnectToken(ctx, session, "")
	if err != nil {
		return nil, err
	}
	matched := make(chan *rtapi.MatchmakerMatched, 1)
	s, err := OpenSessionWith(ctx, t, SessionOptions{Push: func(e *rtapi.Envelope) {
		if m := e.GetMatchmakerMatched(); m != nil {
			select {
			case matched <- m:
			default: // there was one ticket
			}
		}
	}})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Call(ctx, numberMatchmakerAdd, add, &rtapi.MatchmakerTicket{}); err != nil {
		return nil, err
	}
	select {
	case m := <-matched:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.Done():
		return nil, s.Err()
	}
}

// MatchConnect is the connect token that came with a native match, for ConnectToken. Errors: ErrNotNative.
func MatchConnect(m *rtapi.MatchmakerMatched) (*token.Connect, error) {
	text := m.GetSelf().GetStringProperties()["connect_token"]
	if text == "" {
		return nil, ErrNotNative
	}
	return token.ParseText(text)
}
