package bits

import (
	"encoding/binary"
	"math/bits"
)

// Reader takes bits from a buffer that it does not own. The zero Reader is empty.
type Reader struct {
	buf  []byte
	pos  uint // next bit
	end  uint // bits in buf
	over bool // more was asked for than there is
}

// Reset starts at the first bit of buf, which is borrowed while the Reader is used.
func (r *Reader) Reset(buf []byte) { *r = Reader{buf: buf, end: uint(len(buf)) * 8} }

// Peek is the next 57 bits or more, low bit first, zeros behind the end. It moves nothing.
func (r *Reader) Peek() uint64 {
	i := r.pos >> 3
	if i+8 <= uint(len(r.buf)) {
		return binary.LittleEndian.Uint64(r.buf[i:]) >> (r.pos & 7)
	}
	return r.tail(i)
}

func (r *Reader) tail(i uint) (v uint64) {
	for at := uint(len(r.buf)); at > i; at-- {
		v = v<<8 | uint64(r.buf[at-1])
	}
	return v >> (r.pos & 7)
}

// Skip moves n bits on, or to the end and into Overflow.
func (r *Reader) Skip(n uint) {
	if n > r.end-r.pos {
		r.pos, r.over = r.end, true
		return
	}
	r.pos += n
}

// Read takes n bits, at most 64; 0 when there are not so many.
func (r *Reader) Read(n uint) uint64 {
	if n > r.end-r.pos {
		r.pos, r.over = r.end, true
		return 0
	}
	if n <= 57 {
		v := r.Peek() & (1<<n - 1)
		r.pos += n
		return v
	}
	low := r.Peek() & (1<<32 - 1)
	r.pos += 32
	high := r.Peek() & (1<<(n-32) - 1)
	r.pos += n - 32
	return low | high<<32
}

// Bool takes one bit.
func (r *Reader) Bool() bool { return r.Read(1) != 0 }

// Golomb takes what Writer.Golomb wrote with the same order, a number below 2^32; anything else is an Overflow and 0.
func (r *Reader) Golomb(k uint) uint64 {
	q := uint(bits.TrailingZeros64(r.Peek()))
	if q > 32 || q+k > 32 {
		r.pos, r.over = r.end, true
		return 0
	}
	r.Skip(q + 1)
	v := r.Read(q+k) + 1<<(q+k) - 1<<k
	if r.over || v > 1<<32-1 {
		r.pos, r.over = r.end, true
		return 0
	}
	return v
}

// Left is the number of bits not taken yet.
func (r *Reader) Left() int { return int(r.end - r.pos) }

// Overflow reports whether more was asked for than there was. What was read since is zero.
func (r *Reader) Overflow() bool { return r.over }

// Done reports whether everything was taken, but for a filling of less than a byte, which must be zero: one message
// has one encoding.
func (r *Reader) Done() bool { return !r.over && r.end-r.pos < 8 && r.Peek() == 0 }
