// Package pg is the PostgreSQL store: real relational tables, group-committed.
//
// A lane owns one connection. It loads the hinted rows of a batch in one round trip (BEGIN and one SELECT … FOR NO KEY
// UPDATE a key), runs the functions against an overlay, and sends the changes and COMMIT in a second: of each table one
// DELETE, one UPDATE of rows that it has locked, one INSERT of rows that it has missed and one upsert of rows at which
// nobody has looked, over arrays. The text of every statement depends on tables only, so that each is prepared once, and
// rows travel in binary form (wire.go).
//
// Rows lock in catalogue order, then key order; a function that reads without a hint may break that order, and the
// server then ends one of two deadlocked transactions, whose batch runs again. So does a batch that meets a row which it
// has told a function is missing.
package pg
