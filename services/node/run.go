package node

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// WatchSignals says when a program is to stop: SIGINT or SIGTERM once, and ctx ends, for an orderly end; twice, and hurry is
// closed, for a quick one. The third time the process dies as if nobody listened.
func WatchSignals() (ctx context.Context, hurry <-chan struct{}) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	twice := make(chan struct{})
	go func() { // ends with the second signal, or the process
		<-signals
		cancel()
		<-signals
		close(twice)
		signal.Stop(signals)
	}()
	return ctx, twice
}

// Run serves until ctx ends, then lets matches end for shutdown_grace_sec, or until somebody is in a hurry, and stops.
// SIGHUP, where there is one, loads the modules anew meanwhile.
func (n *Node) Run(ctx context.Context, hurry <-chan struct{}) error {
	hangUps, stop := watchHangUps()
	defer stop()
	for {
		select {
		case <-hangUps:
			n.reload()
			continue
		case <-ctx.Done():
		}
		n.drain(seconds(n.c.Settings.ShutdownGraceSec), hurry)
		return n.end()
	}
}

// reload does not wait for the modules, which may take their time.
func (n *Node) reload() {
	b := n.backend
	b.running.Go(func() { // ended by stop, which waits
		if err := n.ReloadModules(b.life); err != nil {
			n.c.Log.Error("Modules not loaded, the ones before go on", "error", err)
		}
	})
}

func (n *Node) drain(grace time.Duration, hurry <-chan struct{}) {
	n.c.Log.Info("Shutdown started - use CTRL^C to force stop server", "grace_period_sec", int(grace/time.Second))
	if grace <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	over := make(chan error, 1)
	go func() { over <- n.Drain(ctx) }() // ends with the matches or ctx
	select {
	case err := <-over:
		if err != nil {
			n.c.Log.Info("Shutdown grace period expired")
		}
	case <-hurry:
		n.c.Log.Info("Skipping graceful shutdown")
		cancel()
		<-over
	}
}

// stopTime is how long goodbyes may take.
const stopTime = 5 * time.Second

// end waits for the goodbyes, but not for ever.
func (n *Node) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	return n.Stop(ctx)
}
