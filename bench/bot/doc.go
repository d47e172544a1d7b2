// Package bot plays the arena: each bot is a real client with a token, a socket, prediction and interpolation, and sees
// only what its snapshots show.
//
//	bot.go      the client around it: itself as predicted, the others as they are on a screen
//	mind.go     what to do: whom to fight, with what, when to shoot
//	roam.go     where to go when nobody is in sight
//	path.go     the way there: distances over the map's tiles
package bot
