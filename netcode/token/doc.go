// Package token makes and opens the papers a player shows: connect tokens and resume tickets.
//
// A connect token is how everything that knows players (an API, or a studio's own backend) vouches for one of them to
// a game server, over a channel that is encrypted already. Its public half tells the client where to go and which keys
// to use; its private half says the same, and who the player is, to the server alone:
//
//	backend ── Mint(token key) ──> Connect ── HTTPS ──> client ── REQUEST{private half} ──> server ── Open(token key)
//
// The format is published (protocol/wire/STANDARD.md, section Connect tokens), so a backend needs this package only for
// convenience. A resume ticket is the server's own note to itself, kept by the client: what a server must know to
// take up a connection whose client lost its socket.
//
// Both allocate: one of each a connection, never on the tick path. Time and randomness are passed in.
package token
