package rtt

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/gobwas/ws"
)

// socket is a WebSocket over TCP: what a game without UDP would use. TCP_NODELAY is on, which is Go's default.
type socket struct {
	conn   net.Conn
	reader io.Reader
	client bool
}

// Send writes one binary message in one write.
func (s *socket) Send(event []byte) error {
	f := ws.NewBinaryFrame(append([]byte(nil), event...))
	if s.client {
		f = ws.MaskFrameInPlace(f)
	}
	b, err := ws.CompileFrame(f)
	if err != nil {
		return err
	}
	_, err = s.conn.Write(b)
	return err
}

// read hands every message to f until the connection closes.
func (s *socket) read(f func([]byte)) {
	var buf [1024]byte
	for {
		h, err := ws.ReadHeader(s.reader)
		if err != nil || h.Length > int64(len(buf)) {
			s.conn.Close()
			return
		}
		payload := buf[:h.Length]
		if _, err := io.ReadFull(s.reader, payload); err != nil {
			return
		}
		if h.Masked {
			ws.Cipher(payload, h.Mask, 0)
		}
		if h.OpCode == ws.OpBinary {
			f(payload)
		}
	}
}

// ServeWebSocket answers on l until stop closes.
func ServeWebSocket(l net.Listener, rate int, stop <-chan struct{}) error {
	var game Echo
	go func() { // ends when the listener closes
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with its connection
				if _, err := ws.Upgrade(conn); err != nil {
					conn.Close()
					return
				}
				s := &socket{conn: conn, reader: conn}
				s.read(func(event []byte) { game.Received(s, event) })
			}()
		}
	}()
	game.Run(rate, stop)
	return l.Close()
}

// DialWebSocket connects to addr (host:port); answers go to sink.
func DialWebSocket(ctx context.Context, addr string, sink *Sink) (Sender, error) {
	conn, buffered, _, err := ws.Dial(ctx, "ws://"+addr+"/")
	if err != nil {
		return nil, fmt.Errorf("dial WebSocket: %w", err)
	}
	s := &socket{conn: conn, reader: conn, client: true}
	if buffered != nil {
		s.reader = buffered // the server's first frames may have come with the handshake
	}
	go s.read(sink.Received) // ends with its connection
	return s, nil
}
