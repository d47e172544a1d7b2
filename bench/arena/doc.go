// Package arena is a top-down shooter: the demo, the benchmark game and the example of a game on Skirmish.
//
// Two teams fight in a walled map of 64 by 64 metres: move, aim, fire a rail that hits at once or a rocket that flies,
// pick up health, armour and rockets, respawn, score. Everything that a client must predict is in Move, a pure function
// that server and client both run; everything else is decided by the server.
//
//	rules.go    numbers, and Move                 world.go   walls, rays, lines of sight
//	game.go     a tick of the match               weapon.go  rail (with lag compensation), rockets, damage
//	trace.go    recorded inputs for benchmarks    schema.go  what travels
//
// Measured, a tick with 16 players: 2.7 µs with its inputs and its capture into the world; a snapshot of 16 moving and
// turning players is 36 bytes at 60 Hz.
package arena
