package rtt

import (
	"fmt"

	"github.com/xtaci/kcp-go/v5"
)

// kcpSession is a kcp-go session in the settings that games use: 10 ms, fast resend after 2, no congestion window.
// No encryption and no forward error correction.
type kcpSession struct{ s *kcp.UDPSession }

func newKCPSession(s *kcp.UDPSession) kcpSession {
	s.SetNoDelay(1, 10, 2, 1)
	s.SetWindowSize(128, 256)
	s.SetMtu(1120)
	s.SetACKNoDelay(true)
	s.SetWriteDelay(false)
	return kcpSession{s}
}

// Send writes one message; kcp-go blocks when its window is full.
func (k kcpSession) Send(event []byte) error {
	_, err := k.s.Write(event)
	return err
}

// read hands every message to f until the session closes.
func (k kcpSession) read(f func([]byte)) {
	buf := make([]byte, 2048)
	for {
		n, err := k.s.Read(buf)
		if err != nil {
			return
		}
		f(buf[:n])
	}
}

// ServeKCP answers on a loopback port until stop closes; ready is called once with the address.
func ServeKCP(rate int, ready func(addr string), stop <-chan struct{}) error {
	l, err := kcp.ListenWithOptions("127.0.0.1:0", nil, 0, 0)
	if err != nil {
		return fmt.Errorf("listen for kcp: %w", err)
	}
	var game Echo
	go func() { // ends when the listener closes
		for {
			s, err := l.AcceptKCP()
			if err != nil {
				return
			}
			k := newKCPSession(s)
			go k.read(func(event []byte) { game.Received(k, event) }) // ends with its session
		}
	}()
	ready(l.Addr().String())
	game.Run(rate, stop)
	return l.Close()
}

// DialKCP connects to addr from a socket of its own; answers go to sink.
func DialKCP(addr string, sink *Sink) (Sender, error) {
	s, err := kcp.DialWithOptions(addr, nil, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("dial kcp: %w", err)
	}
	k := newKCPSession(s)
	go k.read(sink.Received) // ends with its session, at the latest with the process
	return k, nil
}
