package party

import (
	"slices"
	"sync"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// roster knows which sessions are in which parties. An entry is made before the session is tracked in the party's stream,
// and whoever takes it out has to take the session out of the party.
type roster struct {
	mu sync.Mutex
	in map[id.UUID][]*party // by session
}

// enter adds an entry; it is a mistake to add one that is there. alone takes out the session's other entries: they are
// left. Errors: ErrTooManyParties.
func (r *roster) enter(sessionID id.UUID, p *party, alone bool) (left []*party, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.in[sessionID]
	if alone {
		left, in = in, nil
	}
	if len(in) >= partiesMax {
		return nil, ErrTooManyParties
	}
	r.in[sessionID] = append(in, p)
	return left, nil
}

// exit takes out an entry; false when there is none.
func (r *roster) exit(sessionID id.UUID, p *party) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.in[sessionID]
	i := slices.Index(in, p)
	if i < 0 {
		return false
	}
	if len(in) == 1 {
		delete(r.in, sessionID)
	} else {
		r.in[sessionID] = slices.Delete(in, i, i+1)
	}
	return true
}

// clear takes out a session's entries.
func (r *roster) clear(sessionID id.UUID) []*party {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.in[sessionID]
	delete(r.in, sessionID)
	return in
}
