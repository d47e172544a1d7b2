// Package pool finds groups among the tickets of a matchmaker. It is pure: no goroutine, no lock, no randomness, and time
// only where it is passed in. The same calls give the same matches.
//
// The life of a ticket:
//
//	Add ──▶ fresh ──search──▶ active ──Round, Round, …──▶ the last one: ──▶ passive, for others to find
//	                           │   ▲                      any size it allows
//	                           └───┘ search, when those who came since might make it full
//
// and it ends when it is in a Match, or by Remove. A search asks the query of one ticket which others will do. Before the
// last round only a full group (the ticket's Max) is good enough; full groups are therefore made as soon as their last
// ticket is there, and what waits for rounds is only who must decide whether to do with less.
//
// Nothing passes over all pairs. The tickets' documents are in a query.Index, so that a search looks at those that its
// query can want; and the queries of active tickets are listed by a term that they require, so that a new ticket wakes
// only searches that want it (arrivals.go).
//
// Add, Remove and Round only note what is to do; Step does it, in pieces of any size. The owner of a Pool, one goroutine or
// who holds a lock, calls them.
package pool
