package socketload

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Config says who connects where.
type Config struct {
	Addr    string // IPv4
	Clients int
	// Request is the upgrade request of a client; nil: the server speaks frames at once.
	Request func(client int) []byte
	// Message gets every message of the server, from Poll, and is done with it when it returns.
	Message func(client int, message []byte)
}

// Load is the open sockets. One goroutine owns it.
type Load struct {
	c      Config
	poll   int
	conns  []conn
	buf    []byte
	events []unix.EpollEvent

	// Bytes are those received in frames, and Reads how many calls took them.
	Bytes, Reads int
}

type conn struct {
	fd   int
	rest []byte // the beginning of a frame
}

const (
	burst   = 64 // upgrades under way
	readMax = 256 << 10
)

// Open connects all clients; the server accepts them in their order.
func Open(c Config) (*Load, error) {
	l := &Load{c: c, buf: make([]byte, readMax), events: make([]unix.EpollEvent, 512)}
	var err error
	if l.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	addr, err := netip.ParseAddrPort(c.Addr)
	for err == nil && len(l.conns) < c.Clients {
		err = l.open(addr, min(burst, c.Clients-len(l.conns)))
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("client %d of %d: %w", len(l.conns), c.Clients, err)
	}
	return l, nil
}

// Close closes the sockets.
func (l *Load) Close() {
	for _, c := range l.conns {
		_ = unix.Close(c.fd)
	}
	_ = unix.Close(l.poll)
}

// open opens n more, and then looks after those that are open: their server wants its pings answered.
func (l *Load) open(addr netip.AddrPort, n int) error {
	first := len(l.conns)
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		l.conns = append(l.conns, conn{fd: fd})
		if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
			return os.NewSyscallError("connect", err)
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		if l.c.Request != nil {
			if err := l.write(fd, l.c.Request(len(l.conns)-1)); err != nil {
				return err
			}
		}
	}
	for i := first; i < len(l.conns); i++ {
		if err := l.enter(i); err != nil {
			return err
		}
	}
	return l.Poll(0)
}

// enter waits until client i may send, and watches it from then on.
func (l *Load) enter(i int) error {
	fd := l.conns[i].fd
	if l.c.Request != nil {
		if err := l.upgraded(i); err != nil {
			return err
		}
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	err := unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)})
	return os.NewSyscallError("epoll_ctl", err)
}

// upgraded reads the answer to the request; what follows it are frames.
func (l *Load) upgraded(i int) error {
	var answer []byte
	for {
		n, err := unix.Read(l.conns[i].fd, l.buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return errors.Join(errors.New("the server ended the connection during its upgrade"), err)
		}
		answer = append(answer, l.buf[:n]...)
		if head, frames, ok := bytes.Cut(answer, []byte("\r\n\r\n")); ok {
			if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
				return fmt.Errorf("the upgrade was answered %q", answer)
			}
			return l.take(i, frames)
		}
	}
}

// Send writes a frame to a client's server.
func (l *Load) Send(client int, frame []byte) error { return l.write(l.conns[client].fd, frame) }

func (l *Load) write(fd int, b []byte) error {
	n, err := unix.Write(fd, b)
	if err == nil && n < len(b) {
		err = unix.EAGAIN // clients have so little under way that there is always room
	}
	return os.NewSyscallError("write", err)
}

// Poll waits at most so long for something to come, and hands over everything that has.
func (l *Load) Poll(wait time.Duration) error {
	n, err := unix.EpollWait(l.poll, l.events, int(wait.Milliseconds()))
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("epoll_wait", err)
	}
	for _, e := range l.events[:n] {
		i := int(e.Fd)
		n, err := unix.Read(l.conns[i].fd, l.buf)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("client %d: %w", i, os.NewSyscallError("read", err))
		case n == 0:
			return fmt.Errorf("the server has closed client %d", i)
		}
		l.Reads++
		if err := l.take(i, l.buf[:n]); err != nil {
			return err
		}
	}
	return nil
}

// take hands over the messages in b, and keeps the beginning of one that is not complete.
func (l *Load) take(i int, b []byte) error {
	c := &l.conns[i]
	if len(c.rest) > 0 {
		b = append(c.rest, b...)
		c.rest = nil
	}
	for {
		op, payload, size, err := next(b)
		if err != nil {
			return err
		}
		if size == 0 {
			break
		}
		l.Bytes += size
		switch op {
		case opPing:
			err = l.write(c.fd, client(opPong, payload))
		case opClose:
			err = fmt.Errorf("the server closes client %d: %q", i, payload)
		default:
			l.c.Message(i, payload)
		}
		if err != nil {
			return err
		}
		b = b[size:]
	}
	if len(b) > 0 {
		c.rest = append([]byte(nil), b...)
	}
	return nil
}
