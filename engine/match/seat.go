package match

import (
	"bytes"
	"fmt"

	"github.com/skirmishgg/skirmish/netcode/input"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// SpectatorPrefix at the start of a connect token's game data says that its user only watches; the game gets what
// follows.
const SpectatorPrefix = "spectator:"

// Who asks to join.
type Who struct {
	UserID    id.UUID
	Username  string
	Data      []byte
	Spectator bool
}

// Join gives who a place and link as his connection. A user who has one gets it again: when he was still connected,
// his old link is closed with CloseReplaced. deny is 0, or what to tell him: DenyFull, DenyRefused (the game's reason
// is err), DenyNoMatch when the match is over.
func (m *Match) Join(who Who, link Link) (p *Player, deny wire.Deny, err error) {
	if m.over != wire.CloseNone {
		return nil, wire.DenyNoMatch, errOver
	}
	if p := m.find(who); p != nil {
		m.rejoin(p, link)
		if m.over != wire.CloseNone {
			return nil, wire.DenyNoMatch, errOver
		}
		return p, 0, nil
	}
	p = m.free(who.Spectator)
	if p == nil {
		m.Counters.JoinsFull++
		return nil, wire.DenyFull, errFull
	}
	m.seat(p, who)
	p.link, p.Connected = link, true
	err = m.admit(p)
	switch {
	case m.over != wire.CloseNone:
		return nil, wire.DenyNoMatch, m.failure
	case err != nil:
		p.seated, p.Connected, p.link = false, false, nil
		m.Counters.JoinsRefused++
		return nil, wire.DenyRefused, fmt.Errorf("match %s refused the player: %w", m.def.Name, err)
	}
	m.insert(p)
	m.Counters.Joins++
	m.removeKickedNow()
	if !p.seated {
		return nil, wire.DenyRefused, nil
	}
	return p, 0, nil
}

func (m *Match) admit(p *Player) error {
	defer m.catch()
	return m.game.Join(&m.ctx, p)
}

// find is the place that the user has already. Nobody (the zero id) never has one.
func (m *Match) find(who Who) *Player {
	if who.UserID.IsZero() {
		return nil
	}
	for _, p := range *m.list(who.Spectator) {
		if p.UserID == who.UserID && (m.carrier == nil || bytes.Equal(p.Data, who.Data)) { // a carrier's data says which place
			return p
		}
	}
	return nil
}

// Room says whether another user could be seated now: 0, or the reason that he would be told.
func (m *Match) Room(who Who) wire.Deny {
	if m.over != wire.CloseNone {
		return wire.DenyNoMatch
	}
	if m.find(who) == nil && m.free(who.Spectator) == nil {
		return wire.DenyFull
	}
	return 0
}

func (m *Match) free(spectator bool) *Player {
	seats := m.seats[:m.def.MaxPlayers]
	if spectator {
		seats = m.seats[m.def.MaxPlayers:]
	}
	for i := range seats {
		if !seats[i].seated {
			return &seats[i]
		}
	}
	return nil
}

// seat makes p who's.
func (m *Match) seat(p *Player, who Who) {
	*p = Player{
		Slot: p.Slot, Spectator: p.Spectator, Entity: NoID,
		UserID: who.UserID, Username: who.Username, Data: append(p.Data[:0], who.Data...),
		seated: true, input: p.input,
	}
	if m.def.Schema.input != nil {
		m.def.Schema.zero(p.input)
	}
	m.connect(p)
}

// connect starts what belongs to one connection. It allocates: joining is no tick.
func (m *Match) connect(p *Player) {
	p.viewer = snapshot.NewViewer(m.world)
	p.hasAck, p.margin, p.starved, p.seenNow = false, 0, 0, m.LastTick()
	if m.def.Schema.input != nil && !p.Spectator {
		p.seen = new([seenTicks]seen)
		p.inputs = input.NewRing(m.schema.Input())
	}
}

func (m *Match) rejoin(p *Player, link Link) {
	m.Counters.Rejoins++
	old := p.link
	m.connect(p)
	p.link = link
	p.Connected = true
	if old != nil {
		old.Close(wire.CloseReplaced)
	}
	m.back(p)
}

// Restarted says that p's client is a new process that took the connection up by its ticket: it holds no snapshot, and
// has to be told anew what the game told the old one.
func (m *Match) Restarted(p *Player) {
	m.connect(p)
	m.back(p)
}

func (m *Match) back(p *Player) {
	defer m.catch()
	if m.returner != nil {
		m.returner.Return(&m.ctx, p)
	}
}

// Lost says that p's connection is gone without a word. His place is kept for Definition.Grace; a spectator's is not.
// link is the one that is gone: when another has replaced it already, nothing happens.
func (m *Match) Lost(p *Player, link Link) {
	if p.link != link || m.over != wire.CloseNone {
		return
	}
	if p.Spectator || m.graceTicks == 0 {
		m.Left(p, link, wire.CloseTimeout)
		return
	}
	p.link, p.Connected, p.away = nil, false, m.tick
	m.Counters.Away++
	m.absent(p)
}

func (m *Match) absent(p *Player) {
	defer m.catch()
	if m.returner != nil {
		m.returner.Away(&m.ctx, p)
	}
}

// Left says that p's connection is over for a reason that leaves no hope: he said so, or he broke the protocol.
func (m *Match) Left(p *Player, link Link, why wire.Close) {
	if p.link != link || m.over != wire.CloseNone {
		return
	}
	p.link = nil // has ended by itself
	m.depart(p, why)
}

func (m *Match) depart(p *Player, why wire.Close) {
	defer m.catch()
	m.leave(p, why)
}

// leave takes p's place away. The game sees him in Players until its Leave has returned.
func (m *Match) leave(p *Player, why wire.Close) {
	p.Connected = false
	if p.link != nil {
		p.link.Close(why)
		p.link = nil
	}
	m.game.Leave(&m.ctx, p, why)
	m.remove(p)
	m.Counters.Leaves++
}

// removeKicked removes those whom the game kicked since the last time. Leave may kick others.
func (m *Match) removeKicked() {
	for m.kicks > 0 {
		p := m.kicked()
		if p == nil {
			m.kicks = 0
			return
		}
		m.kicks--
		m.leave(p, p.kick)
	}
}

func (m *Match) removeKickedNow() {
	defer m.catch()
	m.removeKicked()
}

func (m *Match) kicked() *Player {
	for i := range m.seats {
		if p := &m.seats[i]; p.seated && p.kick != wire.CloseNone {
			return p
		}
	}
	return nil
}

func (m *Match) list(spectator bool) *[]*Player {
	if spectator {
		return &m.spectators
	}
	return &m.players
}

// insert keeps the list in order of slots.
func (m *Match) insert(p *Player) {
	list := m.list(p.Spectator)
	*list = append(*list, p)
	for i := len(*list) - 1; i > 0 && (*list)[i-1].Slot > p.Slot; i-- {
		(*list)[i-1], (*list)[i] = (*list)[i], (*list)[i-1]
	}
}

func (m *Match) remove(p *Player) {
	list := m.list(p.Spectator)
	for i, q := range *list {
		if q == p {
			*list = append((*list)[:i], (*list)[i+1:]...)
			break
		}
	}
	p.seated, p.kick, p.Entity = false, wire.CloseNone, NoID
	p.viewer, p.inputs, p.seen = nil, nil, nil
}
