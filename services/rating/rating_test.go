package rating

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s is %.9f, want %.9f", what, got, want)
	}
}

// TestGlickmansExample is the one in the paper.
func TestGlickmansExample(t *testing.T) {
	p := Glicko2{Tau: 0.5}.Update(Glicko{1500, 200, 0.06}, []Result{
		{Glicko{1400, 30, 0.06}, 1}, {Glicko{1550, 100, 0.06}, 0}, {Glicko{1700, 300, 0.06}, 0},
	})
	near(t, "rating", p.Rating, 1464.06, 0.01)
	near(t, "deviation", p.Deviation, 151.52, 0.01)
	near(t, "volatility", p.Volatility, 0.05999, 0.00001)
}

func TestGlickoEdges(t *testing.T) {
	g := Glicko2{}
	idle := g.Update(Glicko{1700, 50, 0.06}, nil)
	near(t, "idle deviation", idle.Deviation, math.Hypot(50, 0.06*glickoScale), 1e-9)
	if idle.Rating != 1700 || idle.Volatility != 0.06 {
		t.Errorf("idle: %+v", idle)
	}
	for range 10_000 {
		idle = g.Update(idle, nil)
	}
	near(t, "the longest absence", idle.Deviation, deviationMax, 0)
	near(t, "even players", g.Expected(NewGlicko(), NewGlicko()), 0.5, 1e-12)
	near(t, "both sides", g.Expected(Glicko{1700, 80, 0.06}, Glicko{1500, 30, 0.06})+g.Expected(Glicko{1500, 30, 0.06}, Glicko{1700, 80, 0.06}), 1, 1e-12)

	// A miracle each period: the volatility answers, and nothing breaks.
	p := Glicko{100, 30, 0.06}
	for range 50 {
		p = g.Update(p, []Result{{Glicko{4000, 30, 0.06}, 1}})
		if math.IsNaN(p.Rating+p.Deviation+p.Volatility) || p.Deviation <= 0 || p.Volatility <= 0 || math.IsInf(p.Rating, 0) {
			t.Fatalf("%+v", p)
		}
	}
	if p.Rating < 1000 || p.Volatility <= 0.06 {
		t.Errorf("fifty miracles: %+v", p)
	}
}

func skills(n int) []Skill {
	list := make([]Skill, n)
	for i := range list {
		list[i] = NewSkill()
	}
	return list
}

func alike(t *testing.T, what string, got [][]Skill, want ...Skill) {
	t.Helper()
	i := 0
	for _, team := range got {
		for _, p := range team {
			near(t, what+" mu", p.Mu, want[i].Mu, 1e-8)
			near(t, what+" sigma", p.Sigma, want[i].Sigma, 1e-8)
			i++
		}
	}
	if i != len(want) {
		t.Errorf("%s: %d players, want %d", what, i, len(want))
	}
}

// TestPublishedSkills: what other implementations of the paper publish for its algorithms.
func TestPublishedSkills(t *testing.T) {
	pl, bt := WengLin{}, WengLin{Model: BradleyTerry}
	one := skills(1)
	for _, w := range []WengLin{pl, bt} {
		alike(t, "alone", w.Rate([][]Skill{one}, nil), one[0])
		alike(t, "two", w.Rate([][]Skill{one, one}, nil), Skill{27.63523138347365, 8.065506316323548}, Skill{22.36476861652635, 8.065506316323548})
		alike(t, "two, the second won", w.Rate([][]Skill{one, one}, []int{2, 1}), Skill{22.36476861652635, 8.065506316323548}, Skill{27.63523138347365, 8.065506316323548})
	}
	alike(t, "three", bt.Rate([][]Skill{one, one, one}, nil), Skill{30.2704627669473, 7.788474807872566}, Skill{25, 7.788474807872566}, Skill{19.7295372330527, 7.788474807872566})
	alike(t, "four", bt.Rate([][]Skill{one, one, one, one}, nil), Skill{32.90569415042095, 7.5012190693964005}, Skill{27.63523138347365, 7.5012190693964005},
		Skill{22.36476861652635, 7.5012190693964005}, Skill{17.09430584957905, 7.5012190693964005})
	alike(t, "two against two", pl.Rate([][]Skill{{NewSkill(), {32.444, 5.123}}, {{43.381, 2.421}, {25.188, 6.211}}}, nil),
		Skill{28.669648436582808, 8.071520788025197}, Skill{33.83086971107981, 5.062772998705765},
		Skill{43.071274808241974, 2.4166900452721256}, Skill{23.149503312339064, 6.1378606973362135})
}

// TestSeries is a series of three free-for-alls with draws, as published for Bradley-Terry.
func TestSeries(t *testing.T) {
	w := WengLin{Model: BradleyTerry}
	p := skills(5)
	game := func(ranks []int, players ...int) {
		var teams [][]Skill
		for _, i := range players {
			teams = append(teams, []Skill{p[i]})
		}
		for n, team := range w.Rate(teams, ranks) {
			p[players[n]] = team[0]
		}
	}
	game([]int{1, 2, 2, 3, 3}, 0, 1, 2, 3, 4)
	game([]int{1, 2, 2}, 4, 2, 1)
	game([]int{1, 1, 2, 2}, 3, 1, 2, 0)
	alike(t, "series", [][]Skill{p}, Skill{27.643471362, 6.716636758}, Skill{28.84497938, 6.310098392}, Skill{20.705805441, 6.310098392},
		Skill{24.387640207, 6.668755907}, Skill{23.354955778, 6.854096855})
}

// TestOrders: goal, what must hold of any game whatever the numbers; method, random ones.
func TestOrders(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		w := WengLin{Model: Model(r.IntN(2)), Tau: float64(r.IntN(2)) * 0.1}
		teams, ranks := make([][]Skill, 2+r.IntN(6)), []int(nil)
		for i := range teams {
			for range 1 + r.IntN(5) {
				teams[i] = append(teams[i], Skill{r.NormFloat64() * 2000, 0.1 + r.Float64()*20})
			}
			ranks = append(ranks, r.IntN(4))
		}
		for i, team := range w.Rate(teams, ranks) {
			for j, p := range team {
				before := teams[i][j]
				if math.IsNaN(p.Mu+p.Sigma) || p.Sigma <= 0 || p.Sigma > math.Hypot(before.Sigma, w.Tau)+1e-9 {
					t.Fatalf("%+v becomes %+v", before, p)
				}
			}
		}
		a, b := w.Rate(teams, ranks), w.Rate(teams, ranks)
		for i := range a {
			for j := range a[i] {
				if a[i][j] != b[i][j] {
					t.Fatal("the same game, another result")
				}
			}
		}
	}
	w := WengLin{}
	near(t, "even teams", w.Wins(skills(5), skills(5)), 0.5, 1e-12)
	strong := []Skill{{30, 2}, {30, 2}}
	near(t, "both sides", w.Wins(strong, skills(2))+w.Wins(skills(2), strong), 1, 1e-12)
	if w.Wins(strong, skills(2)) <= 0.5 {
		t.Error("the stronger team is not the favourite")
	}
	draw := w.Rate([][]Skill{{{30, 5}}, {{20, 5}}}, []int{1, 1})
	if draw[0][0].Mu >= 30 || draw[1][0].Mu <= 20 {
		t.Errorf("a draw brings both together: %v", draw)
	}
}

// TestPlaces: with equal skills, who finishes better gains more.
func TestPlaces(t *testing.T) {
	for _, m := range []Model{PlackettLuce, BradleyTerry} {
		after := WengLin{Model: m}.Rate([][]Skill{skills(1), skills(1), skills(1), skills(1), skills(1)}, []int{3, 1, 5, 2, 4})
		order := []int{1, 3, 0, 4, 2}
		for n := 1; n < len(order); n++ {
			if after[order[n-1]][0].Mu <= after[order[n]][0].Mu {
				t.Errorf("model %d: %v", m, after)
			}
		}
	}
}
