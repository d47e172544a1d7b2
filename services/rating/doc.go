// Package rating measures how good players are, from the results of their games.
//
//	Glicko2   two sides, in periods: ladders, chess-like games; knows how sure it is and forgets who stays away
//	WengLin   teams of any sizes, free-for-alls, draws, after each game: shooters, battle royales
//
// Both are pure arithmetic over values that a game keeps where it likes: in storage, in a leaderboard, in the properties of
// matchmaker tickets. A ticket's query then asks for players within a range of its own:
//
//	+properties.skill:>=22.5 +properties.skill:<=27.5
//
// Sources: M. E. Glickman, "Example of the Glicko-2 system" (2013); R. C. Weng and C.-J. Lin, "A Bayesian approximation
// method for online ranking", JMLR 12 (2011), algorithms 1 (Bradley-Terry with full pairs) and 4 (Plackett-Luce).
package rating
