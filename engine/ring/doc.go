// Package ring has the bounded queues between goroutines: SPSC (one producer, one consumer) and MPSC (many producers,
// one consumer). Both are lock-free, allocate only in their constructor, and never block: a full ring answers false
// and the caller applies its policy (drop and count, refuse, disconnect).
//
// A ring moves values, it does not wake anybody. The usual pair is a push followed by Wake on the consumer's
// udp.Socket, in that order.
package ring
