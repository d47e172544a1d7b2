package node

import (
	"context"
	"time"
)

// drainInterval is how late Drain may notice that the last match is over.
const drainInterval = 20 * time.Millisecond

// Drain refuses newcomers and new matches, and returns when the last match has ended and the modules' shutdown function has
// returned, or with ctx's error. Players in a match play on. Stop follows.
func (n *Node) Drain(ctx context.Context) error {
	n.directory.Draining.Store(true)
	var waits []<-chan struct{}
	if b := n.backend; b != nil {
		b.doors.rpc.SetReady(false) // as /readyz does
		waits = append(waits, b.match.Drain(seconds(n.c.Settings.ShutdownGraceSec)), b.shutdownModules(ctx))
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
	for _, over := range waits {
		select {
		case <-over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
