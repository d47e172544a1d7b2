// Package id has the identifiers of the catalogue: UUIDs in their binary form, made from randomness that the caller
// passes in, so that simulations repeat.
package id

import (
	"encoding/hex"
	"errors"
	"io"
)

// UUID identifies users, sessions, matches and groups. The zero value is "nobody".
type UUID [16]byte

// ErrInvalid refuses a text that is no UUID.
var ErrInvalid = errors.New("not a UUID")

// NewV4 reads 16 bytes of r and marks them as a random (version 4) UUID.
func NewV4(r io.Reader) (UUID, error) {
	var u UUID
	if _, err := io.ReadFull(r, u[:]); err != nil {
		return UUID{}, err
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u, nil
}

// IsZero reports whether u is nobody.
func (u UUID) IsZero() bool { return u == UUID{} }

// String is the lower-case form with dashes.
func (u UUID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:36], u[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// Parse reads the form that String writes; upper case is accepted, and the dashes may be absent.
func Parse(s string) (UUID, error) {
	var u UUID
	switch {
	case len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-':
		if parse(u[0:4], s[0:8])|parse(u[4:6], s[9:13])|parse(u[6:8], s[14:18])|parse(u[8:10], s[19:23])|parse(u[10:16], s[24:36]) == 0 {
			return u, nil
		}
	case len(s) == 32:
		if parse(u[:], s) == 0 {
			return u, nil
		}
	}
	return UUID{}, ErrInvalid
}

// parse reads two digits a byte; not 0 when one is none.
func parse(dst []byte, s string) (bad byte) {
	for i := range dst {
		high, low := digits[s[2*i]], digits[s[2*i+1]]
		dst[i] = high<<4 | low&0xf
		bad |= high | low
	}
	return bad & notDigit
}

const notDigit = 0x80

// digits are the values of hexadecimal digits; notDigit is everything else.
var digits = func() (d [256]byte) {
	for c := range d {
		d[c] = notDigit
	}
	for v, c := range []byte("0123456789abcdef") {
		d[c] = byte(v)
	}
	for v, c := range []byte("ABCDEF") {
		d[c] = byte(10 + v)
	}
	return d
}()
