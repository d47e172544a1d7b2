package nk

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/services/match"
)

var errLimit = errors.New("expects limit to be >= 1")

// MatchCreate begins an authoritative match with the handler of a name, and answers its id. params arrive as a copy.
func (m *Module) MatchCreate(ctx context.Context, module string, params map[string]any) (string, error) {
	return m.c.Match.Create(ctx, module, params)
}

// MatchGet is nil for a match that is not there.
func (m *Module) MatchGet(_ context.Context, id string) (*api.Match, error) { return m.c.Match.Get(id) }

// MatchList finds matches; label and query "": any.
func (m *Module) MatchList(_ context.Context, limit int, authoritative bool, label string, minSize, maxSize *int, query string) ([]*api.Match, error) {
	return m.MatchListAny(limit, &authoritative, given(label), minSize, maxSize, given(query))
}

// MatchListAny is MatchList for who also knows no wish; nil is none.
func (m *Module) MatchListAny(limit int, authoritative *bool, label *string, minSize, maxSize *int, query *string) ([]*api.Match, error) {
	if limit < 1 {
		return nil, errLimit
	}
	f := match.Filter{Min: sizeOf(minSize), Max: sizeOf(maxSize)}
	if authoritative != nil {
		f.Authoritative = wrapperspb.Bool(*authoritative)
	}
	if label != nil {
		f.Label = wrapperspb.String(*label)
	}
	if query != nil {
		f.Query = wrapperspb.String(*query)
	}
	return m.c.Match.List(f, limit)
}

func sizeOf(n *int) *wrapperspb.Int32Value {
	if n == nil {
		return nil
	}
	return wrapperspb.Int32(int32(*n))
}

// MatchSignal calls a match's handler and waits for its answer.
func (m *Module) MatchSignal(ctx context.Context, id, data string) (string, error) {
	return m.c.Match.Signal(ctx, id, data)
}
