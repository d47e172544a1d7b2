package shard

import (
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// overload watches whether a shard keeps up. In a window of 5 s it is overloaded when it gave up time and was busy for
// more than 80 % of it; after two such windows in a row the match that costs most a second is ended with CloseOverrun.
// A machine that stood still for a moment gave up time but was not busy, or was so in one window only.
type overload struct {
	windowEnd time.Duration
	busy      time.Duration
	slipped   uint64
	bad       int // windows in a row
}

const (
	overloadWindow = 5 * time.Second
	overloadBusy   = overloadWindow * 8 / 10
	overloadAfter  = 2
)

func (o *overload) judge(s *Shard) {
	if s.now < o.windowEnd {
		return
	}
	if o.slipped > 0 && o.busy > overloadBusy {
		o.bad++
	} else {
		o.bad = 0
	}
	o.busy, o.slipped, o.windowEnd = 0, 0, s.now+overloadWindow
	if o.bad < overloadAfter || len(s.matches) == 0 {
		return
	}
	o.bad = 0
	worst := s.matches[0]
	for _, m := range s.matches[1:] {
		if m.load() > worst.load() {
			worst = m
		}
	}
	s.Stats.Overruns.add(1)
	worst.Stop(wire.CloseOverrun)
}

// load is what a match costs a second.
func (m *running) load() time.Duration { return m.cost * time.Duration(m.info.Rate) }
