package bunt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// A stored row is its columns by name, so that a later version of a table reads what an earlier one wrote:
// uvarint count, then per column: name · kind u8 (0: NULL) · value. Text is uvarint length and bytes, integers and
// times are varints, a UUID is 16 bytes, a bool one.

var errCorrupt = errors.New("stored row is damaged")

func appendRow(dst []byte, d *store.Def, row any) []byte {
	v := reflect.ValueOf(row)
	dst = binary.AppendUvarint(dst, uint64(len(d.Columns)))
	for i := range d.Columns {
		c := &d.Columns[i]
		dst = appendString(dst, c.Name)
		val := c.Value(v)
		if val == nil {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, byte(c.Kind))
		switch val := val.(type) {
		case id.UUID:
			dst = append(dst, val[:]...)
		case string:
			dst = appendString(dst, val)
		case store.JSON:
			dst = appendString(dst, string(val))
		case []byte:
			dst = appendString(dst, string(val))
		case int16:
			dst = binary.AppendVarint(dst, int64(val))
		case int32:
			dst = binary.AppendVarint(dst, int64(val))
		case int64:
			dst = binary.AppendVarint(dst, val)
		case time.Time:
			dst = binary.AppendVarint(dst, val.UnixMicro())
		case bool:
			b := byte(0)
			if val {
				b = 1
			}
			dst = append(dst, b)
		}
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// readRow fills a new row of d. Columns that d does not know are passed over; those that are missing keep their zero.
func readRow(d *store.Def, data string) (any, error) {
	r := reader{rest: data}
	row := reflect.New(d.Row)
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		name := r.text()
		kind := store.Kind(r.byte())
		val := r.value(kind)
		if c := columnNamed(d, name); c != nil && !r.bad {
			if (val == nil && !c.Null) || (val != nil && kind != c.Kind) {
				return nil, fmt.Errorf("%w: column %s of %s has kind %d", errCorrupt, name, d.Name, kind)
			}
			c.Set(row, val)
		}
	}
	if r.bad || r.rest != "" {
		return nil, fmt.Errorf("%w: %s", errCorrupt, d.Name)
	}
	return row.Interface(), nil
}

func columnNamed(d *store.Def, name string) *store.Column {
	for i := range d.Columns {
		if d.Columns[i].Name == name {
			return &d.Columns[i]
		}
	}
	return nil
}

// reader takes values off the front of a string; once bad, it stays bad and answers zeros.
type reader struct {
	rest string
	bad  bool
}

func (r *reader) value(k store.Kind) any {
	switch k {
	case 0:
		return nil
	case store.KindUUID:
		var u id.UUID
		copy(u[:], r.take(16))
		return u
	case store.KindText:
		return r.text()
	case store.KindJSON:
		return store.JSON(r.text())
	case store.KindBytes:
		return []byte(r.text())
	case store.KindInt16:
		return int16(r.varint())
	case store.KindInt32:
		return int32(r.varint())
	case store.KindInt64:
		return r.varint()
	case store.KindTime:
		return time.UnixMicro(r.varint()).UTC()
	case store.KindBool:
		return r.byte() != 0
	}
	r.bad = true
	return nil
}

func (r *reader) take(n uint64) string {
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, ""
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) text() string { return r.take(r.uvarint()) }

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	return r.advance(n, size)
}

func (r *reader) varint() int64 {
	n, size := binary.Varint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	return int64(r.advance(uint64(n), size))
}

func (r *reader) advance(n uint64, size int) uint64 {
	if size <= 0 {
		r.bad, r.rest = true, ""
		return 0
	}
	r.rest = r.rest[size:]
	return n
}
