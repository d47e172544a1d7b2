package bench

import (
	"flag"
	"fmt"
	"time"
	"unsafe"

	"github.com/skirmishgg/skirmish/bench/load"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/handshake"
	"github.com/skirmishgg/skirmish/netcode/input"
	"github.com/skirmishgg/skirmish/netcode/peer"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// blendParts is how many entities have the state between them: one may have 32 fields.
const blendParts = 2

// The game of ws_match as a match of the engine: its state is in entities of which every byte changes every tick.
type (
	blendInput struct {
		Data [matchInput / 4]uint32 `snap:""`
	}
	blendState struct {
		Data [matchState / 4 / blendParts]uint32 `snap:""`
	}
)

// nativeBlend is its definition.
func nativeBlend(rate int) match.Definition {
	return match.Definition{
		Name: "blend", Rate: rate, MaxPlayers: matchPlayers,
		Schema: match.Schema[blendInput](match.Kind[blendState](blendParts)),
		New:    func() match.Game { return &nativeGame{} },
	}
}

type nativeGame struct{ state match.Store[blendState] }

func (g *nativeGame) Init(c *match.Ctx) error {
	g.state = match.Open[blendState](c)
	for slot := range blendParts {
		g.state.SpawnAt(slot)
	}
	return nil
}

func (*nativeGame) Join(*match.Ctx, *match.Player) error             { return nil }
func (*nativeGame) Leave(*match.Ctx, *match.Player, wire.Close)      {}
func (*nativeGame) Receive(*match.Ctx, *match.Player, match.Message) {}

func (g *nativeGame) Tick(c *match.Ctx) {
	for _, s := range g.state.All() {
		for i, p := range c.Players() {
			in := match.Input[blendInput](p)
			for j, v := range in.Data {
				s.Data[(i*3+j)%len(s.Data)] ^= v
			}
		}
		for i := range s.Data {
			s.Data[i] += 0x9e3779b9 // so that no byte stays
		}
	}
}

// blendPlayer is a load.Body that sends an input a tick, with those before it that the server has not used, and
// acknowledges what it gets.
type blendPlayer struct {
	history   *input.History
	tick      uint32
	seen      uint32
	processed uint32
	anySeen   bool
	anyUsed   bool
}

func (p *blendPlayer) Joined(r *handshake.Result, _ time.Duration) { p.tick = r.ServerTick + 2 }
func (p *blendPlayer) Event([]byte)                                {}

// Input keeps its tick near to the server's, also when the generator was held up.
func (p *blendPlayer) Input(dst []byte, _ time.Duration) (int, peer.TickInfo) {
	if p.anySeen && p.tick >= p.seen+blendAhead {
		return -1, p.info()
	}
	if p.tick++; p.anySeen {
		p.tick = max(p.tick, p.seen+1)
	}
	in := blendInput{}
	for i := range in.Data {
		in.Data[i] = p.tick * uint32(i+1)
	}
	p.history.Put(p.tick, unsafe.Pointer(&in))
	return p.history.Encode(dst, p.processed, p.anyUsed), p.info()
}

func (p *blendPlayer) info() peer.TickInfo {
	t := peer.TickInfo{Valid: true, Tick: p.tick, DecodedDelta: peer.None}
	if d := p.tick - p.seen; p.anySeen && d < peer.None {
		t.DecodedDelta = uint8(d)
	}
	return t
}

func (p *blendPlayer) Snapshot(t peer.TickInfo, _ []byte, _ time.Duration) {
	if t.InputDelta != peer.None {
		p.processed, p.anyUsed = t.Tick-uint32(t.InputDelta), true
	}
	if !p.anySeen || int32(t.Tick-p.seen) > 0 {
		p.seen, p.anySeen = t.Tick, true
	}
}

// blendAhead is how many ticks an input is ahead of the newest snapshot, at most.
const blendAhead = 4

// blendLoad is the role "blend-load". It answers "run DURATION" with a load.Report.
func blendLoad(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("blend-load", flag.ContinueOnError)
	dir := fs.String("dir", "", "where the node's keys are")
	addr := fs.String("addr", "", "the node")
	matchList := fs.String("matches", "", "ids of its matches, set apart by commas")
	rate := fs.Int("rate", 60, "ticks a second")
	if err := fs.Parse(args); err != nil {
		return err
	}
	def := nativeBlend(*rate)
	schema, err := def.Compile()
	if err != nil {
		return err
	}
	back, err := newBackend(*dir, *addr, schema.Hash())
	if err != nil {
		return err
	}
	ids, err := parseIDs(*matchList)
	if err != nil {
		return err
	}
	c := load.Config{Addr: back.addr, Clients: len(ids) * matchPlayers, Rate: *rate, Stamps: true, New: func(i int) (load.Protocol, error) {
		return load.NewTransport(back.addr, back.mint(i, ids[i/matchPlayers]), &blendPlayer{history: input.NewHistory(schema.Input())}), nil
	}}
	return generate(con, c, nil)
}

// nativeMatch is the server's CPU for a player and tick, in every run.
func (e *env) nativeMatch(rate, matches int) (micros []float64, err error) {
	n, err := e.startNode("--game", "blend", "--matches", itoa(matches), "--rate", itoa(rate))
	if err != nil {
		return nil, err
	}
	defer n.Stop()
	gen, err := e.load(nil, "blend-load", append(n.clientArgs(), "--rate", itoa(rate))...)
	if err != nil {
		return nil, err
	}
	defer gen.Stop()
	if err := gen.Ask("run 500ms", nil); err != nil {
		return nil, err
	}
	for range e.o.Runs {
		before, err := n.mark("mark")
		if err != nil {
			return nil, err
		}
		var r load.Report
		if err := gen.Ask(fmt.Sprintf("run %v", e.o.Window), &r); err != nil {
			return nil, err
		}
		after, err := n.mark("mark")
		if err != nil {
			return nil, err
		}
		if r.Ready < matches*matchPlayers || r.Received == 0 {
			return nil, fmt.Errorf("%d of %d players are there and get %d snapshots", r.Ready, matches*matchPlayers, r.Received)
		}
		micros = append(micros, (after.CPUMicros-before.CPUMicros)/float64(after.Ops-before.Ops))
	}
	return micros, nil
}
