package rtt

import (
	"net"
	"testing"
	"time"
)

// Over a loopback without loss each reference answers every event once, and the round trip is the server's tick at most.
func TestReferences(t *testing.T) {
	const rate, clients, count = 60, 4, 30
	run := func(t *testing.T, dial func(*Sink) (Sender, error)) {
		t.Helper()
		sink := NewSink(clients)
		var senders []Sender
		for range clients {
			s, err := dial(sink)
			if err != nil {
				t.Fatal(err)
			}
			senders = append(senders, s)
		}
		r, err := Drive(sink, senders, rate, 100*time.Millisecond, count)
		if err != nil {
			t.Fatal(err)
		}
		if r.Sent != clients*count || r.Lost != 0 || r.Double != 0 || r.P50ms > 60 {
			t.Errorf("%+v", r)
		}
	}
	t.Run("kcp", func(t *testing.T) {
		addr, stop := make(chan string, 1), make(chan struct{})
		defer close(stop)
		go ServeKCP(rate, func(a string) { addr <- a }, stop) //nolint:errcheck // ends with stop
		to := <-addr
		run(t, func(s *Sink) (Sender, error) { return DialKCP(to, s) })
	})
	t.Run("websocket", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		defer close(stop)
		go ServeWebSocket(l, rate, stop) //nolint:errcheck // ends with stop
		run(t, func(s *Sink) (Sender, error) { return DialWebSocket(t.Context(), l.Addr().String(), s) })
	})
}

func TestLostCountsAsEndless(t *testing.T) {
	s := NewSink(1)
	s.begin([]uint32{0})
	if r := s.report(1, 10); r.Lost != 10 || r.P50ms < 1e6 {
		t.Errorf("%+v", r)
	}
}
