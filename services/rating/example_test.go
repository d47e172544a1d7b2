package rating_test

import (
	"fmt"

	"github.com/skirmishgg/skirmish/services/rating"
)

// A ladder: each week is a period, and everybody is rated with what the others were before it.
func ExampleGlicko2_Update() {
	var g rating.Glicko2
	ann := rating.Glicko{Rating: 1500, Deviation: 200, Volatility: 0.06}
	week := []rating.Result{
		{Opponent: rating.Glicko{Rating: 1400, Deviation: 30}, Score: 1},
		{Opponent: rating.Glicko{Rating: 1550, Deviation: 100}, Score: 0},
		{Opponent: rating.Glicko{Rating: 1700, Deviation: 300}, Score: 0},
	}
	ann = g.Update(ann, week)
	fmt.Printf("%.0f ± %.0f\n", ann.Rating, 2*ann.Deviation)
	ann = g.Update(ann, nil) // a week without games
	fmt.Printf("%.0f ± %.0f\n", ann.Rating, 2*ann.Deviation)
	// Output:
	// 1464 ± 303
	// 1464 ± 304
}

// Two against two: the winners come first.
func ExampleWengLin_Rate() {
	var w rating.WengLin
	veteran := rating.Skill{Mu: 32.4, Sigma: 3}
	teams := [][]rating.Skill{{rating.NewSkill(), veteran}, {rating.NewSkill(), rating.NewSkill()}}
	fmt.Printf("%.0f %% for the veteran's team\n", 100*w.Wins(teams[0], teams[1]))
	for _, team := range w.Rate(teams, nil) {
		for _, p := range team {
			fmt.Printf("%.1f ± %.1f, shown as %.0f\n", p.Mu, p.Sigma, p.Ordinal())
		}
	}
	// Output:
	// 61 % for the veteran's team
	// 26.7 ± 8.2, shown as 2
	// 32.6 ± 3.0, shown as 24
	// 23.3 ± 8.1, shown as -1
	// 23.3 ± 8.1, shown as -1
}

// A free-for-all with a draw for the second place.
func ExampleWengLin_Rate_freeForAll() {
	w := rating.WengLin{Model: rating.PlackettLuce}
	players := [][]rating.Skill{{rating.NewSkill()}, {rating.NewSkill()}, {rating.NewSkill()}, {rating.NewSkill()}}
	for _, team := range w.Rate(players, []int{1, 2, 2, 4}) {
		fmt.Printf("%.1f\n", team[0].Mu)
	}
	// Output:
	// 27.8
	// 24.7
	// 24.7
	// 22.8
}
