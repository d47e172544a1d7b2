// Package socketload plays thousands of players over WebSockets on one thread: prebuilt frames out, epoll in, so that the
// generator costs less than the server that it asks.
//
//	Open     connects and upgrades, in the order of the clients; without a request it leaves TCP as it is
//	Send     writes a prebuilt frame
//	Poll     waits for bytes and hands over every message in them
//
// It reads only as much of WebSockets as a server sends that knows its client: whole messages without a mask, and pings,
// which it answers. Linux only.
package socketload
