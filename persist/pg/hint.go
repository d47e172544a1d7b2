package pg

import (
	"cmp"
	"maps"
	"slices"

	"github.com/skirmishgg/skirmish/persist/batch"
	"github.com/skirmishgg/skirmish/persist/store"
)

// keySet is rows to load, once each, by the unique index that names them.
type keySet map[*store.IndexDef]map[store.Key][]any

func (s keySet) add(ix *store.IndexDef, key store.Key, values []any) {
	if s[ix] == nil {
		s[ix] = map[store.Key][]any{}
	}
	s[ix][key] = values
}

// hint adds what the units' hints name.
func (s keySet) hint(units []*batch.Unit) {
	for _, u := range units {
		for _, ref := range u.Hint {
			if key := ref.Key(); key != "" { // a wrong hint only costs speed
				s.add(ref.Index, key, ref.Values)
			}
		}
	}
}

// indexKeys are rows that one index names, in key order.
type indexKeys struct {
	index  *store.IndexDef
	keys   []store.Key
	values [][]any
}

// sorted is the order in which rows lock: tables as in the catalogue, indexes as declared, then keys.
func (s keySet) sorted() []indexKeys {
	var out []indexKeys
	for index, keys := range s {
		t := indexKeys{index: index, keys: slices.Sorted(maps.Keys(keys))}
		for _, k := range t.keys {
			t.values = append(t.values, keys[k])
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b indexKeys) int {
		return cmp.Or(cmp.Compare(a.index.Table.Order, b.index.Table.Order), cmp.Compare(a.index.Place, b.index.Place))
	})
	return out
}
