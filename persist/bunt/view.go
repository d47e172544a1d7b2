package bunt

import (
	"errors"
	"iter"
	"strings"

	"github.com/tidwall/buntdb"

	"github.com/skirmishgg/skirmish/persist/store"
)

// view reads one state of the index.
type view struct{ tx *buntdb.Tx }

func (v view) Fetch(ix *store.IndexDef, values []any) (any, error) {
	key, err := ix.Prefix(values...)
	if err != nil {
		return nil, err
	}
	if ix == ix.Table.Primary {
		return v.row(ix.Table, key)
	}
	for row, err := range v.Walk(ix, store.Range{Prefix: values, Limit: 1}) {
		return row, err
	}
	return nil, nil
}

// Exists looks at the key only; the layer asks it for the parents of rows.
func (v view) Exists(t *store.Def, primary store.Key) (bool, error) {
	_, err := v.tx.Get(rowKey(t, primary))
	if errors.Is(err, buntdb.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (v view) row(t *store.Def, primary store.Key) (any, error) {
	text, err := v.tx.Get(rowKey(t, primary))
	if errors.Is(err, buntdb.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return readRow(t, text)
}

// Walk yields the rows of a range in index order.
func (v view) Walk(ix *store.IndexDef, rng store.Range) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		bounds, err := ix.Bounds(rng)
		if err != nil {
			yield(nil, err)
			return
		}
		space := indexSpace(ix)
		if ix == ix.Table.Primary {
			space = rowKey(ix.Table, "")
		}
		count := 0
		visit := func(entry, value string) bool {
			key := store.Key(entry[min(len(space), len(entry)):])
			if !strings.HasPrefix(entry, space) || !bounds.Contains(key) {
				// descending starts at the limit, which is not part of the range
				return rng.Reverse && strings.HasPrefix(entry, space) && key >= bounds.First
			}
			var row any
			var err error
			if ix == ix.Table.Primary {
				row, err = readRow(ix.Table, value)
			} else {
				row, err = v.row(ix.Table, store.Key(value))
			}
			count++
			return yield(row, err) && err == nil && (rng.Limit == 0 || count < rng.Limit)
		}
		if rng.Reverse {
			err = v.tx.DescendLessOrEqual("", space+limitOf(bounds), visit)
		} else {
			err = v.tx.AscendGreaterOrEqual("", space+string(bounds.First), visit)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// limitOf is where a descent starts; nothing sorts after ff in a key's first byte but NULLs, which start with it.
func limitOf(b store.Bounds) string {
	if b.Limit == "" {
		return "\xff\xff"
	}
	return string(b.Limit)
}
