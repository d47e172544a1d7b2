package jsonpb

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Decode reads plain input into m, which is reset first. false says nothing about data but that protojson must
// decide; m's content is then undefined. True means that protojson would read the same.
func Decode(data []byte, m proto.Message) bool {
	r := reader{data: data}
	r.blanks()
	if !r.message(m) {
		return false
	}
	r.blanks()
	return !r.bad && r.pos == len(data)
}

// reader walks the input once. The first thing it does not know sets bad; from then on every method returns at once
// and every loop of generated code ends, because next answers false.
type reader struct {
	data []byte
	pos  int
	bad  bool

	scratch []byte // a string without its escapes
}

func (r *reader) blanks() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// take consumes c.
func (r *reader) take(c byte) {
	if r.bad || r.pos >= len(r.data) || r.data[r.pos] != c {
		r.bad = true
		return
	}
	r.pos++
}

// word consumes w.
func (r *reader) word(w string) bool {
	if r.bad || len(r.data)-r.pos < len(w) || string(r.data[r.pos:r.pos+len(w)]) != w {
		return false
	}
	r.pos += len(w)
	return true
}

// next says whether element n of an object or array follows, at which the reader then stands; otherwise it has
// consumed the closing bracket.
func (r *reader) next(bracket byte, n int) bool {
	r.blanks()
	if r.bad || r.pos >= len(r.data) {
		r.bad = true
		return false
	}
	c := r.data[r.pos]
	if c == bracket {
		r.pos++
		return false
	}
	if n > 0 {
		if c != ',' {
			r.bad = true
			return false
		}
		r.pos++
		r.blanks()
	}
	return true
}

// name reads an object's name without escapes, and the colon. Valid until data goes.
func (r *reader) name() []byte {
	r.take('"')
	for i := r.pos; !r.bad && i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			name := r.data[r.pos:i]
			r.pos = i + 1
			r.colon()
			return name
		case c < ' ' || c == '\\':
			r.bad = true
		}
	}
	r.bad = true
	return nil
}

// colon stands between a map's key and its value.
func (r *reader) colon() {
	r.blanks()
	r.take(':')
	r.blanks()
}

// once marks field number bit as read, and says whether its value is to be read: null is none, twice is a fault.
func (r *reader) once(seen *uint64, bit uint) bool {
	if *seen&(1<<bit) != 0 {
		r.bad = true
	}
	*seen |= 1 << bit
	return !r.word("null") && !r.bad
}

// text reads a string with the short escapes; \u is protojson's.
func (r *reader) text() string {
	r.take('"')
	if r.bad {
		return ""
	}
	any := byte(0)
	for i := r.pos; i < len(r.data); i++ {
		switch c := r.data[i]; {
		case c == '"':
			s := r.data[r.pos:i]
			if any >= utf8.RuneSelf && !utf8.Valid(s) {
				return r.fail()
			}
			r.pos = i + 1
			return string(s)
		case c == '\\':
			return r.escaped(i)
		case c < ' ':
			return r.fail()
		default:
			any |= c
		}
	}
	return r.fail()
}

// escaped reads on from a string's first backslash.
func (r *reader) escaped(i int) string {
	s := append(r.scratch[:0], r.data[r.pos:i]...)
	defer func() { r.scratch = s }()
	for ; i < len(r.data); i++ {
		c := r.data[i]
		switch {
		case c == '"':
			if !utf8.Valid(s) {
				return r.fail()
			}
			r.pos = i + 1
			return string(s)
		case c == '\\':
			i++
			if i == len(r.data) {
				return r.fail()
			}
			at := strings.IndexByte(`"\/bfnrt`, r.data[i])
			if at < 0 {
				return r.fail()
			}
			c = "\"\\/\b\f\n\r\t"[at]
		case c < ' ':
			return r.fail()
		}
		s = append(s, c)
	}
	return r.fail()
}

func (r *reader) fail() string {
	r.bad = true
	return ""
}

func (r *reader) bool() bool {
	if r.word("true") {
		return true
	}
	if !r.word("false") {
		r.bad = true
	}
	return false
}

// int reads a whole number of at most 18 digits, bare or as a string.
func (r *reader) int() int64 {
	if r.pos < len(r.data) && r.data[r.pos] == '"' {
		r.pos++
		n := r.digits()
		r.take('"')
		return n
	}
	return r.digits() // 1.0 and 1e0 fail at what must follow a value
}

func (r *reader) digits() int64 {
	negative := r.word("-")
	first, n := r.pos, int64(0)
	for r.pos < len(r.data) && r.data[r.pos]-'0' <= 9 {
		n = 10*n + int64(r.data[r.pos]-'0') // may wrap: then there are too many digits
		r.pos++
	}
	count := r.pos - first
	if count == 0 || count > 18 || r.data[first] == '0' && (count > 1 || negative) {
		r.bad = true
	}
	if negative {
		return -n
	}
	return n
}

func (r *reader) int64() int64   { return r.int() }
func (r *reader) uint64() uint64 { return uint64(r.within(0, math.MaxInt64)) }
func (r *reader) int32() int32   { return int32(r.within(math.MinInt32, math.MaxInt32)) }
func (r *reader) uint32() uint32 { return uint32(r.within(0, math.MaxUint32)) }

func (r *reader) within(least, most int64) int64 {
	n := r.int()
	if n < least || n > most {
		r.bad = true
	}
	return n
}

// enum reads a number; names are protojson's.
func (r *reader) enum() int32 {
	if r.pos < len(r.data) && r.data[r.pos] == '"' {
		r.bad = true
		return 0
	}
	return r.int32()
}

func (r *reader) float32() float32 { return float32(r.float(32)) }
func (r *reader) float64() float64 { return r.float(64) }

// float reads a bare number: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
func (r *reader) float(bits int) float64 {
	first := r.pos
	r.word("-")
	whole := r.pos
	if n := r.skipDigits(); n > 1 && r.data[whole] == '0' {
		r.bad = true
	}
	if r.word(".") {
		r.skipDigits()
	}
	if r.word("e") || r.word("E") {
		if !r.word("+") {
			r.word("-")
		}
		r.skipDigits()
	}
	if r.bad {
		return 0
	}
	v, err := strconv.ParseFloat(string(r.data[first:r.pos]), bits)
	if err != nil {
		r.bad = true
	}
	return v
}

// skipDigits skips one digit or more and says how many.
func (r *reader) skipDigits() int {
	first := r.pos
	for r.pos < len(r.data) && r.data[r.pos]-'0' <= 9 {
		r.pos++
	}
	if r.pos == first {
		r.bad = true
	}
	return r.pos - first
}

// blob reads base64 in the standard alphabet or the one for URLs, with padding or without.
func (r *reader) blob() []byte {
	s := r.text()
	if r.bad {
		return nil
	}
	encoding := base64.StdEncoding
	if strings.ContainsAny(s, "-_") {
		encoding = base64.URLEncoding
	}
	if len(s)%4 != 0 {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	v, err := encoding.DecodeString(s)
	if err != nil {
		r.bad = true
	}
	return v
}

// time reads RFC 3339 in UTC as we write it; other zones and forms are protojson's.
func (r *reader) time() *timestamppb.Timestamp {
	s := r.text()
	whole := len("2006-01-02T15:04:05")
	if r.bad || len(s) <= whole || len(s) > whole+len(".999999999Z") || s[whole] != '.' && s[whole] != 'Z' || s[len(s)-1] != 'Z' {
		r.bad = true
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		r.bad = true
		return nil
	}
	t := timestamppb.New(at)
	if !t.IsValid() {
		r.bad = true
	}
	return t
}
