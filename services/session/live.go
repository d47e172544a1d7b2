package session

import (
	"maps"
	"slices"
	"sync"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Conn is one realtime connection of a signed-in user, whatever carries it: a WebSocket or a native UDP session.
// Its methods may be called from any goroutine and never block.
type Conn interface {
	ID() id.UUID
	UserID() id.UUID
	Username() string // at the time of connecting
	Vars() map[string]string
	Lang() string
	// Send queues a server message (an rtapi.Envelope). A full queue ends the connection; then and after the end it
	// answers false.
	Send(m *codec.Shared) bool
	// Close ends the connection after what is queued; reason is the text of the close frame.
	Close(reason string)
}

// KickReason is the close text of a connection that the server ended.
const KickReason = "server-side session disconnect"

// Live knows every realtime connection of this node. Any goroutine may use it.
type Live struct {
	mu     sync.RWMutex
	byID   map[id.UUID]Conn
	byUser map[id.UUID][]Conn
}

// NewLive has no connections yet.
func NewLive() *Live {
	return &Live{byID: map[id.UUID]Conn{}, byUser: map[id.UUID][]Conn{}}
}

// Add enters a connection before its first message is read, and returns the user's older ones.
func (l *Live) Add(c Conn) (older []Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byID[c.ID()] = c
	user := l.byUser[c.UserID()]
	l.byUser[c.UserID()] = append(user[:len(user):len(user)], c)
	return user
}

// Remove forgets a connection; a second call does nothing.
func (l *Live) Remove(c Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID[c.ID()] != c {
		return
	}
	delete(l.byID, c.ID())
	var rest []Conn
	for _, other := range l.byUser[c.UserID()] {
		if other != c {
			rest = append(rest, other)
		}
	}
	if len(rest) == 0 {
		delete(l.byUser, c.UserID())
	} else {
		l.byUser[c.UserID()] = rest
	}
}

// Find is the connection with this session id, nil when it has ended.
func (l *Live) Find(session id.UUID) Conn {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.byID[session]
}

// OfUser are the user's connections; the slice is never changed afterwards.
func (l *Live) OfUser(user id.UUID) []Conn {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.byUser[user]
}

// Users are those who have a connection.
func (l *Live) Users() []id.UUID {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Collect(maps.Keys(l.byUser))
}

// Count is how many connections there are.
func (l *Live) Count() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.byID)
}

// Kick ends all connections of a user.
func (l *Live) Kick(user id.UUID) {
	for _, c := range l.OfUser(user) {
		c.Close(KickReason)
	}
}
