// Package channel is what travels inside a connection's packets, each in its own way:
//
//	events      reliable; every packet repeats the oldest ones until one of those packets is acked. Channels 0-1 in
//	            order, 2-3 as they come. For what a player must not miss within a tick or two.
//	sequenced   lossy, newest wins
//	fragments   a frame larger than a packet, in up to 16 pieces
//	streams     reliable and ordered over KCP, channels 4-7, made when first used. For bulk and calls.
//
// State machines of one peer: bytes and time in, bytes out; no I/O. Owned by the peer's goroutine.
package channel
