package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// MaxDatagram is the largest payload that is sent or received, wire.MaxDatagram.
	MaxDatagram = 1200
	// MaxBatch is the largest Config.Batch.
	MaxBatch = 256
	// MaxShards is what one steering byte can name besides the control socket.
	MaxShards = 254

	slotBytes          = 1216 // a buffer: MaxDatagram rounded up to whole cache lines
	defaultBatch       = 128
	defaultBufferBytes = 8 << 20 // 2,000 players x 60 Hz x 16 ms of 1,280 B (a small datagram's cost in the kernel) is 2.5 MB

	// parkMin is the shortest wait worth ppoll, with its two descriptors and the wake-up by packets. A deadline
	// nearer than this is slept through: what arrives meanwhile is due then anyway.
	parkMin = 2 * time.Millisecond
)

// Datagram is one received datagram.
type Datagram struct {
	Buf  []byte         // its bytes, len N, cap at least MaxDatagram; borrowed: valid until the next Recv on the socket, may be changed in place
	N    int            // its size in bytes
	From netip.AddrPort // the sender; an IPv4 sender is never in IPv6-mapped form, so that addresses compare
	Rx   time.Duration  // when the kernel received it, on clock.Real; 0 unless Config.Timestamps
}

// Socket is one member of a group. It belongs to one goroutine; Wake, Counters and LocalAddr are for any.
type Socket interface {
	// Recv fills batch from the front with what waits, without blocking, and returns how many.
	// At most min(len(batch), Config.Batch) at a time; 0 means none waits. err is only ever that the socket is closed.
	Recv(batch []Datagram) (n int, err error)

	// Buffer is where the next datagram to send is built: MaxDatagram bytes, the same ones until Queue.
	Buffer() []byte
	// Queue takes the first n bytes of Buffer as a datagram for to. A full batch is flushed on the spot.
	Queue(n int, to netip.AddrPort)
	// Flush sends what is queued. err is only ever that the socket is closed; the rest is counted.
	Flush() error

	// Wait blocks until a datagram waits, Wake is called or clock.Real passes until; woken is false for the last.
	// A deadline within 2 ms is slept through whatever comes. Drain inbox and socket after every return.
	Wait(until time.Duration) (woken bool)
	// Sleep is Wait without the datagrams: they collect and are drained at the deadline. A wake-up for each costs
	// 7.5-13 µs a client-tick, draining at the tick 5.2-5.8.
	Sleep(until time.Duration) (woken bool)
	// Wake ends the owner's Wait or Sleep, or its next one if it runs now. Push into the owner's inbox first.
	Wake()

	// Counters are up to date when they are asked for; hold on to them between ticks, ask for metrics. Not after Close.
	Counters() *Counters
	LocalAddr() netip.AddrPort
}

// Group is the sockets of one port. They live and die together: closing one would shift the others' steering.
type Group interface {
	Control() Socket    // steering byte 0
	Shard(i int) Socket // steering byte i+1; i from 0 to Shards()-1
	Shards() int
	LocalAddr() netip.AddrPort
	Driver() string // "linux" or "portable"
	Note() string   // why it is not the driver of first choice; "" when it is
	Close() error   // call when no goroutine uses a socket any more
}

// Counters of one socket. Written by its owner (Wakes by the wakers), read by any goroutine.
type Counters struct {
	RxPackets  atomic.Uint64
	RxBytes    atomic.Uint64
	RxCalls    atomic.Uint64 // Recv calls that found something
	RxOversize atomic.Uint64 // larger than MaxDatagram: dropped
	RxDropped  atomic.Uint64 // the receive queue was full: the kernel's (linux) or the ring (portable)
	RxErrors   atomic.Uint64
	TxPackets  atomic.Uint64
	TxBytes    atomic.Uint64
	TxCalls    atomic.Uint64
	TxDropped  atomic.Uint64 // the kernel's send queue was full
	TxErrors   atomic.Uint64 // refused for their destination: unreachable, wrong family, firewall
	Wakes      atomic.Uint64 // wake-ups of a parked owner
}

// Config says what to open.
type Config struct {
	Addr   string // "127.0.0.1:0", ":7350" (IPv4 and IPv6 where the kernel has both), "[::1]:7350"
	Shards int    // 0 to MaxShards
	Driver string // "" or "auto", "linux", "portable"

	// ControlFD, when positive, is a bound UDP socket of the caller that becomes socket 0; linux driver only. Its
	// address, family and V6ONLY are copied. SO_REUSEPORT is set on it here: a caller who binds without it finds out
	// if another server has the port. Close leaves it open.
	ControlFD int

	Timestamps      bool // fill Datagram.Rx
	Batch           int  // datagrams per system call, up to MaxBatch; 0: 128
	RecvBufferBytes int  // asked of the kernel, which grants what its limits allow; 0: 8 MB
	SendBufferBytes int

	attach func(fd, shards int) error // tests put a wrong steering program here; nil is the right one
}

// ErrClosed is what Recv and Flush answer on a closed socket.
var ErrClosed = net.ErrClosed

// ErrAstray reports that the start-up test saw a datagram at the wrong socket, or not at all. "auto" handles
// it by itself, except with a ControlFD: close that, then open again with driver "portable".
var ErrAstray = errors.New("udp steering does not work here")

// Open opens the group.
func Open(c Config) (Group, error) {
	if c.Shards < 0 || c.Shards > MaxShards {
		return nil, fmt.Errorf("udp: %d shards: want 0 to %d", c.Shards, MaxShards)
	}
	if c.Batch == 0 {
		c.Batch = defaultBatch
	}
	if c.Batch < 1 || c.Batch > MaxBatch {
		return nil, fmt.Errorf("udp: batch of %d: want 1 to %d", c.Batch, MaxBatch)
	}
	if c.RecvBufferBytes == 0 {
		c.RecvBufferBytes = defaultBufferBytes
	}
	if c.SendBufferBytes == 0 {
		c.SendBufferBytes = defaultBufferBytes
	}
	switch c.Driver {
	case "linux":
		return openLinux(c)
	case "portable":
		return openPortable(c, "")
	case "", "auto":
		g, err := openLinux(c)
		if err == nil || c.ControlFD > 0 || !(errors.Is(err, ErrAstray) || errors.Is(err, errors.ErrUnsupported)) {
			return g, err // a port in use would be in use for the portable driver as well
		}
		return openPortable(c, err.Error())
	}
	return nil, fmt.Errorf("udp: no driver %q: want auto, linux or portable", c.Driver)
}
