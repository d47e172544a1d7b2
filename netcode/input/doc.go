// Package input carries what players do, tick by tick, from a client to its match.
//
// Every packet repeats the inputs that the server has not used yet, at most 8, so a loss costs nothing while one of the
// next packets arrives in time. They differ little from tick to tick and are coded against each other.
//
//	client   History  Put(tick, &in)  ── Encode(dst, newest tick that the server used)
//	server   Ring     Receive(body, client tick, server tick) ── Take(tick, &in)
//
// Put rounds the input to what will arrive, so that client and server compute with the same numbers.
//
// A Ring belongs to the match's goroutine, a History to the client's. Nothing is allocated after construction.
// The bytes are in protocol/wire/STANDARD.md, section Inputs.
package input
