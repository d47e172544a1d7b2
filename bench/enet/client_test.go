package enet

import (
	"bytes"
	"testing"
	"time"
)

// What is not ENet is dropped without a panic, and leaves a client that sends datagrams of a sane size.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{0x80, 0, 0, 0, 0x83, 0xFF, 0, 1})
	f.Add(bytes.Repeat([]byte{7}, 40))
	f.Add(append([]byte{0, 0}, bytes.Repeat([]byte{0x85, 0xFF, 0, 9}, 40)...))
	f.Fuzz(func(t *testing.T, pkt []byte) {
		c := New(1, 60)
		c.Receive(pkt, 0, 0)
		var buf [1472]byte
		if n := c.Tick(buf[:], time.Second); n > 200 {
			t.Errorf("a datagram of %d bytes", n)
		}
	})
}
