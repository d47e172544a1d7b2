package bunt

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// A stored row is its columns by name, so that a later version of a table reads what an earlier one wrote:
// uvarint count, then per column: name · kind u8 (0: NULL) · value. Text is uvarint length and bytes, integers, bools and
// times are varints, a UUID is 16 bytes.

var errCorrupt = errors.New("stored row is damaged")

func appendRow(dst []byte, d *store.Def, row any) []byte {
	r := d.View(row)
	dst = binary.AppendUvarint(dst, uint64(len(d.Columns)))
	for i := range d.Columns {
		c := &d.Columns[i]
		dst = appendString(dst, c.Name)
		if c.IsNull(r) {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, byte(c.Kind))
		switch c.Kind {
		case store.KindUUID:
			u := c.UUID(r)
			dst = append(dst, u[:]...)
		case store.KindText, store.KindJSON:
			dst = appendString(dst, c.Text(r))
		case store.KindBytes:
			b := c.Bytes(r)
			dst = append(binary.AppendUvarint(dst, uint64(len(b))), b...)
		default:
			dst = binary.AppendVarint(dst, c.Int(r))
		}
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// readRow fills a new row of d, whose texts are parts of data. Columns that d does not know are passed over; those that
// are missing, or NULL where that is no longer allowed, keep their zero.
func readRow(d *store.Def, data string) (any, error) {
	in := reader{rest: data}
	row := d.New()
	r := d.View(row)
	for i, n := uint64(0), in.uvarint(); i < n && !in.bad; i++ {
		name, kind := in.text(), store.Kind(in.byte())
		c := columnNamed(d, name, int(i))
		if c != nil && kind != 0 && kind != c.Kind {
			return nil, fmt.Errorf("%w: column %s of %s has kind %d", errCorrupt, name, d.Name, kind)
		}
		in.into(c, kind, r)
	}
	if in.bad || in.rest != "" {
		return nil, fmt.Errorf("%w: %s", errCorrupt, d.Name)
	}
	return row, nil
}

// columnNamed looks first where the column stands if the table has not changed.
func columnNamed(d *store.Def, name string, likely int) *store.Column {
	if likely < len(d.Columns) && d.Columns[likely].Name == name {
		return &d.Columns[likely]
	}
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

// into takes a value and puts it into column c of a row; c nil passes it over.
func (r *reader) into(c *store.Column, kind store.Kind, row store.Row) {
	switch kind {
	case 0:
	case store.KindUUID:
		var u id.UUID
		copy(u[:], r.take(16))
		if c != nil {
			c.SetUUID(row, u)
		}
	case store.KindText, store.KindJSON:
		if s := r.text(); c != nil {
			c.SetText(row, s)
		}
	case store.KindBytes:
		if s := r.text(); c != nil {
			c.SetBytes(row, append([]byte{}, s...))
		}
	case store.KindInt16, store.KindInt32, store.KindInt64, store.KindTime, store.KindBool:
		if n := r.varint(); c != nil {
			c.SetInt(row, n)
		}
	default:
		r.bad = true
	}
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

func (r *reader) uvarint() (n uint64) {
	for i := range min(len(r.rest), binary.MaxVarintLen64) {
		b := r.rest[i]
		if n |= uint64(b&0x7f) << (7 * i); b < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
	r.bad, r.rest = true, ""
	return 0
}

func (r *reader) varint() int64 {
	n := r.uvarint()
	return int64(n>>1) ^ -int64(n&1) // zigzag, as binary.AppendVarint writes
}
