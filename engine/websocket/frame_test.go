package websocket

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Our server frames are what another implementation reads, at every length form.
func TestFramesReadByAnother(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 70000} {
		payload := bytes.Repeat([]byte{'x'}, n)
		r := bytes.NewReader(appendFrame(nil, opBinary, payload))
		h, err := ws.ReadHeader(r)
		got, _ := io.ReadAll(r)
		if err != nil || h.OpCode != ws.OpBinary || !h.Fin || h.Masked || h.Length != int64(n) || !bytes.Equal(got, payload) {
			t.Errorf("%d bytes: %+v, %v", n, h, err)
		}
	}
}

func TestUnmask(t *testing.T) {
	mask := [4]byte{1, 2, 3, 4}
	for n := range 40 {
		b := bytes.Repeat([]byte{'x'}, n)
		want := bytes.Clone(b)
		ws.Cipher(want, mask, 0)
		if unmask(b, mask); !bytes.Equal(b, want) {
			t.Errorf("%d bytes: %x, want %x", n, b, want)
		}
	}
}

func TestClosePayload(t *testing.T) {
	f := func(reason string, want int) {
		t.Helper()
		b := closePayload(1000, reason)
		if len(b) != want || len(b) > controlMax || !utf8.Valid(b[2:]) || !strings.HasPrefix(reason, string(b[2:])) {
			t.Errorf("%d bytes %q, want %d", len(b), b, want)
		}
		if code, problem := parseClose(b); code != 1000 || problem != "" {
			t.Errorf("read back as %d %q", code, problem)
		}
	}
	f("", 2)
	f(strings.Repeat("a", 123), 125)
	f(strings.Repeat("a", 124), 125)
	f(strings.Repeat("a", 122)+"ä", 124)
	f(strings.Repeat("世", 50), 125)
	if b := closePayload(0, "nothing"); len(b) != 0 {
		t.Errorf("no code gives %q", b)
	}
}

// told is a handler that writes down what it is told.
type told struct{ events []string }

func (h *told) Message(_ *Conn, binary bool, data []byte) bool {
	h.events = append(h.events, fmt.Sprint(binary, string(data)))
	return true
}

func (h *told) Closed(*Conn, error) {}

// parsed is everything that comes of bytes received in pieces.
func parsed(s *Server, data []byte, piece int) []string {
	h := &told{}
	c := s.Conn(h)
	for len(data) > 0 {
		n := min(piece, len(data))
		c.receive(bytes.Clone(data[:n])) // unmasked in place
		data = data[n:]
	}
	c.mu.Lock()
	h.events = append(h.events, fmt.Sprintf("out %x", c.take(nil, 1<<20)))
	c.mu.Unlock()
	return h.events
}

// Whatever comes, nothing panics, memory stays within the limit, and how it is cut into pieces makes no difference.
func FuzzReceive(f *testing.F) {
	s := &Server{c: Config{MaxMessage: 300, Loops: -1}.withDefaults()}
	s.wheel.tick = tickOf(s.c)
	frame := func(op ws.OpCode, fin bool, payload string) []byte {
		var b bytes.Buffer
		_ = ws.WriteFrame(&b, ws.MaskFrameInPlaceWith(ws.NewFrame(op, fin, []byte(payload)), [4]byte{9, 8, 7, 6}))
		return b.Bytes()
	}
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	f.Add(join(frame(ws.OpText, true, "hello"), frame(ws.OpBinary, true, strings.Repeat("b", 200))), uint8(3))
	f.Add(join(frame(ws.OpText, false, "a"), frame(ws.OpPing, true, "p"), frame(ws.OpContinuation, false, "b"), frame(ws.OpContinuation, true, "c")), uint8(1))
	f.Add(join(frame(ws.OpText, true, strings.Repeat("x", 301)), frame(ws.OpText, true, "late"), frame(ws.OpClose, true, "\x03\xe8bye")), uint8(7))
	f.Add(join(frame(ws.OpContinuation, true, "x")), uint8(2))
	f.Add([]byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5}, uint8(4))
	f.Add([]byte{0x81, 0x01, 'x'}, uint8(1))
	f.Add(join(frame(ws.OpClose, true, "\x03")), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		whole := parsed(s, data, len(data)+1)
		pieces := parsed(s, data, int(piece)+1)
		// A ping that comes behind another one before the first is answered takes its place: the same in both.
		if strings.Join(whole, "\n") != strings.Join(pieces, "\n") {
			t.Errorf("whole: %q\nin pieces of %d: %q", whole, piece+1, pieces)
		}
		for _, e := range whole[:len(whole)-1] {
			if len(e) > len("false")+300 {
				t.Errorf("a message of %d bytes passed", len(e))
			}
		}
	})
}

func TestReceiveAllocatesNothing(t *testing.T) {
	s := &Server{c: Config{Loops: -1}.withDefaults()}
	c := s.Conn(deafHandler{})
	plain := masked(opText, []byte("a message of some length"))
	data := make([]byte, len(plain))
	if n := testing.AllocsPerRun(100, func() {
		copy(data, plain)
		c.receive(data)
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

type deafHandler struct{}

func (deafHandler) Message(*Conn, bool, []byte) bool { return true }
func (deafHandler) Closed(*Conn, error)              {}

func masked(op opcode, payload []byte) []byte {
	mask := [4]byte{5, 6, 7, 8}
	b := append([]byte{0x80 | byte(op), 0x80 | byte(len(payload))}, mask[:]...)
	b = append(b, payload...)
	unmask(b[6:], mask)
	return b
}
