package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// stop says when to stop: SIGINT or SIGTERM once for an orderly end, twice for a quick one. The third time the process
// dies as if nobody listened.
type stop struct {
	ctx   context.Context // ends with the first signal
	hurry <-chan struct{} // closed by the second
}

func watchSignals() *stop {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	hurry := make(chan struct{})
	go func() { // ends with the second signal, or the process
		<-signals
		cancel()
		<-signals
		close(hurry)
		signal.Stop(signals)
	}()
	return &stop{ctx: ctx, hurry: hurry}
}
