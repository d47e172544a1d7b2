package bench

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/bench/httpload"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/bench/socketload"
)

// chatReport is what a run of the role "chat-load" saw. Every message came to every member, or there is no report.
type chatReport struct {
	Messages   int     `json:"messages"`
	Deliveries int     `json:"deliveries"`
	Bytes      int     `json:"bytes"` // received, answers included
	Reads      int     `json:"reads"` // calls that took them
	Seconds    float64 `json:"seconds"`
	P50ms      float64 `json:"p50_ms"` // until it was acknowledged, or, with one speaker a room, was with the last member
	P99ms      float64 `json:"p99_ms"`
}

// talk is clients in rooms. In a room with one speaker the next message is said when everybody has the last; where all
// speak, each of them says the next when his last is acknowledged.
type talk struct {
	load    *socketload.Load
	members int
	all     bool
	say     [][]byte // by client

	report   chatReport
	joined   int
	end      time.Time
	began    []time.Time // of the message under way, by client; zero: none is
	under    int         // messages under way
	got      []int       // of the message under way, by room
	took     []time.Duration
	failures []error
}

// chatLoad is the role "chat-load". It answers "run DURATION".
func chatLoad(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("chat-load", flag.ContinueOnError)
	addr := fs.String("addr", "", "of the server")
	clients := fs.Int("clients", 1, "how many")
	members := fs.Int("members", 1, "of a room")
	all := fs.Bool("all", false, "everybody speaks, and what they say is kept")
	floor := fs.Bool("floor", false, "the server is the floor, which has no sessions")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := moreFiles(); err != nil {
		return err
	}
	t := &talk{members: *members, all: *all, began: make([]time.Time, *clients), got: make([]int, *clients / *members)}
	if err := t.open(*addr, *floor); err != nil {
		return err
	}
	defer t.load.Close()
	con.Say(struct{}{})
	return serveLoad(con, t.load, func(command string) (any, error) {
		window, err := time.ParseDuration(strings.TrimPrefix(command, "run "))
		if err != nil {
			return nil, err
		}
		return t.run(window)
	})
}

// serveLoad answers commands, and in between looks after the sockets: the server wants its pings answered.
func serveLoad(con *proc.Console, load *socketload.Load, answer func(command string) (any, error)) error {
	for {
		command, ok := con.Poll()
		switch {
		case !ok:
			return nil
		case command == "":
			if err := load.Poll(time.Millisecond); err != nil {
				return err
			}
		default:
			report, err := answer(command)
			if err != nil {
				return err
			}
			con.Say(report)
		}
	}
}

func (t *talk) open(addr string, floor bool) (err error) {
	clients := len(t.began)
	c := socketload.Config{Addr: addr, Clients: clients, Message: t.message}
	if !floor {
		tokens, err := signIn(addr, clients)
		if err != nil {
			return err
		}
		c.Request = func(i int) []byte { return upgrade(tokens[i]) }
	}
	if t.load, err = socketload.Open(c); err != nil {
		return err
	}
	for i := range clients {
		t.say = append(t.say, socketload.Text(fmt.Sprintf(`{"cid":"1","channel_message_send":{"channel_id":"2...hall%d","content":"{\"text\":\"well played, the next round starts in five\",\"n\":%d}"}}`, i/t.members, 100000+i)))
	}
	for i := range clients {
		join := socketload.Text(fmt.Sprintf(`{"cid":"1","channel_join":{"type":1,"target":"hall%d","persistence":%v}}`, i/t.members, t.all))
		if err := t.load.Send(i, join); err != nil {
			return err
		}
		if err := t.await(func() bool { return t.joined > i }); err != nil {
			return fmt.Errorf("client %d joins: %w", i, err)
		}
	}
	return nil
}

// upgrade is the request that opens a socket.
func upgrade(token string) []byte {
	head := "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	request := httpload.Build("GET", "/ws?token="+token, "", nil)
	return slices.Insert(request, bytes.Index(request, []byte("Content-Length")), []byte(head)...)
}

const awaitMax = 10 * time.Second

var errAwait = errors.New("the answers do not come")

// await polls until done.
func (t *talk) await(done func() bool) error { return await(t.load, &t.failures, done) }

func await(load *socketload.Load, failures *[]error, done func() bool) error {
	for limit := time.Now().Add(awaitMax); !done(); {
		if len(*failures) > 0 {
			return errors.Join(*failures...)
		}
		if time.Now().After(limit) {
			return errAwait
		}
		if err := load.Poll(100 * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func (t *talk) run(window time.Duration) (chatReport, error) {
	start := time.Now()
	t.report, t.took, t.end = chatReport{}, t.took[:0], start.Add(window)
	t.load.Bytes, t.load.Reads = 0, 0
	for i := range t.began {
		if t.all || i%t.members == 0 {
			t.speak(i, start)
		}
	}
	over := func() bool { return t.under == 0 && t.report.Deliveries == t.report.Messages*t.members }
	if err := t.await(over); err != nil {
		return t.report, fmt.Errorf("%d messages to %d, %d came: %w", t.report.Messages, t.members, t.report.Deliveries, err)
	}
	r := &t.report
	r.Seconds, r.Bytes, r.Reads = time.Since(start).Seconds(), t.load.Bytes, t.load.Reads
	slices.Sort(t.took)
	r.P50ms, r.P99ms = float64(t.took[len(t.took)/2].Microseconds())/1e3, float64(t.took[len(t.took)*99/100].Microseconds())/1e3
	return *r, nil
}

func (t *talk) speak(client int, now time.Time) {
	t.began[client] = now
	t.under++
	t.report.Messages++
	if err := t.load.Send(client, t.say[client]); err != nil {
		t.failures = append(t.failures, err)
	}
}

var (
	pushPrefix   = []byte(`{"channel_message":`)
	ackPrefix    = []byte(`{"cid":"1","channel_message_ack":`)
	answerPrefix = []byte(`{"cid":"1","channel":`)
	errorPrefix  = []byte(`{"cid":"1","error":`)
)

// message is told of everything that comes.
func (t *talk) message(client int, m []byte) {
	switch {
	case bytes.HasPrefix(m, pushPrefix):
		t.report.Deliveries++
		if room := client / t.members; !t.all {
			if t.got[room]++; t.got[room] == t.members {
				t.got[room] = 0
				t.done(room * t.members)
			}
		}
	case bytes.HasPrefix(m, ackPrefix):
		if t.all {
			t.done(client)
		}
	case bytes.HasPrefix(m, answerPrefix):
		t.joined++
	case bytes.HasPrefix(m, errorPrefix):
		t.failures = append(t.failures, fmt.Errorf("client %d was answered %s", client, m))
	}
}

// done is the end of a client's message, and the beginning of the next.
func (t *talk) done(client int) {
	now := time.Now()
	t.took = append(t.took, now.Sub(t.began[client]))
	t.under--
	if now.Before(t.end) {
		t.speak(client, now)
	}
}

// fanoutFloor is the role "fanout-floor": a server of plain sockets in rooms. What one of them sends makes it write one
// frame of a fixed size to each of the room, with a system call a socket: the least that a chat message can cost.
// A client's first message is answered to it alone, as a join is, and not only so that clients need not care whom they
// talk to: the kernel acknowledges what comes to a socket that has never sent anything much more eagerly.
func fanoutFloor(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("fanout-floor", flag.ContinueOnError)
	clients := fs.Int("clients", 1, "how many")
	members := fs.Int("members", 1, "of a room")
	size := fs.Int("bytes", 0, "of the message")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if err := moreFiles(); err != nil {
		return err
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	con.Say(apiHello{l.Addr().String()})
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	fds := make([]int, *clients)
	for i := range fds {
		if fds[i], err = acceptBare(l); err != nil {
			return err
		}
		if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fds[i], &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}); err != nil {
			return os.NewSyscallError("epoll_ctl", err)
		}
	}
	message := append(bytes.Clone(pushPrefix), bytes.Repeat([]byte(" "), max(0, *size-len(pushPrefix)-1))...)
	frame := socketload.Served(append(message, '}'))
	return fanOut(con, poll, fds, *members, frame)
}

func fanOut(con *proc.Console, poll int, fds []int, members int, frame []byte) error {
	events, buf := make([]unix.EpollEvent, 512), make([]byte, 4096)
	joined, answer := make([]bool, len(fds)), socketload.Served(append(bytes.Clone(answerPrefix), "{}}"...))
	for {
		command, ok := con.Poll()
		if !ok {
			return nil
		}
		if command != "" {
			con.Say(markAPI())
		}
		n, err := unix.EpollWait(poll, events, 1)
		if err != nil && err != unix.EINTR {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			i := int(e.Fd)
			if n, err := unix.Read(fds[i], buf); err != nil || n == 0 {
				if n == 0 && err == nil {
					_ = unix.EpollCtl(poll, unix.EPOLL_CTL_DEL, fds[i], nil)
				}
				continue
			}
			room, frame := fds[i/members*members:][:members], frame
			if !joined[i] {
				room, frame, joined[i] = fds[i:i+1], answer, true
			}
			for _, fd := range room {
				if _, err := unix.Write(fd, frame); err != nil {
					return err
				}
			}
		}
	}
}

// acceptBare takes a connection away from Go's poller, which would be woken for what comes on it.
func acceptBare(l net.Listener) (fd int, err error) {
	c, err := l.Accept()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		return 0, err
	}
	defer f.Close()
	fd, err = unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("fcntl", err)
	}
	return fd, os.NewSyscallError("fcntl", unix.SetNonblock(fd, true))
}
