package carry

import (
	"fmt"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// packed is a message for clients, made once for all receivers and never changed. Match data keeps its parts: before it the
// client's number of the sender goes. Everything else is an envelope.
type packed struct {
	of     *codec.Shared
	kind   wire.CarriedKind
	sender *wire.CarriedPresence // nil: none
	opCode int64
	body   []byte // the data, or the envelope's table
}

func (p *packed) cost() int64 { return int64(len(p.body)) + parcelCost }

// pack makes a message of an envelope. The last one is remembered: a message for many is sent to one after the other.
func (s *Service) pack(msg *codec.Shared, e *rtapi.Envelope) (*packed, error) {
	if p := s.lastPacked.Load(); p != nil && p.of == msg {
		return p, nil
	}
	p, err := packEnvelope(msg, e)
	if err == nil {
		s.lastPacked.Store(p)
	}
	return p, err
}

func packEnvelope(msg *codec.Shared, e *rtapi.Envelope) (*packed, error) {
	if d, ok := e.Message.(*rtapi.Envelope_MatchData); ok && len(d.MatchData.Data) <= wire.CarriedSendMax {
		if p := packData(d.MatchData); p != nil {
			p.of = msg
			return p, nil
		}
	}
	body, err := msg.Bytes(codec.FlatBuffers)
	if err == nil && len(body) > wire.CarriedMax {
		err = fmt.Errorf("an envelope of %d bytes", len(body))
	}
	return &packed{of: msg, kind: wire.CarriedEnvelope, body: body}, err
}

// packData is nil for a sender that server code made up and that does not fit.
func packData(d *rtapi.MatchData) *packed {
	p := &packed{kind: wire.CarriedLossy, opCode: d.OpCode, body: d.Data}
	if d.Reliable {
		p.kind = wire.CarriedData
	}
	if d.Presence == nil {
		return p
	}
	sessionID, err := id.Parse(d.Presence.SessionId)
	userID, errUser := id.Parse(d.Presence.UserId)
	if err != nil || errUser != nil || len(d.Presence.Username) > wire.MaxUsername || d.Presence.Status != nil || d.Presence.Persistence {
		return nil
	}
	p.sender = &wire.CarriedPresence{SessionID: sessionID, UserID: userID, Username: d.Presence.Username}
	return p
}
