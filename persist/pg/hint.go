package pg

import (
	"cmp"
	"maps"
	"slices"

	"github.com/skirmishgg/skirmish/persist/store"
)

// tableKeys are rows of one table to load, in key order.
type tableKeys struct {
	table  *store.Def
	keys   []store.Key
	values [][]any
}

// sortedKeys puts tables and keys in the order in which rows lock.
func sortedKeys(byTable map[*store.Def]map[store.Key][]any) []tableKeys {
	var out []tableKeys
	for table, keys := range byTable {
		t := tableKeys{table: table, keys: slices.Sorted(maps.Keys(keys))}
		for _, k := range t.keys {
			t.values = append(t.values, keys[k])
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b tableKeys) int { return cmp.Compare(a.table.Order, b.table.Order) })
	return out
}
