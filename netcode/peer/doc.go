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
// Sketch, checked by TestMemory and BenchmarkServerClientTick: 5.5 KB a peer, of which 2 KB are the packets it waits for
// acks of and 2 KB are ciphers and replay window; streams add 19 to 36 KB each from their first use on. A packet in and one
// out take 380 ns, 290 of them the cipher's.
//
// Bytes and rules: protocol/wire/STANDARD.md, sections Packets, Frames and Paths.
package peer
