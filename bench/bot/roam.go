package bot

import "github.com/skirmishgg/skirmish/bench/arena"

// roam is where a bot goes while nobody is in sight: to what it needs, to where enemies are, or anywhere.
type roam struct {
	way   *field
	x, y  float32 // the goal
	until uint32  // tick at which it is thought over
}

func newRoam() roam { return roam{way: newField()} }

// forget makes the next direction choose another goal.
func (r *roam) forget() { r.until = 0 }

// direction is where to walk.
func (r *roam) direction(s *Sight, m *mind) (dx, dy float32) {
	if s.Tick >= r.until || length(r.x-s.Me.X, r.y-s.Me.Y) < 0.5 {
		r.choose(s, m)
	}
	r.way.aim(r.x, r.y)
	x, y := r.way.next(s.Me.X, s.Me.Y)
	if r.way.distance(s.Me.X, s.Me.Y) == 0 {
		x, y = r.x, r.y
	}
	return x - s.Me.X, y - s.Me.Y
}

func (r *roam) choose(s *Sight, m *mind) {
	r.until = s.Tick + m.ticks(3+3*m.rand.Float32())
	if r.need(s) {
		return
	}
	if n := len(s.Others); n > 0 && m.rand.IntN(3) > 0 {
		if e := &s.Others[m.rand.IntN(n)]; e.Alive && e.Team != s.Me.Team {
			r.x, r.y = e.X, e.Y
			return
		}
	}
	for range 20 {
		if x, y := m.rand.Float32()*arena.Size, m.rand.Float32()*arena.Size; !arena.Solid(x, y) {
			r.x, r.y = x, y
			return
		}
	}
}

// need goes for the nearest pickup that would help.
func (r *roam) need(s *Sight) bool {
	nearest := float32(arena.Size * 2)
	for i := range s.Pickups {
		p := &s.Pickups[i]
		useful := (p.What == arena.PickupHealth && s.Me.Health < 70) || (p.What == arena.PickupArmor && s.Me.Armor < 50) ||
			(p.What == arena.PickupRockets && s.Me.Rockets < 3)
		if d := length(p.X-s.Me.X, p.Y-s.Me.Y); p.Ready && useful && d < nearest {
			nearest, r.x, r.y = d, p.X, p.Y
		}
	}
	return nearest < arena.Size*2
}
