// Package node builds a server from its config, bottom up, and takes it down again.
//
//	keys ── port (loop, udp) ── shards ── control loop ── worker                     the engine, always
//	store ── sessions ── features ── catalogue ── doors (REST, WebSocket, gRPC, native)   the backend, with Settings
//
//	n, err := node.Start(node.Config{Settings: settings, Games: []*match.Definition{&duel.Match}})
//	id, err := n.StartMatch("duel", node.MatchOptions{})
//	...
//	err = n.Stop(ctx)
//
// Players sign in and get their connect tokens through the API. MintToken makes one without asking anybody: only trusted
// code may call it.
//
// A node is for any goroutine. Start and Stop belong to whoever owns the process.
package node
