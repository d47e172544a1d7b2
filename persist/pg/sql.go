package pg

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/skirmishgg/skirmish/persist/batch"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// selectList reads JSON as text, since the store hands texts on.
func selectList(d *store.Def) string {
	cols := make([]string, len(d.Columns))
	for i := range d.Columns {
		cols[i] = "t." + quote(d.Columns[i].Name)
		if d.Columns[i].Kind == store.KindJSON {
			cols[i] += "::text"
		}
	}
	return strings.Join(cols, ", ")
}

// arrayType is the type of the parameter that carries a column's values of a whole batch.
func arrayType(k store.Kind) string {
	switch k {
	case store.KindUUID:
		return "uuid[]"
	case store.KindText, store.KindJSON:
		return "text[]"
	case store.KindBool:
		return "boolean[]"
	case store.KindBytes:
		return "bytea[]"
	case store.KindTime:
		return "timestamptz[]"
	}
	return "bigint[]"
}

// columnArray collects one column of many rows; values are as Column.Value gives them.
func columnArray(k store.Kind, values []any) any {
	switch k {
	case store.KindUUID:
		return collect(values, func(v any) pgtype.UUID { return pgtype.UUID{Bytes: v.(id.UUID), Valid: true} })
	case store.KindText, store.KindJSON:
		return collect(values, func(v any) *string { s := reflect.ValueOf(v).String(); return &s })
	case store.KindBool:
		return collect(values, func(v any) *bool { b := v.(bool); return &b })
	case store.KindBytes:
		return collect(values, func(v any) []byte { return v.([]byte) })
	case store.KindTime:
		return collect(values, func(v any) *time.Time { at := v.(time.Time); return &at })
	}
	return collect(values, func(v any) *int64 { n := reflect.ValueOf(v).Int(); return &n })
}

func collect[T any](values []any, f func(any) T) []T {
	out := make([]T, len(values))
	for i, v := range values {
		if v != nil {
			out[i] = f(v)
		}
	}
	return out
}

// scalar is one value as a parameter.
func scalar(v any) any {
	switch v := v.(type) {
	case id.UUID:
		return pgtype.UUID{Bytes: v, Valid: true}
	case store.JSON:
		return string(v)
	}
	return v
}

// keySource is "unnest($1::uuid[], …) AS k(c0, …)" for the columns of a unique key.
func keySource(ix *store.IndexDef) (source, match string) {
	params, names, conds := []string{}, []string{}, []string{}
	for n, c := range ix.Columns {
		col := &ix.Table.Columns[c]
		params = append(params, fmt.Sprintf("$%d::%s", n+1, arrayType(col.Kind)))
		names = append(names, fmt.Sprintf("c%d", n))
		conds = append(conds, fmt.Sprintf("t.%s = k.c%d", quote(col.Name), n))
	}
	return fmt.Sprintf("unnest(%s) AS k(%s)", strings.Join(params, ", "), strings.Join(names, ", ")), strings.Join(conds, " AND ")
}

// loadSQL reads and locks many rows by a unique key, in its order.
func loadSQL(ix *store.IndexDef) string {
	source, match := keySource(ix)
	return fmt.Sprintf("SELECT %s FROM %s t JOIN %s ON %s ORDER BY %s FOR UPDATE OF t", selectList(ix.Table), quote(ix.Table.Name), source, match, orderBy(ix, false))
}

func removeSQL(d *store.Def) string {
	source, match := keySource(d.Primary)
	return fmt.Sprintf("DELETE FROM %s t USING %s WHERE %s", quote(d.Name), source, match)
}

// upsertSQL writes whole rows. The conflict target is the store's key, which need not be the table's primary key.
func upsertSQL(d *store.Def) string {
	keys, sets := []string{}, []string{}
	for i := range d.Columns {
		name := quote(d.Columns[i].Name)
		if slices.Contains(d.Primary.Columns, i) {
			keys = append(keys, name)
		} else {
			sets = append(sets, fmt.Sprintf("%s = excluded.%s", name, name))
		}
	}
	action := "DO NOTHING"
	if len(sets) > 0 {
		action = "DO UPDATE SET " + strings.Join(sets, ", ")
	}
	return fmt.Sprintf("%s ON CONFLICT (%s) %s", insertSQL(d), strings.Join(keys, ", "), action)
}

// insertSQL writes whole rows that must be new.
func insertSQL(d *store.Def) string {
	names, values, params, aliases := []string{}, []string{}, []string{}, []string{}
	for i := range d.Columns {
		c := &d.Columns[i]
		names = append(names, quote(c.Name))
		params = append(params, fmt.Sprintf("$%d::%s", i+1, arrayType(c.Kind)))
		value := fmt.Sprintf("v.c%d", i)
		if c.Kind == store.KindJSON {
			value += "::jsonb"
		}
		values, aliases = append(values, value), append(aliases, fmt.Sprintf("c%d", i))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM unnest(%s) AS v(%s)", quote(d.Name), strings.Join(names, ", "),
		strings.Join(values, ", "), strings.Join(params, ", "), strings.Join(aliases, ", "))
}

// releaseSQL moves the rows' unique texts out of the way, for a batch in which one row takes what another gives up.
func releaseSQL(d *store.Def) string {
	seen, sets := map[int]bool{}, []string{}
	for _, ix := range d.Uniques {
		for _, c := range ix.Columns {
			if d.Columns[c].Kind == store.KindText && !seen[c] {
				seen[c] = true
				sets = append(sets, fmt.Sprintf("%s = gen_random_uuid()::text", quote(d.Columns[c].Name)))
			}
		}
	}
	if len(sets) == 0 {
		return ""
	}
	source, match := keySource(d.Primary)
	return fmt.Sprintf("UPDATE %s t SET %s FROM %s WHERE %s", quote(d.Name), strings.Join(sets, ", "), source, match)
}

func keyArrays(ix *store.IndexDef, keys [][]any) []any {
	args := make([]any, len(ix.Columns))
	for n, c := range ix.Columns {
		values := make([]any, len(keys))
		for i, key := range keys {
			values[i] = key[n]
		}
		args[n] = columnArray(ix.Table.Columns[c].Kind, values)
	}
	return args
}

func rowArrays(d *store.Def, rows []any) []any {
	args := make([]any, len(d.Columns))
	for i := range d.Columns {
		values := make([]any, len(rows))
		for n, row := range rows {
			values[n] = d.Columns[i].Value(reflect.ValueOf(row))
		}
		args[i] = columnArray(d.Columns[i].Kind, values)
	}
	return args
}

func orderBy(ix *store.IndexDef, reverse bool) string {
	terms := make([]string, len(ix.Columns))
	for n := range ix.Columns {
		terms[n] = column(ix, n)
		if ix.Desc[n] != reverse {
			terms[n] += " DESC"
		}
	}
	return strings.Join(terms, ", ")
}

// column is a sortable expression: texts compare bytewise whatever the database's collation.
func column(ix *store.IndexDef, n int) string {
	c := &ix.Table.Columns[ix.Columns[n]]
	name := "t." + quote(c.Name)
	if c.Kind == store.KindText {
		name += ` COLLATE "C"`
	}
	return name
}

// walkSQL selects a page of a range. Its text depends on the index and on how many values each bound has.
func walkSQL(ix *store.IndexDef, rng store.Range, lock bool) (sql string, args []any) {
	var where []string
	for n, v := range rng.Prefix {
		args = append(args, scalar(v))
		where = append(where, fmt.Sprintf("%s = $%d", column(ix, n), len(args)))
	}
	if len(rng.After) > 0 {
		first := len(args)
		for _, v := range rng.After {
			args = append(args, scalar(v))
		}
		var alternatives []string
		for n := range rng.After {
			var terms []string
			for e := range n {
				terms = append(terms, fmt.Sprintf("%s = $%d", column(ix, e), first+e+1))
			}
			sign := ">"
			if ix.Desc[n] != rng.Reverse {
				sign = "<"
			}
			terms = append(terms, fmt.Sprintf("%s %s $%d", column(ix, n), sign, first+n+1))
			alternatives = append(alternatives, "("+strings.Join(terms, " AND ")+")")
		}
		where = append(where, "("+strings.Join(alternatives, " OR ")+")")
	}
	sql = fmt.Sprintf("SELECT %s FROM %s t", selectList(ix.Table), quote(ix.Table.Name))
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	var limit any // NULL: none
	if rng.Limit > 0 {
		limit = rng.Limit
	}
	args = append(args, limit)
	sql += fmt.Sprintf(" ORDER BY %s LIMIT $%d", orderBy(ix, rng.Reverse), len(args))
	if lock {
		sql += " FOR UPDATE OF t"
	}
	return sql, args
}

// readRows collects what a query selected with selectList.
func readRows(d *store.Def, rows pgx.Rows) ([]any, error) {
	defer rows.Close()
	var out []any
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, err
		}
		row := reflect.New(d.Row)
		for i := range d.Columns {
			d.Columns[i].Set(row, goValue(d.Columns[i].Kind, values[i]))
		}
		out = append(out, row.Interface())
	}
	return out, rows.Err()
}

func goValue(k store.Kind, v any) any {
	switch v := v.(type) {
	case [16]byte:
		return id.UUID(v)
	case time.Time:
		return v.UTC()
	case string:
		if k == store.KindJSON {
			return store.JSON(v)
		}
	}
	return v
}

// statements groups a batch's changes: removals first, so that what they held is free, then rows, in catalogue order.
// release moves unique keys out of the way first.
func statements(changes []batch.Change, absent func(*store.Def, store.Key) bool, release bool) *pgx.Batch {
	b := &pgx.Batch{}
	type group struct {
		table       *store.Def
		fresh, rows []any
		keys, freed [][]any // of rows; of removed rows
	}
	var groups []*group
	for _, c := range changes {
		if len(groups) == 0 || groups[len(groups)-1].table != c.Table {
			groups = append(groups, &group{table: c.Table})
		}
		switch g := groups[len(groups)-1]; {
		case c.Row == nil:
			g.freed = append(g.freed, c.Values)
		case absent(c.Table, c.Key):
			g.fresh = append(g.fresh, c.Row)
		default:
			g.rows, g.keys = append(g.rows, c.Row), append(g.keys, c.Values)
		}
	}
	for _, g := range groups {
		if len(g.freed) > 0 {
			b.Queue(removeSQL(g.table), keyArrays(g.table.Primary, g.freed)...)
		}
		if sql := releaseSQL(g.table); release && sql != "" && len(g.rows) > 0 {
			b.Queue(sql, keyArrays(g.table.Primary, g.keys)...)
		}
		if len(g.rows) > 0 {
			b.Queue(upsertSQL(g.table), rowArrays(g.table, g.rows)...)
		}
		if len(g.fresh) > 0 {
			b.Queue(insertSQL(g.table), rowArrays(g.table, g.fresh)...)
		}
	}
	return b
}

// constraintSQL is the columns of a constraint or unique index, in its order.
const constraintSQL = `SELECT array_agg(a.attname::text ORDER BY k.n)
FROM (SELECT conkey::int2[] AS keys, conrelid AS rel FROM pg_constraint c WHERE c.conname = $3 AND c.contype = 'f'
	UNION ALL SELECT i.indkey::int2[], i.indrelid FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE x.relname = $3) AS found
JOIN pg_class t ON t.oid = found.rel JOIN pg_namespace s ON s.oid = t.relnamespace
CROSS JOIN LATERAL unnest(found.keys) WITH ORDINALITY AS k(attnum, n)
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
WHERE s.nspname = $1 AND t.relname = $2`

// getSQL reads many rows by a unique key, without a lock.
func getSQL(ix *store.IndexDef, keys [][]any) (sql string, args []any) {
	source, match := keySource(ix)
	return fmt.Sprintf("SELECT %s FROM %s t JOIN %s ON %s", selectList(ix.Table), quote(ix.Table.Name), source, match), keyArrays(ix, keys)
}
