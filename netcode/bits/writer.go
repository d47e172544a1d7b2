package bits

import "encoding/binary"

// Writer appends bits to a buffer of fixed size. The zero Writer has no room; Reset gives it some.
type Writer struct {
	buf  []byte
	pos  int    // bytes before acc; beyond len(buf) after an overflow
	acc  uint64 // the bits after them
	used uint   // how many, below 64
}

// Reset starts over in buf, whose length is the limit. buf is borrowed until Bytes was called.
func (w *Writer) Reset(buf []byte) { *w = Writer{buf: buf} }

// Write appends the low n bits of v, n at most 64. The bits of v above n must be zero: they are not masked, because
// every caller knows the width of what it writes and this is the innermost operation of a tick.
func (w *Writer) Write(v uint64, n uint) {
	w.acc |= v << (w.used & 63)
	w.used += n
	if w.used >= 64 {
		w.spill(v, n)
	}
}

// spill stores the full word and keeps the bits of v that did not fit into it. Kept out of Write so that Write is
// small enough to be inlined.
//
//go:noinline
func (w *Writer) spill(v uint64, n uint) {
	if len(w.buf)-w.pos >= 8 {
		binary.LittleEndian.PutUint64(w.buf[w.pos:], w.acc)
	}
	w.pos += 8 // without room too: Len goes on counting, and Overflow follows from it
	w.used -= 64
	w.acc = v >> (n - w.used) // a shift by 64 is 0 in Go: nothing was left
}

// Bool appends one bit.
func (w *Writer) Bool(v bool) {
	var b uint64
	if v {
		b = 1
	}
	w.Write(b, 1)
}

// Append appends n bits that another Writer made, in words of 64, low bits first; the last word has zeros above.
func (w *Writer) Append(words []uint64, n uint) {
	for _, word := range words {
		k := min(n, 64)
		w.Write(word, k)
		n -= k
	}
}

// Golomb appends v, below 2^32, as an Exp-Golomb code of order k, at most 24: short for small numbers, 2 bits longer
// each time v+2^k doubles.
//
//	q zeros · 1 · low q+k bits of v + 2^k,   q = floor(log2(v + 2^k)) - k
func (w *Writer) Golomb(v uint64, k uint) {
	code, n := GolombCode(v, k)
	if n <= 64 {
		w.Write(code, n)
		return
	}
	q := n - 32 // only v = 2^32-1 of order 0, 65 bits: the prefix of 33 apart
	w.Write(code&(1<<q-1), q)
	w.Write(0, 32)
}

// Len is the number of bits written, or that would have been with room enough.
func (w *Writer) Len() int { return w.pos*8 + int(w.used) }

// Overflow reports whether more was written than the buffer holds.
func (w *Writer) Overflow() bool { return w.pos+int(w.used+7)/8 > len(w.buf) }

// Bytes is what was written, the last byte filled with zeros; nil after Overflow. More may be written afterwards, and
// Bytes called again.
func (w *Writer) Bytes() []byte {
	if w.Overflow() {
		return nil
	}
	n := w.pos
	for acc, left := w.acc, int(w.used); left > 0; left -= 8 {
		w.buf[n] = byte(acc)
		acc >>= 8
		n++
	}
	return w.buf[:n]
}
