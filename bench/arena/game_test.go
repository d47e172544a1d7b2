package arena

import (
	"encoding/json"
	"testing"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// still does nothing.
func still(int, uint32) Input { return Input{} }

// duel is two players of either team in a free lane along x, facing each other: 0 at the left, 1 at the right.
func duel(t *testing.T) (f *field, left, right *Player) {
	t.Helper()
	f = start(t, 2, 1, "")
	f.step(still)
	left, right = f.game.players.Get(f.players[0].Entity), f.game.players.Get(f.players[1].Entity)
	left.Body, right.Body = Body{X: 40, Y: 25}, Body{X: 50, Y: 25}
	for range 30 { // of history to look back into
		f.step(still)
	}
	return f, left, right
}

func TestTeamsAreEven(t *testing.T) {
	f := start(t, PlayersMax, 1, "")
	var count [2]int
	for _, e := range f.game.players.All() {
		count[e.Team]++
	}
	if count[0] != count[1] {
		t.Errorf("teams of %d and %d", count[0], count[1])
	}
}

// TestRailHitsWhatWasOnTheScreen: a target that runs across is hit where the shooter saw it, and missed there without
// lag compensation.
func TestRailHitsWhatWasOnTheScreen(t *testing.T) {
	f := func(shown uint8, wantHit bool) {
		t.Helper()
		f, left, right := duel(t)
		const late = 9 // ticks that the shooter's screen is behind
		run := func(p int, _ uint32) Input { return Input{MoveY: int8(p)} }
		for range 20 {
			f.step(run)
		}
		seen := right.Body
		for range late - 1 {
			f.step(run)
		}
		f.step(func(p int, tick uint32) Input {
			in := run(p, tick)
			if p == 0 {
				in = Input{Fire: true, Yaw: YawOf(seen.X-left.X, seen.Y-left.Y), Shown: shown}
			}
			return in
		})
		if hit := right.Health < healthStart; hit != wantHit {
			t.Errorf("shown %d ticks ago: hit %v", shown, hit)
		}
	}
	f(9, true)
	f(0, false)
	f(63, false) // no further back than Rewind, and the target was elsewhere
}

func TestRailStopsAtWallsAndTeams(t *testing.T) {
	f, left, right := duel(t)
	fire := func(p int, _ uint32) Input { return Input{Fire: p == 0} }
	right.Team = left.Team
	if f.step(fire); right.Health != healthStart {
		t.Error("a rail hit the shooter's own team")
	}
	f, left, right = duel(t)
	right.Body = Body{X: 40, Y: 17} // behind the wall at row 7
	left.Body = Body{X: 40, Y: 11}
	up := func(p int, _ uint32) Input { return Input{Fire: p == 0, Yaw: 0.25} }
	if Sees(left.X, left.Y, right.X, right.Y) {
		t.Fatal("the map has no wall there")
	}
	if f.step(up); right.Health != healthStart {
		t.Error("a rail went through a wall")
	}
}

func TestRailReloads(t *testing.T) {
	f, _, right := duel(t)
	fire := func(p int, _ uint32) Input { return Input{Fire: p == 0} }
	for range 30 {
		f.step(fire)
	}
	if right.Health != healthStart-railDamage {
		t.Errorf("half a second of fire left %d health", right.Health)
	}
	for range 100 {
		f.step(fire)
	}
	if right.Alive || right.Deaths != 1 || f.game.players.Get(f.players[0].Entity).Kills != 1 || f.game.round.Red+f.game.round.Blue != 1 {
		t.Errorf("after three rails: %+v, round %+v", right, f.game.round)
	}
	for range int(respawnAfter*Rate) + 1 {
		f.step(still)
	}
	if !right.Alive || right.Health != healthStart || right.X == 50 {
		t.Errorf("after the respawn: %+v", right)
	}
}

func TestRocketFliesAndBlasts(t *testing.T) {
	f, left, right := duel(t)
	alt := func(p int, _ uint32) Input { return Input{Alt: p == 0} }
	f.step(alt)
	if f.game.rockets.Len() != 1 || left.Rockets != rocketsStart-1 {
		t.Fatalf("%d rockets in the air, %d left", f.game.rockets.Len(), left.Rockets)
	}
	ticks := 0
	for ; f.game.rockets.Len() > 0 && ticks < 200; ticks++ {
		f.step(still)
	}
	if seconds := float32(ticks) / Rate; seconds < 0.4 || seconds > 0.6 { // 10 m at 18 m/s, less two radii
		t.Errorf("flew for %v s", seconds)
	}
	if right.Health > healthStart-rocketDamage/2 || left.Health != healthStart {
		t.Errorf("health %d and %d", left.Health, right.Health)
	}

	f, left, _ = duel(t)
	left.Body = Body{X: 61.5, Y: 11} // into the wall beside it: its own rocket hurts
	f.step(alt)
	for range 20 {
		f.step(still)
	}
	if left.Health == healthStart {
		t.Error("a blast spared its owner")
	}
	left.Rockets = 0
	f.step(alt)
	if f.game.rockets.Len() != 0 {
		t.Error("a rocket out of nothing")
	}
}

func TestArmourTakesTwoThirds(t *testing.T) {
	f, _, right := duel(t)
	right.Armor = 100
	f.step(func(p int, _ uint32) Input { return Input{Fire: p == 0} })
	if right.Armor != 100-railDamage*2/3 || right.Health != healthStart-railDamage/3 {
		t.Errorf("armour %d, health %d", right.Armor, right.Health)
	}
}

func TestPickupsHelpOnceAndReturn(t *testing.T) {
	f, left, _ := duel(t)
	var p *Pickup
	for _, q := range f.game.pickups.All() {
		if q.What == PickupHealth {
			p = q
		}
	}
	left.Body = Body{X: p.X, Y: p.Y}
	if f.step(still); !p.Ready {
		t.Error("health was taken by somebody who needs none")
	}
	left.Health = 30
	if f.step(still); p.Ready || left.Health != 80 {
		t.Errorf("ready %v, health %d", p.Ready, left.Health)
	}
	left.Health = 30
	if f.step(still); left.Health != 30 {
		t.Error("taken twice")
	}
	for range int(pickupReturns*Rate) + 1 {
		f.step(still)
	}
	if left.Health != 80 {
		t.Error("it did not come back")
	}
}

func TestRoundEnds(t *testing.T) {
	f, left, _ := duel(t)
	left.Kills, left.Health = 9, 5
	f.game.round.Blue = roundScore
	f.step(still)
	r := f.game.round
	if r.Number != 2 || r.Blue != 0 || left.Kills != 0 || left.Health != healthStart {
		t.Errorf("after the last point: %+v, %+v", r, left)
	}
	for range roundSeconds*Rate + 1 {
		f.step(still)
	}
	if f.game.round.Number != 3 {
		t.Errorf("after five minutes: %+v", f.game.round)
	}
}

func TestAwayAndBack(t *testing.T) {
	f, left, _ := duel(t)
	at := left.Body
	f.Lost(f.players[0], match.NullLink{})
	for range 60 {
		f.Tick()
	}
	if left.Body != at || f.players[0].Connected {
		t.Errorf("somebody who is away moved from %+v to %+v", at, left.Body)
	}
}

// TestLabel: the label is JSON that says how many play, and a tick in which nobody comes or goes makes no other.
func TestLabel(t *testing.T) {
	f := start(t, 3, 1, "")
	want := func(label string) {
		t.Helper()
		if f.Label() != label || !json.Valid([]byte(label)) {
			t.Errorf("label %s, want %s", f.Label(), label)
		}
	}
	want(`{"map":"yard","mode":"teams","open":true,"players":3}`)
	if !f.Relabelled() {
		t.Error("nobody is told of it")
	}
	f.step(wild(1))
	if f.Relabelled() {
		t.Error("a tick made another")
	}
	f.Left(f.players[0], match.NullLink{}, wire.CloseLeft)
	want(`{"map":"yard","mode":"teams","open":true,"players":2}`)
	f = start(t, PlayersMax, 1, Peaceful)
	want(`{"map":"yard","mode":"peaceful","open":false,"players":16}`)
}
