// Package storage keeps JSON objects for game code, each named by collection, key and owner, with a permission to read
// and one to write, and a version for optimistic concurrency.
//
// The life of a write: ops.go checks what a client may ask for; Write validates the batch, then one write function
// compares permissions and versions with the stored rows and puts the new ones, all or none. Runtime functions and the
// console call the same Write, Read, List and Delete with a trusted caller, whom permissions do not bind; a unit that
// also changes other tables calls Put and Remove inside its own transaction. Package index searches what is stored.
//
// A version is the MD5 of the text as it was sent. The text itself is kept as jsonb keeps it, so hashing what was read
// does not reproduce the version.
package storage
