// Package connect makes connect tokens: what a signed-in caller shows on the UDP port to open a native session, or to take
// a place in a match.
//
//	CreateConnectToken {}          a native session of the caller
//	CreateConnectToken {match_id}  the caller's place in a match; which shard has it the match's owner says
//
// The private part of a session's token says who the caller is, so that the server which is shown it need not ask anybody:
// user, username, a session id of its own, and within the game data what else a door wants to know: see Identity. Variables
// that do not fit are kept here until the token has expired.
//
// Addresses decides where the token's holder is to go.
package connect
