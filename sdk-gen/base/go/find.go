package skirmish

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	nakama "github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"
)

// FindMatches lists up to limit matches, 1 to 100, that a query about their labels suits, the best first: for example
// "+label.mode:ranked +label.open:T label.map:yard^2". An empty query suits all. A match of the engine has its definition's
// name as HandlerName; ConnectToken takes its MatchId.
func (a *API) FindMatches(ctx context.Context, session *nakama.Session, query string, limit int) ([]*nakama.Match, error) {
	q := url.Values{"query": {query}, "limit": {strconv.Itoa(limit)}}
	var list nakama.MatchList
	if err := a.Call(ctx, http.MethodGet, "/v2/match?"+q.Encode(), session.Token, &emptypb.Empty{}, &list); err != nil {
		return nil, err
	}
	return list.Matches, nil
}
