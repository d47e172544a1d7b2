package rating

import "math"

// Glicko2 is the system's one choice. The zero value has the usual one.
type Glicko2 struct {
	Tau float64 // how much volatility may change in a period: 0.3 to 1.2; 0: 0.5
}

// Glicko is a player's rating.
type Glicko struct {
	Rating     float64 // 1500 is average
	Deviation  float64 // of Rating: with 95 % certainty it is within two of them
	Volatility float64 // how erratic the player's results are
}

// NewGlicko is the rating of a player of whom nothing is known.
func NewGlicko() Glicko { return Glicko{Rating: 1500, Deviation: 350, Volatility: 0.06} }

// Result is one game of a period.
type Result struct {
	Opponent Glicko  // as rated before the period
	Score    float64 // 1 won, 0.5 drawn, 0 lost
}

const (
	glickoScale  = 173.7178 // 400 / ln 10: from Glicko's scale to Glicko-2's
	glickoMean   = 1500
	deviationMax = 350 // as if nothing were known
)

// Update is a player's rating after a period with these results; all players of a period are rated with what they were
// before it. Without results only the certainty fades.
func (g Glicko2) Update(p Glicko, results []Result) Glicko {
	mu, phi := (p.Rating-glickoMean)/glickoScale, p.Deviation/glickoScale
	if len(results) == 0 {
		p.Deviation = min(glickoScale*math.Hypot(phi, p.Volatility), deviationMax)
		return p
	}
	var information, surprise float64 // 1/v, and the sum of step 4
	for _, r := range results {
		weight := glickoWeight(r.Opponent.Deviation / glickoScale)
		expected := glickoExpected(mu, (r.Opponent.Rating-glickoMean)/glickoScale, weight)
		information += weight * weight * expected * (1 - expected)
		surprise += weight * (r.Score - expected)
	}
	v := 1 / information
	sigma := g.volatility(p.Volatility, phi, v, v*surprise)
	before := math.Hypot(phi, sigma)
	after := 1 / math.Sqrt(1/(before*before)+1/v)
	return Glicko{
		Rating:     glickoScale*(mu+after*after*surprise) + glickoMean,
		Deviation:  min(glickoScale*after, deviationMax),
		Volatility: sigma,
	}
}

// Expected is the score that a can expect of a game with b.
func (Glicko2) Expected(a, b Glicko) float64 {
	return glickoExpected((a.Rating-glickoMean)/glickoScale, (b.Rating-glickoMean)/glickoScale, glickoWeight(math.Hypot(a.Deviation, b.Deviation)/glickoScale))
}

// glickoWeight is g(φ): how much a game with an opponent of that deviation says.
func glickoWeight(phi float64) float64 { return 1 / math.Sqrt(1+3*phi*phi/(math.Pi*math.Pi)) }

// glickoExpected is E(μ, μj, φj), kept off 0 and 1, where a game would say nothing at all.
func glickoExpected(mu, opponent, weight float64) float64 {
	const edge = 1e-9
	return min(max(1/(1+math.Exp(-weight*(mu-opponent))), edge), 1-edge)
}

// volatility is step 5: the root of f, by the Illinois algorithm.
func (g Glicko2) volatility(sigma, phi, v, delta float64) float64 {
	tau := g.Tau
	if tau == 0 {
		tau = 0.5
	}
	const epsilon = 1e-6
	a := math.Log(sigma * sigma)
	f := func(x float64) float64 {
		e := math.Exp(x)
		d := phi*phi + v + e
		return e*(delta*delta-d)/(2*d*d) - (x-a)/(tau*tau)
	}
	low, high := a, 0.0
	if delta*delta > phi*phi+v {
		high = math.Log(delta*delta - phi*phi - v)
	} else {
		high = a - tau
		for k := 2.0; f(high) < 0 && k < 1000; k++ {
			high = a - k*tau
		}
	}
	fLow, fHigh := f(low), f(high)
	for range 100 { // a dozen will do
		if math.Abs(high-low) <= epsilon {
			break
		}
		c := low + (low-high)*fLow/(fHigh-fLow)
		fc := f(c)
		if fc*fHigh <= 0 {
			low, fLow = high, fHigh
		} else {
			fLow /= 2
		}
		high, fHigh = c, fc
	}
	return math.Exp(low / 2)
}
