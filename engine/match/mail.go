package match

import (
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// mail is what clients sent beside inputs since the last tick. It waits for the tick, so that a game only runs when its
// match does, and a recording of ticks has everything in it.
//
// Bounded: mailMax messages and mailBytes a tick; as much as one stream message of the largest size and some. When full,
// a lossy message is dropped (MailDropped), and the sender of a reliable one is closed with CloseOverflow.
type mail struct {
	items []letter
	data  []byte
}

const (
	mailMax   = 1024
	mailBytes = 128 << 10
)

type letter struct {
	from     *Player
	viewer   *snapshot.Viewer // of the connection that sent it; another one since: the letter is void
	kind     MessageKind
	channel  uint8
	at, size uint32
}

func (b *mail) init() {
	b.items = make([]letter, 0, 64)
	b.data = make([]byte, 0, 4<<10)
}

// Receive takes a message of p for the next tick; data is copied. False: p must be closed with CloseOverflow.
func (m *Match) Receive(p *Player, kind MessageKind, channel uint8, data []byte) bool {
	if m.listener == nil || m.over != wire.CloseNone {
		return true
	}
	if m.carrier != nil {
		m.receiveNow(p, Message{Channel: channel, Kind: kind, Data: data})
		return true
	}
	b := &m.mail
	if len(b.items) == mailMax || len(b.data)+len(data) > mailBytes {
		if kind == MessageLossy {
			m.Counters.MailDropped++
			return true
		}
		m.Counters.MailOverflow++
		return false
	}
	b.items = append(b.items, letter{from: p, viewer: p.viewer, kind: kind, channel: channel, at: uint32(len(b.data)), size: uint32(len(data))})
	b.data = append(b.data, data...)
	return true
}

// deliver hands the waiting messages to the game.
func (m *Match) deliver() {
	b := &m.mail
	for i := range b.items {
		l := &b.items[i]
		if l.from.seated && l.viewer == l.from.viewer {
			m.listener.Receive(&m.ctx, l.from, Message{Channel: l.channel, Kind: l.kind, Data: b.data[l.at : l.at+l.size : l.at+l.size]})
		}
	}
	b.items, b.data = b.items[:0], b.data[:0]
}
