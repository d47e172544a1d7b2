package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/skirmishgg/skirmish/engine/websocket"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/gateway/grpcgw"
	"github.com/skirmishgg/skirmish/services/gateway/rest"
	"github.com/skirmishgg/skirmish/services/gateway/socket"
)

// doors are the listeners of the API.
type doors struct {
	http, grpc, metrics net.Listener // metrics is nil when no port is set
	tls                 *tls.Config

	rest    *http.Server
	silent  silent // of rest
	rpc     *grpcgw.Server
	socket  *socket.Server
	scraped *http.Server
}

// listen takes the ports. Nobody is answered yet.
func listen(s *config.Config) (d *doors, err error) {
	d = &doors{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if s.Socket.SSLCertificate != "" {
		pair, err := tls.LoadX509KeyPair(s.Socket.SSLCertificate, s.Socket.SSLPrivateKey)
		if err != nil {
			return nil, fmt.Errorf("node: socket.ssl_certificate: %w", err)
		}
		d.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if d.http, err = net.Listen(s.Socket.Protocol, address(s.Socket.Address, s.Socket.Port)); err != nil {
		return nil, fmt.Errorf("node: REST and WebSocket (socket.port): %w", err)
	}
	if d.grpc, err = net.Listen(s.Socket.Protocol, address(s.Socket.Address, s.GRPCPort())); err != nil {
		return nil, fmt.Errorf("node: gRPC (socket.port - 1): %w", err)
	}
	if s.Metrics.PrometheusPort > 0 {
		if d.metrics, err = net.Listen("tcp", address(s.Socket.Address, s.Metrics.PrometheusPort)); err != nil {
			return nil, fmt.Errorf("node: metrics.prometheus_port: %w", err)
		}
	}
	return d, nil
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// open begins to answer.
func (d *doors) open(b *backend, ready func() error) (err error) {
	s := b.settings.Socket
	d.socket, err = socket.New(socket.Config{
		Door: b.door, Workers: b.workers, SingleSocket: b.settings.Session.SingleSocket, Opened: b.opened, Closed: b.closed,
		WebSocket: websocket.Config{
			MaxMessage: s.MaxMessageSizeBytes, PingPeriod: millis(s.PingPeriodMs), PongWait: millis(s.PongWaitMs), PingBackoff: s.PingBackoffThreshold,
			WriteWait: millis(s.WriteWaitMs), CloseAckWait: millis(s.CloseAckWaitMs), Queue: s.OutgoingQueueSize,
		},
	})
	if err != nil {
		return err
	}
	d.rest = rest.Server(rest.Config{
		Door: b.door, RPC: b.rpc, Socket: d.socket, Module: b.runtime.HTTP, Ready: ready, MaxRequestBytes: s.MaxRequestSizeBytes, ResponseHeaders: s.ResponseHeaders,
		ReadTimeout: millis(s.ReadTimeoutMs), WriteTimeout: millis(s.WriteTimeoutMs), IdleTimeout: millis(s.IdleTimeoutMs),
	})
	d.rest.TLSConfig, d.rest.ConnState = d.tls, d.silent.state
	d.rpc = grpcgw.New(grpcgw.Config{Door: b.door, MaxRequestBytes: s.MaxRequestSizeBytes, TLS: d.tls})
	d.rpc.SetReady(true)
	serve := func(what string, f func() error) {
		b.running.Go(func() { // ended by close, which waits
			if err := f(); err != nil && !errors.Is(err, http.ErrServerClosed) {
				b.log.Error("a listener ended", "of", what, "error", err)
			}
		})
	}
	serve("REST", func() error {
		if d.tls != nil {
			return d.rest.ServeTLS(d.http, "", "")
		}
		return d.rest.Serve(d.http)
	})
	serve("gRPC", func() error { return d.rpc.Serve(d.grpc) })
	if d.metrics != nil {
		d.scraped = &http.Server{Handler: b.metrics.Handler(), ReadTimeout: millis(s.ReadTimeoutMs)}
		serve("metrics", func() error { return d.scraped.Serve(d.metrics) })
	}
	return nil
}

// shut takes no new calls, closes WebSockets with a close frame, and waits for the calls under way until ctx ends.
func (d *doors) shut(ctx context.Context) error {
	if d.rest == nil { // never opened
		return d.close()
	}
	d.rpc.SetReady(false)
	d.silent.close()
	err := d.rest.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, d.rest.Close())
	}
	d.socket.Stop(ctx)
	d.rpc.Stop(ctx)
	if d.scraped != nil {
		err = errors.Join(err, d.scraped.Close())
	}
	return err
}

func (d *doors) close() error {
	var errs []error
	for _, l := range []net.Listener{d.http, d.grpc, d.metrics} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

func (d *doors) httpAddr() netip.AddrPort { return d.http.Addr().(*net.TCPAddr).AddrPort() }
func (d *doors) grpcAddr() netip.AddrPort { return d.grpc.Addr().(*net.TCPAddr).AddrPort() }
