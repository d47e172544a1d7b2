//go:build linux

package udp

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/engine/clock"
)

// A caller's socket, as gnet opens one, becomes socket 0 whatever its family, and stays open after Close.
func TestControlFD(t *testing.T) {
	f := func(network, addr string, reuse bool, clients ...string) {
		t.Helper()
		lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
			var err error
			if reuse {
				_ = c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
			}
			return err
		}}
		pc, err := lc.ListenPacket(t.Context(), network, addr)
		if err != nil {
			t.Fatal(err)
		}
		defer pc.Close()
		raw, err := pc.(*net.UDPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var fd int
		_ = raw.Control(func(f uintptr) { fd = int(f) })

		g, err := Open(Config{ControlFD: fd, Shards: 2, Driver: "linux"})
		if err != nil {
			t.Fatal(err)
		}
		if want := pc.LocalAddr().(*net.UDPAddr).Port; int(g.LocalAddr().Port()) != want {
			t.Fatalf("group on port %d, control on %d", g.LocalAddr().Port(), want)
		}
		for _, c := range clients {
			conn := client(t, c, g.LocalAddr())
			for steer := range 3 {
				if _, err := conn.Write([]byte{0x40, byte(steer)}); err != nil {
					t.Fatal(err)
				}
			}
			gather(t, g.Control(), 1, func(d *Datagram) {
				if d.Buf[1] != 0 {
					t.Fatalf("byte %d at the control socket", d.Buf[1])
				}
			})
			for i := range 2 {
				gather(t, g.Shard(i), 1, func(d *Datagram) {
					if int(d.Buf[1]) != i+1 {
						t.Fatalf("byte %d at shard %d", d.Buf[1], i)
					}
				})
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
			t.Fatalf("Close closed the caller's socket: %v", err)
		}
	}
	f("udp4", "0.0.0.0:0", true, "udp4")
	f("udp4", "127.0.0.1:0", false, "udp4")
	f("udp", ":0", true, "udp4", "udp6")
	f("udp6", "[::]:0", true, "udp6") // V6ONLY
	f("udp6", "[::1]:0", false, "udp6")

	if _, err := Open(Config{ControlFD: 1 << 20, Shards: 1, Driver: "linux"}); err == nil {
		t.Fatal("opened on a descriptor that does not exist")
	}
}

// wrongWay sends everything to socket 0, like a kernel that ignores the program.
func wrongWay(fd, _ int) error {
	program := [...]unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

func TestSelfTest(t *testing.T) {
	refused := func(int, int) error { return unix.ENOPROTOOPT }
	for _, attach := range []func(int, int) error{wrongWay, refused} {
		if _, err := Open(Config{Addr: "127.0.0.1:0", Shards: 2, Driver: "linux", attach: attach}); !errors.Is(err, ErrAstray) {
			t.Fatalf("linux: %v, want ErrAstray", err)
		}
		g := open(t, Config{Addr: "127.0.0.1:0", Shards: 2, Driver: "auto", attach: attach})
		if g.Driver() != "portable" || !strings.Contains(g.Note(), "steering") {
			t.Fatalf("auto opened %s, note %q", g.Driver(), g.Note())
		}
		echo(t, g, "udp4")
	}

	// A control socket that joined another server's group stands at index 1 there: everything is one off.
	other := open(t, Config{Addr: "127.0.0.1:0", Shards: 0, Driver: "linux"})
	bound, err := unix.Getsockname(other.Control().(*linuxSocket).fd)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := member(unix.AF_INET, 0, bound)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := Open(Config{ControlFD: fd, Shards: 2, Driver: "auto"}); !errors.Is(err, ErrAstray) {
		t.Fatalf("joined a foreign group: %v, want ErrAstray", err)
	}
}

func TestMostShards(t *testing.T) {
	g := open(t, Config{Addr: "127.0.0.1:0", Shards: MaxShards, Driver: "linux", Batch: 8})
	conn := client(t, "udp4", g.LocalAddr())
	for _, b := range []byte{0, 1, 254, 255} {
		if _, err := conn.Write([]byte{0x40, b}); err != nil {
			t.Fatal(err)
		}
	}
	gather(t, g.Control(), 2, func(*Datagram) {})
	gather(t, g.Shard(0), 1, func(*Datagram) {})
	gather(t, g.Shard(253), 1, func(*Datagram) {})
}

func TestAddrRoundTrip(t *testing.T) {
	f := func(family uint16, in, want string) {
		t.Helper()
		var sa sockaddr
		size := putAddr(&sa, netip.MustParseAddrPort(in), family)
		if want == "" {
			if size != 0 {
				t.Errorf("%s fits family %d", in, family)
			}
			return
		}
		if got := addrPort(&sa); got != netip.MustParseAddrPort(want) {
			t.Errorf("%s became %v, want %s", in, got, want)
		}
	}
	f(unix.AF_INET, "1.2.3.4:56789", "1.2.3.4:56789")
	f(unix.AF_INET, "[::ffff:1.2.3.4]:5", "1.2.3.4:5")
	f(unix.AF_INET, "[2001:db8::1]:5", "")
	f(unix.AF_INET6, "1.2.3.4:56789", "1.2.3.4:56789")
	f(unix.AF_INET6, "[2001:db8::1]:65535", "[2001:db8::1]:65535")
	f(unix.AF_INET6, "[fe80::1%3]:5", "[fe80::1%3]:5")
	f(unix.AF_INET6, "[fe80::1%eth0]:5", "")

	var sa sockaddr
	to := netip.MustParseAddrPort("[fe80::1%200]:5")
	if n := testing.AllocsPerRun(100, func() {
		putAddr(&sa, to, unix.AF_INET6)
		if addrPort(&sa) != to {
			t.Fatal("round trip")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got := addrPort(&sockaddr{}); got.IsValid() {
		t.Errorf("no family became %v", got)
	}
}

// A full send queue: Flush drops the rest of the batch, counts it and returns. Loopback never fills one, so a
// pair of Unix sockets, which hold a dozen datagrams, stands in.
func TestFullSendQueue(t *testing.T) {
	g := open(t, Config{Addr: "127.0.0.1:0", Driver: "linux"})
	s := g.Control().(*linuxSocket)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	udp := s.fd
	s.fd = pair[0]
	defer func() { s.fd = udp }()

	const queued = 100
	for range queued {
		s.Queue(1200, g.LocalAddr())
	}
	for i := range s.tx.heads {
		s.tx.heads[i].head.Namelen = 0
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	sent, dropped := s.counters.TxPackets.Load(), s.counters.TxDropped.Load()
	if sent == 0 || dropped == 0 || sent+dropped != queued || s.counters.TxErrors.Load() != 0 {
		t.Fatalf("%d sent, %d dropped, %d errors", sent, dropped, s.counters.TxErrors.Load())
	}
	if s.tail != 0 {
		t.Fatal("dropped datagrams are still queued")
	}
}

// A flood beyond the receive buffer: what is not received is counted as dropped, to the datagram.
func TestFullReceiveQueue(t *testing.T) {
	g := open(t, Config{Addr: "127.0.0.1:0", Driver: "linux", RecvBufferBytes: 16 << 10})
	s := g.Control()
	conn := client(t, "udp4", g.LocalAddr())
	const sent = 1000
	for range sent {
		if _, err := conn.Write(make([]byte, 200)); err != nil {
			t.Fatal(err)
		}
	}
	batch := make([]Datagram, MaxBatch)
	for n := 1; n > 0; {
		n, _ = s.Recv(batch)
	}
	got, dropped := s.Counters().RxPackets.Load(), s.Counters().RxDropped.Load()
	if dropped == 0 || got+dropped != sent {
		t.Fatalf("%d received, %d dropped of %d", got, dropped, sent)
	}
}

// BenchmarkPair is the CPU time of the owner's thread, kernel included, for one datagram of 80 bytes received and one
// of 220 sent, over loopback in batches: the floor under every client-tick. Loopback bills the receiver's half of each
// send to the sender.
func BenchmarkPair(b *testing.B) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		for _, batch := range []struct {
			name string
			n    int
		}{{"batch=1", 1}, {"batch=16", 16}, {"batch=64", 64}, {"batch=128", 128}, {"batch=256", 256}} {
			b.Run(addr+"/"+batch.name, func(b *testing.B) { benchmarkPair(b, addr, batch.n) })
		}
	}
}

func benchmarkPair(b *testing.B, addr string, size int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	server := open(b, Config{Addr: addr, Shards: 1, Driver: "linux", Batch: size}).Shard(0)
	peer := open(b, Config{Addr: addr, Driver: "linux", Batch: MaxBatch}).Control()
	batch := make([]Datagram, MaxBatch)
	var rx, tx time.Duration
	pairs := 0
	for pairs < b.N {
		for range size {
			peer.Buffer()[1] = 1
			peer.Queue(80, server.LocalAddr())
		}
		peer.Flush()

		t0 := threadTime()
		n, _ := server.Recv(batch)
		t1 := threadTime()
		for i := range n {
			server.Buffer()[0] = 0x40
			server.Queue(220, batch[i].From)
		}
		server.Flush()
		t2 := threadTime()
		rx, tx = rx+t1-t0, tx+t2-t1
		pairs += n

		for got := 0; got < n; {
			k, _ := peer.Recv(batch)
			got += k
		}
	}
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(pairs) }
	b.ReportMetric(per(rx), "ns-cpu-recv")
	b.ReportMetric(per(tx), "ns-cpu-send")
	b.ReportMetric(per(rx+tx), "ns-cpu/pair")
	b.ReportMetric(0, "ns/op")
}

func threadTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

// What keeping the kernel's form of an address for the way back would save.
func BenchmarkAddr(b *testing.B) {
	for _, text := range []string{"1.2.3.4:5678", "[2001:db8::1]:5678"} {
		var sa sockaddr
		to := netip.MustParseAddrPort(text)
		putAddr(&sa, to, unix.AF_INET6)
		b.Run("read/"+text, func(b *testing.B) {
			for b.Loop() {
				addrPort(&sa)
			}
		})
		b.Run("write/"+text, func(b *testing.B) {
			for b.Loop() {
				putAddr(&sa, to, unix.AF_INET6)
			}
		})
	}
}

func BenchmarkWakeRunning(b *testing.B) {
	s := open(b, Config{Addr: "127.0.0.1:0", Driver: "linux"}).Control()
	for b.Loop() {
		s.Wake()
	}
}

// BenchmarkWakeParked is how long after Wake the parked owner runs.
func BenchmarkWakeParked(b *testing.B) {
	s := open(b, Config{Addr: "127.0.0.1:0", Driver: "linux"}).Control().(*linuxSocket)
	var c clock.Real
	woke := make(chan time.Duration)
	go func() { // ends after b.N wake-ups
		runtime.LockOSThread()
		for range b.N {
			s.Wait(c.Now() + time.Minute)
			woke <- c.Now()
		}
	}()
	var total time.Duration
	for range b.N {
		for s.state.Load() != parked {
			runtime.Gosched()
		}
		c.SleepUntil(c.Now() + 100*time.Microsecond) // until it is in the kernel
		at := c.Now()
		s.Wake()
		total += <-woke - at
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(b.N)/1e3, "µs-to-run")
	b.ReportMetric(0, "ns/op")
}
