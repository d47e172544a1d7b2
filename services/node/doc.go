// Package node builds a server from its configuration, bottom up, and runs it: keys, the UDP port, shards, the control
// loop, matches.
//
//	n, err := node.New(node.Config{Addr: ":7350", DataDir: "data", Games: []match.Definition{duel}})
//	n.Start()
//	m, err := n.StartMatch("duel", nil)
//	t, err := n.MintToken(node.TokenRequest{Match: m.ID, UserID: user})
//	…
//	n.Stop(ctx)
//
// Everything it makes it owns; Start and Stop may be called twice, and Stop returns when it is over.
package node
