// Package bunt is the embedded store: one folder, no server. buntdb holds the rows and indexes in memory; what makes
// them durable is a log of our own, since buntdb's ignores fsync errors and is cut at the last command, not batch.
//
//	store.log    header, then one frame a commit: u32 length · u32 CRC-32C of the rest · u64 sequence · changes
//
// A frame is written and fsynced before its effect is visible and before its writers are answered. Opening replays the
// log and cuts it at the last whole frame. Any write or fsync error stops all writes with Unavailable until restart: a
// file system that has once lied about a write is not asked again. When most of the log is rows long replaced, a checkpoint
// beside the lane writes the live ones to a new file, which the lane then renames over the log (checkpoint.go).
package bunt
