package store

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/protocol/id"
)

// Key is a tuple of column values in an order-preserving form: comparing two keys bytewise compares the tuples, and a
// key of fewer columns is a prefix of every longer one that starts with the same values.
//
//	NULL      ff            after every value, as PostgreSQL sorts
//	value     01 bytes
//	bytes of: uuid 16 raw · ints big-endian with the sign bit flipped, as i64 · bool 00/01 · time as µs since 1970, like
//	an int · text and bytes: 00 → 00 fe, ended by 00 01
//
// A descending column has every byte inverted.
type Key string

// AppendValue adds one column to a key under construction. v has the Go type of k, or is nil.
func AppendValue(dst []byte, k Kind, v any, desc bool) ([]byte, error) {
	start := len(dst)
	if v == nil {
		dst = append(dst, 0xff)
	} else {
		dst = append(dst, 0x01)
		switch k {
		case KindUUID:
			u, ok := v.(id.UUID)
			if !ok {
				return nil, mismatch(k, v)
			}
			dst = append(dst, u[:]...)
		case KindText, KindJSON, KindBytes:
			var err error
			if dst, err = appendText(dst, k, v); err != nil {
				return nil, err
			}
		case KindBool:
			b, ok := v.(bool)
			if !ok {
				return nil, mismatch(k, v)
			}
			if b {
				dst = append(dst, 1)
			} else {
				dst = append(dst, 0)
			}
		default:
			n, err := integer(k, v)
			if err != nil {
				return nil, err
			}
			dst = binary.BigEndian.AppendUint64(dst, uint64(n)^1<<63)
		}
	}
	if desc {
		invert(dst[start:])
	}
	return dst, nil
}

// appendKey is AppendValue of the column's value in a row.
func (c *Column) appendKey(dst []byte, r Row, desc bool) []byte {
	start := len(dst)
	if c.IsNull(r) {
		dst = append(dst, 0xff)
	} else {
		dst = append(dst, 0x01)
		switch c.Kind {
		case KindUUID:
			u := c.UUID(r)
			dst = append(dst, u[:]...)
		case KindText, KindJSON:
			dst = appendTerminated(dst, c.Text(r))
		case KindBytes:
			dst = appendTerminated(dst, string(c.Bytes(r)))
		case KindBool:
			dst = append(dst, byte(c.Int(r)))
		default:
			dst = binary.BigEndian.AppendUint64(dst, uint64(c.Int(r))^1<<63)
		}
	}
	if desc {
		invert(dst[start:])
	}
	return dst
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

func appendTerminated(dst []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			break
		}
		dst = append(append(dst, s[:i]...), 0, 0xfe)
		s = s[i+1:]
	}
	return append(append(dst, s...), 0, 1)
}

func appendText(dst []byte, k Kind, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return appendTerminated(dst, v), nil
	case JSON:
		return appendTerminated(dst, string(v)), nil
	case []byte:
		return appendTerminated(dst, string(v)), nil
	}
	return nil, mismatch(k, v)
}

func integer(k Kind, v any) (int64, error) {
	switch n := v.(type) {
	case int16:
		return int64(n), nil
	case int32:
		return int64(n), nil
	case int64:
		return n, nil
	case int:
		return int64(n), nil
	case time.Time:
		return n.UnixMicro(), nil
	}
	return 0, mismatch(k, v)
}

func mismatch(k Kind, v any) error {
	return fmt.Errorf("a key column of kind %d cannot hold a %T", k, v)
}
