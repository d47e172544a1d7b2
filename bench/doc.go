// Package bench measures Skirmish beside what others do on the same box in the same minutes.
//
// A Row is one question ("what does a client's tick cost the server?"). It starts a server and a generator as
// separate processes on separate cores, repeats the measurement with its references in turn (ours, theirs, ours,
// theirs …, so that a slow minute hits both), and yields Results: medians of at least five runs with the extremes, the
// reference's median and the ratio. CPU comes from getrusage of the server process; on shared cores it is the
// figure to trust, and tails are only read as "holds the deadline, best of 5".
//
//	Rows     what can be measured
//	Run      measures some or all, prints a table, writes bench/results/latest.json
//	Child    what the processes that Run starts execute: cmd/skirmish calls it for the hidden command "bench-child"
//
// Subpackages: load (the generator; httpload and socketload for the API), mmsg, pace, hist, proc (its socket layer, clock, counters and processes), floor and
// enet (references), proxy, link and delay (lossy links), arena (the game), testdata (recorded traces).
// Rows need Linux; elsewhere each says so.
package bench
