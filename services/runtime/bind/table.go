package bind

import "sync"

// Functions are all there are, by area. A server without modules never asks.
var Functions = sync.OnceValue(func() (all []*Function) {
	for _, area := range [][]*Function{
		signIn, accounts, users, links, friends, groups, storages, wallets, leaderboards, tournaments, purchases,
		notifications, channels, streams, matches, encodings, crypts, others,
	} {
		for _, f := range area {
			f.lua, f.js = parseParams(f.words[Lua]), parseParams(f.words[JavaScript])
			all = append(all, f)
		}
	}
	return all
})
