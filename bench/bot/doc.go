// Package bot plays the arena: each bot is a real client with a token, a socket, prediction and interpolation, and sees
// only what its snapshots show.
//
//	mind.go    what to do: whom to fight, where to go, when to shoot
//	path.go    the way there: distances over the map's tiles
//	bot.go     the client around it
package bot
