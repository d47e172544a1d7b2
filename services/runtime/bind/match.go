package bind

import "github.com/heroiclabs/nakama-common/api"

var matches = []*Function{
	fn("match_create", "module:text params:object?", "match_id", func(c *Call) ([]any, error) {
		return one(c.NK.MatchCreate(c.Ctx, c.Str("module"), c.Object("params")))
	}).all(2),
	fn("match_get", "id:text", "match", func(c *Call) ([]any, error) {
		m, err := c.NK.MatchGet(c.Ctx, c.Str("id"))
		if err != nil || m == nil {
			return failed("failed to get match", []any{nil}, err)
		}
		return []any{c.match(m)}, nil
	}),
	fn("match_list", "limit:int=1 authoritative:bool? label:string? min_size:int? max_size:int? query:string?", "matches", func(c *Call) ([]any, error) {
		all, err := c.listMatches()
		return rows(all, err, c.match)
	}).all(6),
	fn("match_signal", "id:text data:string=", "answer", func(c *Call) ([]any, error) {
		return one(c.NK.MatchSignal(c.Ctx, c.Str("id"), c.Str("data")))
	}),
	fn("party_list", "limit:int=10 open:bool? show_hidden:bool query:string= cursor:string=", "parties cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 1, 100, "expects limit to be 1-100"); err != nil {
			return nil, err
		}
		all, next, err := c.NK.PartyList(c.Ctx, c.Int("limit"), c.BoolOr("open"), c.Bool("show_hidden"), c.Str("query"), c.Str("cursor"))
		return []any{list(all, c.party), cursorIf(next)}, err
	}).all(3),
}

// matchLister is a module that also tells a listing of any kind of match from one of relayed matches only, which the Go
// interface has one truth for.
type matchLister interface {
	MatchListAny(limit int, authoritative *bool, label *string, minSize, maxSize *int, query *string) ([]*api.Match, error)
}

func (c *Call) listMatches() ([]*api.Match, error) {
	str := func(name string) *string {
		if s, ok := c.Arg(name).(string); ok {
			return &s
		}
		return nil
	}
	if l, ok := c.NK.(matchLister); ok {
		return l.MatchListAny(c.Int("limit"), c.BoolOr("authoritative"), str("label"), c.IntOr("min_size"), c.IntOr("max_size"), str("query"))
	}
	return c.NK.MatchList(c.Ctx, c.Int("limit"), c.Bool("authoritative"), c.Str("label"), c.IntOr("min_size"), c.IntOr("max_size"), c.Str("query"))
}

func (c *Call) match(m *api.Match) *Object {
	var label any
	if m.Label != nil {
		label = m.Label.Value
	}
	o := new(Object).Add("match_id", m.MatchId).Add("authoritative", m.Authoritative).Add("label", label).Add("size", int64(m.Size))
	if c.Lang == Lua && m.Authoritative {
		o.Add("tick_rate", int64(m.TickRate)).Add("handler_name", m.HandlerName)
	}
	return o
}

func (c *Call) party(p *api.Party) *Object {
	o := new(Object)
	if c.Lang == Lua {
		o.Add("match_id", p.PartyId)
	} else {
		o.Add("party_id", p.PartyId)
	}
	return o.Add("open", p.Open).AddAs("maxSize", int64(p.MaxSize)).Add("label", p.Label)
}
