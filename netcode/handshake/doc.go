// Package handshake turns a connect token into a connection, in two round trips and without server state before the
// second; and takes up a connection whose client lost its socket, in one.
//
//	client                                server
//	  │ REQUEST   private half of the token  │  opens it; keeps nothing
//	  │ ───────────────────────────────────> │
//	  │        CHALLENGE  random and cookie  │  the cookie is all the server remembers, and the client carries it
//	  │ <─────────────────────────────────── │
//	  │ RESPONSE  cookie, random             │  the address is real: mark the token used, derive keys, make a peer
//	  │ ───────────────────────────────────> │
//	  │                 ACCEPT  under these  │  sent by whoever owns the peer, as one of its packets
//	  │ <─────────────────────────────────── │
//
// To an address that has not answered a challenge no answer is larger than its cause. Every refusal has a counter;
// a token that opened is refused with a reason, sealed so that only its holder can read it and nobody else can say it.
//
// Server answers REQUEST and RESPONSE; one control loop owns it. What belongs to a peer is functions without state, for
// the shard that owns the peer: SealAccept, SealResumed, DenyResume; and Resumer and Resetter, one a socket. Client
// connects or resumes. Nothing here has a socket or a clock: datagrams and time come in, datagrams go out.
//
// The bytes and the rules over time are in protocol/wire/STANDARD.md, sections Handshake, Resume and Reset.
package handshake
