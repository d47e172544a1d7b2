package udp

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/clock"
)

// Everything in this file holds for both drivers.

func drivers(t *testing.T, f func(t *testing.T, driver string)) {
	all := []string{"portable"}
	if runtime.GOOS == "linux" {
		all = append(all, "linux")
	}
	for _, d := range all {
		t.Run(d, func(t *testing.T) { f(t, d) })
	}
}

func open(t testing.TB, c Config) Group {
	t.Helper()
	g, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if err := g.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
	return g
}

func client(t testing.TB, network string, to netip.AddrPort) *net.UDPConn {
	t.Helper()
	if to.Addr().IsUnspecified() {
		addr := netip.IPv6Loopback()
		if network == "udp4" {
			addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
		to = netip.AddrPortFrom(addr, to.Port())
	}
	c, err := net.DialUDP(network, nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	return c
}

// gather collects count datagrams as strings "byte1 from", waiting as an owner would.
func gather(t testing.TB, s Socket, count int, each func(d *Datagram)) {
	t.Helper()
	batch := make([]Datagram, 64)
	var c clock.Real
	for deadline := c.Now() + 5*time.Second; count > 0; {
		n, err := s.Recv(batch)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if len(batch[i].Buf) != batch[i].N {
				t.Fatalf("Buf of %d bytes, N %d", len(batch[i].Buf), batch[i].N)
			}
			each(&batch[i])
		}
		count -= n
		if n == 0 {
			if c.Now() > deadline {
				t.Fatalf("%d datagrams did not arrive", count)
			}
			s.Wait(c.Now() + 50*time.Millisecond)
		}
	}
}

// 400 datagrams from 400 ports for each steering byte: none at another socket, whatever the source address's hash says.
func TestSteering(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		const shards, ports = 3, 400
		g := open(t, Config{Addr: "127.0.0.1:0", Shards: shards, Driver: driver})
		if g.Driver() != driver || g.Shards() != shards || g.Note() != "" {
			t.Fatalf("opened %s with %d shards, note %q", g.Driver(), g.Shards(), g.Note())
		}
		socket := func(i int) Socket {
			if i == 0 {
				return g.Control()
			}
			return g.Shard(i - 1)
		}
		sent := make([]map[netip.AddrPort]bool, shards+1)
		for i := range sent {
			sent[i] = map[netip.AddrPort]bool{}
		}
		for range ports {
			c := client(t, "udp4", g.LocalAddr()) // stays open: the kernel would give its port to a later one
			from := c.LocalAddr().(*net.UDPAddr).AddrPort()
			for steer := range shards + 1 {
				sent[steer][from] = true
				if _, err := c.Write([]byte{0x40, byte(steer), 7}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range shards + 1 {
			gather(t, socket(i), ports, func(d *Datagram) {
				if int(d.Buf[1]) != i {
					t.Fatalf("a datagram for socket %d at socket %d", d.Buf[1], i)
				}
				if !sent[i][d.From] {
					t.Fatalf("from %v, which sent none or whose came twice", d.From)
				}
				delete(sent[i], d.From)
			})
		}
		// Bytes that name no socket, and datagrams without a byte 1, are the control socket's.
		c := client(t, "udp4", g.LocalAddr())
		for _, p := range [][]byte{{0x40, shards + 1}, {0x40, 255}, {0x40}} {
			if _, err := c.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		gather(t, g.Control(), 3, func(*Datagram) {})
		for i := range shards + 1 {
			if n, _ := socket(i).Recv(make([]Datagram, 8)); n != 0 {
				t.Fatalf("socket %d has %d datagrams left", i, n)
			}
		}
	})
}

// Answers of several batches reach their askers from the group's address, whole.
func TestEchoInBatches(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		for _, addr := range []string{"127.0.0.1:0", "[::1]:0", ":0", "0.0.0.0:0"} {
			t.Run(addr, func(t *testing.T) {
				g, err := Open(Config{Addr: addr, Shards: 2, Driver: driver, Batch: 16})
				if err != nil && addr == "[::1]:0" {
					t.Skipf("no IPv6 here: %v", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer g.Close()
				if addr == ":0" || addr[0] != '[' {
					echo(t, g, "udp4")
				}
				if addr[0] == '[' || (addr == ":0" && g.LocalAddr().Addr().Is6()) {
					echo(t, g, "udp6")
				}
			})
		}
	})
}

func echo(t *testing.T, g Group, network string) {
	t.Helper()
	const clients, each = 10, 10 // 100 datagrams, batches of 16
	s := g.Shard(1)
	var conns []*net.UDPConn
	for i := range clients {
		c := client(t, network, g.LocalAddr())
		conns = append(conns, c)
		for j := range each {
			p := bytes.Repeat([]byte{byte(i*each + j)}, 1200-j)
			p[0], p[1] = 0x40, 2
			if _, err := c.Write(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	gather(t, s, clients*each, func(d *Datagram) {
		if d.From.Addr().Is4In6() || d.From.Addr().Is4() != (network == "udp4") {
			t.Fatalf("%s sender shown as %v", network, d.From)
		}
		s.Queue(copy(s.Buffer(), d.Buf), d.From)
	})
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	var p [1300]byte
	for i, c := range conns {
		for j := range each {
			n, err := c.Read(p[:])
			if err != nil {
				t.Fatalf("%s client %d answer %d: %v", network, i, j, err)
			}
			if n != 1200-j || p[2] != byte(i*each+j) || p[n-1] != byte(i*each+j) {
				t.Fatalf("%s client %d answer %d: %d bytes, %d", network, i, j, n, p[2])
			}
		}
	}
	k := s.Counters()
	if k.TxDropped.Load()+k.TxErrors.Load()+k.RxDropped.Load()+k.RxOversize.Load() != 0 {
		t.Fatal("dropped some")
	}
	if k.RxPackets.Load() != k.TxPackets.Load() || k.RxBytes.Load() != k.TxBytes.Load() {
		t.Fatalf("counted %d in, %d out", k.RxPackets.Load(), k.TxPackets.Load())
	}
}

func TestSizes(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		g := open(t, Config{Addr: "127.0.0.1:0", Driver: driver})
		c := client(t, "udp4", g.LocalAddr())
		for _, n := range []int{0, 1, 1200, 1201, 1216, 1217, 9000, 3} {
			if _, err := c.Write(make([]byte, n)); err != nil {
				t.Fatal(err)
			}
		}
		var got []int
		gather(t, g.Control(), 4, func(d *Datagram) { got = append(got, d.N) })
		if fmt.Sprint(got) != "[0 1 1200 3]" {
			t.Fatalf("sizes %v", got)
		}
		if n := g.Control().Counters().RxOversize.Load(); n != 4 {
			t.Fatalf("%d oversized counted, want 4", n)
		}
	})
}

// Players that are gone answer with ICMP errors; destinations may make no sense. The others' datagrams go out.
func TestBadDestinationsStopNothing(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		g := open(t, Config{Addr: "127.0.0.1:0", Driver: driver, Batch: 8})
		s := g.Control()
		good := client(t, "udp4", g.LocalAddr())
		gone, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		goneAddr := gone.LocalAddr().(*net.UDPAddr).AddrPort()
		gone.Close()
		bad := []netip.AddrPort{
			goneAddr,
			{},
			netip.MustParseAddrPort("[2001:db8::1]:9"),
			netip.MustParseAddrPort("127.0.0.1:0"),
			netip.MustParseAddrPort("255.255.255.255:9"), // broadcast without SO_BROADCAST: EACCES
		}
		const rounds = 10
		for range rounds {
			for _, to := range bad {
				s.Queue(copy(s.Buffer(), "x"), to)
				s.Queue(copy(s.Buffer(), "y"), good.LocalAddr().(*net.UDPAddr).AddrPort())
			}
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Recv(make([]Datagram, 4)); err != nil {
				t.Fatal(err)
			}
		}
		var p [8]byte
		for i := range rounds * len(bad) {
			if n, err := good.Read(p[:]); err != nil || string(p[:n]) != "y" {
				t.Fatalf("datagram %d: %q %v", i, p[:n], err)
			}
		}
		if s.Counters().TxErrors.Load() == 0 {
			t.Fatal("no error counted")
		}
	})
}

func TestWaitAndWake(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		g := open(t, Config{Addr: "127.0.0.1:0", Shards: 1, Driver: driver})
		s := g.Shard(0)
		var c clock.Real
		const long = 30 * time.Second // a test that waits for it fails by its deadline
		f := func(name string, want bool, wait func() bool) {
			t.Helper()
			if got := wait(); got != want {
				t.Fatalf("%s: woken %v, want %v", name, got, want)
			}
		}
		past := func(d time.Duration, wait func(time.Duration) bool) func() bool {
			return func() bool {
				until := c.Now() + d
				woken := wait(until)
				if !woken && c.Now() < until {
					t.Fatalf("returned %v early", until-c.Now())
				}
				return woken
			}
		}
		f("deadline passed", false, past(-time.Second, s.Wait))
		f("short", false, past(time.Millisecond, s.Wait))
		f("long", false, past(8*time.Millisecond, s.Wait))
		f("long sleep", false, past(8*time.Millisecond, s.Sleep))

		s.Wake()
		f("woken before", true, past(long, s.Wait))
		s.Wake()
		f("woken before sleep", true, past(long, s.Sleep))
		s.Wake()
		f("a wake before a short wait", false, past(time.Millisecond, s.Wait))
		f("is answered by it", false, past(8*time.Millisecond, s.Wait))

		for range 20 { // from another goroutine, before or after we park
			go s.Wake()
			f("woken", true, past(long, s.Wait))
			go s.Wake()
			f("woken from sleep", true, past(long, s.Sleep))
		}

		conn := client(t, "udp4", g.LocalAddr())
		go func() { _, _ = conn.Write([]byte{0x40, 1}) }()
		f("datagram", true, past(long, s.Wait))
		f("datagram still there", true, past(long, s.Wait))
		f("sleep ignores it", false, past(8*time.Millisecond, s.Sleep))
		gather(t, s, 1, func(*Datagram) {})
		f("drained", false, past(8*time.Millisecond, s.Wait))
	})
}

// A ping-pong of pushes between two owners: one lost wake-up would end in the 30 s deadline.
func TestNoWakeIsLost(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		g := open(t, Config{Addr: "127.0.0.1:0", Shards: 2, Driver: driver})
		const rounds = 3000
		var balls [2]chan int
		for i := range balls {
			balls[i] = make(chan int, 1)
		}
		play := func(i int) error {
			s, other := g.Shard(i), g.Shard(1-i)
			var c clock.Real
			deadline := c.Now() + 30*time.Second
			for want := i; want < rounds; want += 2 {
				for {
					select {
					case got := <-balls[i]:
						if got != want {
							return fmt.Errorf("ball %d, want %d", got, want)
						}
					default:
						if c.Now() > deadline {
							return fmt.Errorf("round %d: a wake-up was lost", want)
						}
						s.Wait(deadline)
						continue
					}
					break
				}
				balls[1-i] <- want + 1
				other.Wake()
			}
			return nil
		}
		errs := make(chan error, 2)
		balls[0] <- 0
		for i := range 2 {
			go func() { errs <- play(i) }() // end after their rounds, or at the deadline
		}
		for range 2 {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTimestamps(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		g := open(t, Config{Addr: "127.0.0.1:0", Driver: driver, Timestamps: true})
		conn := client(t, "udp4", g.LocalAddr())
		var c clock.Real
		for i := range 4 { // control buffers must be usable again
			before := c.Now()
			if _, err := conn.Write([]byte{1, 0}); err != nil {
				t.Fatal(err)
			}
			c.SleepUntil(c.Now() + 5*time.Millisecond)
			gather(t, g.Control(), 1, func(d *Datagram) {
				const skew = time.Millisecond // between the two clocks' readings
				if d.Rx < before-skew || d.Rx > c.Now() {
					t.Fatalf("received at %v, sent at %v, now %v", d.Rx, before, c.Now())
				}
				// The kernel turns its stamping on a moment after it was asked, hence not the first.
				if driver == "linux" && i > 0 && c.Now()-d.Rx < 4*time.Millisecond {
					t.Fatalf("stamp %d is of reading, not of receiving", i)
				}
			})
		}
	})
}

func TestConfigRefusals(t *testing.T) {
	f := func(c Config) {
		t.Helper()
		if g, err := Open(c); err == nil {
			g.Close()
			t.Errorf("%+v opened", c)
		}
	}
	f(Config{Addr: "127.0.0.1:0", Shards: 255})
	f(Config{Addr: "127.0.0.1:0", Shards: -1})
	f(Config{Addr: "127.0.0.1:0", Batch: 257})
	f(Config{Addr: "127.0.0.1:0", Batch: -1})
	f(Config{Addr: "127.0.0.1:0", Driver: "fast"})
	f(Config{Addr: "127.0.0.1:0", Driver: "portable", ControlFD: 3})
	drivers(t, func(t *testing.T, driver string) {
		f := func(addr string) {
			t.Helper()
			if g, err := Open(Config{Addr: addr, Driver: driver}); err == nil {
				g.Close()
				t.Errorf("%s opened", addr)
			}
		}
		f("127.0.0.1")
		f("127.0.0.1:99999")
		f("203.0.113.7:0") // not ours
	})
}

// A second server on the same port must learn that it is in use, not join the first one's group.
func TestPortInUse(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		g := open(t, Config{Addr: "127.0.0.1:0", Shards: 2, Driver: driver})
		for _, second := range []string{driver, "auto", "portable"} {
			if h, err := Open(Config{Addr: g.LocalAddr().String(), Shards: 2, Driver: second}); err == nil {
				h.Close()
				t.Fatalf("%s opened a port in use by %s", second, driver)
			}
		}
	})
}

func TestClosed(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		g, err := Open(Config{Addr: "127.0.0.1:0", Shards: 1, Driver: driver})
		if err != nil {
			t.Fatal(err)
		}
		s := g.Shard(0)
		g.Close()
		if _, err := s.Recv(make([]Datagram, 1)); !errors.Is(err, ErrClosed) {
			t.Fatalf("Recv: %v", err)
		}
		s.Queue(1, netip.MustParseAddrPort("127.0.0.1:9"))
		if err := s.Flush(); !errors.Is(err, ErrClosed) {
			t.Fatalf("Flush: %v", err)
		}
	})
}

func TestAllocatesNothing(t *testing.T) {
	drivers(t, func(t *testing.T, driver string) {
		for _, addr := range []string{"127.0.0.1:0", ":0"} {
			g := open(t, Config{Addr: addr, Shards: 1, Driver: driver, Timestamps: true, Batch: 32})
			s := g.Shard(0)
			to := g.LocalAddr()
			if to.Addr().IsUnspecified() {
				to = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port())
			}
			batch := make([]Datagram, 32)
			var c clock.Real
			if n := testing.AllocsPerRun(100, func() {
				for range 32 { // to ourselves
					b := s.Buffer()
					b[1] = 1
					s.Queue(200, to)
				}
				s.Flush()
				for got := 0; got < 32; {
					n, _ := s.Recv(batch)
					if got += n; got < 32 && n == 0 {
						s.Wait(c.Now() + 10*time.Millisecond)
					}
				}
				s.Wake()
				s.Wait(c.Now() + time.Hour)
				s.Sleep(c.Now() + 2100*time.Microsecond)
			}); n != 0 {
				t.Fatalf("%s: %v allocations", addr, n)
			}
		}
	})
}
