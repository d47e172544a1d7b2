package runtime

import (
	"errors"

	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/errs"
)

// Thrown is an error that a script raised. Clients are told Message and Code as they are; over HTTP, those who called an
// RPC see StackTrace besides.
type Thrown struct {
	Message    string    `json:"-"`
	Code       errs.Code `json:"-"` // 0: Internal
	StackTrace string    `json:"stackTrace,omitempty"`
}

func (t *Thrown) Error() string { return t.Message }

// Clamp is a code as Lua and Go modules choose it: what is none of gRPC's becomes Internal.
func Clamp(code int) errs.Code {
	if code < int(errs.Canceled) || code > int(errs.Unauthenticated) {
		return errs.Internal
	}
	return errs.Code(code)
}

// ErrBeforeEnvelope is the failure of a before hook whose result is no envelope. Its caller gets it without a cid.
var ErrBeforeEnvelope = errs.New(errs.Internal, "Could not complete runtime Before function.").On(errs.RuntimeFunctionException)

var errPanic = errs.New(errs.Internal, "Internal server error.").On(errs.RuntimeFunctionException)

// refusal is what callers are told of an error of server code: its text, since it is written for them, and its code if it
// chose one. That an error came from further below makes no difference, whatever code it has there.
func refusal(err error) *errs.Error {
	if err == error(errPanic) || err == error(ErrBeforeEnvelope) {
		return err.(*errs.Error)
	}
	told := errs.New(errs.Internal, err.Error())
	var thrown *Thrown
	var chosen *nakama.Error
	switch {
	case errors.As(err, &thrown):
		told.Message = thrown.Message
		if thrown.Code != errs.OK {
			told.Code = thrown.Code
		}
	case errors.As(err, &chosen):
		told.Message, told.Code = chosen.Message, Clamp(chosen.Code)
	}
	return told.On(errs.RuntimeFunctionException)
}
