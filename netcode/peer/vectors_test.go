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

// vectors are plaintexts of packets, and what they mean.
type vectors struct {
	Packets   []vector       `json:"packets"`
	Malformed []refusal      `json:"malformed"`
	Lengths   map[int]string `json:"lengths"`
}

// vector is one or more packets that the same end receives in this order, and every line of what that means.
type vector struct {
	Name    string   `json:"name"`
	Server  bool     `json:"from_server"`
	Resumed bool     `json:"resumed,omitempty"`
	Plain   []string `json:"plaintexts"`
	Meaning []string `json:"meaning"`
}

// refusal is a packet that closes a connection on which nothing was received before.
type refusal struct {
	Why    string `json:"why"`
	Server bool   `json:"from_server"`
	Plain  string `json:"plaintext"`
}

// meaning writes down what a handler gets, in the words of the vectors.
type meaning struct{ lines []string }

func (m *meaning) add(format string, args ...any) {
	m.lines = append(m.lines, fmt.Sprintf(format, args...))
}

func (m *meaning) OnTick(t TickInfo) {
	m.add("tick %d baseline %d margin %d input %d decoded %d", t.Tick, t.BaselineDelta, t.Margin, t.InputDelta, t.DecodedDelta)
}
func (m *meaning) OnInput(_ TickInfo, b []byte)    { m.add("input %x", b) }
func (m *meaning) OnSnapshot(_ TickInfo, b []byte) { m.add("snapshot %x", b) }
func (m *meaning) OnEvent(ch uint8, b []byte)      { m.add("event %d %x", ch, b) }
func (m *meaning) OnMessage(ch uint8, b []byte)    { m.add("message %d %x", ch, b) }
func (m *meaning) OnStream(ch uint8, b []byte)     { m.add("stream %d %x", ch, b) }
func (m *meaning) OnTicket(s [32]byte, b []byte)   { m.add("ticket %x %x", s, b) }

// recorder makes one vector: the packets of one end, and what the other end takes them for.
type recorder struct {
	t        testing.TB
	w        *wiring
	from, to *end
	v        vector
}

func record(t testing.TB, name string, fromServer bool) *recorder {
	r := &recorder{t: t, w: wire2(t, simnet.LinkConfig{}, wire.SuiteAES128GCM), v: vector{Name: name, Server: fromServer}}
	r.from, r.to = r.w.client, r.w.server
	if fromServer {
		r.from, r.to = r.to, r.from
	}
	return r
}

// hears lets the sender receive packets of the other end with these numbers, the last of them some time ago.
func (r *recorder) hears(ago time.Duration, numbers ...uint64) *recorder {
	for _, pn := range numbers {
		r.to.nextPN = pn
		r.to.Begin(r.to.buf, r.w.now, TickInfo{})
		r.from.Receive(r.to.buf[:r.to.Finish(-1)], r.to.net.Addr(), r.w.now, r.from)
	}
	r.w.now += ago
	return r
}

// sends builds a packet as the sender does. says is what of it no handler gets, in the packet's order.
func (r *recorder) sends(tick TickInfo, tail wire.Frame, body []byte, says ...string) *recorder {
	ack := r.ack()
	r.from.Begin(r.from.buf, r.w.now, tick)
	n := -1
	if tail != 0 {
		n = copy(r.from.Tail(tail), body)
	}
	r.finish(n, ack, says)
	return r
}

// gives sends a packet with this plaintext.
func (r *recorder) gives(plain []byte, says ...string) *recorder {
	r.from.beginTo(r.from.buf, r.w.now, TickInfo{})
	r.from.dst = append(r.from.dst[:r.from.headerLen], plain...)
	r.finish(-1, "ack none", says)
	return r
}

func (r *recorder) finish(bodyLen int, ack string, says []string) {
	size := r.from.Finish(bodyLen)
	pkt := bytes.Clone(r.from.buf[:size])
	plain, ok := seal.NewOpener(r.from.c.Keys, r.from.ownID, r.from.c.Schema).Open(pkt, r.from.headerLen, r.from.nextPN-1)
	if !ok {
		r.t.Fatalf("%s does not open", r.v.Name)
	}
	r.v.Plain = append(r.v.Plain, hex.EncodeToString(plain))
	m := &meaning{}
	r.to.Receive(r.from.buf[:size], r.from.net.Addr(), r.w.now, m)
	r.v.Meaning = append(r.v.Meaning, ack)
	if len(m.lines) > 0 && strings.HasPrefix(m.lines[0], "tick ") {
		r.v.Meaning, m.lines = append(r.v.Meaning, m.lines[0]), m.lines[1:]
	}
	r.v.Meaning = append(append(r.v.Meaning, says...), m.lines...)
	if s, _ := r.to.State(); s == Closing {
		r.t.Errorf("%s was refused: %+v", r.v.Name, r.to.Counters)
	}
}

// ack is what the sender's next packet acks.
func (r *recorder) ack() string {
	o := r.from.opener
	if !o.Any() {
		return "ack none"
	}
	line := fmt.Sprintf("ack %d delay %d missing", uint16(o.Largest()), min((r.w.now-r.from.newestAt)/(250*time.Microsecond), 255))
	for i := range uint64(32) {
		if i < o.Largest() && !o.Seen(o.Largest()-1-i) {
			line += fmt.Sprintf(" %d", o.Largest()-1-i)
		}
	}
	return line
}

// TestVectors builds packets of every frame with the peer, and holds the checked-in vectors against them.
func TestVectors(t *testing.T) {
	all := vectors{Lengths: map[int]string{}}
	add := func(r *recorder) { all.Packets = append(all.Packets, r.v) }
	none, delta := TickInfo{}, func(tick uint32) TickInfo { return TickInfo{Valid: true, Tick: tick, DecodedDelta: 7} }

	add(record(t, "nothing received, nothing to say", false).sends(none, 0, nil))
	add(record(t, "all received", true).hears(1300*time.Microsecond, 0, 1, 2).sends(none, 0, nil))
	add(record(t, "some missing, a long time ago", false).hears(time.Second, 0, 1, 3, 4, 9).sends(none, 0, nil))
	add(record(t, "more than 33 ago is not said", true).hears(0, 5, 70).sends(none, 0, nil))
	add(record(t, "input", false).hears(0, 0).sends(delta(400), wire.FrameInput, []byte{1, 2, 3}))
	add(record(t, "input without a snapshot yet", false).sends(TickInfo{Valid: true, Tick: 1, DecodedDelta: None}, wire.FrameInput, []byte{0xff}))
	add(record(t, "snapshot", true).hears(0, 0).sends(TickInfo{Valid: true, Tick: 99, BaselineDelta: 4, Margin: -9, InputDelta: 1}, wire.FrameSnapshot, []byte{9, 8}))
	r := record(t, "ticks go on beyond 16 bits", false)
	for _, tick := range []uint32{30_000, 60_000, 65_535, 65_540, 90_000} {
		r.sends(delta(tick), 0, nil)
	}
	add(r)
	r = record(t, "events repeat until acked, channels 0 and 1 in order", false)
	for ch := range uint8(4) {
		must(t, r.from.SendEvent(ch, []byte{0xe0 | ch}, 0))
	}
	must(t, r.from.SendEvent(0, nil, 0))
	r.sends(none, 0, nil)
	must(t, r.from.SendEvent(1, []byte("once"), 0))
	r.sends(none, 0, nil)
	event := func(ch, id byte) []byte { return frame(wire.FrameEvent, ch, id, 0, 1, ch<<4|id) }
	r.gives(join([]byte{ackNone}, event(0, 3), event(0, 2), event(3, 9), event(3, 2)))
	r.gives(join([]byte{ackNone}, event(0, 3), event(3, 9), event(3, 1)))
	add(r)
	r = record(t, "messages, lengths of one and two bytes, newest wins", true)
	must(t, r.from.SendUnreliable(3, []byte("hello")))
	must(t, r.from.SendUnreliable(3, bytes.Repeat([]byte{0x33}, 127)))
	must(t, r.from.SendSequenced(5, bytes.Repeat([]byte{0x55}, 128)))
	r.sends(none, 0, nil)
	sequenced := func(ch byte, id uint16, b byte) []byte {
		return frame(wire.FrameSequenced, ch, byte(id), byte(id>>8), 1, b)
	}
	r.gives(join([]byte{ackNone}, sequenced(5, 0, 1), sequenced(5, 0x7fff, 2), sequenced(5, 0x7ffe, 3), sequenced(5, 0xfff0, 4), sequenced(5, 3, 5), sequenced(6, 3, 6)))
	add(r)
	r = record(t, "a stream's message in two segments, then an ack", true)
	second := segment(4, 81, 0, 'c')
	second[12] = 1
	r.gives(join([]byte{ackNone}, frame(wire.FrameStream, 4, 26), segment(4, 81, 1, 'a', 'b')))
	r.gives(join([]byte{ackNone}, frame(wire.FrameStream, 4, 49), second, segment(4, 82, 0)))
	add(r)
	r = record(t, "a message in pieces, the last first", false)
	big := bytes.Repeat([]byte{0xb1, 0x60}, 600)
	whole := join(frame(wire.FrameUnreliable, 2, 0x80|1200>>8, 1200&255), big)
	r.gives(join([]byte{ackNone}, frame(wire.FrameFragment, 0, 9, 1<<4|1, byte(len(whole)-1100)), whole[1100:]))
	r.gives(join([]byte{ackNone}, frame(wire.FrameFragment, 0, 8, 0, 3), frame(wire.FrameUnreliable, 2, 1, 'x'))) // overtaken
	r.gives(join([]byte{ackNone}, frame(wire.FrameFragment, 0, 9, 0<<4|1, 0x80|1100>>8, 1100&255), whole[:1100]))
	add(r)
	add(record(t, "a snapshot in one piece", true).gives(join([]byte{ackNone | ackTick, 5, 0, 0, 0, 255}, frame(wire.FrameFragment, 0, 0, 0, 3), frame(wire.FrameSnapshot, 0, 7, 7))))
	r = record(t, "owed answers and a report", false)
	r.from.control.answer, r.from.control.answerDue = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, true
	r.from.control.stamp, r.from.control.stampDue = 0xdeadbeef, true
	r.from.control.ask, r.from.control.askDue = 77, true
	r.from.report.rate, r.from.report.loss, r.from.report.due = 12345, 26, true
	add(r.sends(none, 0, nil, "path response 0102030405060708", "time ask 77", "time answer 3735928559", "rate 12345 loss 26"))
	r = record(t, "reset token and ticket", true)
	r.from.control.ticket = append(bytes.Repeat([]byte{7}, 32), 3, 'a', 'b', 'c')
	r.from.control.resetDue, r.from.control.resetSentAt = true, -time.Second
	r.from.c.ResetToken = func(uint32, netip.Addr) [16]byte { return [16]byte{1, 2, 3} }
	add(r.sends(none, 0, nil, "reset token 01020300000000000000000000000000"))
	add(record(t, "path challenge", true).gives(join([]byte{ackNone}, frame(wire.FramePathChallenge, 0, 8, 7, 6, 5, 4, 3, 2, 1)), "path challenge 0807060504030201"))
	add(record(t, "key, and padding", false).gives(join([]byte{ackNone}, frame(wire.FrameKey, 0, 0, 0, 0, 0), make([]byte, 5)), "key 0"))
	r = record(t, "a resumed client without memory", false)
	must(t, r.from.SendEvent(0, []byte("first"), 0))
	r.v.Resumed, r.to.resumed, r.from.control.restart = true, true, true
	add(r.sends(none, 0, nil, "restart").sends(none, 0, nil, "restart"))
	add(record(t, "what follows CLOSE is not looked at", true).gives(join([]byte{ackNone}, frame(wire.FrameClose, 0, byte(wire.CloseMatchEnded)), []byte{0xff}), "close 3"))

	for _, m := range malformed {
		all.Malformed = append(all.Malformed, refusal{m.why, m.server, hex.EncodeToString(m.plain)})
	}
	for _, n := range []int{0, 1, 127, 128, 255, 256, 1100, 17_600, 32_767} {
		all.Lengths[n] = hex.EncodeToString(appendLength(nil, n))
	}
	if channel.PieceMax != 1100 || channel.EventBudget != 512 {
		t.Error("the standard says 1,100 and 512")
	}
	got, err := json.MarshalIndent(all, "", "\t")
	must(t, err)
	path := filepath.Join("..", "..", "protocol", "wire", "testdata", "frames.json")
	if *rewrite {
		must(t, os.WriteFile(path, append(got, '\n'), 0o644))
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(bytes.TrimSpace(want), got) {
		t.Errorf("%s is not what the peer writes (%v): run make gen", path, err)
	}
}
