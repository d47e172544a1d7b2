package rating

import "math"

// WengLin rates teams of any sizes by the order in which they finished. The zero value is Plackett-Luce with the usual
// numbers, on the scale of NewSkill.
type WengLin struct {
	Model Model
	Beta  float64 // how much luck there is in one game, on the scale of Mu; 0: 25/6
	Kappa float64 // the least part of a variance that a game leaves; 0: 0.0001
	Tau   float64 // added to each Sigma before a game, so that a rating keeps moving: 0: nothing
}

// Model is how likely an order of teams is thought to be.
type Model uint8

const (
	PlackettLuce Model = iota // the winner of all, then of the rest, and so on: the better one for many teams
	BradleyTerry              // each pair of teams by itself
)

// Skill is what is believed of a player: a normal distribution.
type Skill struct{ Mu, Sigma float64 }

// NewSkill is the skill of a player of whom nothing is known.
func NewSkill() Skill { return Skill{Mu: 25, Sigma: 25.0 / 3} }

// Ordinal is what to show and to sort by: with 99.7 % certainty the player is better than that.
func (s Skill) Ordinal() float64 { return s.Mu - 3*s.Sigma }

const (
	betaUsual  = 25.0 / 6
	kappaUsual = 0.0001
)

func (w WengLin) withDefaults() WengLin {
	if w.Beta == 0 {
		w.Beta = betaUsual
	}
	if w.Kappa == 0 {
		w.Kappa = kappaUsual
	}
	return w
}

// team is the sum of its players, and what the game says about it.
type team struct {
	mu, variance float64
	rank         int
	omega, delta float64 // by how much mu moves, and by which part the variance shrinks
}

// Rate is the skills of all players after a game, team by team. ranks are the places, lower is better and equal is a draw;
// nil: the teams are in the order in which they finished. It panics when there are not as many ranks as teams.
func (w WengLin) Rate(teams [][]Skill, ranks []int) [][]Skill {
	if ranks != nil && len(ranks) != len(teams) {
		panic("rating: a rank for each team is needed")
	}
	w = w.withDefaults()
	sums := make([]team, len(teams))
	for i, players := range teams {
		sums[i].rank = i
		if ranks != nil {
			sums[i].rank = ranks[i]
		}
		for _, p := range players {
			sums[i].mu += p.Mu
			sums[i].variance += w.variance(p)
		}
	}
	if w.Model == BradleyTerry {
		w.pairs(sums)
	} else {
		w.orders(sums)
	}
	after := make([][]Skill, len(teams))
	for i, players := range teams {
		for _, p := range players {
			after[i] = append(after[i], w.move(p, &sums[i]))
		}
	}
	return after
}

func (w WengLin) variance(p Skill) float64 { return p.Sigma*p.Sigma + w.Tau*w.Tau }

// move gives a player his part of what the game says about his team: as much as he was uncertain.
func (w WengLin) move(p Skill, t *team) Skill {
	variance := w.variance(p)
	if t.variance == 0 {
		return p
	}
	part := variance / t.variance
	return Skill{Mu: p.Mu + part*t.omega, Sigma: math.Sqrt(variance * max(1-part*t.delta, w.Kappa))}
}

// pairs is algorithm 1.
func (w WengLin) pairs(teams []team) {
	for i := range teams {
		for q := range teams {
			if i == q {
				continue
			}
			a, b := &teams[i], &teams[q]
			c := math.Sqrt(a.variance + b.variance + 2*w.Beta*w.Beta)
			wins := 1 / (1 + math.Exp((b.mu-a.mu)/c))
			score := 0.5
			if a.rank < b.rank {
				score = 1
			} else if a.rank > b.rank {
				score = 0
			}
			a.omega += a.variance / c * (score - wins)
			a.delta += math.Sqrt(a.variance) / c * a.variance / (c * c) * wins * (1 - wins)
		}
	}
}

// orders is algorithm 4.
func (w WengLin) orders(teams []team) {
	c := 0.0
	for _, t := range teams {
		c += t.variance + w.Beta*w.Beta
	}
	c = math.Sqrt(c)
	for q := range teams { // each place: who else was still in the running for it?
		sum, equals := 0.0, 0.0
		for _, s := range teams {
			if s.rank >= teams[q].rank {
				sum += math.Exp((s.mu - teams[q].mu) / c) // relative to q, so that nothing overflows
			}
			if s.rank == teams[q].rank {
				equals++
			}
		}
		for i := range teams {
			t := &teams[i]
			if t.rank < teams[q].rank {
				continue
			}
			wins := math.Exp((t.mu-teams[q].mu)/c) / sum
			hit := 0.0
			if i == q {
				hit = 1
			}
			t.omega += t.variance / c * (hit - wins) / equals
			t.delta += math.Sqrt(t.variance) / c * t.variance / (c * c) * wins * (1 - wins) / equals
		}
	}
}

// Wins is the chance that team a beats team b.
func (w WengLin) Wins(a, b []Skill) float64 {
	w = w.withDefaults()
	var mu, variance float64
	for _, p := range a {
		mu, variance = mu+p.Mu, variance+w.variance(p)
	}
	for _, p := range b {
		mu, variance = mu-p.Mu, variance+w.variance(p)
	}
	return 1 / (1 + math.Exp(-mu/math.Sqrt(variance+2*w.Beta*w.Beta)))
}
