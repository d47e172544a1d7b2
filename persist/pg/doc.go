// Package pg is the PostgreSQL store: real relational tables, group-committed.
//
// A lane owns one connection. It loads the hinted rows of a batch in one round trip (BEGIN and one SELECT … FOR UPDATE
// a table), runs the functions against an overlay, and sends one upsert a table and COMMIT in a second. The text of
// every statement depends on the table only, so that each is prepared once.
//
// Rows lock in catalogue order, then key order; a function that reads without a hint may break that order, and the
// server then ends one of two deadlocked transactions, whose batch runs again.
package pg
