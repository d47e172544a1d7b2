package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// Normalise writes a JSON value as PostgreSQL's jsonb prints it: keys sorted by length, then bytes; the last of equal
// keys; a space after ':' and ','; numbers with their digits kept and exponents written out; escapes replaced by the
// characters where JSON allows it. Errors: ErrInvalidValue when text is no JSON, or holds \u0000 as jsonb refuses.
func Normalise(text JSON) (JSON, error) {
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	var b strings.Builder
	err := writeValue(&b, dec, 0)
	if err == nil {
		if _, extra := dec.Token(); !errors.Is(extra, io.EOF) {
			err = errors.New("text after the value")
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w: JSON: %w", ErrInvalidValue, err)
	}
	return JSON(b.String()), nil
}

const jsonDepthMax = 1000 // deeper text is refused rather than recursed into

func writeValue(b *strings.Builder, dec *json.Decoder, depth int) error {
	if depth > jsonDepthMax {
		return errors.New("nested too deeply")
	}
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprint(b, token)
	case string:
		return writeString(b, token)
	case json.Number:
		return writeNumber(b, token)
	case json.Delim:
		if token == '[' {
			return writeArray(b, dec, depth)
		}
		return writeObject(b, dec, depth)
	}
	return nil
}

func writeArray(b *strings.Builder, dec *json.Decoder, depth int) error {
	b.WriteByte('[')
	for first := true; dec.More(); first = false {
		if !first {
			b.WriteString(", ")
		}
		if err := writeValue(b, dec, depth+1); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	_, err := dec.Token()
	return err
}

func writeObject(b *strings.Builder, dec *json.Decoder, depth int) error {
	values := map[string]string{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var value strings.Builder
		if err := writeValue(&value, dec, depth+1); err != nil {
			return err
		}
		values[key.(string)] = value.String()
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y string) int { return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)) })
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := writeString(b, k); err != nil {
			return err
		}
		b.WriteString(": " + values[k])
	}
	b.WriteByte('}')
	return nil
}

func writeString(b *strings.Builder, s string) error {
	if !utf8.ValidString(s) {
		return errors.New("text is not UTF-8")
	}
	b.WriteByte('"')
	for _, r := range s {
		switch r {
		case 0:
			return errors.New("\\u0000 cannot be stored")
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if r < 0x20 {
				fmt.Fprintf(b, `\u%04x`, r)
			} else {
				b.WriteRune(r)
			}
		}
	}
	b.WriteByte('"')
	return nil
}

// writeNumber keeps the digits of a plain number, and writes an exponent out: 1e2 is 100, 1.50e-1 is 0.150.
func writeNumber(b *strings.Builder, n json.Number) error {
	text := string(n)
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	if !scientific {
		if isNegativeZero(text) {
			text = text[1:] // numeric has no negative zero
		}
		b.WriteString(text)
		return nil
	}
	shift, ok := new(big.Int).SetString(strings.TrimPrefix(exponent, "+"), 10)
	if !ok || !shift.IsInt64() || shift.Int64() > 131072 || shift.Int64() < -16383 {
		return errors.New("number out of range")
	}
	negative := strings.HasPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	digits, point := whole+fraction, len(whole)+int(shift.Int64())
	if point <= 0 {
		digits, point = strings.Repeat("0", 1-point)+digits, 1
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	whole, fraction = strings.TrimLeft(digits[:point], "0"), digits[point:]
	text = cmp.Or(whole, "0")
	if fraction != "" {
		text += "." + fraction
	}
	if negative && !isNegativeZero("-"+text) {
		text = "-" + text
	}
	b.WriteString(text)
	return nil
}

func isNegativeZero(text string) bool {
	return strings.HasPrefix(text, "-") && strings.Trim(text[1:], "0.") == ""
}
