// Package seq is the arithmetic of numbers that wrap and of numbers that travel shortened.
//
// A packet number is 64 bits at both ends and 1 to 4 bytes on the wire: the sender takes the fewest bytes from which
// the receiver, knowing the newest number it holds, can only rebuild the one that was meant. Window remembers which of
// the last 1,024 numbers arrived, so that a replayed datagram is refused before anything is spent on it.
//
// Everything here is a pure value owned by one peer and may be called on the tick path: nothing allocates.
package seq
