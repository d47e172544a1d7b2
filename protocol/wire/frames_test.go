package wire_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// TestFrames reads the packets of frames.json by the tables of STANDARD.md sections 12 and 13, with nothing else, and
// compares with what the peer understood.
func TestFrames(t *testing.T) {
	var vectors []struct {
		Name    string `json:"name"`
		Server  bool   `json:"from_server"`
		Plain   bin    `json:"plaintext"`
		Meaning string `json:"meaning"`
	}
	load(t, "frames.json", &vectors)
	if len(vectors) < 9 {
		t.Fatalf("%d vectors", len(vectors))
	}
	seen := map[byte]bool{}
	for _, v := range vectors {
		r := frameReader{b: v.Plain, server: v.Server, seen: seen}
		r.packet()
		if got := strings.Join(r.lines, "\n"); got != v.Meaning || r.bad != "" {
			t.Errorf("%s (%x):\n got %s\nwant %s\n%s", v.Name, v.Plain, got, v.Meaning, r.bad)
		}
	}
	for _, frame := range []byte{1, 2, 3, 5, 6, 7, 8, 10, 11, 15, 16} {
		if !seen[frame] {
			t.Errorf("no vector has a frame of type %d", frame)
		}
	}
}

type frameReader struct {
	b      []byte
	server bool
	seen   map[byte]bool
	lines  []string
	bad    string
	tick   bool
}

func (r *frameReader) take(n int) []byte {
	if len(r.b) < n {
		r.bad, r.b = "cut", nil
		return make([]byte, n)
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

func (r *frameReader) length() int {
	n := int(r.take(1)[0])
	if n < 128 {
		return n
	}
	return (n&127)<<8 | int(r.take(1)[0])
}

func (r *frameReader) add(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *frameReader) packet() {
	flags := r.take(1)[0]
	if flags>>4 != 0 {
		r.bad = "reserved flags"
	}
	if flags&8 == 0 {
		r.take(2)
		if flags&1 != 0 {
			if binary.LittleEndian.Uint32(r.take(4)) == 1<<32-1 {
				r.bad = "all ones are left out"
			}
		}
		if flags&2 != 0 {
			r.take(1)
		}
	}
	if flags&4 != 0 {
		tick := uint32(binary.LittleEndian.Uint16(r.take(2)))
		r.tick = true
		if r.server {
			rest := r.take(3)
			r.add("tick %d %d %d %d 255", tick, rest[0], int8(rest[1]), rest[2])
		} else {
			r.add("tick %d 0 0 255 %d", tick, r.take(1)[0])
		}
	}
	r.frames()
}

func (r *frameReader) frames() {
	for len(r.b) > 0 && r.bad == "" {
		first := r.take(1)[0]
		ch := first & 7
		r.seen[first>>3] = true
		switch first >> 3 {
		case 1, 2:
			name := map[byte]string{1: "input", 2: "snapshot"}[first>>3]
			if !r.tick || r.server != (first>>3 == 2) || ch != 0 {
				r.bad = name + " out of place"
			}
			r.add("%s %s", name, hex.EncodeToString(r.take(len(r.b))))
		case 3:
			r.take(2)
			r.add("event %d %x", ch, r.take(int(r.take(1)[0])))
		case 5:
			r.add("message %d %x", ch, r.take(r.length()))
		case 6:
			r.take(2)
			r.add("message %d %x", ch, r.take(r.length()))
		case 7:
			if part := r.take(2)[1]; part != 0 {
				r.bad = "the vectors have only fragments that are whole"
			}
			inner := frameReader{b: r.take(r.length()), server: r.server, seen: r.seen, tick: r.tick}
			inner.frames()
			r.lines = append(r.lines, inner.lines...)
		case 8, 11:
			r.take(5)
		case 9, 10:
			r.take(8)
		case 12:
			r.take(1)
		case 15:
			secret := r.take(32)
			r.add("ticket %x %x", secret, r.take(r.length()))
		case 16:
			r.take(16)
		default:
			r.bad = fmt.Sprintf("unknown frame %d", first>>3)
		}
	}
}
