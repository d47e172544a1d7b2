// Package match is what a game implements to run on Skirmish, and the engine's half of one running match.
//
// A game describes what its players see and do as Go structs with tags, and implements Game:
//
//	var Duel = match.Definition{
//		Name: "duel", Rate: 60, MaxPlayers: 2,
//		Schema: match.Schema[Input](match.Kind[Fighter](2), match.Event[Hit]()),
//		New:    func() match.Game { return &duel{} },
//	}
//
// The engine calls it from one goroutine, for the whole life of the match:
//
//	Init ── Join/Leave as players come and go ── Tick, Tick, Tick … ── (Ctx.End, empty for too long, a panic)
//
// At tick n the engine has the players' inputs for tick n, calls Tick, captures every entity of every Store, and
// sends each player what changed for him. The game writes its structs; nothing else needs to be said.
//
// Rules for a game: no goroutines, no clock, no randomness but Ctx.Rand, and nothing that blocks. The same seed, joins
// and inputs then give the same bytes. A panic ends this match, with its text as the reason, and nothing else. What a
// Tick must ask of the outside world it posts (Ctx.Post) and reads the answer in a later tick.
//
// Match, in match.go, is driven by engine/shard, or by a test; games only ever see Ctx, Player and Store.
package match
