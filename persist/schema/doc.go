// Package schema has one row struct a relation, with Nakama's names and columns, and the tables that features read and
// write. Table variables are declared in catalogue order: parents before children, since rows lock and flush in it.
//
// The key of a table is what identifies a row for good: an edge is (source, destination) and a message is its id, also
// where PostgreSQL's primary key has the columns that a listing sorts by.
package schema

import "time"

// Epoch is what a time that is not set holds.
var Epoch = time.Unix(0, 0).UTC()
