// Package tournament has competitions that are open for a time, once or again and again.
//
// A tournament is a leaderboard with a duration: its definition, records and ranks are leaderboard's. What is added are
// periods (package period), entrants and attempts:
//
//	           Join            Write, at most max_num_score times
//	nothing ────────→ entered ────────→ scored        join_required
//	   └──────────────── Write ───────────↑           otherwise
//
// Whoever has a record of the present period has entered; of a limited tournament entrants are counted, one by one, in a
// transaction that holds its row. Attempts are counted in the record, in the same transaction. Package schedule ends and
// empties periods.
//
// ops.go holds what a client may ask; a trusted caller writes to tournaments that only server code may write to. Any
// goroutine may call these functions, but no tick.
package tournament
