package bind

// Functions are all there are, by area.
func Functions() []*Function { return functions }

var functions = collect(signIn, accounts, users, links, friends, groups, storages, wallets, leaderboards, tournaments, purchases,
	notifications, channels, streams, matches, encodings, crypts, others)

func collect(areas ...[]*Function) (all []*Function) {
	for _, area := range areas {
		all = append(all, area...)
	}
	return all
}
