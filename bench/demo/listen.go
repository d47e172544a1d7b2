package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// DefaultPage is where the page is unless something else is there. 7349 to 7351 are Nakama's ports, and ours for the same.
const DefaultPage = "127.0.0.1:7360"

// listen opens the page's port. With addr "" or DefaultPage it is DefaultPage or, where that is taken, any free one: two
// demos on one machine are no mistake. An address that is not loopback is refused: the page gives out tokens to whoever asks.
func listen(addr string) (net.Listener, error) {
	if addr == "" || addr == DefaultPage {
		if l, err := net.Listen("tcp", DefaultPage); err == nil {
			return l, nil
		}
		addr = "127.0.0.1:0"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the page's address %q is not of the form host:port", addr)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("the page listens on loopback only, such as %s, not on %q", DefaultPage, addr)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("open the page's port: %w", err)
	}
	return l, nil
}

// serve answers on l until the returned function is called, which ends every stream and returns when all is over.
func serve(l net.Listener, p *Page) (stop func() error) {
	s := &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }() // ends with Shutdown below
	return func() error {
		p.Close()
		// A second for the browsers to read the last words; whoever does not is cut off.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.Shutdown(ctx) != nil {
			s.Close()
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}
