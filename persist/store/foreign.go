package store

import (
	"fmt"
	"strings"
)

// Foreign ties a table's rows to a row of another table: they need it, and something happens to them when it goes.
// PostgreSQL has the same as a foreign key; the batch layer does it for every driver, so that a function that deletes a
// row sees the rest gone as well.
type Foreign struct {
	Child, Parent *Def
	Columns       []int     // of Child, in the order of Parent's primary key
	Index         *IndexDef // of Child: the path from a parent to its rows
	SetZero       bool      // they stay, and name the zero key; otherwise they go too
}

// Cascade declares that the columns (a comma list) name a row of parent, and that these rows go when it goes.
func Cascade[P any](parent *Table[P], columns string) Option {
	return foreign(parent.Def, columns, false)
}

// SetZero declares that the columns name a row of parent, and that these rows fall to the row with the zero key when it
// goes.
func SetZero[P any](parent *Table[P], columns string) Option {
	return foreign(parent.Def, columns, true)
}

func foreign(parent *Def, columns string, zero bool) Option {
	return func(d *Def) {
		f := &Foreign{Child: d, Parent: parent, SetZero: zero}
		for _, name := range strings.Split(columns, ",") {
			f.Columns = append(f.Columns, d.column(name))
		}
		if len(f.Columns) != len(parent.Primary.Columns) {
			panic(fmt.Sprintf("store: table %s names rows of %s by %q, which is not its key", d.Name, parent.Name, columns))
		}
		d.Parents = append(d.Parents, f)
	}
}

// join finds the path to the children, once all of the child's indexes are declared, and tells the parent.
func (f *Foreign) join() {
	f.Index = f.Child.by(strings.Split(f.ColumnNames(), ","))
	f.Parent.Children = append(f.Parent.Children, f)
}

// ColumnNames is the comma list of the child's columns.
func (f *Foreign) ColumnNames() string { return f.Child.names(f.Columns) }

// ParentKey is the primary key of the row that a child needs; hasNull tells that it needs none.
func (f *Foreign) ParentKey(child any) (key Key, hasNull bool) {
	r, buf := f.Child.View(child), make([]byte, 0, 64)
	for _, c := range f.Columns {
		col := &f.Child.Columns[c]
		if col.IsNull(r) {
			return "", true
		}
		buf = col.appendKey(buf, r, false)
	}
	return Key(buf), false
}

// Zero makes a child name the zero key.
func (f *Foreign) Zero(child any) {
	r := f.Child.View(child)
	for _, c := range f.Columns {
		f.Child.Columns[c].SetZero(r)
	}
}
