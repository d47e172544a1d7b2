// Package store is the one contract of what is kept: tables of row structs, indexes that scan in key order, and
// functions that run inside a transaction. Drivers: persist/pg (PostgreSQL) and persist/bunt (embedded);
// persist/storetest is the suite that both pass.
//
// A row struct names its columns with tags; a Table names its key, unique keys and indexes:
//
//	type Device struct {
//		ID     string  `db:"id"`
//		UserID id.UUID `db:"user_id"`
//	}
//
//	var Devices = store.NewTable[Device]("user_device", "id", store.Unique("user_id", "id"))
//
// The life of a write: DB.Write hands a function and a hint of the rows it will touch to a lane; the lane loads the
// hinted rows of everything that waits in one round trip, runs each function against an overlay, flushes what changed
// and commits; Write returns when that is durable. The function is pure and may run again.
package store
