package proxy

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/netcode/simnet"
)

const ms = time.Millisecond

// server echoes, and remembers who asked.
type server struct {
	conn *net.UDPConn
	mu   sync.Mutex
	seen map[netip.AddrPort]int
}

func newServer(t *testing.T) *server {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{conn: conn, seen: map[netip.AddrPort]int{}}
	go func() { // ends when the test closes conn
		buf := make([]byte, 64<<10)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			s.mu.Lock()
			s.seen[from]++
			s.mu.Unlock()
			_, _ = conn.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	t.Cleanup(func() { conn.Close() })
	return s
}

func (s *server) addresses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

func start(t *testing.T, c Config) *Proxy {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- p.Run(t.Context()) }() // stopped by the cleanup, which waits
	t.Cleanup(func() {
		p.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return p
}

func dial(t *testing.T, p *Proxy) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(p.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// receive gives the number in the next datagram; false after wait.
func receive(t *testing.T, c *net.UDPConn, wait time.Duration) (int, bool) {
	t.Helper()
	var buf [2048]byte
	_ = c.SetReadDeadline(time.Now().Add(wait))
	n, err := c.Read(buf[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, false
	}
	if err != nil || n < 4 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	return int(binary.LittleEndian.Uint32(buf[:])), true
}

func send(t *testing.T, c *net.UDPConn, number int) {
	t.Helper()
	pkt := make([]byte, 100)
	binary.LittleEndian.PutUint32(pkt, uint32(number))
	if _, err := c.Write(pkt); err != nil {
		t.Fatal(err)
	}
}

func TestDelayBothWays(t *testing.T) {
	s := newServer(t)
	p := start(t, Config{Target: s.conn.LocalAddr().String(), Up: simnet.LinkConfig{Delay: 10 * ms}, Down: simnet.LinkConfig{Delay: 15 * ms}})
	c := dial(t, p)
	least := time.Hour
	for i := range 20 {
		sent := time.Now()
		send(t, c, i)
		got, ok := receive(t, c, 5*time.Second)
		if !ok || got != i {
			t.Fatalf("got %d %v, want %d", got, ok, i)
		}
		rtt := time.Since(sent)
		if rtt < 25*ms {
			t.Fatalf("round trip in %v", rtt)
		}
		least = min(least, rtt)
	}
	if least > 35*ms { // the best of 20: a busy machine delays some
		t.Errorf("no round trip under %v", least)
	}
	t.Logf("25 ms link: best round trip %v; %+v", least, p.Stats().Line)
	if st := p.Stats(); st.Clients != 1 || st.Up.Sent != 20 || st.Down.Sent != 20 {
		t.Fatalf("%+v", st)
	}
}

func TestLossAndDuplicates(t *testing.T) {
	s := newServer(t)
	p := start(t, Config{Target: s.conn.LocalAddr().String(), Up: simnet.LinkConfig{Loss: 0.2}, Down: simnet.LinkConfig{Duplicate: 1}, Seed: 3})
	c := dial(t, p)
	const n = 500
	go func() {
		for i := range n {
			send(t, c, i)
			time.Sleep(100 * time.Microsecond) // paces the sender below what sockets hold
		}
	}()
	counts := map[int]int{}
	for {
		number, ok := receive(t, c, time.Second)
		if !ok {
			break
		}
		counts[number]++
	}
	if got := len(counts); got < n*70/100 || got > n*90/100 {
		t.Errorf("%d of %d arrived at 20 %% loss", got, n)
	}
	for number, count := range counts {
		if count != 2 {
			t.Fatalf("number %d came %d times", number, count)
		}
	}
}

// The target sees each client at its own address, and all of them at new ones after Rebind; answers still arrive.
func TestRebind(t *testing.T) {
	s := newServer(t)
	p := start(t, Config{Target: s.conn.LocalAddr().String()})
	var clients []*net.UDPConn
	for range 10 {
		clients = append(clients, dial(t, p))
	}
	round := func(number int) {
		t.Helper()
		for _, c := range clients {
			send(t, c, number)
		}
		for _, c := range clients {
			if got, ok := receive(t, c, 5*time.Second); !ok || got != number {
				t.Fatalf("got %d %v, want %d", got, ok, number)
			}
		}
	}
	round(1)
	round(2)
	if got := s.addresses(); got != 10 {
		t.Fatalf("%d addresses, want 10", got)
	}
	if got := p.Rebind(); got != 10 {
		t.Fatalf("rebound %d", got)
	}
	round(3)
	if got := s.addresses(); got != 20 {
		t.Fatalf("%d addresses, want 20", got)
	}
	if st := p.Stats(); st.Rebinds != 10 || st.Clients != 10 {
		t.Fatalf("%+v", st)
	}
}

// A target that is not there yet is no reason to stop.
func TestTargetComesLater(t *testing.T) {
	s := newServer(t)
	addr := s.conn.LocalAddr().(*net.UDPAddr)
	s.conn.Close()
	p := start(t, Config{Target: addr.String()})
	c := dial(t, p)
	for i := range 5 {
		send(t, c, i)
		if _, ok := receive(t, c, 10*ms); ok {
			t.Fatal("an answer from nobody")
		}
	}
	conn, err := net.ListenUDP("udp4", addr)
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	defer conn.Close()
	send(t, c, 9)
	var buf [256]byte
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := conn.Read(buf[:]); err != nil || n != 100 || buf[0] != 9 {
		t.Fatalf("%d bytes %v", n, err)
	}
}

func TestClientsAreForgottenAndLimited(t *testing.T) {
	s := newServer(t)
	p := start(t, Config{Target: s.conn.LocalAddr().String(), MaxClients: 1, Idle: 50 * ms})
	a, b := dial(t, p), dial(t, p)
	send(t, a, 1)
	if _, ok := receive(t, a, 5*time.Second); !ok {
		t.Fatal("no answer")
	}
	send(t, b, 1)
	if _, ok := receive(t, b, 20*ms); ok && p.Stats().TooMany > 0 {
		t.Fatal("a client beyond the limit was served")
	}
	for deadline := time.Now().Add(5 * time.Second); p.Stats().Clients > 0; {
		if time.Now().After(deadline) {
			t.Fatal("a silent client is still known")
		}
		time.Sleep(5 * ms) // nothing signals this; polled
	}
	if st := p.Stats(); st.Up.Sent == 0 {
		t.Fatalf("the counts of forgotten clients are gone: %+v", st)
	}
	send(t, b, 2)
	if _, ok := receive(t, b, 5*time.Second); !ok {
		t.Fatal("no room after the other was forgotten")
	}
}

func TestSetLinksAndRefusals(t *testing.T) {
	s := newServer(t)
	p := start(t, Config{Target: s.conn.LocalAddr().String()})
	c := dial(t, p)
	send(t, c, 1)
	if _, ok := receive(t, c, 5*time.Second); !ok {
		t.Fatal("no answer")
	}
	p.SetLinks(simnet.LinkConfig{Loss: 1}, simnet.LinkConfig{})
	send(t, c, 2)
	if _, ok := receive(t, c, 50*ms); ok {
		t.Fatal("an answer over a dead link")
	}
	f := func(c Config) {
		t.Helper()
		if p, err := New(c); err == nil {
			p.Close()
			t.Errorf("%+v was accepted", c)
		}
	}
	f(Config{Listen: "127.0.0.1:0", Target: "nowhere"})
	f(Config{Listen: "nowhere", Target: "127.0.0.1:1"})
	f(Config{Listen: "127.0.0.1:0", Target: "127.0.0.1:1", Up: simnet.LinkConfig{Loss: 2}})
}
