package rtt

import (
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/bench/pace"
)

// Echo is the server's game for the references: events wait here until the tick, which answers them.
type Echo struct {
	mu      sync.Mutex
	waiting []answer
}

type answer struct {
	to    Sender
	event [EventBytes]byte
}

// Received queues an event's answer. Any goroutine may call it.
func (e *Echo) Received(from Sender, event []byte) {
	a := answer{to: from}
	copy(a.event[:], event)
	e.mu.Lock()
	e.waiting = append(e.waiting, a)
	e.mu.Unlock()
}

// Run ticks until stop closes. A client that cannot be answered is gone; its reader finds out.
func (e *Echo) Run(rate int, stop <-chan struct{}) {
	clock, period := pace.New(), time.Second/time.Duration(rate)
	var due []answer
	for deadline := period; ; deadline += period {
		clock.SleepUntil(deadline)
		select {
		case <-stop:
			return
		default:
		}
		e.mu.Lock()
		due, e.waiting = e.waiting, due[:0]
		e.mu.Unlock()
		for i := range due {
			_ = due[i].to.Send(due[i].event[:])
		}
	}
}
