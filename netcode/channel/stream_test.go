package channel

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// pump moves what a has flushed to b and hands out b's messages.
func pump(t *testing.T, a, b *Stream, lose func() bool) (got [][]byte) {
	t.Helper()
	a.Flush()
	for seg := a.Next(); seg != nil; seg = a.Next() {
		if !lose() {
			if err := b.Input(4, seg); err != nil {
				t.Fatal(err)
			}
		}
		a.Drop()
	}
	for {
		msg, err := b.Receive(nil)
		if err != nil {
			t.Fatal(err)
		}
		if msg == nil {
			return got
		}
		got = append(got, msg)
	}
}

// TestStreamOnceAndInOrder: messages of all sizes, each datagram in four lost.
func TestStreamOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := NewStream(4), NewStream(4)
		n := 0
		lose := func() bool { n++; return n%4 == 0 }
		var want, got [][]byte
		for i := range 200 {
			msg := bytes.Repeat([]byte{byte(i)}, 1+i*i*7%5000)
			if i == 100 {
				msg = bytes.Repeat([]byte{byte(i)}, wire.MaxStreamMsg)
			}
			want = append(want, msg)
		}
		queued := 0
		for range 6000 {
			for queued < len(want) && a.Send(want[queued]) == nil {
				queued++
			}
			time.Sleep(10 * time.Millisecond)
			got = append(got, pump(t, a, b, lose)...)
			pump(t, b, a, lose)
			if len(got) == len(want) {
				break
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d of %d messages", len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("message %d: %d B of %d, want %d of %d", i, len(got[i]), got[i][0], len(want[i]), i)
			}
		}
		if a.Waiting() != 0 || a.Dropped+b.Dropped != 0 {
			t.Errorf("%d wait, %d dropped", a.Waiting(), a.Dropped+b.Dropped)
		}
	})
}

// TestStreamNeverAsked: whoever floods a stream with segments, and takes none of the acks, fills a bounded queue.
func TestStreamNeverAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := NewStream(4), NewStream(4)
		for range 2 * outMax {
			if a.Send([]byte("x")) != nil {
				t.Fatal("pushed back")
			}
			a.Flush()
			for a.Next() != nil {
				if err := b.Input(4, a.Next()); err != nil {
					t.Fatal(err)
				}
				a.Drop()
			}
			b.Flush()
			time.Sleep(10 * time.Millisecond)
			if b.Ready() > outMax {
				t.Fatalf("%d datagrams wait", b.Ready())
			}
			if a.Waiting() > StreamWindow {
				break
			}
		}
	})
}

// FuzzStream: any bytes under the seal; KCP never panics, messages have at most 64 KB, queues their limits.
func FuzzStream(f *testing.F) {
	s := NewStream(4)
	_ = s.Send([]byte("hello"))
	s.Flush()
	f.Add(append([]byte(nil), s.Next()...), byte(1))
	ack := append([]byte(nil), s.Next()[:24]...)
	ack[4], ack[20] = 82, 0
	f.Add(ack, byte(3))
	f.Add([]byte{4, 0, 0, 0, 81, 59, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 9}, byte(200))
	f.Fuzz(func(t *testing.T, body []byte, rounds byte) {
		s := NewStream(4)
		_ = s.Send(make([]byte, 3000))
		for i := range int(rounds)%8 + 1 {
			s.Flush()
			if err := s.Input(4, body); err != nil && err != ErrStream {
				t.Fatal(err)
			}
			if msg, err := s.Receive(nil); err == nil && len(msg) > wire.MaxStreamMsg {
				t.Fatalf("%d B", len(msg))
			}
			if s.Ready() > outMax {
				t.Fatalf("%d datagrams wait", s.Ready())
			}
			if len(body) > 12 {
				body[12] += byte(i) // the next segment number
			}
		}
	})
}
