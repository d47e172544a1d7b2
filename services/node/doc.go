// Package node builds a server from its config, bottom up, and takes it down again.
//
//	keys ── port (loop, udp) ── shards ── control loop ── worker
//
//	n, err := node.Start(node.Config{Addr: ":7350", DataDir: "data", Games: []*match.Definition{&duel.Match}})
//	id, err := n.StartMatch("duel", node.MatchOptions{})
//	token, err := n.MintToken(node.TokenOptions{Match: id, User: user, Username: "zoe"})
//	...
//	err = n.Stop(ctx)
//
// What is here so far is the realtime heart: matches, connect tokens, figures. Accounts, storage and the doors join it
// later; until then nothing stands between who calls MintToken and a place in a match, so only trusted code may.
//
// A node is for any goroutine. Start and Stop belong to whoever owns the process.
package node
