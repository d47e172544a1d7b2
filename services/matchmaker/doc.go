// Package matchmaker finds others to play with. A session, or a party, opens a ticket: whom it wants (a query), what there
// is to know of it (properties), and how many players a match may have. Which tickets go together is services/matchmaker/pool's
// to say; here is who holds tickets, when the pool is asked, and what the matched are told.
//
// The life of a ticket:
//
//	Add ──▶ waits a beat, so that its id is told first ──▶ in the pool ──▶ matched: everybody in it is sent matchmaker_matched
//	                                                           │
//	                  Remove, CancelParty, End (of the session) ──▶ gone, nobody is told
//
// Full groups are matched within a few beats of their last ticket. Every interval is a round, after some of which a ticket
// takes fewer players than it would like; see pool.
//
// What the matched play in is, in this order: the match that held a ticket for them (SetBackfill), what server code says
// (Hooks.Matched), a match of the engine (Config.Native), or a relayed match, to which a token admits.
//
// Run is the one goroutine that steps the pool, started and stopped by node; any goroutine may call the rest. A mutex
// guards tickets and pool; hooks run outside of it.
package matchmaker
