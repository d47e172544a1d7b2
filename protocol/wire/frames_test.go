package wire_test

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"testing"
)

// TestFrames reads the packets of frames.json by the tables and delivery rules of STANDARD.md's sections Packets and
// Frames, with nothing else, and compares with what the peer understood.
func TestFrames(t *testing.T) {
	var file struct {
		Packets []struct {
			Name    string   `json:"name"`
			Server  bool     `json:"from_server"`
			Resumed bool     `json:"resumed"`
			Plain   []bin    `json:"plaintexts"`
			Meaning []string `json:"meaning"`
		} `json:"packets"`
		Malformed []struct {
			Why    string `json:"why"`
			Server bool   `json:"from_server"`
			Plain  bin    `json:"plaintext"`
		} `json:"malformed"`
		Lengths map[string]bin `json:"lengths"`
	}
	load(t, "frames.json", &file)
	if len(file.Packets) < 19 || len(file.Malformed) < 40 || len(file.Lengths) < 9 {
		t.Fatalf("%d vectors, %d refusals, %d lengths", len(file.Packets), len(file.Malformed), len(file.Lengths))
	}
	seen := map[byte]bool{}
	for _, v := range file.Packets {
		r := newFrameReader(v.Server, v.Resumed, seen)
		for _, plain := range v.Plain {
			if !r.packet(plain) {
				t.Errorf("%s: refused", v.Name)
			}
		}
		if !slices.Equal(r.lines, v.Meaning) {
			t.Errorf("%s:\n got %q\nwant %q", v.Name, r.lines, v.Meaning)
		}
	}
	for frame := range byte(18) {
		if frame != 13 && !seen[frame] {
			t.Errorf("no vector has a frame of type %d", frame)
		}
	}
	for _, v := range file.Malformed {
		if newFrameReader(v.Server, false, seen).packet(v.Plain) {
			t.Errorf("%s: taken", v.Why)
		}
	}
	for text, b := range file.Lengths {
		n, err := strconv.Atoi(text)
		r := frameReader{b: b}
		if got := r.length(); err != nil || got != n || r.bad || len(r.b) != 0 {
			t.Errorf("length %s is read as %d", text, got)
		}
	}
}

// frameReader is the receiving end of one direction.
type frameReader struct {
	server  bool // the sender
	resumed bool
	seen    map[byte]bool
	lines   []string

	tickRef   uint32
	tick      bool // this packet has a tick block
	delivered [4]map[uint16]bool
	oldest    [4]uint16 // undelivered
	sequences map[byte]uint16
	pieces    map[byte][]byte // of frame pieceID, by index
	pieceID   byte
	pieceOf   byte
	pieceAny  bool
	streams   map[byte]*streamReader

	b   []byte
	bad bool
}

type streamReader struct {
	next uint32
	msg  []byte
}

func newFrameReader(server, resumed bool, seen map[byte]bool) *frameReader {
	r := &frameReader{server: server, resumed: resumed, seen: seen, sequences: map[byte]uint16{}, streams: map[byte]*streamReader{}}
	for i := range r.delivered {
		r.delivered[i] = map[uint16]bool{}
	}
	return r
}

// take gives the next n bytes, zeros when there are not so many.
func (r *frameReader) take(n int) []byte {
	if len(r.b) < n {
		r.bad, r.b = true, nil
		return make([]byte, n)
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *frameReader) u8() byte    { return r.take(1)[0] }
func (r *frameReader) u16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *frameReader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }

func (r *frameReader) length() int {
	n := int(r.u8())
	if n < 128 {
		return n
	}
	n = (n&127)<<8 | int(r.u8())
	r.must(n >= 128)
	return n
}

func (r *frameReader) must(ok bool) { r.bad = r.bad || !ok }

func (r *frameReader) add(format string, args ...any) {
	if !r.bad {
		r.lines = append(r.lines, fmt.Sprintf(format, args...))
	}
}

func (r *frameReader) packet(plain []byte) bool {
	r.b, r.bad, r.tick = plain, false, false
	flags := r.u8()
	r.must(flags>>4 == 0)
	if flags&8 != 0 {
		r.must(flags&3 == 0)
		r.add("ack none")
	} else {
		newest, older, delay := r.u16(), uint32(1<<32-1), byte(0)
		if flags&1 != 0 {
			older = r.u32()
			r.must(older != 1<<32-1)
		}
		if flags&2 != 0 {
			delay = r.u8()
		}
		line := fmt.Sprintf("ack %d delay %d missing", newest, delay)
		for missing := ^older; missing != 0; missing &= missing - 1 {
			line += fmt.Sprintf(" %d", newest-1-uint16(bits.TrailingZeros32(missing)))
		}
		r.add("%s", line)
	}
	if flags&4 != 0 {
		r.tickBlock()
	}
	for len(r.b) > 0 && !r.bad {
		r.frame(false)
	}
	return !r.bad
}

func (r *frameReader) tickBlock() {
	low := r.u16()
	tick := r.tickRef + uint32(int32(int16(low-uint16(r.tickRef))))
	if int32(tick-r.tickRef) > 0 {
		r.tickRef = tick
	}
	r.tick = true
	if r.server {
		base, margin, in := r.u8(), int8(r.u8()), r.u8()
		r.add("tick %d baseline %d margin %d input %d decoded 255", tick, base, margin, in)
		return
	}
	r.add("tick %d baseline 0 margin 0 input 255 decoded %d", tick, r.u8())
}

// frame reads one; within pieces only what can be large.
func (r *frameReader) frame(pieces bool) {
	first := r.u8()
	kind, ch := first>>3, first&7
	r.seen[kind] = true
	r.must(!pieces || kind == 2 || kind == 5 || kind == 6)
	r.must(ch == 0 || kind >= 3 && kind <= 6)
	if r.bad {
		return
	}
	switch kind {
	case 0:
		for _, zero := range r.take(len(r.b)) {
			r.must(zero == 0)
		}
	case 1:
		r.must(!r.server && r.tick)
		r.add("input %x", r.take(len(r.b)))
	case 2:
		r.must(r.server && r.tick)
		r.add("snapshot %x", r.take(len(r.b)))
	case 3:
		id := r.u16()
		r.event(ch, id, r.take(int(r.u8())))
	case 4:
		r.must(ch >= 4)
		r.stream(ch, r.take(r.length()))
	case 5:
		r.add("message %d %x", ch, r.take(r.length()))
	case 6:
		id := r.u16()
		body := r.take(r.length())
		if newest, any := r.sequences[ch]; !any || int16(id-newest) > 0 {
			r.add("message %d %x", ch, body)
			r.sequences[ch] = id
		}
	case 7:
		id, part := r.u8(), r.u8()
		r.piece(id, part>>4, part&15+1, r.take(r.length()))
	case 8:
		kind := r.u8()
		r.must(kind <= 1)
		r.add("time %s %d", []string{"ask", "answer"}[kind&1], r.u32())
	case 9:
		r.add("path challenge %x", r.take(8))
	case 10:
		r.add("path response %x", r.take(8))
	case 11:
		rate := r.u32()
		r.add("rate %d loss %d", rate, r.u8())
	case 12:
		reason := r.u8()
		r.must(reason != 0)
		r.add("close %d", reason)
		r.b = nil
	case 14:
		epoch := r.u32()
		r.must(epoch == 0) // all vectors are packets of the first
		r.add("key %d", epoch)
	case 15:
		r.must(r.server)
		secret := r.take(32)
		n := r.length()
		r.must(n > 0)
		r.add("ticket %x %x", secret, r.take(n))
	case 16:
		r.must(r.server)
		r.add("reset token %x", r.take(16))
	case 17:
		r.must(!r.server && r.resumed)
		r.add("restart")
	default:
		r.bad = true
	}
}

func (r *frameReader) event(ch byte, id uint16, data []byte) {
	if r.must(ch < 4); r.bad {
		return
	}
	ahead := int16(id - r.oldest[ch])
	r.must(ahead < 512)
	if ahead < 0 || r.delivered[ch][id] || ch < 2 && ahead > 0 {
		return
	}
	r.add("event %d %x", ch, data)
	r.delivered[ch][id] = true
	for r.delivered[ch][r.oldest[ch]] {
		r.oldest[ch]++
	}
}

// stream reads KCP segments that come in order.
func (r *frameReader) stream(ch byte, body []byte) {
	s := r.streams[ch]
	if s == nil {
		s = &streamReader{}
		r.streams[ch] = s
	}
	k := frameReader{b: body}
	k.must(len(body) > 0)
	for len(k.b) > 0 && !k.bad {
		k.must(k.u32() == uint32(ch))
		command, fragments := k.u8(), k.u8()
		k.take(2 + 4)
		number := k.u32()
		k.take(4)
		length := k.u32()
		k.must(length <= uint32(len(k.b)))
		if k.bad {
			break
		}
		data := k.take(int(length))
		switch command {
		case 81:
			k.must(length > 0 && length <= 1096 && fragments < 60)
			if number == s.next {
				s.next++
				s.msg = append(s.msg, data...)
				if fragments == 0 && !k.bad {
					r.add("stream %d %x", ch, s.msg)
					s.msg = nil
				}
			}
		case 82, 83, 84:
			k.must(length == 0)
		default:
			k.bad = true
		}
	}
	r.must(!k.bad)
}

func (r *frameReader) piece(id, index, count byte, piece []byte) {
	r.must(index < count && len(piece) > 0 && len(piece) <= 1100 && (index == count-1 || len(piece) == 1100))
	switch {
	case r.bad:
		return
	case r.pieceAny && id == r.pieceID:
		r.must(count == r.pieceOf)
	case r.pieceAny && r.pieceID-id <= 32:
		return
	default:
		r.pieceAny, r.pieceID, r.pieceOf, r.pieces = true, id, count, map[byte][]byte{}
	}
	if r.pieces[index] != nil {
		return
	}
	r.pieces[index] = piece
	if len(r.pieces) < int(count) {
		return
	}
	var whole []byte
	for i := range count {
		whole = append(whole, r.pieces[i]...)
	}
	rest := r.b
	r.b = whole
	r.frame(true)
	r.must(len(r.b) == 0)
	r.b = rest
}
