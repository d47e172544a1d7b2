package node

import (
	"net"
	"net/http"
	"sync"
)

// silent is the HTTP connections that are open and have not asked for anything yet. Browsers and clients' pools open such
// ahead of need, and http.Server.Shutdown waits five seconds for each to speak.
type silent struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// state is an http.Server's ConnState.
func (s *silent) state(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	closed := s.closed && state == http.StateNew
	switch {
	case closed:
	case state == http.StateNew:
		if s.conns == nil {
			s.conns = map[net.Conn]struct{}{}
		}
		s.conns[c] = struct{}{}
	default:
		delete(s.conns, c)
	}
	s.mu.Unlock()
	if closed {
		_ = c.Close()
	}
}

// close closes them, and those that are still to come.
func (s *silent) close() {
	s.mu.Lock()
	s.closed = true
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for c := range conns {
		_ = c.Close() // who spoke a moment ago is cut off, and could not have been answered for long
	}
}
