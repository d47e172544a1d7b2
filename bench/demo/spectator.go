package demo

import (
	"math"
	"slices"
	"unsafe"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	skirmish "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

const (
	// frameTicks is how many ticks a frame stands for: the page draws between frames, and 30 a second are enough for that.
	frameTicks = 2
	eventsMax  = 64
	// hitUnits is how far from the end of a rail somebody can stand who was hit: lag compensation hits where they were.
	hitUnits = 3
)

// spectator turns what a client that plays no part decodes into frames. Its callbacks run on the client's goroutine.
type spectator struct {
	page   *Page
	schema *snapshot.Schema
	kinds  struct{ player, rocket, pickup, round int }
	places []place // where players were at the newest snapshot, by slot
	names  []Name  // of everybody who has been here
	frame  Frame
	sent   uint32 // tick of the last frame
}

type place struct {
	x, y  float32
	team  uint8
	alive bool
}

func newSpectator(page *Page, schema *snapshot.Schema) *spectator {
	s := &spectator{page: page, schema: schema, places: make([]place, arena.PlayersMax)}
	s.kinds.player, _ = snapshot.KindOf[arena.Player](schema)
	s.kinds.rocket, _ = snapshot.KindOf[arena.Rocket](schema)
	s.kinds.pickup, _ = snapshot.KindOf[arena.Pickup](schema)
	s.kinds.round, _ = snapshot.KindOf[arena.Round](schema)
	return s
}

// arenaScene is the arena as the page draws it.
func arenaScene(rate int) *Scene {
	s := &Scene{Name: "arena", Rate: rate, MaxX: arena.Size, MaxY: arena.Size, Radius: arena.Radius, Teams: []string{"Red", "Blue"}, Weapons: []string{"railed", "rocketed"}}
	for _, w := range arena.Walls() {
		s.Walls = append(s.Walls, Rect{w[0], w[1], w[2], w[3]})
	}
	return s
}

// game is what the spectator plugs into a client: no input, or its token would make it a player.
func (s *spectator) game() skirmish.Game {
	return skirmish.Game{Schema: s.schema, Snapshot: s.onSnapshot, Event: s.onEvent}
}

func (s *spectator) onSnapshot(_ *skirmish.Conn, v *snapshot.View) {
	f := &s.frame
	if v.Tick()-s.sent < frameTicks && v.Tick() > s.sent {
		return
	}
	f.Tick, s.sent = v.Tick(), v.Tick()
	f.Players, f.Projectiles, f.Pickups = f.Players[:0], f.Projectiles[:0], f.Pickups[:0]
	clear(s.places)
	for id, ok := v.Next(0); ok; id, ok = v.Next(id + 1) {
		s.add(v, id)
	}
	s.page.AddFrame(f)
	f.Events = f.Events[:0]
}

func (s *spectator) add(v *snapshot.View, id snapshot.ID) {
	f := &s.frame
	kind, _ := s.schema.Locate(id)
	switch kind {
	case s.kinds.player:
		var p arena.Player
		v.Load(id, unsafe.Pointer(&p))
		s.places[int(p.Slot)%len(s.places)] = place{p.X, p.Y, p.Team, p.Alive}
		f.Players = append(f.Players, Player{ID: uint16(p.Slot), Team: p.Team, Alive: p.Alive, X: p.X, Y: p.Y, Angle: p.Yaw * 2 * math.Pi,
			Health: float32(p.Health) / 100, Armor: float32(p.Armor) / 100, Kills: p.Kills, Deaths: p.Deaths})
	case s.kinds.rocket:
		var r arena.Rocket
		v.Load(id, unsafe.Pointer(&r))
		f.Projectiles = append(f.Projectiles, Projectile{ID: uint32(v.Generation(id))<<16 | uint32(id), Team: r.Team, X: r.X, Y: r.Y})
	case s.kinds.pickup:
		var p arena.Pickup
		v.Load(id, unsafe.Pointer(&p))
		f.Pickups = append(f.Pickups, Pickup{ID: uint16(id), Kind: p.What, X: p.X, Y: p.Y, Ready: p.Ready})
	case s.kinds.round:
		var r arena.Round
		v.Load(id, unsafe.Pointer(&r))
		f.Round.Number, f.Round.Left = r.Number, r.Left
		f.Round.Points = append(f.Round.Points[:0], r.Red, r.Blue)
	}
}

// onEvent keeps events for the next frame, at most eventsMax: nobody can see so many at once.
func (s *spectator) onEvent(_ *skirmish.Conn, data []byte) {
	var (
		shot  arena.Shot
		blast arena.Blast
		kill  arena.Kill
		taken arena.Taken
		end   arena.RoundEnd
		named arena.Named
		e     Event
	)
	switch {
	case snapshot.LoadEvent(s.schema, data, &shot):
		e = Event{Kind: EventShot, By: uint16(shot.By), Of: uint16(shot.By), Hit: shot.Hit, X: shot.X, Y: shot.Y, ToX: shot.TX, ToY: shot.TY}
		if shot.Hit {
			e.Of = s.nearestEnemy(shot.By, shot.TX, shot.TY)
		}
	case snapshot.LoadEvent(s.schema, data, &blast):
		e = Event{Kind: EventBlast, X: blast.X, Y: blast.Y, ToX: arena.BlastRadius}
	case snapshot.LoadEvent(s.schema, data, &kill):
		e = Event{Kind: EventKill, By: uint16(kill.By), Of: uint16(kill.Of), How: digit8(kill.Rocket)}
	case snapshot.LoadEvent(s.schema, data, &taken):
		at := s.places[int(taken.By)%len(s.places)]
		e = Event{Kind: EventTake, By: uint16(taken.By), How: taken.What, X: at.x, Y: at.y}
	case snapshot.LoadEvent(s.schema, data, &end):
		e = Event{Kind: EventRound, How: end.Winner}
	case snapshot.LoadEvent(s.schema, data, &named):
		s.name(uint16(named.Slot), named.String())
		return
	}
	if e.Kind == 0 || len(s.frame.Events) >= eventsMax {
		return
	}
	s.frame.Events = append(s.frame.Events, e)
}

func (s *spectator) name(slot uint16, name string) {
	i := slices.IndexFunc(s.names, func(n Name) bool { return n.ID == slot })
	if i < 0 {
		i = len(s.names)
		s.names = append(s.names, Name{ID: slot})
	}
	s.names[i].Name = name
	s.page.SetRoster(s.names)
}

// nearestEnemy is who was hit by a rail that ended here; by itself when nobody stands near.
func (s *spectator) nearestEnemy(by uint8, x, y float32) uint16 {
	best, bestFar := uint16(by), float32(hitUnits*hitUnits)
	for slot, p := range s.places {
		dx, dy := p.x-x, p.y-y
		if far := dx*dx + dy*dy; p.alive && p.team != s.places[int(by)%len(s.places)].team && far < bestFar {
			best, bestFar = uint16(slot), far
		}
	}
	return best
}

func digit8(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
