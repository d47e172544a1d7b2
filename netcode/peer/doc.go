// Package peer is one connection, either end, after its handshake: it opens what arrives, hands out what that brought,
// and builds one datagram a tick in place.
//
//	            Receive                                   Begin … Tail … Finish
//	datagram ──▶ header, replay, open ─▶ acks ─▶ tick ─▶ frames ─▶ Handler      header ─ ack ─ tick ─ control ─ events ─ body ─▶ seal
//
//	Open ──Close──▶ Closing ──repeated──▶ Closed        Open ──CLOSE, silence, damage, reset──▶ Closed
//
// It has no socket and no clock: datagrams and time come in, datagrams go out. Between a datagram and the next snapshot
// it allocates nothing. Sketch: 5 KB a peer before streams, of which 4 KB are the packets it waits for acks of.
//
// Bytes and rules: protocol/wire/STANDARD.md, sections Packet, Frames and Paths.
package peer
