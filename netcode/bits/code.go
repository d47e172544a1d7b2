package bits

import "math/bits"

// ZigZag maps 0, -1, 1, -2, 2 … to 0, 1, 2, 3, 4 …, so that small magnitudes are small numbers.
func ZigZag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// UnZigZag is the inverse of ZigZag.
func UnZigZag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// GolombCode is the code that Writer.Golomb writes and its length; the code's bits from 64 up are zero and not there.
func GolombCode(v uint64, k uint) (code uint64, n uint) {
	v += 1 << k
	q := uint(bits.Len64(v)) - 1 - k
	return 1<<q | (v&^(1<<(q+k)))<<(q+1), 2*q + 1 + k
}

// GolombLen is the number of bits that Writer.Golomb uses.
func GolombLen(v uint64, k uint) uint {
	return 2*uint(bits.Len64(v+1<<k)) - 1 - k
}
