package bench

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/bench/hist"
	"github.com/skirmishgg/skirmish/bench/pace"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/bench/socketload"
)

const (
	playSlots = 16  // wake-ups of the generator a tick, at each of which so many clients have their turn
	playUsers = 500 // further sessions are those of the same users
)

// playReport is what a run of the role "match-load" saw.
type playReport struct {
	Sent     int     `json:"sent"`
	Received int     `json:"received"` // data of the match: states, or what the other one of a pair sent
	Reads    int     `json:"reads"`    // calls that took them
	Seconds  float64 `json:"seconds"`
	Busy     float64 `json:"busy"`   // of the generator's core
	Silent   int     `json:"silent"` // clients that got nothing
	GapP50ms float64 `json:"gap_p50_ms"`
	GapP99ms float64 `json:"gap_p99_ms"`
}

// play is clients in matches, on WebSockets in the protobuf form. Each sends its input once a tick, at its own moment of it.
type play struct {
	load     *socketload.Load
	period   time.Duration
	clock    *pace.Clock
	inputs   [][]byte // by client: one or several frames
	burst    int      // frames in them
	answered *rtapi.Envelope
	last     []time.Duration // when the newest data came, by client; 0: none in this run
	now      time.Duration   // of what is read at this moment
	gaps     hist.Hist
	report   playReport
	failures []error
}

// matchLoad is the role "match-load". It answers "run DURATION".
func matchLoad(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("match-load", flag.ContinueOnError)
	addr := fs.String("addr", "", "of the server")
	clients := fs.Int("clients", 1, "how many")
	rate := fs.Int("rate", 30, "inputs a second of each")
	matches := fs.String("matches", "", "ids of authoritative matches, set apart by commas, which clients fill one after the other; none: pairs in relayed ones")
	burst := fs.Int("burst", 1, "messages at a time")
	floor := fs.Bool("floor", false, "the server is the floor, which has no sessions")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := moreFiles(); err != nil {
		return err
	}
	p := &play{period: time.Second / time.Duration(*rate), clock: pace.New(), burst: *burst, last: make([]time.Duration, *clients)}
	if err := p.open(*addr, *floor); err != nil {
		return err
	}
	defer p.load.Close()
	var ids []string
	if *matches != "" {
		ids = strings.Split(*matches, ",")
	}
	if err := p.join(ids); err != nil {
		return err
	}
	con.Say(struct{}{})
	return serveLoad(con, p.load, func(command string) (any, error) {
		window, err := time.ParseDuration(strings.TrimPrefix(command, "run "))
		if err != nil {
			return nil, err
		}
		return p.run(window)
	})
}

func (p *play) open(addr string, floor bool) (err error) {
	c := socketload.Config{Addr: addr, Clients: len(p.last), Message: p.message}
	if !floor {
		tokens, err := signIn(addr, min(len(p.last), playUsers))
		if err != nil {
			return err
		}
		c.Request = func(i int) []byte { return upgrade(tokens[i%len(tokens)] + "&format=protobuf") }
	}
	p.load, err = socketload.Open(c)
	return err
}

// join takes everybody into a match, and writes down what they will send.
func (p *play) join(matches []string) error {
	for i := range p.last {
		ask := &rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_MatchCreate{MatchCreate: &rtapi.MatchCreate{Name: fmt.Sprint("pair ", i/2)}}}
		if len(matches) > 0 {
			m := &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: matches[i/matchPlayers]}}
			ask.Message = &rtapi.Envelope_MatchJoin{MatchJoin: m}
		}
		if err := p.load.Send(i, envelope(ask)); err != nil {
			return err
		}
		p.answered = nil
		if err := await(p.load, &p.failures, func() bool { return p.answered != nil }); err != nil {
			return fmt.Errorf("client %d joins: %w", i, err)
		}
		data := bytes.Repeat([]byte{byte(i)}, matchInput)
		send := &rtapi.MatchDataSend{MatchId: p.answered.GetMatch().GetMatchId(), OpCode: 1, Data: data, Reliable: true}
		input := envelope(&rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: send}})
		p.inputs = append(p.inputs, bytes.Repeat(input, p.burst))
	}
	return nil
}

// envelope is a message as a client sends it.
func envelope(e *rtapi.Envelope) []byte {
	b, err := proto.Marshal(e)
	if err != nil {
		panic(err) // nothing in it can be wrong
	}
	return socketload.Binary(b)
}

// dataTag is how a message of match data begins.
var dataTag = protowire.AppendTag(nil, protowire.Number((&rtapi.Envelope{}).ProtoReflect().Descriptor().Fields().ByName("match_data").Number()), protowire.BytesType)

func (p *play) message(client int, m []byte) {
	if bytes.HasPrefix(m, dataTag) {
		p.report.Received++
		if p.last[client] != 0 {
			p.gaps.Add(p.now - p.last[client])
		}
		p.last[client] = p.now
		return
	}
	var e rtapi.Envelope
	switch err := proto.Unmarshal(m, &e); {
	case err != nil:
		p.failures = append(p.failures, err)
	case e.GetError() != nil:
		p.failures = append(p.failures, fmt.Errorf("client %d was answered %v", client, e.GetError()))
	case e.Cid != "":
		p.answered = &e
	}
}

func (p *play) run(window time.Duration) (playReport, error) {
	p.report, p.load.Reads = playReport{}, 0
	p.gaps.Reset()
	clear(p.last)
	start, cpu := p.clock.Now(), cpuTime()
	for k := 0; ; k++ {
		at := start + time.Duration(k)*p.period/playSlots
		if at >= start+window {
			break
		}
		p.clock.SleepUntil(at)
		if err := p.read(); err != nil {
			return p.report, err
		}
		for i := k % playSlots; i < len(p.inputs); i += playSlots {
			if err := p.load.Send(i, p.inputs[i]); err != nil {
				return p.report, fmt.Errorf("client %d: %w", i, err)
			}
			p.report.Sent += p.burst
		}
	}
	r := &p.report
	r.Seconds, r.Reads = (p.clock.Now() - start).Seconds(), p.load.Reads
	r.Busy = (cpuTime() - cpu).Seconds() / r.Seconds
	r.GapP50ms, r.GapP99ms = ms(p.gaps.Quantile(0.5)), ms(p.gaps.Quantile(0.99))
	for _, last := range p.last {
		if last == 0 {
			r.Silent++
		}
	}
	return *r, errors.Join(p.failures...)
}

// read takes everything that has come.
func (p *play) read() error {
	p.now = p.clock.Now()
	for had := -1; had != p.load.Reads; {
		had = p.load.Reads
		if err := p.load.Poll(0); err != nil {
			return err
		}
	}
	return nil
}

// matchFloor is the role "match-floor": plain sockets, the least that a match can cost. With a rate it reads what comes and
// writes a state to everybody once a tick; without, it passes what comes on to the other one of a pair. Each is one system
// call a socket. The first message of a socket is answered to it alone, as a join is.
func matchFloor(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("match-floor", flag.ContinueOnError)
	clients := fs.Int("clients", 1, "how many")
	rate := fs.Int("rate", 0, "ticks a second")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := moreFiles(); err != nil {
		return err
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	con.Say(apiHello{l.Addr().String()})
	f := &floorMatch{fds: make([]int, *clients), joined: make([]bool, *clients), buf: make([]byte, 64<<10)}
	if f.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	for i := range f.fds {
		if f.fds[i], err = acceptBare(l); err != nil {
			return err
		}
		if err := unix.EpollCtl(f.poll, unix.EPOLL_CTL_ADD, f.fds[i], &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}); err != nil {
			return os.NewSyscallError("epoll_ctl", err)
		}
	}
	return f.serve(con, *rate)
}

type floorMatch struct {
	poll   int
	fds    []int
	joined []bool
	buf    []byte
}

func (f *floorMatch) serve(con *proc.Console, rate int) error {
	served := func(e *rtapi.Envelope) []byte {
		b, _ := proto.Marshal(e)
		return socketload.Served(b)
	}
	data := func(n int) *rtapi.Envelope {
		d := &rtapi.MatchData{MatchId: "00000000-0000-4000-8000-000000000000.nakama", OpCode: 1, Data: make([]byte, n), Reliable: true}
		return &rtapi.Envelope{Message: &rtapi.Envelope_MatchData{MatchData: d}}
	}
	answer := served(&rtapi.Envelope{Cid: "1", Message: &rtapi.Envelope_Match{Match: &rtapi.Match{MatchId: "00000000-0000-4000-8000-000000000000.nakama"}}})
	state, relayed := served(data(matchState)), served(data(matchInput))
	one := len(envelope(&rtapi.Envelope{Message: &rtapi.Envelope_MatchDataSend{MatchDataSend: &rtapi.MatchDataSend{
		MatchId: "00000000-0000-4000-8000-000000000000.nakama", OpCode: 1, Data: make([]byte, matchInput), Reliable: true,
	}}}))
	several := bytes.Repeat(relayed, len(f.buf)/one)
	var next time.Time
	if rate > 0 {
		next = time.Now()
	}
	events := make([]unix.EpollEvent, 512)
	for {
		command, ok := con.Poll()
		if !ok {
			return nil
		}
		if command != "" {
			con.Say(markAPI())
		}
		if rate > 0 && !time.Now().Before(next) {
			next = next.Add(time.Second / time.Duration(rate))
			for i, fd := range f.fds {
				if f.joined[i] {
					_, _ = unix.Write(fd, state) // who is gone is gone
				}
			}
		}
		n, err := unix.EpollWait(f.poll, events, 1)
		if err != nil && err != unix.EINTR {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			i := int(e.Fd)
			n, err := unix.Read(f.fds[i], f.buf)
			switch {
			case err != nil:
			case n == 0:
				f.joined[i] = false
				_ = unix.EpollCtl(f.poll, unix.EPOLL_CTL_DEL, f.fds[i], nil)
			case !f.joined[i]:
				f.joined[i] = true
				_, _ = unix.Write(f.fds[i], answer)
			case rate == 0:
				_, _ = unix.Write(f.fds[i^1], several[:n/one*len(relayed)])
			}
		}
	}
}
