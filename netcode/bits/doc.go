// Package bits packs numbers into bit strings and reads them back.
//
// Bits fill a byte from its lowest bit up, and bytes follow in order, so a string is one little-endian number of any
// length: eight bytes at a time are one load or store, a shift and a mask. Numbers are written low bit first.
//
//	Reset(buf) ── Write, Write, Golomb … ── Bytes()          the last byte is filled with zeros
//	Reset(buf) ── Read, Read, Golomb … ── Done()             true when all was read and the filling is zero
//
// Neither end fails in the middle: a Writer that runs out of room and a Reader that runs out of bits go on, doing
// nothing and reading zeros, and say so afterwards (Overflow). That keeps the coders above straight, and a reader of
// network bytes checks once. Nothing allocates. Any goroutine may own a Writer or Reader; one at a time.
//
// The codes are in protocol/wire/STANDARD.md, section Bits.
package bits
