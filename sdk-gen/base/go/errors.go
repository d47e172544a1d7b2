package skirmish

import (
	"errors"
	"fmt"

	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Errors of a Conn, beside *DeniedError and *ClosedError.
var (
	ErrNotConnected = errors.New("not connected")
	ErrSchema       = errors.New("the token is for another version of the game: its schema differs from this client's")
	ErrInputType    = errors.New("not the type of the schema's input")
	ErrEventType    = errors.New("not an event of the schema")
	ErrTimeout      = handshake.ErrTimeout // no server of the token answered
)

// DeniedError is why a server refused the connection, or to take it up again.
type DeniedError struct{ Reason wire.Deny }

func (e *DeniedError) Error() string {
	if text, ok := denyTexts[e.Reason]; ok {
		return text
	}
	return fmt.Sprintf("the server refused the connection (reason %d)", e.Reason)
}

// Unwrap lets errors.As find the handshake's own error too.
func (e *DeniedError) Unwrap() error { return &handshake.DeniedError{Reason: e.Reason} }

var denyTexts = map[wire.Deny]string{
	wire.DenyVersion: "the server runs another version of the game", wire.DenyExpired: "the connect token has expired",
	wire.DenyAudience: "the connect token is for another server", wire.DenyFull: "the match is full",
	wire.DenyBusy: "the server is busy: try again in a second", wire.DenyNoMatch: "the match is over",
	wire.DenyReused: "the connect token was used already", wire.DenyRefused: "the match refused the player",
	wire.DenyDraining: "the server is shutting down", wire.DenyPurpose: "the server has no service for this kind of token",
	wire.DenyGone: "the connection was lost for too long and cannot be taken up again",
}

// ClosedError is why an established connection ended.
type ClosedError struct{ Reason wire.Close }

func (e *ClosedError) Error() string {
	if text, ok := closeTexts[e.Reason]; ok {
		return text
	}
	return fmt.Sprintf("connection closed (reason %d)", e.Reason)
}

var closeTexts = map[wire.Close]string{
	wire.CloseLeft: "left the match", wire.CloseKicked: "removed from the match by the game", wire.CloseMatchEnded: "the match has ended",
	wire.CloseMatchError: "the match failed and was ended", wire.CloseTimeout: "nothing was heard from the server",
	wire.CloseShutdown: "the server is shutting down", wire.CloseOverflow: "too much was waiting to be sent", wire.CloseProtocol: "a packet made no sense",
	wire.CloseReplaced: "the same user joined from elsewhere", wire.CloseReset: "the server no longer knows this connection",
	wire.CloseOverrun: "the match could not keep its tick rate",
}

// readable gives a handshake's refusal its text.
func readable(err error) error {
	var denied *handshake.DeniedError
	if errors.As(err, &denied) {
		return &DeniedError{denied.Reason}
	}
	return err
}
