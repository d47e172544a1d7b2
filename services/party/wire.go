package party

import (
	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
)

func (m member) send(msg *codec.Shared) { m.conn.Send(msg) }

func wire(list []member) []*rtapi.UserPresence {
	out := make([]*rtapi.UserPresence, len(list))
	for i, m := range list {
		out[i] = m.wire
	}
	return out
}

// message is the party as one member sees it. Label and hidden are for those to say who know them.
func (p *party) message(self member, members []member) *rtapi.Party {
	return &rtapi.Party{
		PartyId: p.name, Open: p.open, MaxSize: int32(p.max), Self: self.wire, Leader: p.leader.wire, Presences: wire(members),
	}
}

// welcome tells a new member of the party.
func (p *party) welcome(m member) *codec.Shared {
	return codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_Party{Party: p.message(m, p.members)}})
}

func (p *party) leaderMessage() *codec.Shared {
	return codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_PartyLeader{PartyLeader: &rtapi.PartyLeader{PartyId: p.name, Presence: p.leader.wire}}})
}

func (p *party) closeMessage() *codec.Shared {
	return codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_PartyClose{PartyClose: &rtapi.PartyClose{PartyId: p.name}}})
}
