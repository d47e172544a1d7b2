package node

import (
	"context"
	"time"
)

// drainInterval is how late Drain may notice that the last match is over.
const drainInterval = 20 * time.Millisecond

// Drain refuses newcomers and new matches, and returns when the last match has ended, or with ctx's error. Players in a
// match play on. Stop follows.
func (n *Node) Drain(ctx context.Context) error {
	n.directory.Draining.Store(true)
	var over <-chan struct{}
	if n.backend != nil {
		n.backend.doors.rpc.SetReady(false) // as /readyz does
		over = n.backend.match.Drain(seconds(n.c.Settings.ShutdownGraceSec))
	}
	tick := time.NewTicker(drainInterval)
	defer tick.Stop()
	for len(n.directory.List()) > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if over != nil {
		select {
		case <-over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
