// Package jsonpb is the quick way to and from protobuf's JSON for catalogue messages: generated code (*.gen.go, by
// `make gen`) without reflection, five to twenty times as fast as protojson, which stays the judge. Append writes what
// protojson writes, but for protojson's random blanks. Decode reads plain well-formed input only and answers false to
// everything else (an unknown field, an escaped name, 1.0 for a whole number, any fault): the caller then asks
// protojson, which accepts it or knows the words of the refusal. The tests hold both to protojson.
package jsonpb

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var (
	errUTF8 = errors.New("text is not UTF-8")
	errTime = errors.New("time is outside the years 1 to 9999")
)

// Append writes m with proto names, enums as numbers and without unpopulated fields. false: m is of no catalogue
// type and nothing was written. Errors: text that is not UTF-8, a Timestamp outside the years 1 to 9999.
func Append(dst []byte, m proto.Message) (out []byte, known bool, err error) {
	w := writer{buf: dst}
	if !w.message(m) {
		return dst, false, nil
	}
	if w.err != nil {
		return nil, true, fmt.Errorf("jsonpb: %s: %w", m.ProtoReflect().Descriptor().FullName(), w.err)
	}
	return w.buf, true, nil
}

// writer appends. Generated code writes a comma after each value; close puts the bracket in the last one's place.
type writer struct {
	buf []byte
	err error // the first one; what is written after it is thrown away
}

func (w *writer) raw(s string) { w.buf = append(w.buf, s...) }

func (w *writer) close(bracket byte) {
	if last := len(w.buf) - 1; w.buf[last] == ',' {
		w.buf[last] = bracket
	} else {
		w.buf = append(w.buf, bracket)
	}
}

const hex = "0123456789abcdef"

// text writes a string, escaping only what JSON demands.
func (w *writer) text(s string) {
	buf := append(w.buf, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 && w.err == nil {
				w.err = errUTF8
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		buf = append(buf, s[start:i]...)
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\b':
			buf = append(buf, '\\', 'b')
		case '\f':
			buf = append(buf, '\\', 'f')
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	w.buf = append(append(buf, s[start:]...), '"')
}

func (w *writer) bool(v bool)     { w.buf = strconv.AppendBool(w.buf, v) }
func (w *writer) int32(v int32)   { w.buf = strconv.AppendInt(w.buf, int64(v), 10) }
func (w *writer) uint32(v uint32) { w.buf = strconv.AppendUint(w.buf, uint64(v), 10) }

// 64-bit integers are strings, because JavaScript's numbers end at 2^53.
func (w *writer) int64(v int64) {
	w.buf = append(strconv.AppendInt(append(w.buf, '"'), v, 10), '"')
}

func (w *writer) uint64(v uint64) {
	w.buf = append(strconv.AppendUint(append(w.buf, '"'), v, 10), '"')
}

func (w *writer) float32(v float32) { w.float(float64(v), 32) }
func (w *writer) float64(v float64) { w.float(v, 64) }

// float writes a number as JavaScript does: digits between 1e-6 and 1e21, an exponent beyond.
func (w *writer) float(v float64, bits int) {
	switch {
	case math.IsNaN(v):
		w.raw(`"NaN"`)
		return
	case math.IsInf(v, 1):
		w.raw(`"Infinity"`)
		return
	case math.IsInf(v, -1):
		w.raw(`"-Infinity"`)
		return
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 {
		if bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
			format = 'e'
		}
	}
	w.buf = strconv.AppendFloat(w.buf, v, format, -1, bits)
	if n := len(w.buf); format == 'e' && n >= 4 && string(w.buf[n-4:n-1]) == "e-0" {
		w.buf[n-2] = w.buf[n-1] // e-09 is written e-9
		w.buf = w.buf[:n-1]
	}
}

func (w *writer) blob(v []byte) {
	w.buf = append(base64.StdEncoding.AppendEncode(append(w.buf, '"'), v), '"')
}

// time writes RFC 3339 in UTC with 0, 3, 6 or 9 digits of fraction.
func (w *writer) time(t *timestamppb.Timestamp) {
	if !t.IsValid() {
		if w.err == nil {
			w.err = errTime
		}
		return
	}
	buf := time.Unix(t.GetSeconds(), 0).UTC().AppendFormat(append(w.buf, '"'), time.RFC3339)
	if nanos := t.GetNanos(); nanos != 0 {
		buf[len(buf)-1] = '.' // where Z stood
		digits, rest := 9, nanos
		for rest%1000 == 0 {
			digits, rest = digits-3, rest/1000
		}
		at := len(buf)
		buf = append(buf, "000000000"[:digits]...)
		for i := digits - 1; i >= 0; i-- {
			buf[at+i] = '0' + byte(rest%10)
			rest /= 10
		}
		buf = append(buf, 'Z')
	}
	w.buf = append(buf, '"')
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
