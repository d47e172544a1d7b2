package pg

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/skirmishgg/skirmish/persist/store"
)

// texts are the statements of one database, each built once. They depend on tables, never on data.
type texts struct {
	bytewise bool // the database's own collation compares bytes
	made     sync.Map
}

// shape is what the text of a statement depends on.
type shape struct {
	verb          verb
	index         *store.IndexDef // of which table, by which key
	prefix, after int             // values given
	nulls         uint64          // which of prefix and after are NULL
	reverse, lock bool
	keys          bool // only the index's columns
}

type verb uint8

const (
	verbGet     verb = iota + 1 // many rows by key
	verbLock                    // the same, locked, in key order
	verbWalk                    // a range
	verbRemove                  // many rows by key
	verbInsert                  // whole rows that must be new
	verbUpdate                  // whole rows that are there and locked
	verbUpsert                  // whole rows, of which nobody has looked whether they are there
	verbRelease                 // move unique texts out of the way
)

func (t *texts) text(s shape) string {
	if made, ok := t.made.Load(s); ok {
		return made.(string)
	}
	var text string
	switch s.verb {
	case verbGet:
		text = t.get(s.index)
	case verbLock:
		text = t.get(s.index) + t.orderBy(s.index, 0, false) + " FOR NO KEY UPDATE OF t"
	case verbWalk:
		text = t.walk(s)
	case verbRemove:
		source, match := keySource(s.index)
		text = fmt.Sprintf("DELETE FROM %s t USING %s WHERE %s", quote(s.index.Table.Name), source, match)
	case verbInsert:
		text = insert(s.index.Table)
	case verbUpdate:
		text = update(s.index.Table)
	case verbUpsert:
		text = upsert(s.index.Table)
	case verbRelease:
		text = release(s.index.Table)
	}
	t.made.Store(s, text)
	return text
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func selectList(d *store.Def) string {
	cols := make([]string, len(d.Columns))
	for i := range d.Columns {
		cols[i] = "t." + quote(d.Columns[i].Name)
	}
	return strings.Join(cols, ", ")
}

// keyList has NULL for what the index does not hold, so that it alone is read.
func keyList(ix *store.IndexDef) string {
	cols := make([]string, len(ix.Table.Columns))
	for i := range cols {
		cols[i] = "NULL"
		if slices.Contains(ix.Columns, i) {
			cols[i] = "t." + quote(ix.Table.Columns[i].Name)
		}
	}
	return strings.Join(cols, ", ")
}

// keySource is "unnest($1::uuid[], …) AS k(c0, …)" for the columns of a unique key.
func keySource(ix *store.IndexDef) (source, match string) {
	params, names, conds := []string{}, []string{}, []string{}
	for n, i := range ix.Columns {
		c := &ix.Table.Columns[i]
		params = append(params, fmt.Sprintf("$%d::%s[]", n+1, types[c.Kind].name))
		names = append(names, fmt.Sprintf("c%d", n))
		conds = append(conds, fmt.Sprintf("t.%s = k.c%d", quote(c.Name), n))
	}
	return fmt.Sprintf("unnest(%s) AS k(%s)", strings.Join(params, ", "), strings.Join(names, ", ")), strings.Join(conds, " AND ")
}

func (t *texts) get(ix *store.IndexDef) string {
	source, match := keySource(ix)
	return fmt.Sprintf("SELECT %s FROM %s JOIN %s t ON %s", selectList(ix.Table), source, quote(ix.Table.Name), match)
}

// rowSource is "unnest($1::uuid[], …) AS v(c0, …)" for all columns.
func rowSource(d *store.Def) (source, aliases string) {
	params, names := []string{}, []string{}
	for i := range d.Columns {
		params = append(params, fmt.Sprintf("$%d::%s[]", i+1, types[d.Columns[i].Kind].name))
		names = append(names, fmt.Sprintf("c%d", i))
	}
	aliases = strings.Join(names, ", ")
	return fmt.Sprintf("unnest(%s) AS v(%s)", strings.Join(params, ", "), aliases), aliases
}

// insert writes whole rows that must be new.
func insert(d *store.Def) string {
	names := []string{}
	for i := range d.Columns {
		names = append(names, quote(d.Columns[i].Name))
	}
	source, aliases := rowSource(d)
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", quote(d.Name), strings.Join(names, ", "), aliases, source)
}

// update costs PostgreSQL two thirds of an upsert of the same rows. "" for a table that is all key.
func update(d *store.Def) string {
	sets, match := []string{}, []string{}
	for i := range d.Columns {
		if name := quote(d.Columns[i].Name); slices.Contains(d.Primary.Columns, i) {
			match = append(match, fmt.Sprintf("t.%s = v.c%d", name, i))
		} else {
			sets = append(sets, fmt.Sprintf("%s = v.c%d", name, i))
		}
	}
	if len(sets) == 0 {
		return ""
	}
	source, _ := rowSource(d)
	return fmt.Sprintf("UPDATE %s t SET %s FROM %s WHERE %s", quote(d.Name), strings.Join(sets, ", "), source, strings.Join(match, " AND "))
}

// upsert writes whole rows. The conflict target is the store's key, which need not be the table's primary key.
func upsert(d *store.Def) string {
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
	return fmt.Sprintf("%s ON CONFLICT (%s) %s", insert(d), strings.Join(keys, ", "), action)
}

// release moves the rows' unique texts out of the way, for a batch in which one row takes what another gives up; "" for a
// table without such.
func release(d *store.Def) string {
	seen, sets := map[int]bool{}, []string{}
	for _, ix := range d.Keys[1:] {
		for _, i := range ix.Columns {
			if c := &d.Columns[i]; c.Kind == store.KindText && !seen[i] && !slices.Contains(d.Primary.Columns, i) {
				seen[i] = true
				sets = append(sets, fmt.Sprintf("%s = gen_random_uuid()::text", quote(c.Name)))
			}
		}
	}
	if len(sets) == 0 {
		return ""
	}
	source, match := keySource(d.Primary)
	return fmt.Sprintf("UPDATE %s t SET %s FROM %s WHERE %s", quote(d.Name), strings.Join(sets, ", "), source, match)
}

// walk selects a range in index order: the prefix by equality, so that an index of any collation serves it, what follows
// by comparison and order in bytes.
func (t *texts) walk(s shape) string {
	ix, where, param := s.index, []string{}, 0
	for n := range s.prefix {
		if s.nulls&(1<<n) != 0 {
			where = append(where, "t."+quote(ix.Table.Columns[ix.Columns[n]].Name)+" IS NULL")
			continue
		}
		param++
		where = append(where, fmt.Sprintf("t.%s = $%d::%s", quote(ix.Table.Columns[ix.Columns[n]].Name), param, types[ix.Table.Columns[ix.Columns[n]].Kind].name))
	}
	if s.after > 0 {
		where = append(where, t.beyond(s, &param))
	}
	list := selectList(ix.Table)
	if s.keys {
		list = keyList(ix)
	}
	sql := fmt.Sprintf("SELECT %s FROM %s t", list, quote(ix.Table.Name))
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	sql += t.orderBy(ix, s.prefix, s.reverse) + fmt.Sprintf(" LIMIT $%d::int8", param+1)
	if s.lock {
		sql += " FOR NO KEY UPDATE OF t"
	}
	return sql
}

// beyond compares the columns after the prefix with the cursor's.
func (t *texts) beyond(s shape, param *int) string {
	ix, first := s.index, s.prefix
	names, params, simple := []string{}, []string{}, true
	for n := first; n < first+s.after; n++ {
		c := &ix.Table.Columns[ix.Columns[n]]
		names = append(names, t.column(ix, n))
		if s.nulls&(1<<n) == 0 {
			*param++
		}
		params = append(params, fmt.Sprintf("$%d::%s", *param, types[c.Kind].name))
		simple = simple && !c.Null && ix.Desc[n] == ix.Desc[first]
	}
	sign := func(n int) string {
		if ix.Desc[n] != s.reverse {
			return "<"
		}
		return ">"
	}
	if simple { // one comparison of rows, where an index can begin
		return fmt.Sprintf("(%s) %s (%s)", strings.Join(names, ", "), sign(first), strings.Join(params, ", "))
	}
	var alternatives []string
	for last := range names {
		var terms []string
		for i := range last {
			if s.nulls&(1<<(first+i)) != 0 {
				terms = append(terms, names[i]+" IS NULL")
			} else {
				terms = append(terms, names[i]+" = "+params[i])
			}
		}
		n := first + last
		null, nullable := s.nulls&(1<<n) != 0, ix.Table.Columns[ix.Columns[n]].Null
		switch { // NULL comes after every value, before them where the order is downwards
		case null && sign(n) == ">":
			continue
		case null:
			terms = append(terms, names[last]+" IS NOT NULL")
		case nullable && sign(n) == ">":
			terms = append(terms, fmt.Sprintf("(%s > %s OR %s IS NULL)", names[last], params[last], names[last]))
		default:
			terms = append(terms, fmt.Sprintf("%s %s %s", names[last], sign(n), params[last]))
		}
		alternatives = append(alternatives, "("+strings.Join(terms, " AND ")+")")
	}
	if len(alternatives) == 0 {
		return "FALSE"
	}
	condition := "(" + strings.Join(alternatives, " OR ") + ")"
	if c := &ix.Table.Columns[ix.Columns[first]]; !c.Null { // where an index can begin
		condition = fmt.Sprintf("%s %s= %s AND %s", names[0], sign(first), params[0], condition)
	}
	return condition
}

// orderBy leaves out the columns that a prefix holds equal.
func (t *texts) orderBy(ix *store.IndexDef, prefix int, reverse bool) string {
	var terms []string
	for n := prefix; n < len(ix.Columns); n++ {
		term := t.column(ix, n)
		if ix.Desc[n] != reverse {
			term += " DESC"
		}
		terms = append(terms, term)
	}
	if len(terms) == 0 {
		return ""
	}
	return " ORDER BY " + strings.Join(terms, ", ")
}

// column is a sortable expression: texts compare bytewise whatever the database's collation.
func (t *texts) column(ix *store.IndexDef, n int) string {
	c := &ix.Table.Columns[ix.Columns[n]]
	name := "t." + quote(c.Name)
	if c.Kind == store.KindText && !t.bytewise {
		name += ` COLLATE "C"`
	}
	return name
}

// bytewiseSQL asks whether the database's own collation compares bytes; PostgreSQL before 15 knows no providers.
const bytewiseSQL = `SELECT datcollate IN ('C', 'POSIX') AND coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'c' OR coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'b'
FROM pg_database d WHERE datname = current_database()`

// constraintSQL is the columns of a constraint or unique index, in its order.
const constraintSQL = `SELECT array_agg(a.attname::text ORDER BY k.n)
FROM (SELECT conkey::int2[] AS keys, conrelid AS rel FROM pg_constraint c WHERE c.conname = $3 AND c.contype = 'f'
	UNION ALL SELECT i.indkey::int2[], i.indrelid FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE x.relname = $3) AS found
JOIN pg_class t ON t.oid = found.rel JOIN pg_namespace s ON s.oid = t.relnamespace
CROSS JOIN LATERAL unnest(found.keys) WITH ORDINALITY AS k(attnum, n)
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
WHERE s.nspname = $1 AND t.relname = $2`
