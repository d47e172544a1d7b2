package token

import "encoding/binary"

// reader takes a message apart. Reading past the end gives zeros and sets bad, so that it is checked once, at the end.
type reader struct {
	b   []byte
	bad bool
}

// next is the next n bytes of the message, nil when they are not there.
func (r *reader) next(n int) []byte {
	if n > len(r.b) {
		r.b, r.bad = nil, true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) take(dst []byte) { copy(dst, r.next(len(dst))) }

func (r *reader) u8() uint8 {
	var b [1]byte
	r.take(b[:])
	return b[0]
}

func (r *reader) u16() uint16 {
	var b [2]byte
	r.take(b[:])
	return binary.LittleEndian.Uint16(b[:])
}

func (r *reader) u32() uint32 {
	var b [4]byte
	r.take(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

func (r *reader) u64() uint64 {
	var b [8]byte
	r.take(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func zeros(b []byte) bool {
	var or byte
	for _, x := range b {
		or |= x
	}
	return or == 0
}
