// Package match has the matches of the client protocol: relayed ones, whose members send data to each other, and
// authoritative ones, which a Handler runs tick by tick. (Matches of engine/match are another thing: they live on shards
// and are played over UDP.)
//
// The life of a relayed match: it is the presence stream of its id. Whoever creates it is in it; others join while somebody
// is; data goes from member to members; when the last one leaves it is gone.
//
// The life of an authoritative match:
//
//	Create ── Init ──▶ its goroutine ──▶ tick, tick, … ──▶ over
//	                     ▲   ▲   ▲                          the handler goes on no longer, fails or panics, nobody was in
//	          JoinAttempt   Data  Signal, State             it for long, or the server stops
//
// Each has one goroutine, which calls its Handler and nothing else does; a handler may block, and then delays only its own
// match. What others want of it waits in queues of its own: see queue.go. Members are session.Conns, whatever carries them.
//
// Any goroutine may call the methods of Service; a Handler calls its Dispatcher from within its own calls only.
package match
