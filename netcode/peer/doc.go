// Package peer is one connection, either end, after its handshake: it opens what arrives, hands out what that brought,
// and builds one datagram a tick in place.
//
//	            Receive                                   Begin … Tail … Finish
//	datagram ──▶ header, replay, open ─▶ acks ─▶ tick ─▶ frames ─▶ Handler      header ─ ack ─ tick ─ control ─ events ─ body ─▶ seal
//
//	Open ──Close──▶ Closing ──repeated──▶ Closed        Open ──CLOSE, silence, reset──▶ Closed
//
// It has no socket and no clock: datagrams and time come in, datagrams go out. Between a datagram and the next snapshot
// it allocates nothing.
//
// Sketch, checked by TestMemory: 3 KB a peer, of which 2.5 KB are the packets it waits for acks of, and 2.5 KB of ciphers
// and replay window; streams add 19 to 36 KB each from their first use on. 250 ns a packet in and as much a packet out,
// half of it the cipher.
//
// Bytes and rules: protocol/wire/STANDARD.md, sections Packets, Frames and Paths.
package peer
