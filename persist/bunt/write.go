package bunt

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/tidwall/buntdb"

	"github.com/skirmishgg/skirmish/persist/store"
)

// write is one row to keep or remove. In a frame: table name · key · flag u8 (0 removed, 1 row) · row; strings with
// uvarint length.
type write struct {
	table *store.Def
	key   store.Key
	row   any    // nil: removed
	text  string // the row as it is stored
}

func (w write) append(dst []byte) []byte {
	dst = appendString(appendString(dst, w.table.Name), string(w.key))
	if w.row == nil {
		return append(dst, 0)
	}
	return appendString(append(dst, 1), w.text)
}

// write takes one off a frame. Its strings are copied, so that an index entry does not keep a whole frame alive.
func (r *reader) write() (write, error) {
	name, key, kept := r.text(), strings.Clone(r.text()), r.byte() == 1
	w := write{table: store.TableNamed(name), key: store.Key(key)}
	if kept {
		w.text = strings.Clone(r.text())
	}
	if r.bad || w.table == nil {
		return write{}, fmt.Errorf("%w: table %q", errCorrupt, name)
	}
	if !kept {
		return w, nil
	}
	var err error
	w.row, err = readRow(w.table, w.text)
	return w, err
}

// show makes writes visible, all at once.
func (d *driver) show(writes []write) error {
	return d.mem.Update(func(tx *buntdb.Tx) error {
		for i := range writes {
			if err := d.apply(tx, &writes[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// apply replaces one row and those of its index entries that change.
func (d *driver) apply(tx *buntdb.Tx, w *write) error {
	at := rowKey(w.table, w.key)
	var old any
	before, err := tx.Get(at)
	switch {
	case errors.Is(err, buntdb.ErrNotFound):
		before, err = "", nil
	case err != nil:
		return err
	case len(w.table.Indexes) > 1:
		if old, err = readRow(w.table, before); err != nil {
			return err
		}
	}
	d.live += size(at, w.text) - size(at, before)
	if w.row != nil {
		_, _, err = tx.Set(at, w.text, nil)
	} else if before != "" {
		_, err = tx.Delete(at)
	}
	if err != nil {
		return err
	}
	return d.moveEntries(tx, w.table, w.key, old, w.row)
}

// size is what a row takes in a checkpoint, nearly; a row that is not there takes nothing.
func size(at, text string) int64 {
	if text == "" {
		return 0
	}
	return int64(len(at) + len(text) + 24) // the table's name and lengths
}

// moveEntries replaces the index entries of a row; either of old and fresh may be nil.
func (d *driver) moveEntries(tx *buntdb.Tx, t *store.Def, primary store.Key, old, fresh any) error {
	for _, ix := range t.Indexes {
		if ix == t.Primary {
			continue
		}
		d.from, d.to = appendEntry(d.from[:0], ix, primary, old), appendEntry(d.to[:0], ix, primary, fresh)
		if bytes.Equal(d.from, d.to) {
			continue
		}
		if old != nil {
			if _, err := tx.Delete(string(d.from)); err != nil {
				return err
			}
		}
		if fresh != nil {
			if _, _, err := tx.Set(string(d.to), string(primary), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Keys in the index: "r" table · primary key → row; "i" table, index · index key, primary key → primary key.
func rowKey(t *store.Def, primary store.Key) string {
	return string([]byte{'r', byte(t.Order >> 8), byte(t.Order)}) + string(primary)
}

func indexSpace(ix *store.IndexDef) string { return string(appendSpace(nil, ix)) }

func appendSpace(dst []byte, ix *store.IndexDef) []byte {
	return append(dst, 'i', byte(ix.Table.Order>>8), byte(ix.Table.Order), byte(ix.Place))
}

// appendEntry adds nothing for no row.
func appendEntry(dst []byte, ix *store.IndexDef, primary store.Key, row any) []byte {
	if row == nil {
		return dst
	}
	return append(ix.AppendKey(appendSpace(dst, ix), row), primary...)
}
