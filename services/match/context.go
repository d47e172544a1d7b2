package match

import (
	"context"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/session"
)

// handlerContext is what a handler's context knows of its match and, in a join attempt, of who asks, besides what
// Config.Context has. Keys and types are server code's.
type handlerContext struct {
	context.Context
	match  *match
	caller *op.Caller   // nil but in a join attempt
	conn   session.Conn // of the caller
}

// Value implements context.Context.
func (c *handlerContext) Value(key any) any {
	name, ok := key.(string)
	if !ok {
		return c.Context.Value(key)
	}
	switch name {
	case runtime.RUNTIME_CTX_MATCH_ID:
		return c.match.name
	case runtime.RUNTIME_CTX_MATCH_NODE:
		return c.match.stream.Label
	case runtime.RUNTIME_CTX_MATCH_LABEL:
		if label := c.match.label.Load(); label != nil {
			return *label
		}
		return nil
	case runtime.RUNTIME_CTX_MATCH_TICK_RATE:
		if c.match.label.Load() == nil {
			return nil
		}
		return c.match.rate
	}
	if c.caller != nil {
		if v, ok := c.callerValue(name); ok {
			return v
		}
	}
	return c.Context.Value(key)
}

func (c *handlerContext) callerValue(name string) (any, bool) {
	switch name {
	case runtime.RUNTIME_CTX_USER_ID:
		return c.conn.UserID().String(), true
	case runtime.RUNTIME_CTX_USERNAME:
		return c.conn.Username(), true
	case runtime.RUNTIME_CTX_VARS:
		if vars := c.conn.Vars(); len(vars) > 0 {
			return vars, true
		}
	case runtime.RUNTIME_CTX_SESSION_ID:
		return c.conn.ID().String(), true
	case runtime.RUNTIME_CTX_LANG:
		return c.conn.Lang(), true
	case runtime.RUNTIME_CTX_USER_SESSION_EXP:
		if c.caller.Expires != 0 {
			return c.caller.Expires, true
		}
	case runtime.RUNTIME_CTX_CLIENT_IP:
		if c.caller.ClientIP != "" {
			return c.caller.ClientIP, true
		}
	case runtime.RUNTIME_CTX_CLIENT_PORT:
		if c.caller.ClientPort != "" {
			return c.caller.ClientPort, true
		}
	}
	return nil, false
}
