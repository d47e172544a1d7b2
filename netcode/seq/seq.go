package seq

// Greater16 reports whether a is newer than b, both counting modulo 2^16. Of two numbers half the circle apart neither
// is newer than the other by any sensible rule; Diff16 calls that distance negative, so both answers are false.
func Greater16(a, b uint16) bool { return Diff16(a, b) > 0 }

// Diff16 is a-b on the circle of 2^16, -32768 to 32767.
func Diff16(a, b uint16) int16 { return int16(a - b) }

// Expand16 gives the full counter nearest to reference whose low 16 bits are low: server ticks travel as u16.
func Expand16(low uint16, reference uint32) uint32 {
	return reference + uint32(int32(Diff16(low, uint16(reference))))
}

// PacketNumberLen is the number of bytes, 1 to 4, in which pn must travel when the receiver is known to hold
// largestAcked (0 before any ack): the least n with 2*(pn-largestAcked) < 2^(8n). pn is never below largestAcked.
// Beyond 2^31 unacknowledged packets no length is enough and 4 is returned; a peer times out long before.
func PacketNumberLen(pn, largestAcked uint64) int {
	switch d := pn - largestAcked; {
	case d < 1<<7:
		return 1
	case d < 1<<15:
		return 2
	case d < 1<<23:
		return 3
	}
	return 4
}

// AppendPacketNumber appends the low n bytes of pn, little-endian.
func AppendPacketNumber(dst []byte, pn uint64, n int) []byte {
	switch n {
	case 1:
		return append(dst, byte(pn))
	case 2:
		return append(dst, byte(pn), byte(pn>>8))
	case 3:
		return append(dst, byte(pn), byte(pn>>8), byte(pn>>16))
	}
	return append(dst, byte(pn), byte(pn>>8), byte(pn>>16), byte(pn>>24))
}

// ReadPacketNumber reads the n bytes that AppendPacketNumber wrote. b holds at least n bytes; n is 1 to 4.
func ReadPacketNumber(b []byte, n int) (truncated uint32) {
	for i := n - 1; i >= 0; i-- {
		truncated = truncated<<8 | uint32(b[i])
	}
	return truncated
}

// Rebuild is the 64-bit number nearest to largest+1 whose low n bytes are truncated, where largest is the newest
// number received (0 before any). A wrong guess is harmless: the number is in the nonce, so the tag refuses it.
func Rebuild(truncated uint32, n int, largest uint64) uint64 {
	window := uint64(1) << (8 * uint(n))
	half := window / 2
	expected := largest + 1
	candidate := expected&^(window-1) | uint64(truncated)&(window-1)
	// Distances are compared, never sums, so that nothing overflows near either end of the 64 bits.
	switch {
	case candidate < expected && expected-candidate >= half && candidate+window > candidate:
		return candidate + window
	case candidate > expected && candidate-expected > half && candidate >= window:
		return candidate - window
	}
	return candidate
}
