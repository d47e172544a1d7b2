// Package leaderboard has boards of scores: definitions, records, and the ranks of those.
//
// A tournament is a board with a duration. Its definition, records and ranks are kept here; package tournament adds who may
// enter, and when.
//
//	board     schema.Leaderboard, all of them in memory, by id; changed by server code only
//	record    schema.LeaderboardRecord, one an owner and period; a period is named by its end, Epoch when there is none
//	ranks     package rank, one structure a period that is not over: exact, in memory
//
// The life of a score:
//
//	Submit ─▶ lane: old record, operator, new record ─▶ commit ─▶ AfterCommit: ranks ─▶ the answer, with the rank
//
// Ranks follow commits in the order of their sequences, and are read from the store at a start, before anybody may write.
// When nobody can say whether a commit went through, the record is read again until it is known. A listing numbers its
// records by their place; its cursor carries on the count.
//
// Writers hold their board's gate, so that none is under way while the board is deleted: nothing of an old board ever
// reaches a new one of the same id.
//
// ops.go holds what a client may ask. Any goroutine may call these functions, but no tick.
package leaderboard
