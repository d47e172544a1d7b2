package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrNotJSON is the ErrInvalidValue of text that is no JSON at all; without it, JSON that jsonb cannot keep.
var ErrNotJSON = errors.New("not JSON")

// Normalise writes a JSON value as PostgreSQL's jsonb prints it: keys sorted by length, then bytes; the last of equal
// keys; a space after ':' and ','; numbers with their digits kept and exponents written out; escapes replaced by the
// characters where JSON allows it. Text that is normal already comes back as it is, without an allocation.
// Errors: ErrInvalidValue when text is no JSON (then also ErrNotJSON), or holds what jsonb refuses: \u0000, half of a
// surrogate pair, a number beyond numeric's range.
func Normalise(text JSON) (JSON, error) {
	p := parsers.Get().(*parser)
	defer parsers.Put(p)
	p.rest, p.out, p.members = string(text), p.out[:0], p.members[:0]
	err := p.value(0)
	if err == nil {
		if p.space(); p.rest != "" {
			err = fmt.Errorf("%w: text after the value", ErrNotJSON)
		}
	}
	p.rest = "" // the pool must not keep the text alive
	if err != nil {
		return "", fmt.Errorf("%w: JSON: %w", ErrInvalidValue, err)
	}
	if string(p.out) == string(text) {
		return text, nil
	}
	return JSON(p.out), nil
}

var parsers = sync.Pool{New: func() any { return new(parser) }}

const (
	jsonDepthMax     = 1000   // deeper text is refused rather than recursed into
	numberWholeMax   = 131072 // digits before the point // NUMERIC_WEIGHT_MAX: (32767+1)*4
	numberDecimalMax = 16383  // digits after it // NUMERIC_DSCALE_MAX
	exponentMax      = 1 << 30
)

// parser reads rest and appends to out.
type parser struct {
	rest    string
	out     []byte
	members []member // of the objects that are open, innermost last
	scratch []byte
}

// member is one key and value of an object, as positions in out: `"key": value`.
type member struct {
	start, keyEnd, end int  // start at the opening quote, keyEnd behind the closing one
	escaped            bool // the key is written with escapes
}

func (p *parser) space() {
	for p.rest != "" && (p.rest[0] == ' ' || p.rest[0] == '\n' || p.rest[0] == '\t' || p.rest[0] == '\r') {
		p.rest = p.rest[1:]
	}
}

// next skips spaces and takes c, if it stands there.
func (p *parser) next(c byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

var errSyntax = fmt.Errorf("%w: malformed", ErrNotJSON)

func (p *parser) value(depth int) error {
	if depth > jsonDepthMax {
		return errors.New("nested too deeply")
	}
	if p.space(); p.rest == "" {
		return fmt.Errorf("%w: it ends too early", ErrNotJSON)
	}
	switch c := p.rest[0]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		_, err := p.string()
		return err
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(p.rest, word) {
			p.rest, p.out = p.rest[len(word):], append(p.out, word...)
			return nil
		}
	}
	return errSyntax
}

func (p *parser) array(depth int) error {
	p.rest, p.out = p.rest[1:], append(p.out, '[')
	for first := true; ; first = false {
		if first && p.next(']') {
			break
		}
		if !first {
			if p.next(']') {
				break
			}
			if !p.next(',') {
				return errSyntax
			}
			p.out = append(p.out, ", "...)
		}
		if err := p.value(depth + 1); err != nil {
			return err
		}
	}
	p.out = append(p.out, ']')
	return nil
}

func (p *parser) object(depth int) error {
	p.rest, p.out = p.rest[1:], append(p.out, '{')
	opened, sorted := len(p.members), true
	for first := true; ; first = false {
		if p.next('}') {
			break
		}
		if !first {
			if !p.next(',') {
				return errSyntax
			}
			p.space()
			p.out = append(p.out, ", "...)
		}
		if p.rest == "" || p.rest[0] != '"' {
			return errSyntax
		}
		m := member{start: len(p.out)}
		var err error
		if m.escaped, err = p.string(); err != nil {
			return err
		}
		m.keyEnd = len(p.out)
		if !p.next(':') {
			return errSyntax
		}
		p.out = append(p.out, ": "...)
		if err := p.value(depth + 1); err != nil {
			return err
		}
		m.end = len(p.out)
		if len(p.members) > opened && p.compareKeys(p.members[len(p.members)-1], m) >= 0 {
			sorted = false
		}
		p.members = append(p.members, m)
	}
	if !sorted {
		p.sortMembers(p.members[opened:])
	}
	p.members = p.members[:opened]
	p.out = append(p.out, '}')
	return nil
}

// sortMembers writes the members of the innermost object anew, in order and each key once.
func (p *parser) sortMembers(members []member) {
	first := members[0].start
	slices.SortStableFunc(members, p.compareKeys)
	p.scratch = p.scratch[:0]
	for i, m := range members {
		if i+1 < len(members) && p.compareKeys(m, members[i+1]) == 0 {
			continue // the last of equal keys stays
		}
		if len(p.scratch) > 0 {
			p.scratch = append(p.scratch, ", "...)
		}
		p.scratch = append(p.scratch, p.out[m.start:m.end]...)
	}
	p.out = append(p.out[:first], p.scratch...)
}

func (p *parser) compareKeys(a, b member) int {
	x, y := p.key(a), p.key(b)
	return cmp.Or(cmp.Compare(len(x), len(y)), bytes.Compare(x, y))
}

// key is the text of a member's key, without quotes and escapes.
func (p *parser) key(m member) []byte {
	written := p.out[m.start:m.keyEnd]
	if !m.escaped {
		return written[1 : len(written)-1]
	}
	text, err := strconv.Unquote(string(written)) // JSON's escapes, as string writes them, are Go's
	if err != nil {
		panic("store: a key that was written cannot be read: " + err.Error())
	}
	return []byte(text)
}

// string copies a string; escaped tells that it needs escapes in its normal form, too.
func (p *parser) string() (escaped bool, err error) {
	p.out = append(p.out, '"')
	s := p.rest[1:]
	for {
		n := 0
		for n < len(s) && s[n] >= ' ' && s[n] != '"' && s[n] != '\\' {
			n++
		}
		if !utf8.ValidString(s[:n]) {
			return false, errors.New("text is not UTF-8")
		}
		p.out = append(p.out, s[:n]...)
		s = s[n:]
		switch {
		case s == "" || s[0] < ' ':
			return false, errSyntax
		case s[0] == '"':
			p.rest, p.out = s[1:], append(p.out, '"')
			return escaped, nil
		}
		r, size, err := unescape(s)
		if err != nil {
			return false, err
		}
		s = s[size:]
		before := len(p.out)
		p.out = appendEscaped(p.out, r)
		escaped = escaped || p.out[before] == '\\'
	}
}

// unescape reads the escape that s begins with.
func unescape(s string) (r rune, size int, err error) {
	if len(s) < 2 {
		return 0, 0, errSyntax
	}
	if s[1] != 'u' {
		n := strings.IndexByte(`"\/bfnrt`, s[1])
		if n < 0 {
			return 0, 0, errSyntax
		}
		return rune("\"\\/\b\f\n\r\t"[n]), 2, nil
	}
	r, ok := hex4(s)
	switch {
	case !ok:
		return 0, 0, errSyntax
	case r == 0:
		return 0, 0, errors.New("\\u0000 cannot be stored")
	case !utf16.IsSurrogate(r):
		return r, 6, nil
	}
	low, ok := hex4(s[6:])
	if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
		return pair, 12, nil
	}
	return 0, 0, errors.New("half of a surrogate pair")
}

func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for i := 2; i < 6; i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func appendEscaped(dst []byte, r rune) []byte {
	if n := strings.IndexRune("\"\\\b\f\n\r\t", r); n >= 0 {
		return append(dst, '\\', `"\bfnrt`[n])
	}
	if r < ' ' {
		return fmt.Appendf(dst, `\u%04x`, r)
	}
	return utf8.AppendRune(dst, r)
}

// number keeps the digits of a plain number, and writes an exponent out: 1e2 is 100, 1.50e-1 is 0.150.
func (p *parser) number() error {
	negative := p.rest[0] == '-'
	if negative {
		p.rest = p.rest[1:]
	}
	whole := p.digits()
	if whole == "" || len(whole) > 1 && whole[0] == '0' {
		return errSyntax
	}
	fraction := ""
	if strings.HasPrefix(p.rest, ".") {
		p.rest = p.rest[1:]
		if fraction = p.digits(); fraction == "" {
			return errSyntax
		}
	}
	shift, err := p.exponent()
	if err != nil {
		return err
	}
	zero := strings.Trim(whole, "0") == "" && strings.Trim(fraction, "0") == ""
	if negative && !zero { // numeric has no negative zero
		p.out = append(p.out, '-')
	}
	return p.writeNumber(whole, fraction, shift, zero)
}

func (p *parser) digits() string {
	n := 0
	for n < len(p.rest) && '0' <= p.rest[n] && p.rest[n] <= '9' {
		n++
	}
	found := p.rest[:n]
	p.rest = p.rest[n:]
	return found
}

func (p *parser) exponent() (int, error) {
	if p.rest == "" || p.rest[0]|0x20 != 'e' {
		return 0, nil
	}
	p.rest = p.rest[1:]
	negative := strings.HasPrefix(p.rest, "-")
	if negative || strings.HasPrefix(p.rest, "+") {
		p.rest = p.rest[1:]
	}
	digits := p.digits()
	if digits == "" {
		return 0, errSyntax
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n >= exponentMax {
		return 0, errNumber
	}
	if negative {
		n = -n
	}
	return n, nil
}

var errNumber = errors.New("number out of range")

// writeNumber moves the point of whole.fraction by shift digits.
func (p *parser) writeNumber(whole, fraction string, shift int, zero bool) error {
	decimals := max(0, len(fraction)-shift)
	if decimals > numberDecimalMax {
		return errNumber
	}
	if zero {
		whole, fraction, shift = "0", "", 0
	}
	point := len(whole) + shift // of the digits whole, fraction
	leading := len(whole) - len(strings.TrimLeft(whole, "0"))
	if leading == len(whole) {
		leading += len(fraction) - len(strings.TrimLeft(fraction, "0"))
	}
	if point-leading > numberWholeMax {
		return errNumber
	}
	if point <= leading {
		p.out = append(p.out, '0')
	}
	for i := leading; i < point; i++ {
		p.out = append(p.out, digitAt(whole, fraction, i))
	}
	if decimals > 0 {
		p.out = append(p.out, '.')
		for i := point; i < point+decimals; i++ {
			p.out = append(p.out, digitAt(whole, fraction, i))
		}
	}
	return nil
}

// digitAt is digit i of whole, fraction, with zeros on both sides.
func digitAt(whole, fraction string, i int) byte {
	switch {
	case i < 0 || i >= len(whole)+len(fraction):
		return '0'
	case i < len(whole):
		return whole[i]
	}
	return fraction[i-len(whole)]
}
