package mmsg

import (
	"testing"
	"time"
)

// Two addresses of one socket are two clients to a server, and each gets its own answer with the kernel's time of it.
func TestManyAddresses(t *testing.T) {
	server, err := Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c, err := Many(server.LocalAddr(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	locals := [][4]byte{{127, 1, 0, 1}, {127, 2, 0, 9}}
	out, in := NewBatch(2), NewBatch(4)
	for i, local := range locals {
		out.SetFrom(i, c, local)
		out.SetLen(i, copy(out.Buf(i), []byte{byte(i + 1), 7}))
	}
	if n, err := c.Send(out, 2); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	replies := NewBatch(4)
	if n, err := server.Recv(in); n != 2 || err != nil { // loopback delivers within Send
		t.Fatal(n, err)
	}
	for i := range 2 {
		if in.names[i].Addr != locals[i] {
			t.Errorf("datagram %d came from %v, want %v", i, in.names[i].Addr, locals[i])
		}
		replies.ReplyTo(i, in, i)
		replies.SetLen(i, copy(replies.Buf(i), in.Received(i)))
	}
	before := Now()
	if n, err := server.Send(replies, 2); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := c.Recv(in); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	for i := range 2 {
		local, stamp := in.Meta(i)
		if local != locals[i] || in.Received(i)[0] != byte(i+1) {
			t.Errorf("answer %d: %v to %v", i, in.Received(i), local)
		}
		if stamp < before || stamp > before+time.Second {
			t.Errorf("answer %d: kernel time %v, sent at %v", i, stamp, before)
		}
	}
	if n, err := c.Recv(in); n != 0 || err != nil {
		t.Errorf("an empty socket gave %d, %v", n, err)
	}
}
