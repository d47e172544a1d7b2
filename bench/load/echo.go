package load

import "time"

// Echo is the protocol of the kernel floor: a datagram of a fixed size out, anything back.
type Echo struct{ Bytes int }

// Next has nothing to say outside ticks.
func (Echo) Next([]byte, time.Duration) int { return 0 }

// Tick writes Bytes zeros.
func (e Echo) Tick(dst []byte, _ time.Duration) int {
	clear(dst[:e.Bytes])
	return e.Bytes
}

// Receive counts everything as the server's tick.
func (Echo) Receive([]byte, time.Duration, time.Duration) bool { return true }

// Ready is true from the start: there is nothing to connect.
func (Echo) Ready() bool { return true }
