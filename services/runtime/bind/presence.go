package bind

import "github.com/heroiclabs/nakama-common/runtime"

// Presence is one that a script named: it has what functions that take presences look at.
type Presence struct {
	UserID, SessionID, Node, Username string
}

func (p *Presence) GetUserId() string                 { return p.UserID }
func (p *Presence) GetSessionId() string              { return p.SessionID }
func (p *Presence) GetNodeId() string                 { return p.Node }
func (p *Presence) GetHidden() bool                   { return false }
func (p *Presence) GetPersistence() bool              { return false }
func (p *Presence) GetUsername() string               { return p.Username }
func (p *Presence) GetStatus() string                 { return "" }
func (p *Presence) GetReason() runtime.PresenceReason { return runtime.PresenceReasonUnknown }

// Presences are those that a list names; nil when it was not given, which is everybody.
func (c *Call) Presences(name string) ([]runtime.Presence, error) {
	if c.Arg(name) == nil {
		return nil, nil
	}
	return each(c, name, func(r *Row) runtime.Presence {
		return &Presence{
			UserID: r.Str("user_id", "uuid?"), SessionID: r.Str("session_id", "uuid"), Node: r.nodeName(), Username: r.Str("username", "string?"),
		}
	})
}

// presence is the one that an argument names.
func (c *Call) presence(of string, m map[string]any) (runtime.Presence, error) {
	r := Row{m: m, c: c, of: of}
	p := &Presence{
		UserID: r.Str("user_id", "uuid"), SessionID: r.Str("session_id", "uuid"), Node: r.nodeName(), Username: r.Str("username", "string?"),
	}
	return p, r.Err
}

// nodeName is where a presence lives, under either of the names that JavaScript's own presences have.
func (r *Row) nodeName() string {
	if r.c.Lang == JavaScript && r.m["nodeId"] != nil {
		return r.Str("node_id", "string?")
	}
	return r.Str("node", "string?")
}
