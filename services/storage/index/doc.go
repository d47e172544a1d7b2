// Package index searches storage objects by what is in them: in-memory indexes over collections, as server code registers
// them.
//
//	write, delete, account's end ─▶ commit ─▶ Changed: the key waits ─▶ the index's goroutine reads the row anew ─▶ table
//	Search: waits until what was committed before it is in the table ─▶ query, order, cursor ─▶ the objects, read from the store
//
// An index follows the store and keeps no history: what a commit tells it is which object to look at, never what is in it.
// So it does not matter in which order commits are told of, and objects that change often are read once for many changes.
// When more keys wait than it holds for, it forgets them and reads the collection anew, as it does at first.
//
// An index has the objects with at least one of its fields, at the top level of the value, for which its filter is true; of
// more than EntriesMax those that were updated last. One that was left out for another comes back when it is written, or
// when the index is filled anew.
//
// A query asks for value.field, and for collection, key, user_id, version, read, write, create_time and update_time.
package index
