package peer

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/channel"
	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/simnet"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

var rewrite = flag.Bool("rewrite", false, "write protocol/wire/testdata/frames.json anew")

// vector is the plaintext of a packet and what it means, one line a part.
type vector struct {
	Name    string `json:"name"`
	Server  bool   `json:"from_server"`
	Plain   string `json:"plaintext"`
	Meaning string `json:"meaning"`
}

// meaning writes down what a handler gets, in the words of the vectors.
type meaning struct{ lines []string }

func (m *meaning) add(format string, args ...any) {
	m.lines = append(m.lines, fmt.Sprintf(format, args...))
}

func (m *meaning) OnTick(t TickInfo) {
	m.add("tick %d %d %d %d %d", t.Tick, t.BaselineDelta, t.Margin, t.InputDelta, t.DecodedDelta)
}
func (m *meaning) OnInput(_ TickInfo, b []byte)    { m.add("input %x", b) }
func (m *meaning) OnSnapshot(_ TickInfo, b []byte) { m.add("snapshot %x", b) }
func (m *meaning) OnEvent(ch uint8, b []byte)      { m.add("event %d %x", ch, b) }
func (m *meaning) OnMessage(ch uint8, b []byte)    { m.add("message %d %x", ch, b) }
func (m *meaning) OnStream(ch uint8, b []byte)     { m.add("stream %d %x", ch, b) }
func (m *meaning) OnTicket(s [32]byte, b []byte)   { m.add("ticket %x %x", s, b) }

// TestVectors builds packets of every frame with the peer, and holds the checked-in vectors against them.
func TestVectors(t *testing.T) {
	var vectors []vector
	record := func(name string, fromServer bool, prepare func(*Peer), tick TickInfo, tail wire.Frame, body []byte) {
		w := wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM)
		from, to := w.client, w.server
		if fromServer {
			from, to = to, from
		}
		if name != "first" { // both have heard of each other
			for range 3 {
				w.step(time.Millisecond, true)
				w.step(time.Millisecond, false)
			}
		}
		prepare(from.Peer)
		from.Begin(from.buf, w.now, tick)
		n := -1
		if tail != 0 {
			n = copy(from.Tail(tail), body)
		}
		size := from.Finish(n)
		open := seal.NewOpener(from.c.Keys, from.ownID, from.c.Schema)
		pkt := bytes.Clone(from.buf[:size])
		plain, ok := open.Open(pkt, from.headerLen, from.nextPN-1)
		if !ok {
			t.Fatalf("%s does not open", name)
		}
		m := &meaning{}
		to.Receive(from.buf[:size], from.net.Addr(), w.now, m)
		vectors = append(vectors, vector{name, fromServer, hex.EncodeToString(plain), strings.Join(m.lines, "\n")})
	}
	nothing := func(*Peer) {}
	record("first", false, nothing, TickInfo{}, 0, nil)
	record("acks only", true, nothing, TickInfo{}, 0, nil)
	record("input", false, nothing, TickInfo{Valid: true, Tick: 70000, DecodedDelta: 7}, wire.FrameInput, []byte{1, 2, 3})
	record("snapshot", true, nothing, TickInfo{Valid: true, Tick: 99, BaselineDelta: 4, Margin: -9, InputDelta: 1}, wire.FrameSnapshot, []byte{9, 8})
	record("events on four channels", false, func(p *Peer) {
		for ch := range uint8(4) {
			must(t, p.SendEvent(ch, []byte{0xe0 | ch}, 0))
		}
		must(t, p.SendEvent(0, nil, 0))
	}, TickInfo{}, 0, nil)
	record("messages short and long", true, func(p *Peer) {
		must(t, p.SendUnreliable(3, []byte("hello")))
		must(t, p.SendSequenced(5, bytes.Repeat([]byte{0x55}, 200)))
	}, TickInfo{}, 0, nil)
	record("path answer, time answer, rate", false, func(p *Peer) {
		p.control.answer, p.control.answerDue = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, true
		p.control.stamp, p.control.stampDue = 0xdeadbeef, true
		p.report.rate, p.report.loss, p.report.due = 12345, 26, true
	}, TickInfo{}, 0, nil)
	record("ticket and reset token", true, func(p *Peer) {
		p.control.ticket, p.control.ticketSentAt = append(bytes.Repeat([]byte{7}, 32), 3, 'a', 'b', 'c'), -time.Second
		p.control.resetDue, p.control.resetSentAt = true, -time.Second
		p.c.ResetToken = func(uint32, netip.Addr) [16]byte { return [16]byte{1, 2, 3} }
	}, TickInfo{}, 0, nil)
	record("fragment", true, func(p *Peer) {
		q := &p.queue
		q.bytes = append(q.bytes, byte(wire.FrameFragment)<<3, 4, 0, 3, byte(wire.FrameUnreliable)<<3, 1, 'x')
		q.lengths = append(q.lengths, uint16(len(q.bytes)))
	}, TickInfo{}, 0, nil)
	if channel.PieceMax != 1100 {
		t.Error("the standard says 1,100")
	}
	got, err := json.MarshalIndent(vectors, "", "\t")
	must(t, err)
	path := filepath.Join("..", "..", "protocol", "wire", "testdata", "frames.json")
	if *rewrite {
		must(t, os.WriteFile(path, append(got, '\n'), 0o644))
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(bytes.TrimSpace(want), got) {
		t.Errorf("%s is not what the peer writes (%v): run make gen", path, err)
	}
}
