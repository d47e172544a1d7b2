// Package load is the generator: thousands of clients on one core, each with an address of its own, that send one
// datagram a tick and read what comes back.
//
// One generator drives ours, ENet and the kernel floor, so that all of them meet the same sockets, the same pacing and
// the same blocking mode: non-blocking sockets that nobody waits on (a reader asleep in the kernel costs the *server*
// a wake-up per datagram it sends), drained at absolute deadlines. Clients are spread over the tick in slots, as
// players are; those of a slot share a socket that speaks from all their addresses (see bench/mmsg). A Protocol says
// what the bytes are.
//
// One goroutine owns a Generator. Linux only.
package load

import "time"

// Protocol speaks for one client. Times are monotonic since the generator's start.
type Protocol interface {
	// Next writes a datagram that is due outside the ticks (handshake, acknowledgement) and returns its length; 0: none.
	Next(dst []byte, now time.Duration) int
	// Tick writes the datagram of this tick; 0 when there is none.
	Tick(dst []byte, now time.Duration) int
	// Receive takes a datagram and reports whether it is the server's datagram of a tick. pkt is valid until it
	// returns. stamp is the kernel's receive time on the generator's clock, or now when stamps are off.
	Receive(pkt []byte, now, stamp time.Duration) (tick bool)
	// Ready reports whether the client is connected.
	Ready() bool
}

// Report is what a Run saw.
type Report struct {
	Clients   int     `json:"clients"`
	Ready     int     `json:"ready"`       // clients connected at the end
	Sent      uint64  `json:"sent"`        // datagrams of ticks
	Received  uint64  `json:"received"`    // datagrams of the server's ticks
	Busy      float64 `json:"busy"`        // share of the wall time that the generator computed (rusage)
	LateP99us float64 `json:"late_p99_us"` // how late the generator itself was at its slots
	GapP50ms  float64 `json:"gap_p50_ms"`  // between two tick datagrams of one client, by kernel timestamps
	GapP99ms  float64 `json:"gap_p99_ms"`
	GapMaxms  float64 `json:"gap_max_ms"`
	Errors    uint64  `json:"errors"` // sockets that refused something: the server has gone, a buffer was full
}
