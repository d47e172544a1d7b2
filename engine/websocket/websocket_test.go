package websocket_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/skirmishgg/skirmish/engine/clock"
	"github.com/skirmishgg/skirmish/engine/websocket"
)

const patience = 30 * time.Second // until a test that waits for a signal gives up

// harness is a server whose connections run a test's handler.
type harness struct {
	t      *testing.T
	server *websocket.Server
	http   *httptest.Server
	clock  *clock.Manual
	conns  chan *websocket.Conn // in the order of upgrading
	ended  chan error           // why, in the order of ending
	handle func(c *websocket.Conn, binary bool, data []byte) bool
}

func (h *harness) Message(c *websocket.Conn, binary bool, data []byte) bool {
	return h.handle(c, binary, data)
}

func (h *harness) Closed(c *websocket.Conn, cause error) { h.ended <- cause }

func (h *harness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.server.Conn(h)
	if h.server.Upgrade(w, r, c) == nil {
		h.conns <- c
	}
}

func echo(c *websocket.Conn, binary bool, data []byte) bool {
	c.Send(binary, bytes.Clone(data))
	return true
}

func start(t *testing.T, c websocket.Config, handle func(c *websocket.Conn, binary bool, data []byte) bool) *harness {
	t.Helper()
	h := &harness{t: t, handle: handle, clock: clock.NewManual(time.Hour), conns: make(chan *websocket.Conn, 10000), ended: make(chan error, 10000)}
	c.Clock = h.clock
	var err error
	if h.server, err = websocket.New(c); err != nil {
		t.Fatal(err)
	}
	h.http = httptest.NewServer(h)
	t.Cleanup(func() {
		h.stop()
		h.http.Close()
	})
	return h
}

// stop does not wait for clients.
func (h *harness) stop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.server.Stop(ctx)
}

// client is one end that writes what it likes.
type client struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

func (h *harness) dial() *client {
	h.t.Helper()
	nc, err := net.Dial("tcp", h.http.Listener.Addr().String())
	if err != nil {
		h.t.Fatal(err)
	}
	return h.shake(nc, nil)
}

// shake upgrades nc; early is sent in one piece with the request.
func (h *harness) shake(nc net.Conn, early []byte) *client {
	h.t.Helper()
	h.t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := nc.Write(append([]byte(request), early...)); err != nil {
		h.t.Fatal(err)
	}
	c := &client{h.t, nc, bufio.NewReader(nc)}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if got := resp.Header.Get("Sec-WebSocket-Accept"); resp.StatusCode != 101 || got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455 section 1.3
		h.t.Fatalf("upgrade answered %d, accept %q", resp.StatusCode, got)
	}
	return c
}

// masked is a client's frame.
func masked(op ws.OpCode, fin bool, payload []byte) []byte {
	f := ws.NewFrame(op, fin, bytes.Clone(payload))
	var b bytes.Buffer
	_ = ws.WriteFrame(&b, ws.MaskFrameInPlaceWith(f, [4]byte{1, 2, 3, 4}))
	return b.Bytes()
}

func text(s string) []byte { return masked(ws.OpText, true, []byte(s)) }

func (c *client) send(b ...[]byte) {
	c.t.Helper()
	if _, err := c.nc.Write(bytes.Join(b, nil)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) frame() ws.Frame {
	c.t.Helper()
	header, err := ws.ReadHeader(c.r)
	if err != nil {
		c.t.Fatal(err)
	}
	f := ws.Frame{Header: header, Payload: make([]byte, header.Length)} // our own server may be trusted
	if _, err := io.ReadFull(c.r, f.Payload); err != nil {
		c.t.Fatal(err)
	}
	if f.Header.Masked || f.Header.Rsv != 0 || !f.Header.Fin {
		c.t.Fatalf("server sent %+v", f.Header)
	}
	return f
}

func (c *client) want(op ws.OpCode, payload string) {
	c.t.Helper()
	if f := c.frame(); f.Header.OpCode != op || string(f.Payload) != payload {
		c.t.Fatalf("got opcode %d %q, want %d %q", f.Header.OpCode, f.Payload, op, payload)
	}
}

// wantClose reads up to a close frame and wants its content; messages before it are passed over.
func (c *client) wantClose(code int, reason string) {
	c.t.Helper()
	for {
		f := c.frame()
		if f.Header.OpCode != ws.OpClose {
			continue
		}
		if code == 0 {
			if len(f.Payload) != 0 {
				c.t.Fatalf("close says %q, want nothing", f.Payload)
			}
			return
		}
		if len(f.Payload) < 2 || int(binary.BigEndian.Uint16(f.Payload)) != code || string(f.Payload[2:]) != reason {
			c.t.Fatalf("close says %q, want %d %q", f.Payload, code, reason)
		}
		return
	}
}

func (c *client) wantEOF() {
	c.t.Helper()
	for {
		if _, err := c.r.ReadByte(); err != nil {
			if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
				c.t.Fatal("the server keeps the connection open")
			}
			return
		}
	}
}

func (h *harness) wantEnd(cause error) {
	h.t.Helper()
	select {
	case got := <-h.ended:
		if cause != nil && !errors.Is(got, cause) {
			h.t.Fatalf("ended by %v, want %v", got, cause)
		}
	case <-time.After(patience):
		h.t.Fatal("the connection does not end")
	}
}

// runUntilEnd moves the clock on until a connection has ended, which close_ack_wait must make happen.
func (h *harness) runUntilEnd(cause error) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); h.clock.Advance(500 * time.Millisecond) {
		select {
		case got := <-h.ended:
			if !errors.Is(got, cause) {
				h.t.Fatalf("ended by %v, want %v", got, cause)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
	h.t.Fatal("the connection does not end")
}

func (h *harness) conn() *websocket.Conn {
	h.t.Helper()
	select {
	case c := <-h.conns:
		return c
	case <-time.After(patience):
		h.t.Fatal("no connection")
		return nil
	}
}

// eachHome runs a test on event loops and on goroutines.
func eachHome(t *testing.T, f func(t *testing.T, c websocket.Config)) {
	t.Run("loop", func(t *testing.T) { t.Parallel(); f(t, websocket.Config{Loops: 1}) })
	t.Run("thread", func(t *testing.T) { t.Parallel(); f(t, websocket.Config{Loops: -1}) })
}

func TestEcho(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		c.MaxMessage = 1 << 20
		h := start(t, c, echo)
		cl := h.dial()
		for _, n := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
			payload := strings.Repeat("x", n)
			cl.send(masked(ws.OpBinary, true, []byte(payload)))
			cl.want(ws.OpBinary, payload)
		}
		cl.send(text("a"), text("b"), masked(ws.OpPing, true, []byte("p")), text("c"))
		got := map[string]int{}
		for i := range 4 {
			got[string(cl.frame().Payload)] = i
		}
		if !(got["a"] < got["b"] && got["b"] < got["c"]) || len(got) != 4 {
			t.Fatalf("answers in the order %v", got)
		}
	})
}

func TestBytesBehindTheRequest(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		h := start(t, c, echo)
		nc, err := net.Dial("tcp", h.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		whole := text("second")
		cl := h.shake(nc, append(text("first"), whole[:3]...))
		cl.want(ws.OpText, "first")
		cl.send(whole[3:])
		cl.want(ws.OpText, "second")
	})
}

func TestFragments(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		h := start(t, c, echo)
		cl := h.dial()
		cl.send(masked(ws.OpText, false, []byte("one ")), masked(ws.OpPing, true, []byte("amid")))
		cl.want(ws.OpPong, "amid")
		cl.send(masked(ws.OpContinuation, false, nil), masked(ws.OpContinuation, false, []byte("two ")), masked(ws.OpContinuation, true, []byte("three")))
		cl.want(ws.OpText, "one two three")
		for _, b := range masked(ws.OpBinary, true, bytes.Repeat([]byte("y"), 300)) {
			cl.send([]byte{b})
		}
		cl.want(ws.OpBinary, strings.Repeat("y", 300))
	})
}

func TestBrokenFrames(t *testing.T) {
	unmasked := func(op ws.OpCode) []byte {
		var b bytes.Buffer
		_ = ws.WriteFrame(&b, ws.NewFrame(op, true, []byte("x")))
		return b.Bytes()
	}
	with := func(frame []byte, first byte) []byte { frame[0] = first; return frame }
	eachHome(t, func(t *testing.T, c websocket.Config) {
		f := func(code int, reason string, cause error, send ...[]byte) {
			t.Helper()
			h := start(t, c, echo)
			cl := h.dial()
			cl.send(send...)
			cl.wantClose(code, reason)
			cl.send(masked(ws.OpClose, true, nil)) // a broken stream's is not understood: the clock ends it
			h.runUntilEnd(cause)
			cl.wantEOF()
		}
		protocol := websocket.ErrProtocol
		f(1002, "RSV1 set", protocol, with(text("x"), 0xc1))
		f(1002, "RSV2 set, RSV3 set", protocol, with(text("x"), 0xb1))
		f(1002, "bad opcode 3", protocol, with(text("x"), 0x83))
		f(1002, "bad opcode 15", protocol, with(text("x"), 0x8f))
		f(1002, "bad MASK", protocol, unmasked(ws.OpText))
		f(1002, "FIN not set on control", protocol, masked(ws.OpPing, false, nil))
		f(1002, "len > 125 for control", protocol, masked(ws.OpPing, true, make([]byte, 126)))
		f(1002, "continuation after FIN", protocol, masked(ws.OpContinuation, true, nil))
		f(1002, "data before FIN", protocol, masked(ws.OpText, false, nil), text("x"))
		f(1002, "bad close code 1005", protocol, masked(ws.OpClose, true, []byte{3, 237}))
		f(1002, "bad close code 999", protocol, masked(ws.OpClose, true, []byte{3, 231}))
		f(1002, "bad close payload", protocol, masked(ws.OpClose, true, []byte{3}))
		f(1002, "invalid utf8 payload in close frame", protocol, masked(ws.OpClose, true, []byte{3, 232, 0xff}))
		f(1009, "", websocket.ErrTooBig, masked(ws.OpText, true, make([]byte, 4097)))
		f(1009, "", websocket.ErrTooBig, masked(ws.OpText, false, make([]byte, 4000)), masked(ws.OpContinuation, true, make([]byte, 97)))
		f(1009, "", websocket.ErrTooBig, []byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5})
	})
}

func TestLargestMessage(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		h := start(t, c, echo)
		cl := h.dial()
		cl.send(masked(ws.OpText, true, bytes.Repeat([]byte("z"), 4096)))
		cl.want(ws.OpText, strings.Repeat("z", 4096))
	})
}

func TestClientCloses(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		f := func(payload []byte, code int) {
			t.Helper()
			h := start(t, c, echo)
			cl := h.dial()
			cl.send(text("last"), masked(ws.OpClose, true, payload))
			cl.want(ws.OpText, "last")
			cl.wantClose(code, "")
			cl.wantEOF()
			h.wantEnd(websocket.ErrPeerClosed)
		}
		f(nil, 0)
		f([]byte{3, 232}, 1000)
		f(append([]byte{3, 233}, "bye"...), 1001)
		f([]byte{0x0f, 0xa0}, 4000)
	})
}

func TestServerCloses(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		for _, acked := range []bool{true, false} {
			h := start(t, c, echo)
			cl := h.dial()
			conn := h.conn()
			if !conn.Send(false, []byte("queued")) {
				t.Fatal("an open connection takes nothing")
			}
			conn.Close(1000, strings.Repeat("ä", 100))
			if conn.Send(false, []byte("late")) {
				t.Fatal("a closing connection takes a message")
			}
			cl.want(ws.OpText, "queued")
			cl.wantClose(1000, strings.Repeat("ä", 61)) // 122 of at most 123 bytes
			if acked {
				cl.send(text("on the way"), masked(ws.OpClose, true, []byte{3, 232}))
				h.wantEnd(websocket.ErrClosed)
			} else {
				h.runUntilEnd(websocket.ErrClosed)
			}
			cl.wantEOF()
		}
	})
}

func TestPingAndTimeout(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		h := start(t, c, echo)
		cl := h.dial()
		h.conn()
		for range 3 { // answered pings keep it alive beyond pong_wait
			h.clock.Advance(15 * time.Second)
			cl.want(ws.OpPing, "")
			cl.send(masked(ws.OpPong, true, nil), text("seen"))
			cl.want(ws.OpText, "seen")
		}
		h.clock.Advance(15 * time.Second)
		cl.want(ws.OpPing, "")
		h.clock.Advance(10 * time.Second)
		cl.wantClose(1000, "i/o timeout")
		cl.send(masked(ws.OpClose, true, []byte{3, 232}))
		cl.wantEOF()
		h.wantEnd(websocket.ErrTimeout)
	})
}

// Messages count as a sign of life only by the threshold.
func TestBackoff(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		h := start(t, c, echo)
		cl := h.dial()
		talk := func(n int) {
			t.Helper()
			for range n {
				cl.send(text("m"))
				cl.want(ws.OpText, "m") // no ping comes in between
			}
		}
		h.clock.Advance(14 * time.Second)
		talk(20) // the ping is now due at 29 s
		h.clock.Advance(14 * time.Second)
		talk(19)
		h.clock.Advance(1 * time.Second)
		cl.want(ws.OpPing, "")
		h.clock.Advance(10 * time.Second) // 25 s since the twentieth message
		cl.wantClose(1000, "i/o timeout")
	})
}

// A client that reads nothing ends by itself; others do not notice.
func TestSlowReader(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		h := start(t, c, echo)
		slow := h.dial()
		conn := h.conn()
		other := h.dial()
		h.conn()
		big := bytes.Repeat([]byte("w"), 64<<10)
		sent := 0
		for conn.Send(true, big) {
			if sent++; sent%50 == 0 {
				other.send(text("still here"))
				other.want(ws.OpText, "still here")
			}
		}
		if !conn.OnThread() && c.Loops > 0 && sent < 64 {
			t.Fatalf("%d messages were enough", sent)
		}
		got := 0
		for {
			f := slow.frame()
			if f.Header.OpCode == ws.OpClose {
				if string(f.Payload) != "\x03\xe8session outgoing queue full" {
					t.Fatalf("close says %q", f.Payload)
				}
				break
			}
			if !bytes.Equal(f.Payload, big) {
				t.Fatal("a message was cut")
			}
			got++
		}
		if got == 0 || got > sent {
			t.Fatalf("%d messages came of %d sent", got, sent)
		}
		slow.send(masked(ws.OpClose, true, []byte{3, 232}))
		slow.wantEOF()
		h.wantEnd(websocket.ErrSlow)
		other.send(text("and after"))
		other.want(ws.OpText, "and after")
	})
}

// A client that sends more than its handler takes is not read until there is room, loses nothing, and is in a loop
// again when it is calm.
func TestPauseAndResume(t *testing.T) {
	const messages = 188 * 32 // 12 MB: more than the kernel holds for both ends
	eachHome(t, func(t *testing.T, c websocket.Config) {
		var mu sync.Mutex
		var waiting []string
		most := 0
		full := make(chan struct{}, 1)
		h := start(t, c, func(c *websocket.Conn, binary bool, data []byte) bool {
			mu.Lock()
			defer mu.Unlock()
			waiting = append(waiting, string(data[:5]))
			most = max(most, len(waiting))
			if len(waiting) < 32 {
				return true
			}
			full <- struct{}{}
			return false
		})
		cl := h.dial()
		conn := h.conn()
		written := make(chan error, 1)
		go func() { // ends when all is written
			var b []byte
			for i := range messages {
				b = append(b, text(fmt.Sprintf("%05d%s", i, strings.Repeat(".", 2000)))...)
				if len(b) > 1<<20 || i == messages-1 {
					if _, err := cl.nc.Write(b); err != nil {
						written <- err
						return
					}
					b = b[:0]
				}
			}
			written <- nil
		}()
		next := 0
		for next < messages {
			select {
			case <-full:
			case <-time.After(patience):
				t.Fatalf("stuck after %d messages", next)
			}
			mu.Lock()
			for _, m := range waiting {
				if m != fmt.Sprintf("%05d", next) {
					t.Errorf("message %s came where %05d is due", m, next)
				}
				next++
			}
			waiting = waiting[:0]
			mu.Unlock()
			conn.Resume()
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		if most > 32 {
			t.Errorf("%d messages waited", most)
		}
		if c.Loops < 0 {
			return
		}
		for !conn.OnLoop() { // it goes back at the first wake-up after a second
			h.clock.Advance(time.Second)
			cl.send(masked(ws.OpPing, true, []byte("calm?")))
			cl.want(ws.OpPong, "calm?")
		}
	})
}

func TestAbruptEnd(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		h := start(t, c, echo)
		for _, linger := range []int{-1, 0} { // FIN, RST
			cl := h.dial()
			_ = cl.nc.(*net.TCPConn).SetLinger(linger)
			cl.nc.Close()
			h.wantEnd(nil)
		}
		if n := h.server.Count(); n != 0 {
			t.Fatalf("%d connections are left", n)
		}
	})
}

func TestStop(t *testing.T) {
	eachHome(t, func(t *testing.T, c websocket.Config) {
		h := start(t, c, echo)
		polite, rude := h.dial(), h.dial()
		h.conn()
		h.conn()
		ctx, cancel := context.WithCancel(context.Background())
		stopped := make(chan struct{})
		go func() { // ends when everything has
			h.server.Stop(ctx)
			close(stopped)
		}()
		polite.wantClose(1001, "server shutting down")
		polite.send(masked(ws.OpClose, true, []byte{3, 233}))
		polite.wantEOF()
		rude.wantClose(1001, "server shutting down")
		select {
		case <-stopped:
			t.Fatal("Stop did not wait for the second client")
		default:
		}
		cancel()
		rude.wantEOF()
		<-stopped
		h.wantEnd(websocket.ErrStopped)
		h.wantEnd(websocket.ErrStopped)

		resp, err := http.DefaultTransport.RoundTrip(upgradeRequest(h.http.URL))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("upgrade after Stop answered %d", resp.StatusCode)
		}
	})
}

func upgradeRequest(url string) *http.Request {
	r, _ := http.NewRequest("GET", url, nil)
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	return r
}

func TestUpgradeRefusals(t *testing.T) {
	h := start(t, websocket.Config{Loops: 1}, echo)
	f := func(change func(*http.Request)) {
		t.Helper()
		r := upgradeRequest(h.http.URL)
		change(r)
		if websocket.IsUpgrade(r) {
			t.Error("IsUpgrade says yes")
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 400 || string(body) != "Bad Request\n" {
			t.Errorf("answer %d %q", resp.StatusCode, body)
		}
		h.wantEnd(nil)
	}
	f(func(r *http.Request) { r.Header.Del("Connection") })
	f(func(r *http.Request) { r.Header.Set("Connection", "keep-alive") })
	f(func(r *http.Request) { r.Header.Del("Upgrade") })
	f(func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") })
	f(func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "c2hvcnQ=") })
	f(func(r *http.Request) { r.Method = "POST" })
}

func TestTLS(t *testing.T) {
	t.Parallel()
	h := start(t, websocket.Config{Loops: 1}, echo)
	secure := httptest.NewTLSServer(h)
	defer secure.Close()
	nc, err := tls.Dial("tcp", secure.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	cl := h.shake(nc, text("early"))
	cl.want(ws.OpText, "early")
	if conn := h.conn(); !conn.OnThread() {
		t.Error("a TLS connection entered a loop")
	}
	cl.send(text("x"), masked(ws.OpClose, true, []byte{3, 232}))
	cl.want(ws.OpText, "x")
	cl.wantClose(1000, "")
	cl.wantEOF()
	h.wantEnd(websocket.ErrPeerClosed)
}
