package socketload

import (
	"bytes"
	"io"
	"testing"

	"github.com/gobwas/ws"
)

// Frames are those of another implementation, at the lengths where their form changes.
func TestFrames(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 4096, 65535} {
		message := bytes.Repeat([]byte("x"), n)
		if binary := Binary(message); binary[0] != 0x82 || !bytes.Equal(binary[1:], Text(string(message))[1:]) {
			t.Errorf("%d bytes: Binary is not Text with another first byte", n)
		}
		sent := bytes.NewReader(Text(string(message)))
		header, err := ws.ReadHeader(sent)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := io.ReadAll(sent)
		if err != nil {
			t.Fatal(err)
		}
		ws.Cipher(payload, header.Mask, 0)
		if !header.Masked || header.OpCode != ws.OpText || header.Length != int64(n) || !bytes.Equal(payload, message) {
			t.Errorf("%d bytes are sent as %+v", n, header)
		}
		served := ws.MustCompileFrame(ws.NewTextFrame(message))
		if !bytes.Equal(Served(message), served) {
			t.Errorf("%d bytes: Served differs", n)
		}
		for cut := range min(len(served), 12) {
			if _, _, size, err := next(served[:cut]); size != 0 || err != nil {
				t.Errorf("%d of %d bytes are taken for a frame of %d, %v", cut, len(served), size, err)
			}
		}
		op, payload, size, err := next(append(served, 0x81))
		if op != opText || !bytes.Equal(payload, message) || size != len(served) || err != nil {
			t.Errorf("%d bytes are read as %d of %d, %v", n, len(payload), size, err)
		}
	}
	long := ws.MustCompileFrame(ws.NewTextFrame(make([]byte, 70000)))
	if _, payload, size, err := next(long); len(payload) != 70000 || size != len(long) || err != nil {
		t.Errorf("70,000 bytes are read as %d, %v", len(payload), err)
	}
	for name, bad := range map[string][]byte{
		"masked": Text("x"), "a fragment": {0x01, 1, 'x'}, "compressed": {0xc1, 1, 'x'}, "huge": {0x81, 127, 1, 0, 0, 0, 0, 0, 0, 0},
	} {
		if _, _, _, err := next(bad); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}
