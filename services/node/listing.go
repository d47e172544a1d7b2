package node

import (
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/services/match"
)

// list makes a match of the engine be found by listings. Carriers are not: the match that they carry for is.
func (n *Node) list(info *shard.Info) {
	if n.backend == nil || info.Carrier {
		return
	}
	n.backend.match.AddNative(match.Native{
		ID: info.ID, Game: info.Name, Rate: info.Rate, Size: func() int { return int(info.Players.Load()) }, Label: info.Label,
	})
}

// unlist takes a match of the engine out of listings, and what it had room for out of the matchmaker.
func (n *Node) unlist(info *shard.Info) {
	if b := n.backend; b != nil && !info.Carrier {
		b.match.RemoveNative(info.ID)
		b.matchmaker.EndBackfill(info.ID.String() + "." + b.settings.Name)
	}
}

// takeLabels tells listings of labels that games have changed.
func (n *Node) takeLabels() {
	for info, ok := n.labels.TryPop(); ok; info, ok = n.labels.TryPop() {
		info.LabelTaken()
		if n.backend != nil {
			n.backend.match.NativeRelabelled(info.ID)
		}
	}
}
