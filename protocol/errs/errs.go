// Package errs is the one table of refusals: gRPC's sixteen codes, and what each becomes on HTTP and on the
// realtime socket. A feature declares its refusals once, as package variables:
//
//	var ErrNotFound = errs.New(errs.NotFound, "Leaderboard not found.")
//
// Every door asks Of(err) and writes code and message in its own form. An error that is no refusal is trouble from
// below: clients see Internal and a sentence that leaks nothing, the log sees the cause.
package errs

import (
	"errors"
	"fmt"
)

// Code is a gRPC status code. Server code may use numbers of its own above 16.
type Code uint32

const (
	OK                 Code = 0
	Canceled           Code = 1
	Unknown            Code = 2
	InvalidArgument    Code = 3
	DeadlineExceeded   Code = 4
	NotFound           Code = 5
	AlreadyExists      Code = 6
	PermissionDenied   Code = 7
	ResourceExhausted  Code = 8
	FailedPrecondition Code = 9
	Aborted            Code = 10
	OutOfRange         Code = 11
	Unimplemented      Code = 12
	Internal           Code = 13
	Unavailable        Code = 14
	DataLoss           Code = 15
	Unauthenticated    Code = 16
)

var httpStatus = [...]int{
	OK: 200, Canceled: 499, Unknown: 500, InvalidArgument: 400, DeadlineExceeded: 504, NotFound: 404,
	AlreadyExists: 409, PermissionDenied: 403, ResourceExhausted: 429, FailedPrecondition: 400, Aborted: 409,
	OutOfRange: 400, Unimplemented: 501, Internal: 500, Unavailable: 503, DataLoss: 500, Unauthenticated: 401,
}

// HTTP is the status that REST answers with; 500 for codes of a studio's own.
func (c Code) HTTP() int {
	if int(c) < len(httpStatus) {
		return httpStatus[c]
	}
	return 500
}

// Realtime is a code of rtapi.Error.
type Realtime int32

const (
	RuntimeException         Realtime = 0
	UnrecognizedPayload      Realtime = 1
	MissingPayload           Realtime = 2
	BadInput                 Realtime = 3
	MatchNotFound            Realtime = 4
	MatchJoinRejected        Realtime = 5
	RuntimeFunctionNotFound  Realtime = 6
	RuntimeFunctionException Realtime = 7
)

// Realtime is the socket's code for a refusal that has none of its own: bad input when the caller can mend it,
// an internal failure otherwise.
func (c Code) Realtime() Realtime {
	switch c {
	case Internal, Unknown, Unavailable, DataLoss, DeadlineExceeded, Canceled:
		return RuntimeException
	}
	return BadInput
}

// Error is a refusal that a caller can act on. Message is shown to players.
type Error struct {
	Code       Code
	Message    string
	RetryAfter int // seconds until another try may succeed; 0: not known
	rt         Realtime
	rtSet      bool
}

// New makes a refusal; declare it as a package variable and compare with errors.Is.
func New(c Code, message string) *Error { return &Error{Code: c, Message: message} }

// Newf makes a refusal whose sentence names the offending value.
func Newf(c Code, format string, args ...any) *Error { return New(c, fmt.Sprintf(format, args...)) }

// On gives the refusal a socket code other than Code's own.
func (e *Error) On(rt Realtime) *Error {
	copied := *e
	copied.rt, copied.rtSet = rt, true
	return &copied
}

// After is the refusal with the seconds to wait, which doors put into the header Retry-After or its like.
func (e *Error) After(seconds int) *Error {
	copied := *e
	copied.RetryAfter = seconds
	return &copied
}

// Realtime is the socket's code of this refusal.
func (e *Error) Realtime() Realtime {
	if e.rtSet {
		return e.rt
	}
	return e.Code.Realtime()
}

func (e *Error) Error() string { return e.Message }

// Is makes two refusals of one code and message equal, so that tests may compare what crossed a codec.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == e.Message
}

var internal = New(Internal, "Internal server error.")

// Of is the refusal within err; trouble that is none becomes Internal.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return internal
}

// Or is err when it holds a refusal; other trouble is told to callers as told, and keeps its cause for the log. nil
// stays nil.
func Or(err error, told *Error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return fmt.Errorf("%w: %w", told, err)
}
