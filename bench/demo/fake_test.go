package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// fakeMatch stands in for a server: two teams that walk in circles and shoot, the same every time.
type fakeMatch struct {
	rng   *rand.Rand
	frame Frame
}

func fakeScene() *Scene {
	return &Scene{
		Name: "crossfire", Rate: 60, MinX: -32, MinY: -24, MaxX: 32, MaxY: 24, Radius: 0.6, Teams: []string{"Red", "Blue"}, Weapons: []string{"railed", "rocketed"},
		Walls: []Rect{{-6, -1, 12, 2}, {-1, -8, 2, 16}, {-22, -14, 8, 2}, {14, 12, 8, 2}, {-22, 12, 2, 8}, {20, -20, 2, 8}},
	}
}

func fakeRoster(count int) (names []Name) {
	known := []string{"Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Alan", "Radia", "Ken", "Margaret", "Dennis", "Lynn"}
	for i := range count {
		names = append(names, Name{ID: uint16(i), Name: fmt.Sprintf("%s %s", known[i%len(known)], []string{"", "II"}[i/len(known)%2])})
	}
	return names
}

func newFakeMatch(count int) *fakeMatch {
	m := &fakeMatch{rng: rand.New(rand.NewPCG(7, 7))}
	for i := range count {
		m.frame.Players = append(m.frame.Players, Player{ID: uint16(i), Team: uint8(i % 2), Alive: i != 5, Health: float32(i+2) / float32(count+1), Armor: float32(i%3) / 2, Kills: uint16(count - i), Deaths: uint16(i / 2)})
	}
	for i := range 6 {
		m.frame.Pickups = append(m.frame.Pickups, Pickup{ID: uint16(i), Kind: uint8(i % 3), X: float32(i*10 - 25), Y: float32(18 - 36*(i%2)), Ready: i != 4})
	}
	return m
}

// step moves two ticks on.
func (m *fakeMatch) step() *Frame {
	f := &m.frame
	f.Tick += 2
	f.Events = f.Events[:0]
	f.Round = Round{Number: 3, Left: uint16(299 - f.Tick/60%300), Points: []uint16{23, 19}}
	t := float64(f.Tick) / 60
	for i := range f.Players {
		p := &f.Players[i]
		radius, phase := 8+float64(i)*1.9, float64(i)*1.7+t*(0.9-0.04*float64(i))
		p.X, p.Y = float32(radius*math.Cos(phase)), float32(radius*0.7*math.Sin(phase))
		p.Angle = float32(phase + math.Pi/2)
	}
	if f.Tick%10 == 0 {
		by, of := &f.Players[m.rng.IntN(len(f.Players))], &f.Players[m.rng.IntN(len(f.Players))]
		if by.ID != of.ID && by.Alive && of.Alive {
			f.Events = append(f.Events, Event{Kind: EventShot, By: by.ID, Of: of.ID, Hit: true, X: by.X, Y: by.Y, ToX: of.X, ToY: of.Y})
			if f.Tick%40 == 0 {
				by.Kills++
				of.Deaths++
				f.Events = append(f.Events, Event{Kind: EventKill, By: by.ID, Of: of.ID, How: uint8(m.rng.IntN(2))})
			}
		}
	}
	if f.Tick%60 == 0 {
		f.Events = append(f.Events, Event{Kind: EventBlast, X: float32(m.rng.Float64()*40 - 20), Y: float32(m.rng.Float64()*30 - 15), ToX: 3})
	}
	f.Projectiles = f.Projectiles[:0]
	for i := range 3 {
		a := float64(i) * 2.1
		d := math.Mod(t*14+float64(i)*9, 30)
		f.Projectiles = append(f.Projectiles, Projectile{ID: uint32(int(t*14+float64(i)*9)/30*3 + i), Team: uint8(i % 2), X: float32(d*math.Cos(a) - 4), Y: float32(d * math.Sin(a))})
	}
	return f
}

func fakeFigures(i int) Figures {
	wave := math.Sin(float64(i) / 9)
	us := func(v float64) time.Duration { return time.Duration(v * 1000) }
	return Figures{
		At: time.Duration(i) * figuresEvery, TickP50: us(118 + 14*wave), TickP99: us(240 + 60*wave*wave), LateP50: us(70 + 8*wave), LateP99: us(310 + 140*wave*wave),
		Players: min(12, 1+i/3), Spectators: 1, DownBytes: 7200 + 500*wave, UpBytes: 2900 + 90*wave, RTTP50: us(420 + 40*wave), RTTP99: us(1900 + 300*wave),
	}
}
