package store

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Def is a table without its row type: what drivers see.
type Def struct {
	Name    string
	Order   int // catalogue order: tables lock and flush in it
	Columns []Column
	All     []int // every position in Columns
	Primary *IndexDef
	Uniques []*IndexDef // besides the primary key
	Keys    []*IndexDef // the primary key, and those of Uniques that do not contain it: what two rows could share
	Indexes []*IndexDef // every ordered access path: primary, uniques, further ones
	Checks  []Check
	Row     reflect.Type
	New     func() any        // a zero row
	Clone   func(row any) any // a copy of a row

	Parents  []*Foreign // whose rows this table's rows need
	Children []*Foreign // what happens elsewhere when a row of this table goes
}

// IndexDef is an ordered access path.
type IndexDef struct {
	Table   *Def
	Columns []int  // positions in Table.Columns
	Desc    []bool // per column
	Unique  bool
	Place   int // in Table.Indexes
}

// Table is a relation of rows R.
type Table[R any] struct{ Def *Def }

// Index is an ordered access path of a Table.
type Index[R any] struct{ Def *IndexDef }

// Option declares a further property of a table.
type Option func(*Def)

// Unique declares that no two rows share these columns; rows with a NULL among them never clash.
func Unique(columns ...string) Option {
	return func(d *Def) {
		ix := d.index(columns, true)
		d.Uniques, d.Indexes = append(d.Uniques, ix), append(d.Indexes, ix)
	}
}

// Ordered declares an access path for Scan; "name desc" sorts a column downwards. The key's columns are added to its
// end where they are missing, so that every scan has one order on every driver.
func Ordered(columns ...string) Option {
	return func(d *Def) { d.Indexes = append(d.Indexes, d.index(columns, false)) }
}

var catalogue struct {
	sync.Mutex
	tables []*Def
	byName map[string]*Def
}

// NewTable declares a relation; key is a comma list of columns. It is called from package variables, in the catalogue's
// order. A name that is no column is a bug and panics.
func NewTable[R any](name, key string, opts ...Option) *Table[R] {
	row := reflect.TypeFor[R]()
	d := &Def{Name: name, Columns: columnsOf(row), Row: row}
	for i := range d.Columns {
		d.All = append(d.All, i)
	}
	d.New = func() any { return new(R) }
	d.Clone = func(row any) any { fresh := *row.(*R); return &fresh }
	d.Primary = d.index(strings.Split(key, ","), true)
	d.Indexes = append(d.Indexes, d.Primary)
	for _, o := range opts {
		o(d)
	}
	for _, f := range d.Parents {
		f.join()
	}
	d.Keys = append(d.Keys, d.Primary)
	for _, ix := range d.Uniques {
		if !containsAll(ix.Columns, d.Primary.Columns) {
			d.Keys = append(d.Keys, ix)
		}
	}
	for n, ix := range d.Indexes {
		ix.Place = n
	}
	catalogue.Lock()
	defer catalogue.Unlock()
	d.Order = len(catalogue.tables)
	catalogue.tables = append(catalogue.tables, d)
	if catalogue.byName == nil {
		catalogue.byName = map[string]*Def{}
	}
	if catalogue.byName[name] != nil {
		panic("store: two tables are called " + name)
	}
	catalogue.byName[name] = d
	return &Table[R]{d}
}

// Tables are all declared tables in catalogue order.
func Tables() []*Def {
	catalogue.Lock()
	defer catalogue.Unlock()
	return slices.Clone(catalogue.tables)
}

// TableNamed is the declared table of that name, nil when there is none.
func TableNamed(name string) *Def {
	catalogue.Lock()
	defer catalogue.Unlock()
	return catalogue.byName[name]
}

// By finds the access path with exactly these leading columns; asking for one that was not declared panics.
func (t *Table[R]) By(columns ...string) *Index[R] { return &Index[R]{t.Def.by(columns)} }

func (d *Def) by(columns []string) *IndexDef {
	want, n := d.index(columns, false), len(columns)
	for _, ix := range d.Indexes {
		if len(ix.Columns) >= n && slices.Equal(ix.Columns[:n], want.Columns[:n]) && slices.Equal(ix.Desc[:n], want.Desc[:n]) {
			return ix
		}
	}
	panic(fmt.Sprintf("store: table %s has no index on %v", d.Name, columns))
}

func (d *Def) index(columns []string, unique bool) *IndexDef {
	ix := &IndexDef{Table: d, Unique: unique}
	for _, c := range columns {
		name, dir, _ := strings.Cut(strings.TrimSpace(c), " ")
		ix.Columns, ix.Desc = append(ix.Columns, d.column(name)), append(ix.Desc, dir == "desc")
	}
	if !unique && d.Primary != nil {
		for _, c := range d.Primary.Columns {
			if !slices.Contains(ix.Columns, c) {
				ix.Columns, ix.Desc = append(ix.Columns, c), append(ix.Desc, false)
			}
		}
	}
	return ix
}

func containsAll(set, want []int) bool {
	for _, c := range want {
		if !slices.Contains(set, c) {
			return false
		}
	}
	return true
}

func (d *Def) column(name string) int {
	for i := range d.Columns {
		if d.Columns[i].Name == name {
			return i
		}
	}
	panic(fmt.Sprintf("store: table %s has no column %q", d.Name, name))
}

// KeyOf is row's key on this access path; hasNull tells that a unique index does not hold it to be unique.
func (ix *IndexDef) KeyOf(row any) (key Key, hasNull bool) {
	return Key(ix.AppendKey(make([]byte, 0, 96), row)), ix.HasNull(row)
}

// AppendKey adds row's key to dst.
func (ix *IndexDef) AppendKey(dst []byte, row any) []byte {
	r := ix.Table.View(row)
	for i, c := range ix.Columns {
		dst = ix.Table.Columns[c].appendKey(dst, r, ix.Desc[i])
	}
	return dst
}

// HasNull reports that row has a NULL on this access path.
func (ix *IndexDef) HasNull(row any) bool {
	r := ix.Table.View(row)
	for _, c := range ix.Columns {
		if ix.Table.Columns[c].IsNull(r) {
			return true
		}
	}
	return false
}

// Prefix is the key of the leading columns with these values.
func (ix *IndexDef) Prefix(values ...any) (Key, error) {
	if len(values) > len(ix.Columns) {
		return "", fmt.Errorf("%s: %d values for an index of %d columns", ix.Table.Name, len(values), len(ix.Columns))
	}
	buf := make([]byte, 0, 96)
	var err error
	for i, v := range values {
		col := &ix.Table.Columns[ix.Columns[i]]
		if buf, err = AppendValue(buf, col.Kind, v, ix.Desc[i]); err != nil {
			return "", fmt.Errorf("%s.%s: %w", ix.Table.Name, col.Name, err)
		}
	}
	return Key(buf), nil
}

// ValuesOf are row's values on this access path, as Fetch takes them.
func (ix *IndexDef) ValuesOf(row any) []any {
	r, values := ix.Table.View(row), make([]any, len(ix.Columns))
	for i, c := range ix.Columns {
		values[i] = ix.Table.Columns[c].Value(r)
	}
	return values
}

// Storable reports whether any row could hold these values of leading columns. None holds text with a NUL byte or that is
// no UTF-8, nor a number too large for its column, and PostgreSQL will not even be asked for one: such a key is looked up
// without asking, and nothing is found.
func (ix *IndexDef) Storable(values []any) bool {
	for n, v := range values {
		kind := ix.Table.Columns[ix.Columns[n]].Kind
		switch v := v.(type) {
		case string:
			if strings.IndexByte(v, 0) >= 0 || !utf8.ValidString(v) {
				return false
			}
		case int, int64, int32:
			i, _ := integer(kind, v)
			if kind == KindInt16 && i != int64(int16(i)) || kind == KindInt32 && i != int64(int32(i)) {
				return false
			}
		}
	}
	return true
}

// PrimaryValues picks the primary key out of a unique key that contains it, which no two rows can share; nil for others.
func (ix *IndexDef) PrimaryValues(values []any) []any {
	if slices.Contains(ix.Table.Keys, ix) || len(values) != len(ix.Columns) {
		return nil
	}
	primary := make([]any, 0, len(ix.Table.Primary.Columns))
	for _, c := range ix.Table.Primary.Columns {
		i := slices.Index(ix.Columns, c)
		if i < 0 {
			return nil
		}
		primary = append(primary, values[i])
	}
	return primary
}

// ColumnNames is the comma list of the access path's columns.
func (ix *IndexDef) ColumnNames() string { return ix.Table.names(ix.Columns) }

func (d *Def) names(columns []int) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = d.Columns[c].Name
	}
	return strings.Join(names, ",")
}

// Bounds are the keys of a range: first <= key < limit, both inclusive of everything that starts with Prefix.
type Bounds struct {
	First, Limit Key // Limit "" has no end
}

// Contains reports whether key lies in the range.
func (b Bounds) Contains(key Key) bool { return key >= b.First && (b.Limit == "" || key < b.Limit) }

// Bounds turns Prefix, After and Reverse into keys.
func (ix *IndexDef) Bounds(rng Range) (Bounds, error) {
	prefix, err := ix.Prefix(rng.Prefix...)
	if err != nil {
		return Bounds{}, err
	}
	b := Bounds{First: prefix, Limit: successor(prefix)}
	if len(rng.After) == 0 {
		return b, nil
	}
	after, err := ix.Prefix(rng.After...)
	if err != nil {
		return Bounds{}, err
	}
	if !ix.Storable(rng.After) {
		return Bounds{}, fmt.Errorf("cursor of %s: %w", ix.Table.Name, ErrInvalidValue)
	}
	if rng.Reverse {
		b.Limit = after
	} else if next := successor(after); next == "" {
		return Bounds{First: "\x00", Limit: "\x00"}, nil // nothing lies beyond: an empty range
	} else {
		b.First = max(b.First, next)
	}
	return b, nil
}

// successor is the first key beyond everything that starts with k; "" when there is none.
func successor(k Key) Key {
	for i := len(k) - 1; i >= 0; i-- {
		if k[i] != 0xff {
			return k[:i] + Key([]byte{k[i] + 1})
		}
	}
	return ""
}
