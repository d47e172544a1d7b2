//go:build unix

package socket_test

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"

	"github.com/skirmishgg/skirmish/engine/websocket"
	"github.com/skirmishgg/skirmish/services/gateway/socket"
)

// BenchmarkPing is a ping answered by a pong, each client waiting for its answer. The CPU time is the process's: server,
// clients and kernel. "tcp" is the floor: the same bytes through the same clients and a goroutine that echoes.
func BenchmarkPing(b *testing.B) {
	request := maskedPing()
	b.Run("tcp", func(b *testing.B) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		go func() { // ends with the listener
			for {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				go func() { // ends with its client
					defer nc.Close()
					_, _ = io.Copy(struct{ io.Writer }{nc}, struct{ io.Reader }{nc})
				}()
			}
		}()
		roundTrips(b, request, func() (net.Conn, io.Reader, error) {
			nc, err := net.Dial("tcp", l.Addr().String())
			return nc, nc, err
		}, func(r io.Reader) error {
			_, err := io.ReadFull(r, make([]byte, len(request)))
			return err
		})
	})
	for _, home := range []struct {
		name  string
		loops int
	}{{"loop", 1}, {"thread", -1}} {
		b.Run(home.name, func(b *testing.B) {
			h := start(b, func(c *socket.Config) {
				c.WebSocket = websocket.Config{Loops: home.loops}
				c.Opened = nil
				c.Closed = nil
			})
			roundTrips(b, request, func() (net.Conn, io.Reader, error) {
				nc, buffered, _, err := ws.Dial(b.Context(), h.url(alice, "alice"))
				if buffered != nil {
					return nc, buffered, err
				}
				return nc, bufio.NewReaderSize(nc, 256), err
			}, func(r io.Reader) error {
				_, err := readFrame(r)
				return err
			})
		})
	}
}

func maskedPing() []byte {
	payload := []byte(`{"cid":"12345","ping":{}}`)
	frame := ws.MustCompileFrame(ws.MaskFrameInPlaceWith(ws.NewTextFrame(payload), [4]byte{1, 2, 3, 4}))
	return frame
}

func roundTrips(b *testing.B, request []byte, dial func() (net.Conn, io.Reader, error), answer func(io.Reader) error) {
	const clients = 64
	var wg sync.WaitGroup
	began := make(chan struct{})
	for i := range clients {
		nc, r, err := dial()
		if err != nil {
			b.Fatal(err)
		}
		defer nc.Close()
		wg.Go(func() {
			<-began
			for range (b.N + clients - 1 - i) / clients {
				if _, err := nc.Write(request); err != nil {
					b.Error(err)
					return
				}
				if err := answer(r); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	close(began)
	wg.Wait()
	used := cpu(b) - before
	b.StopTimer()
	b.ReportMetric(used/float64(b.N)*1e6, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/used, "trips/cpu-s")
}

// cpu is what the process has used, in seconds.
func cpu(b *testing.B) float64 {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}
