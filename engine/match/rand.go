package match

import "math/bits"

// Rand is a match's source of randomness: xoshiro256**, the same on every machine and in every version of Go.
type Rand struct{ s [4]uint64 }

// NewRand starts from a seed.
func NewRand(seed uint64) Rand {
	var r Rand
	for i := range r.s { // splitmix64
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		r.s[i] = z ^ z>>31
	}
	return r
}

// Uint64 is any number.
func (r *Rand) Uint64() uint64 {
	s := &r.s
	out := bits.RotateLeft64(s[1]*5, 7) * 9
	t := s[1] << 17
	s[2] ^= s[0]
	s[3] ^= s[1]
	s[1] ^= s[2]
	s[0] ^= s[3]
	s[2] ^= t
	s[3] = bits.RotateLeft64(s[3], 45)
	return out
}

// IntN is from 0 to n-1, n at least 1.
func (r *Rand) IntN(n int) int {
	if n < 1 {
		panic("match: IntN below 1")
	}
	hi, _ := bits.Mul64(r.Uint64(), uint64(n)) // biased by less than n/2^64
	return int(hi)
}

// Float32 is from 0 to below 1.
func (r *Rand) Float32() float32 { return float32(r.Uint64()>>40) / (1 << 24) }

// Float64 is from 0 to below 1.
func (r *Rand) Float64() float64 { return float64(r.Uint64()>>11) / (1 << 53) }
