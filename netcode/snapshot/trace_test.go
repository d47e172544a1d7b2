package snapshot

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// trace is a top-down shooter: players who run after waypoints with acceleration and friction, slide along walls, turn
// in 80 % of the ticks, shoot now and then, are hit, fetch things, die and come back at once (all alive).
type trace struct {
	rng   *rand.Rand
	rate  float64
	p     []player
	ai    []brain
	boxes [][4]float64
}

type brain struct {
	goalX, goalY, turn, wish float64
	turning                  bool
	until, ready             int
}

func newTrace(players, rate int, seed uint64) *trace {
	tr := &trace{rng: rand.New(rand.NewPCG(seed, 5)), rate: float64(rate), p: make([]player, players), ai: make([]brain, players)}
	for range 30 {
		x, y := tr.rng.Float64()*100-50, tr.rng.Float64()*100-50
		tr.boxes = append(tr.boxes, [4]float64{x, y, x + 2 + tr.rng.Float64()*8, y + 2 + tr.rng.Float64()*8})
	}
	for i := range tr.p {
		p := &tr.p[i]
		p.X, p.Y = float32(tr.rng.Float64()*120-60), float32(tr.rng.Float64()*120-60)
		p.Health, p.Ammo, p.Weapon, p.Team = 100, 50, 1, uint8(i%2)+1
	}
	return tr
}

func (tr *trace) step(tick int) {
	dt := 1 / tr.rate
	for i := range tr.p {
		p, b := &tr.p[i], &tr.ai[i]
		if tick >= b.until {
			b.until = tick + int(tr.rate*(0.3+tr.rng.Float64()*1.2))
			b.goalX, b.goalY = tr.rng.Float64()*100-50, tr.rng.Float64()*100-50
			b.wish = math.Atan2(b.goalY-float64(p.Y), b.goalX-float64(p.X))
		}
		// Mouse: bursts of angular speed that drift, and rest in 20 % of the time.
		if tr.rng.Float64() < 4*dt {
			b.turning = tr.rng.Float64() < 0.8
			b.turn = tr.rng.NormFloat64() * 3
		}
		if b.turning || tr.rng.Float64() < 0.15 {
			b.turn += tr.rng.NormFloat64() * 8 * math.Sqrt(dt)
			p.Yaw += float32((b.turn + tr.rng.NormFloat64()*0.3) * dt)
		}
		// Quake's ground: friction, then acceleration towards the wish, at most 8 units a second.
		vx, vy := float64(p.VX), float64(p.VY)
		vx -= vx * 6 * dt
		vy -= vy * 6 * dt
		wx, wy := math.Cos(b.wish), math.Sin(b.wish)
		if room := 8 - (vx*wx + vy*wy); room > 0 {
			a := min(8*8*dt, room)
			vx, vy = vx+wx*a, vy+wy*a
		}
		x, y := float64(p.X)+vx*dt, float64(p.Y)+vy*dt
		for _, o := range tr.boxes {
			if x > o[0] && x < o[2] && y > o[1] && y < o[3] {
				if float64(p.X) <= o[0] || float64(p.X) >= o[2] {
					x, vx = float64(p.X), 0
				} else {
					y, vy = float64(p.Y), 0
				}
			}
		}
		p.X, p.Y, p.VX, p.VY = float32(x), float32(y), float32(vx), float32(vy)
		p.Flags &^= 1
		if tick >= b.ready { // a shot a second
			b.ready = tick + int(tr.rate*(0.7+0.6*tr.rng.Float64()))
			p.Flags |= 1
			if p.Ammo--; p.Ammo == 0 {
				p.Ammo, p.Weapon = 50, uint8(1+tr.rng.IntN(4))
			}
			if tr.rng.IntN(3) == 0 {
				q := &tr.p[tr.rng.IntN(len(tr.p))]
				damage := uint8(10 + tr.rng.IntN(20))
				if q.Armor >= damage {
					q.Armor -= damage
				} else if q.Health > damage {
					q.Health -= damage
				} else {
					q.Deaths++
					p.Kills++
					q.Health, q.Armor, q.VX, q.VY = 100, 0, 0, 0
					q.X, q.Y = float32(tr.rng.Float64()*120-60), float32(tr.rng.Float64()*120-60)
				}
			}
		}
		if tr.rng.Float64() < 0.1*dt {
			p.Armor = 100
		}
	}
}

type sizes struct {
	bytes              []int
	moving, turning, n int
	deferred, models   uint64
}

func (z *sizes) mean() float64 {
	sum := 0
	for _, n := range z.bytes {
		sum += n
	}
	return float64(sum) / float64(len(z.bytes))
}

func (z *sizes) percentile(p int) int {
	s := slices.Clone(z.bytes)
	slices.Sort(s)
	return s[len(s)*p/100]
}

// run plays a trace to one client whose acks come rtt ticks after the snapshot, losing a share of them and of the
// snapshots, and checks every view against the server's codes.
func run(t testing.TB, players, rate, ticks, rtt int, loss float64) (z sizes) {
	s, err := NewSchema(SchemaSpec{Rate: rate, Kinds: []KindSpec{{Proto: player{}, Cap: players}}})
	if err != nil {
		t.Fatal(err)
	}
	tr, w := newTrace(players, rate, 11), NewWorld(s)
	v, d := NewViewer(w), NewDecoder(s)
	rng := rand.New(rand.NewPCG(1, 1))
	buf := make([]byte, 1100)
	acks := make([]int64, ticks+rtt+1)
	acked := int64(-1)
	before := make([]player, players)
	warm := ticks / 6
	for tick := range ticks {
		copy(before, tr.p)
		tr.step(tick)
		w.Begin(uint32(tick))
		for i := range tr.p {
			w.Capture(0, i, 0, unsafe.Pointer(&tr.p[i]))
			if tick >= warm {
				z.n++
				if tr.p[i].X != before[i].X || tr.p[i].Y != before[i].Y {
					z.moving++
				}
				if tr.p[i].Yaw != before[i].Yaw {
					z.turning++
				}
			}
		}
		w.End()
		acked = max(acked, acks[tick]-1)
		n, delta := v.Encode(buf, Request{Acked: uint32(acked), HasAck: acked >= 0, Owner: NoID})
		if tick >= warm {
			z.bytes = append(z.bytes, n)
		}
		if rng.Float64() < loss {
			continue
		}
		view, err := d.Decode(uint32(tick), delta, buf[:n])
		if err != nil {
			t.Fatal(err)
		}
		for i := range tr.p {
			if !slices.Equal(view.Row(ID(i)), w.Row(ID(i))) {
				t.Fatalf("tick %d, player %d: %d, want %d", tick, i, view.Row(ID(i)), w.Row(ID(i)))
			}
		}
		if rng.Float64() >= loss {
			acks[tick+rtt] = int64(tick) + 1
		}
	}
	z.deferred, z.models = v.Counters.Deferred, v.Counters.Models
	return z
}

// TestSize holds the figures of wire.md 4 on a trace in which everyone moves and turns in 80 % of the ticks.
func TestSize(t *testing.T) {
	f := func(players, rate, rtt int, loss, most float64) {
		t.Helper()
		z := run(t, players, rate, 3000, rtt, loss)
		line := fmt.Sprintf("%d players at %d Hz, baseline %d ticks, %.0f %% loss: mean %.1f B (%.1f bits a player), p99 %d B; moving %d %%, turning %d %%, %d models",
			players, rate, rtt, loss*100, z.mean(), z.mean()*8/float64(players), z.percentile(99), z.moving*100/z.n, z.turning*100/z.n, z.models)
		t.Log(line)
		if z.mean() > most || z.deferred > 0 {
			t.Errorf("more than %.0f B, or %d deferred: %s", most, z.deferred, line)
		}
	}
	f(64, 60, 1, 0, 200)
	f(64, 60, 1, 0.02, 215)
	f(64, 60, 4, 0, 300)
	f(16, 60, 1, 0, 60)
	f(16, 60, 3, 0.02, 80)
	f(10, 128, 1, 0, 40)
	f(10, 128, 1, 0.02, 40)
	f(10, 128, 6, 0, 50)
}
