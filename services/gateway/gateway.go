// Package gateway is what all doors share: how credentials become a Caller, how a call runs, how a failure is told.
// A door (rest, grpcgw, socket, native) turns bytes into a catalogue message, asks Caller, calls Invoke, and writes the
// answer in its own form; nothing else happens in a door.
package gateway

import (
	"context"
	"log/slog"

	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/session"
)

// Door is made by node, once for all doors.
type Door struct {
	Registry  *op.Registry
	Sessions  *session.Service
	Live      *session.Live
	ServerKey string
	HTTPKey   string
	Node      string // name in Caller.Node
	Log       *slog.Logger
}

// Invoke runs an operation. A refusal is returned as it is; trouble is logged here, once, and becomes Internal.
func (d *Door) Invoke(ctx context.Context, e *op.Entry, c op.Caller, in proto.Message) (proto.Message, *errs.Error) {
	out, err := e.Invoke(ctx, c, in)
	if err == nil {
		return out, nil
	}
	return nil, d.Refusal(e, c, err)
}

// Refusal is what a caller is told of err.
func (d *Door) Refusal(e *op.Entry, c op.Caller, err error) *errs.Error {
	refusal := errs.Of(err)
	if error(refusal) != err && refusal.Code == errs.Internal {
		d.Log.Error("operation failed", "operation", e.Spec.Name, "uid", c.UserID.String(), "error", err)
	}
	return refusal
}
