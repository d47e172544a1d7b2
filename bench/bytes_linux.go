package bench

import (
	"errors"
	"fmt"
	"time"

	"github.com/skirmishgg/skirmish/bench/arena"
	"github.com/skirmishgg/skirmish/bench/lab"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

var bytesRow = Row{
	Name: "wire_bytes_10x128",
	Doc:  "server datagrams of a 10-player 128 Hz match, and snapshots of 64 players at 60 Hz, on recorded inputs in the simulator",
	Aim:  "mean ≤ 100 B on the IPv4 wire; ≤ 200 B a snapshot of 64",
	run:  runBytes,
}

const (
	ipv4Bytes   = 20 + 8 // IP and UDP headers
	activeShare = 0.8    // of ticks in which a player moves, and turns: less would be no shooter
)

// bytesCase is one play of the row.
type bytesCase struct {
	name  string
	play  lab.Config
	sizes func(lab.Report) []int
	add   int // to each size
	text  string
	aim   float64 // of the mean; 0: none
}

func runBytes(e *env) error {
	fast, err := traceAt(arena.RateFast)
	if err != nil {
		return err
	}
	ten := lab.Config{Definition: arena.Definition(arena.RateFast), Trace: fast, Players: 10, Ticks: fast.Ticks()}
	crowd := lab.Config{
		Definition: lab.Crowd(arena.Rate), Trace: arena.NewTrace(lab.CrowdMax, arena.Rate, 600, 7), Players: lab.CrowdMax, Ticks: 600,
	}
	datagrams := func(r lab.Report) []int { return r.Datagrams }
	snapshots := func(r lab.Report) []int { return r.Snapshots }
	lan := simnet.LinkConfig{Delay: time.Millisecond}
	lossy := simnet.LinkConfig{Delay: time.Millisecond, Loss: 0.02}
	for _, c := range []bytesCase{
		{"wire_bytes_10x128", with(ten, lan), datagrams, ipv4Bytes, "1 ms each way", 100},
		{"wire_bytes_10x128_loss2", with(ten, lossy), datagrams, ipv4Bytes, "1 ms and 2 % loss each way", 100},
		{"snapshot_bytes_64x60", with(crowd, lan), snapshots, 0, "1 ms each way", 200},
		{"snapshot_bytes_64x60_loss2", with(crowd, lossy), snapshots, 0, "1 ms and 2 % loss each way", 0},
	} {
		if err := e.playBytes(c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func with(c lab.Config, link simnet.LinkConfig) lab.Config {
	c.Link = link
	return c
}

// playBytes plays a case with as many seeds as there are runs. Every decoded state is compared with the server's on the
// way: an entity that was deferred for want of room is a difference, and fails the row.
func (e *env) playBytes(c bytesCase) error {
	var means, p99 []float64
	var last lab.Report
	checked := 0
	for run := range e.o.Runs {
		c.play.Seed = uint64(run + 1)
		r, err := lab.Play(c.play)
		if err != nil {
			return err
		}
		if r.Moving < activeShare || r.Turning < activeShare {
			return fmt.Errorf("players move in %.0f %% of ticks and turn in %.0f %%: the trace is too tame", r.Moving*100, r.Turning*100)
		}
		if r.Checked == 0 {
			return errors.New("no decoded state was compared with the server's")
		}
		sizes := c.sizes(r)
		means, p99 = append(means, lab.Mean(sizes)+float64(c.add)), append(p99, float64(lab.Quantile(sizes, 0.99)+c.add))
		checked += r.Checked
		last = r
	}
	r := measured(c.name, "B", means)
	if c.aim > 0 {
		r = r.aimed(fmt.Sprintf("≤ %.0f", c.aim), r.Median <= c.aim)
	}
	e.add(r.noted("mean, %s; %d decoded states are the server's, %d came without their baseline; players move in %.0f %% of ticks, turn in %.0f %%",
		c.text, checked, last.Undecoded, last.Moving*100, last.Turning*100))
	e.add(measured(c.name+"_p99", "B", p99))
	return nil
}
