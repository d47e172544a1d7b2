package pg

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Rows travel in PostgreSQL's binary forms, written and read here without boxes or reflection:
//
//	value    i32 length (-1 NULL) · uuid 16 · text its bytes · int big-endian · bool u8 · timestamptz i64 µs since 2000 ·
//	         jsonb 01, then text
//	array    i32 dimensions = 1 · i32 has NULLs · u32 type of elements · i32 length · i32 first index = 1 · values

// column types, as SQL names them and as arrays number their elements.
var types = [...]struct {
	name string
	oid  uint32
}{
	store.KindUUID:  {"uuid", 2950},
	store.KindText:  {"text", 25},
	store.KindInt16: {"int2", 21},
	store.KindInt32: {"int4", 23},
	store.KindInt64: {"int8", 20},
	store.KindBool:  {"boolean", 16},
	store.KindBytes: {"bytea", 17},
	store.KindTime:  {"timestamptz", 1184},
	store.KindJSON:  {"jsonb", 3802},
}

const (
	jsonbVersion = 1
	year2000     = 946_684_800_000_000 // µs since 1970
)

// arrays is arguments under construction: one buffer, cut into arguments when it no longer grows.
type arrays struct {
	buf  []byte
	ends []int
}

func (a *arrays) reset() { a.buf, a.ends = a.buf[:0], a.ends[:0] }

func (a *arrays) begin(k store.Kind, nulls bool, n int) {
	a.buf = binary.BigEndian.AppendUint32(a.buf, 1)
	if nulls {
		a.buf = binary.BigEndian.AppendUint32(a.buf, 1)
	} else {
		a.buf = binary.BigEndian.AppendUint32(a.buf, 0)
	}
	a.buf = binary.BigEndian.AppendUint32(a.buf, types[k].oid)
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(n))
	a.buf = binary.BigEndian.AppendUint32(a.buf, 1)
}

func (a *arrays) end() { a.ends = append(a.ends, len(a.buf)) }

// args are the arguments; they alias the buffer.
func (a *arrays) args() [][]byte {
	out, start := make([][]byte, len(a.ends)), 0
	for i, end := range a.ends {
		out[i], start = a.buf[start:end:end], end
	}
	return out
}

// columns adds one array for each of these columns of the rows.
func (a *arrays) columns(d *store.Def, columns []int, rows []store.Row) {
	for _, i := range columns {
		c := &d.Columns[i]
		a.begin(c.Kind, c.Null, len(rows))
		for _, r := range rows {
			a.buf = appendColumn(a.buf, c, r)
		}
		a.end()
	}
}

// keys adds one array for each of an index's columns, of keys as Fetch takes them.
func (a *arrays) keys(ix *store.IndexDef, keys [][]any) error {
	return a.values(ix, len(keys), func(key, column int) any { return keys[key][column] })
}

// wants does the same for the keys of wants of one index.
func (a *arrays) wants(w wants) error {
	return a.values(w[0].index, len(w), func(key, column int) any { return w[key].values[column] })
}

func (a *arrays) values(ix *store.IndexDef, keys int, value func(key, column int) any) error {
	for n, i := range ix.Columns {
		k := ix.Table.Columns[i].Kind
		a.begin(k, false, keys)
		for key := range keys {
			start := len(a.buf)
			var err error
			if a.buf, err = appendValue(append(a.buf, 0, 0, 0, 0), k, value(key, n)); err != nil {
				return fmt.Errorf("key of %s: %w", ix.Table.Name, err)
			}
			binary.BigEndian.PutUint32(a.buf[start:], uint32(len(a.buf)-start-4))
		}
		a.end()
	}
	return nil
}

func appendColumn(dst []byte, c *store.Column, r store.Row) []byte {
	if c.IsNull(r) {
		return append(dst, 0xff, 0xff, 0xff, 0xff)
	}
	switch c.Kind {
	case store.KindUUID:
		u := c.UUID(r)
		return append(append(dst, 0, 0, 0, 16), u[:]...)
	case store.KindText:
		s := c.Text(r)
		return append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)
	case store.KindJSON:
		s := c.Text(r)
		return append(append(binary.BigEndian.AppendUint32(dst, uint32(len(s)+1)), jsonbVersion), s...)
	case store.KindBytes:
		b := c.Bytes(r)
		return append(binary.BigEndian.AppendUint32(dst, uint32(len(b))), b...)
	case store.KindBool:
		return append(dst, 0, 0, 0, 1, byte(c.Int(r)))
	case store.KindInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0, 0, 0, 2), uint16(c.Int(r)))
	case store.KindInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0, 0, 0, 4), uint32(c.Int(r)))
	case store.KindTime:
		return binary.BigEndian.AppendUint64(append(dst, 0, 0, 0, 8), uint64(c.Int(r)-year2000))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0, 0, 0, 8), uint64(c.Int(r)))
}

// appendValue writes a value that a caller named, without its length. It may be NULL only where the SQL says so.
func appendValue(dst []byte, k store.Kind, v any) ([]byte, error) {
	switch v := v.(type) {
	case id.UUID:
		if k == store.KindUUID {
			return append(dst, v[:]...), nil
		}
	case string:
		if k == store.KindText {
			return append(dst, v...), nil
		}
	case bool:
		if k == store.KindBool && v {
			return append(dst, 1), nil
		} else if k == store.KindBool {
			return append(dst, 0), nil
		}
	case []byte:
		if k == store.KindBytes {
			return append(dst, v...), nil
		}
	case time.Time:
		if k == store.KindTime {
			return binary.BigEndian.AppendUint64(dst, uint64(v.UnixMicro()-year2000)), nil
		}
	case int16:
		return appendInt(dst, k, int64(v))
	case int32:
		return appendInt(dst, k, int64(v))
	case int64:
		return appendInt(dst, k, v)
	case int:
		return appendInt(dst, k, int64(v))
	}
	return nil, fmt.Errorf("a column of type %s cannot hold a %T", types[k].name, v)
}

func appendInt(dst []byte, k store.Kind, n int64) ([]byte, error) {
	switch {
	case k == store.KindInt16 && n == int64(int16(n)):
		return binary.BigEndian.AppendUint16(dst, uint16(n)), nil
	case k == store.KindInt32 && n == int64(int32(n)):
		return binary.BigEndian.AppendUint32(dst, uint32(n)), nil
	case k == store.KindInt64:
		return binary.BigEndian.AppendUint64(dst, uint64(n)), nil
	}
	return nil, fmt.Errorf("a column of type %s cannot hold %d", types[k].name, n)
}

// readRow makes a row of values in the order of the table's columns. They are valid only now; all texts of the row are
// parts of one copy.
func readRow(d *store.Def, values [][]byte) (any, error) {
	row := d.New()
	r := d.View(row)
	size := 0
	for i := range d.Columns {
		if k := d.Columns[i].Kind; k == store.KindText || k == store.KindJSON {
			size += len(values[i])
		}
	}
	var texts strings.Builder
	texts.Grow(size)
	for i := range d.Columns {
		c, v := &d.Columns[i], values[i]
		if v == nil {
			continue // NULL is what a new row has; a column that we never leave empty reads as zero
		}
		if err := readColumn(c, r, v, &texts); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", d.Name, c.Name, err)
		}
	}
	return row, nil
}

func readColumn(c *store.Column, r store.Row, v []byte, texts *strings.Builder) error {
	want := 0
	switch c.Kind {
	case store.KindText:
		c.SetText(r, keep(texts, v))
		return nil
	case store.KindJSON:
		if len(v) == 0 || v[0] != jsonbVersion {
			return fmt.Errorf("jsonb of an unknown version")
		}
		c.SetText(r, keep(texts, v[1:]))
		return nil
	case store.KindBytes:
		c.SetBytes(r, append([]byte{}, v...))
		return nil
	case store.KindUUID:
		want = 16
	case store.KindInt64, store.KindTime:
		want = 8
	case store.KindInt32:
		want = 4
	case store.KindInt16:
		want = 2
	case store.KindBool:
		want = 1
	}
	if len(v) != want {
		return fmt.Errorf("a %s of %d bytes", types[c.Kind].name, len(v))
	}
	switch c.Kind {
	case store.KindUUID:
		c.SetUUID(r, id.UUID(v))
	case store.KindInt64:
		c.SetInt(r, int64(binary.BigEndian.Uint64(v)))
	case store.KindInt32:
		c.SetInt(r, int64(int32(binary.BigEndian.Uint32(v))))
	case store.KindInt16:
		c.SetInt(r, int64(int16(binary.BigEndian.Uint16(v))))
	case store.KindBool:
		c.SetInt(r, int64(v[0]))
	case store.KindTime:
		n := int64(binary.BigEndian.Uint64(v))
		if n != math.MaxInt64 && n != math.MinInt64 { // infinity and -infinity stay as far as a time can be
			n += year2000
		}
		c.SetInt(r, n)
	}
	return nil
}

// keep copies v to the end of texts, which never grows, and returns that copy.
func keep(texts *strings.Builder, v []byte) string {
	start := texts.Len()
	texts.Write(v)
	return texts.String()[start:]
}
