// Package gateway is what all doors share: how credentials become a Caller, how a call runs, how a failure is told.
// A door (rest, grpcgw, socket, native) turns bytes into a catalogue message, asks Caller, calls Invoke, and writes the
// answer in its own form; nothing else happens in a door.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"

	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/session"
)

// Door is made by node, once for all doors.
type Door struct {
	Registry   *op.Registry
	Sessions   *session.Service
	Live       *session.Live
	ServerKey  string
	HTTPKey    string // "" switches server-to-server calls off
	ProxyCount int    // proxies in front, each of which appends to X-Forwarded-For
	Node       string // name in Caller.Node
	Log        *slog.Logger
}

var (
	errPanic    = errs.New(errs.Internal, "Internal server error.")
	errCanceled = errs.New(errs.Canceled, "The caller went away.")
)

// Invoke runs an operation. A refusal is returned as it is; trouble is logged here, once, and becomes Internal. So
// does a panic: one broken request must not take the players of every other down.
func (d *Door) Invoke(ctx context.Context, e *op.Entry, c op.Caller, in proto.Message) (out proto.Message, refusal *errs.Error) {
	out, err := d.Call(ctx, e, c, in)
	if err == nil {
		return out, nil
	}
	return nil, d.Refusal(e, c, err)
}

// Call is Invoke for a door that wants to see the error itself; it tells its caller what Refusal makes of it.
func (d *Door) Call(ctx context.Context, e *op.Entry, c op.Caller, in proto.Message) (out proto.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error("operation panicked", "operation", e.Spec.Name, "panic", p, "stack", string(debug.Stack()))
			out, err = nil, errPanic
		}
	}()
	return e.Invoke(ctx, c, in)
}

// Refusal is what a caller is told of err. Trouble that a refusal only puts into words is logged.
func (d *Door) Refusal(e *op.Entry, c op.Caller, err error) *errs.Error {
	refusal := errs.Of(err)
	if error(refusal) == err || !ours(refusal.Code) {
		return refusal
	}
	if errors.Is(err, context.Canceled) {
		return errCanceled // nobody is left to read it, and nothing is wrong here
	}
	d.Log.Error("operation failed", "operation", e.Spec.Name, "uid", c.UserID.String(), "error", err)
	return refusal
}

// ours tells the codes of what the server could not do from those of what the caller may not.
func ours(c errs.Code) bool {
	switch c {
	case errs.Unknown, errs.Internal, errs.Unavailable, errs.DataLoss, errs.DeadlineExceeded:
		return true
	}
	return false
}
