// Package native is the door for native sessions: the catalogue over UDP.
//
//	control loop: Session ── stream message ──> pieces ──> queue ──> worker line: decode, Invoke, encode ──> Session.Send
//	                                                          │                                              │
//	               reads no more ◀── 32 calls or 256 KB wait ──┘      no call begins while the client ◀───────┘
//	                                                                  is half a megabyte behind
//
// A message is {number, correlation, FlatBuffers table}; bytes and rules are in protocol/wire/STANDARD.md, section Native
// sessions. Calls of a session run one after the other in the order they came, and each is answered once. Pushes are whole
// envelopes.
//
// The loop calls Open and a conn's receiving methods, workers run its calls, anybody pushes to it or closes it.
package native
