package node

import (
	"context"
	"strings"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/connect"
	"github.com/skirmishgg/skirmish/services/gateway/carry"
	"github.com/skirmishgg/skirmish/services/presence"
)

// Place is where in a match of this node a caller of CreateConnectToken goes: one of the engine's, or one of the services',
// whose messages a carrier brings to its connection.
func (n *Node) Place(ctx context.Context, r connect.Request, c op.Caller) (p connect.Place, ok bool, err error) {
	if info, ok := n.native(r.Match); ok && r.Token == "" {
		return connect.Place{Match: r.Match, Schema: info.Schema, Shard: uint8(info.Shard + 1)}, true, nil
	}
	if r.Token == "" && !strings.Contains(r.ID, ".") {
		return p, false, nil // all others say whether they have a node
	}
	p, err = n.backend.carry.Place(ctx, r, c)
	return p, err == nil, err
}

// native is a match of the engine's own.
func (n *Node) native(u id.UUID) (*shard.Info, bool) {
	info, ok := n.directory.Find(u)
	if !ok || info.Carrier {
		return nil, false
	}
	return info, true
}

func newCarry(b *backend, n *Node) *carry.Service {
	n.directory.AddSchema(wire.CarriedSchema)
	return carry.New(carry.Config{
		Door: b.door, Workers: b.workers, Presence: b.presence, Engine: carriers{n},
		Deadline: millis(b.settings.Match.JoinMarkerDeadlineMs), Log: b.log,
	})
}

// leftCarried has a UDP member's connection closed that was taken out of a match. When it is the match that is over, the
// member is told by the match.
func (b *backend) leftCarried(st presence.Stream, p presence.Presence) {
	if st.Mode == presence.ModeAuthoritative {
		if m, err := b.match.Get(st.Member()); m == nil || err != nil {
			return
		}
	}
	b.carry.Left(st, p)
}

// carriers is the node as package carry uses it.
type carriers struct{ n *Node }

// StartCarrier starts a carrier on the shard with the fewest connections.
func (e carriers) StartCarrier(u id.UUID, d *match.Definition) (*shard.Info, error) {
	schema, err := d.Compile()
	if err != nil {
		return nil, err
	}
	m, err := match.New(match.Config{Definition: d, Schema: schema, ID: u, Seed: 1})
	if err != nil {
		return nil, err
	}
	info := &shard.Info{ID: u, Name: d.Name, Rate: d.Rate, Schema: wire.CarriedSchema, Carrier: true}
	return info, e.n.launch(m, info, 0)
}

// Carry and EndCarrier reach the carrier's shard.
func (e carriers) Carry(info *shard.Info) bool { return e.n.shards[info.Shard].Carry(info.ID) }

// EndCarrier has the shard end a carrier that nobody is in. An inbox that is full has its next tick do so.
func (e carriers) EndCarrier(info *shard.Info) {
	e.n.shards[info.Shard].End(info.ID, wire.CloseMatchEnded)
}
