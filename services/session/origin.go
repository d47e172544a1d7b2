package session

// Origin is what a Conn may know of how its client reached the server. Doors' connections do.
type Origin interface {
	// Origin is the host by which it did, and the client's address; each is "" when unknown.
	Origin() (host, clientIP string)
}
