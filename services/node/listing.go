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

func (n *Node) unlist(info *shard.Info) {
	if n.backend != nil && !info.Carrier {
		n.backend.match.RemoveNative(info.ID)
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
