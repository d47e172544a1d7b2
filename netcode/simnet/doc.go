// Package simnet is a bad network: delay, jitter, loss in singles and in bursts, reordering, duplicates, a rate with a
// queue, corruption, new addresses. It is a pure state machine: datagram in, time in, datagram out when it is due.
// The same seed and the same calls give the same bytes at the same times, on every CPU.
//
//	Model   decides the fate of one packet of one direction; holds no packets
//	Queue   holds things until they are due
//	Link    Model + Queue of packets: one direction, for tests of one peer against another
//	Net     endpoints by address, each with a link up and a link down, as behind a home router; Rebind gives
//	        one a new address. For simulations of a server and its clients
//
// bench/delay puts the same Model under real sockets and TUN devices. Nothing here is safe for two goroutines.
package simnet
