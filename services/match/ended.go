package match

import ownapi "github.com/skirmishgg/skirmish/protocol/api"

// Ended is why an authoritative match is over. The numbers are permanent, and those of MatchEnded's reasons.
type Ended uint8

const (
	EndedByHandler  Ended = 1 // it goes on no longer
	EndedFailed     Ended = 2 // its handler failed; the members are disconnected
	EndedSlow       Ended = 3 // its handler does not keep up with what is asked of it; the members are disconnected
	EndedEmpty      Ended = 4 // nobody was in it for too long
	EndedByShutdown Ended = 5 // the server stops
)

func (e Ended) String() string {
	switch e {
	case EndedByHandler:
		return "ended by its handler"
	case EndedFailed:
		return "handler failed"
	case EndedSlow:
		return "handler too slow"
	case EndedEmpty:
		return "empty"
	case EndedByShutdown:
		return "server stops"
	}
	return "running"
}

// disconnects reports whether the sessions of the members end with their match.
func (e Ended) disconnects() bool { return e == EndedFailed || e == EndedSlow }

// Watcher is a session.Conn whose client can be told that a match it is in has ended, and why. The client protocol has no
// message for it, so clients of Nakama see nothing, as they always have; UDP match connections end with the reason, native
// sessions get MatchEnded.
// MatchEnded must not block; a Close may follow it.
type Watcher interface {
	MatchEnded(match string, why Ended)
}

// PushEnded is the number of MatchEnded.
const PushEnded = 311

// Message is what clients that can be told are told.
func (e Ended) Message(match string) *ownapi.MatchEnded {
	return &ownapi.MatchEnded{MatchId: match, Reason: ownapi.MatchEnded_Reason(e)}
}
