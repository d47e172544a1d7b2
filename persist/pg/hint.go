package pg

import (
	"cmp"
	"slices"
	"strings"

	"github.com/skirmishgg/skirmish/persist/batch"
	"github.com/skirmishgg/skirmish/persist/store"
)

// want is a row to load, by a unique index that names it.
type want struct {
	index  *store.IndexDef
	key    store.Key
	values []any
}

// wants may name a row more than once until they are sorted.
type wants []want

// hint adds what the units' hints name.
func (w wants) hint(units []*batch.Unit) wants {
	for _, u := range units {
		for i := range u.Hint {
			if ref := &u.Hint[i]; ref.Key() != "" { // a wrong hint only costs speed
				w = append(w, want{ref.Index, ref.Key(), ref.Values})
			}
		}
	}
	return w
}

// sorted is the order in which rows lock: tables as in the catalogue, indexes as declared, then keys.
func (w wants) sorted() wants {
	slices.SortFunc(w, func(a, b want) int {
		if a.index != b.index {
			return cmp.Or(cmp.Compare(a.index.Table.Order, b.index.Table.Order), cmp.Compare(a.index.Place, b.index.Place))
		}
		return strings.Compare(string(a.key), string(b.key))
	})
	return slices.CompactFunc(w, func(a, b want) bool { return a.index == b.index && a.key == b.key })
}

// first is how many of them, from the first on, are of one index.
func (w wants) first() int {
	n := 1
	for n < len(w) && w[n].index == w[0].index {
		n++
	}
	return n
}
