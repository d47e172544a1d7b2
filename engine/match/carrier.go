package match

// Carrier is a Game without a world: it carries messages between its players and goroutines outside of the engine, and
// waits for no tick. Its definition says so (Definition.Carrier): players get no snapshots and no ticks, only what the game
// sends them, at once.
type Carrier interface {
	// Listener's Receive is called as soon as a packet has brought the message.
	Listener
	// Carry is called soon after somebody outside asked for it, shard.Carry: it takes what they left in queues of the game's
	// own, which are theirs to bound.
	Carry(c *Ctx)
}

// Carry lets a Carrier take what waits for it; other games have nothing to take.
func (m *Match) Carry() {
	if m.carrier == nil || m.over != 0 {
		return
	}
	defer m.catch()
	m.carrier.Carry(&m.ctx)
	m.removeKicked()
}

// receiveNow gives a Carrier a message without waiting for a tick.
func (m *Match) receiveNow(p *Player, msg Message) {
	if m.over != 0 || !p.seated {
		return
	}
	defer m.catch()
	m.carrier.Receive(&m.ctx, p, msg)
	m.removeKicked()
}

// Link of a Carrier's player, as far as it tells more than others.
type carrying interface {
	EventRoom() int
	StreamsIdle() bool
}

// EventRoom is how many bytes of events, each with its head of 4, still ride in every packet to p along with those that are
// not acked; 0 when nobody knows.
func EventRoom(p *Player) int {
	if l, ok := p.link.(carrying); ok {
		return l.EventRoom()
	}
	return 0
}

// StreamsIdle reports that nothing waits on any stream to p.
func StreamsIdle(p *Player) bool {
	l, ok := p.link.(carrying)
	return !ok || l.StreamsIdle()
}

// SendRaw sends an event that is none of the schema: at most 255 bytes, whose form is the game's own.
// Errors: as Send.
func SendRaw(p *Player, channel uint8, data []byte) error {
	if p.link == nil {
		return ErrAway
	}
	return p.link.SendEvent(channel, data)
}

// SendRawLossy sends such data once: it may be lost, and overtaken.
func SendRawLossy(p *Player, data []byte) error {
	if p.link == nil {
		return ErrAway
	}
	return p.link.SendUnreliable(0, data)
}
