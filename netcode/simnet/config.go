package simnet

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// LinkConfig describes one direction of a link. The zero value delivers everything at once. Chances are 0 to 1.
type LinkConfig struct {
	Delay  time.Duration // one way
	Jitter time.Duration // a packet takes Delay plus or minus up to this, uniformly; never before it was sent

	// Overtake lets jitter reorder: each packet's is its own, as netem does. Without it a packet waits for those
	// before it, as real queues do, and Reorder alone reorders.
	Overtake bool

	Loss float64 // chance that a packet is lost, each by itself
	GE   GilbertElliott

	Reorder   float64       // chance that a packet is held back by up to ReorderBy, so that later ones pass it
	ReorderBy time.Duration // 0: 10 ms

	Duplicate float64 // chance that a packet arrives twice; the copy has its own jitter
	Corrupt   float64 // chance that one bit of a packet is flipped

	Rate  int // bytes a second; 0: no limit
	Queue int // bytes that may wait for Rate, then new packets are dropped; 0: 64 KB
}

// GilbertElliott is loss in bursts: a chain of a good and a bad state that steps once a packet. The zero
// value loses nothing.
type GilbertElliott struct {
	PGB      float64 // chance of good -> bad
	PBG      float64 // chance of bad -> good
	LossBad  float64
	LossGood float64
}

const (
	defaultReorderBy = 10 * time.Millisecond
	defaultQueue     = 64 << 10
)

// Bursty gives the chain that loses the share loss of all packets in runs of burst packets on average.
func Bursty(loss, burst float64) GilbertElliott {
	if loss <= 0 {
		return GilbertElliott{}
	}
	pbg := 1 / burst
	return GilbertElliott{PGB: min(1, loss*pbg/(1-loss)), PBG: pbg, LossBad: 1}
}

// Mean is the share of packets that the chain loses in the long run. It starts in the good state.
func (g GilbertElliott) Mean() float64 {
	if g.PGB == 0 {
		return g.LossGood
	}
	bad := g.PGB / (g.PGB + g.PBG)
	return bad*g.LossBad + (1-bad)*g.LossGood
}

// Check says what is wrong with c.
func (c LinkConfig) Check() error {
	for _, p := range []struct {
		name   string
		chance float64
	}{
		{"loss", c.Loss}, {"reorder", c.Reorder}, {"duplicate", c.Duplicate}, {"corrupt", c.Corrupt},
		{"pgb", c.GE.PGB}, {"pbg", c.GE.PBG}, {"lossbad", c.GE.LossBad}, {"lossgood", c.GE.LossGood},
	} {
		if !(p.chance >= 0 && p.chance <= 1) { // also refuses NaN
			return fmt.Errorf("simnet: %s %v is no chance between 0 and 1", p.name, p.chance)
		}
	}
	if c.Delay < 0 || c.Jitter < 0 || c.ReorderBy < 0 || c.Rate < 0 || c.Queue < 0 {
		return errors.New("simnet: delay, jitter, reorder-by, rate and queue cannot be negative")
	}
	if c.Rate > math.MaxInt32 || c.Queue > 1<<30 {
		return errors.New("simnet: a rate of more than 2 GB/s or a queue of more than 1 GB")
	}
	return nil
}

// ParseLink reads a link as people write it, parts in any order:
//
//	delay=25ms jitter=5ms overtake loss=5% burst=2%/4 reorder=1%/20ms duplicate=0.5% corrupt=0.1% rate=128k queue=32k
//
// burst=SHARE/LENGTH is Bursty; ge=PGB/PBG/LOSSBAD/LOSSGOOD spells the chain out. Rates are bytes a second. Parts
// are set apart by spaces or commas. The empty text is a perfect link.
func ParseLink(text string) (c LinkConfig, err error) {
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' }) {
		name, value, _ := strings.Cut(part, "=")
		values := strings.Split(value, "/")
		if err = c.set(name, values); err != nil {
			return LinkConfig{}, fmt.Errorf("simnet: %q: %w", part, err)
		}
	}
	return c, c.Check()
}

func (c *LinkConfig) set(name string, v []string) (err error) {
	parts := func(want int) error {
		if len(v) != want {
			return fmt.Errorf("want %d values between slashes", want)
		}
		return nil
	}
	switch name {
	case "delay":
		c.Delay, err = time.ParseDuration(v[0])
	case "jitter":
		c.Jitter, err = time.ParseDuration(v[0])
	case "overtake":
		c.Overtake = true
	case "loss":
		c.Loss, err = parseChance(v[0])
	case "reorder":
		if c.Reorder, err = parseChance(v[0]); err == nil && len(v) > 1 {
			c.ReorderBy, err = time.ParseDuration(v[1])
		}
	case "duplicate":
		c.Duplicate, err = parseChance(v[0])
	case "corrupt":
		c.Corrupt, err = parseChance(v[0])
	case "rate":
		c.Rate, err = parseBytes(v[0])
	case "queue":
		c.Queue, err = parseBytes(v[0])
	case "burst":
		if err = parts(2); err != nil {
			return err
		}
		share, err := parseChance(v[0])
		if err != nil {
			return err
		}
		length, err := strconv.ParseFloat(v[1], 64)
		if err != nil || !(length >= 1) || !(share < 1) {
			return errors.New("want SHARE below 1 and LENGTH of at least 1 packet")
		}
		c.GE = Bursty(share, length)
	case "ge":
		if err = parts(4); err != nil {
			return err
		}
		for i, p := range []*float64{&c.GE.PGB, &c.GE.PBG, &c.GE.LossBad, &c.GE.LossGood} {
			if *p, err = parseChance(v[i]); err != nil {
				return err
			}
		}
	default:
		err = errors.New("want delay, jitter, overtake, loss, burst, ge, reorder, duplicate, corrupt, rate or queue")
	}
	return err
}

// parseChance reads "0.05" or "5%".
func parseChance(s string) (float64, error) {
	number, percent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(number, 64)
	if percent {
		f /= 100
	}
	return f, err
}

// parseBytes reads "65536", "64k" or "1m".
func parseBytes(s string) (int, error) {
	unit := 1
	if n, ok := strings.CutSuffix(s, "k"); ok {
		s, unit = n, 1<<10
	} else if n, ok := strings.CutSuffix(s, "m"); ok {
		s, unit = n, 1<<20
	}
	n, err := strconv.ParseUint(s, 10, 31)
	if err == nil && n > math.MaxInt32/uint64(unit) {
		err = strconv.ErrRange
	}
	return int(n) * unit, err
}
