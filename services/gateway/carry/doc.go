// Package carry is the door for UDP match connections in matches of services/match, relayed and authoritative. Such a
// connection carries the messages of one match and nothing else; a game keeps its session wherever it has it, and moves
// only its match traffic.
//
// The life of a member:
//
//	CreateConnectToken ── Place: MatchJoin for a session of its own ── connected ── its connection ends: MatchLeave
//	                                │                                    └ kicked, match over: CLOSE with the reason
//	                                └── never comes within the deadline: the end
//
// On the engine's side a carrier stands for the match, under the same id: a match.Game without a world, on one of the
// shards. It is started for the first member and ended with the last one; a match without UDP members costs nothing.
//
//	services                                 │ shard
//	member.Send ──▶ member.queue ── Carry ──▶│ carrier.feed ──▶ events, stream
//	worker line ◀── pump ◀── frames ◀────────│ carrier.Receive
//
// Both ways are bounded for each member, and whoever is over the bound is closed with overflow, as on any other door.
// The messages are in STANDARD.md, section 23. Hooks, limits and metrics see the operations MatchJoin, MatchDataSend
// and MatchLeave, as if they had come over a socket.
package carry
