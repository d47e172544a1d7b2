package node

import (
	"errors"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// work is the node's worker goroutine: what shards say, it logs and books; what ticks post, it takes.
func (n *Node) work() {
	tick := time.NewTicker(workInterval)
	defer tick.Stop()
	for {
		n.takeReports()
		n.takeLabels()
		n.takePosts()
		select {
		case <-tick.C:
		case <-n.quit:
			n.takeReports()
			return
		}
	}
}

func (n *Node) takeReports() {
	for r, ok := n.reports.TryPop(); ok; r, ok = n.reports.TryPop() {
		n.directory.Remove(r.Info)
		n.unlist(r.Info)
		if n.backend != nil {
			n.backend.forgetPosts(r.Match)
			n.backend.carry.Lost(r.Info)
		}
		n.mu.Lock()
		n.ended[closeName(r.Why)]++
		n.mu.Unlock()
		log := n.c.Log.With("match", r.Match.String(), "game", r.Name, "shard", r.Shard, "tick", r.Tick)
		var p *match.PanicError
		switch {
		case errors.As(r.Err, &p):
			log.Error("a match panicked and was ended; nothing else was", "panic", p.Value, "stack", string(p.Stack))
		case r.Why == wire.CloseOverrun:
			log.Error("a match could not keep its tick rate and was ended for the others' sake")
		default:
			log.Info("a match ended", "why", closeName(r.Why))
		}
	}
}

// takePosts hands what ticks posted to the backend. A node without one counts it and throws it away.
func (n *Node) takePosts() {
	for {
		p, ok := n.posts.TryPop()
		if !ok {
			return
		}
		n.posted.Add(1)
		if n.backend != nil {
			n.backend.runPost(n, &p)
		}
	}
}

func closeName(why wire.Close) string {
	switch why {
	case wire.CloseMatchEnded:
		return "ended"
	case wire.CloseMatchError:
		return "panic"
	case wire.CloseOverrun:
		return "overrun"
	case wire.CloseShutdown:
		return "shutdown"
	case wire.CloseKicked:
		return "kicked"
	}
	return "other"
}
