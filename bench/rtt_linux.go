package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skirmishgg/skirmish/bench/link"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/bench/proxy"
	"github.com/skirmishgg/skirmish/bench/rtt"
	"github.com/skirmishgg/skirmish/netcode/simnet"
)

var rttRow = Row{
	Name: "event_rtt_p99_ms",
	Doc:  "reliable event to the server's handler and back, 60 Hz both ends, RTT 50 ± 5 ms, 0, 2, 5 and 10 % loss each way",
	Aim:  "p99 ≤ 90 ms at 5 % loss, ≤ 105 at 10 %",
	run:  runRTT,
}

const (
	rttClients = 30
	rttEvents  = 240 // per client and run: 7,200 a run, 36,000 in all
	rttWarm    = 700 * time.Millisecond
)

// rttLink is each direction of the link: 25 ms, RTT 50 ± 5.
func rttLink(lossPercent int) string {
	return fmt.Sprintf("delay=25ms jitter=2.5ms loss=%d%%", lossPercent)
}

// runRTT measures ours and kcp-go through the proxy, and WebSocket over a TUN link of the same model, in turn.
func runRTT(e *env) error {
	count, clients := rttEvents, rttClients
	if e.o.Quick {
		count, clients = 20, 10
	}
	losses := []int{0, 2, 5, 10}
	if e.o.Quick {
		losses = losses[2:3]
	}
	for _, loss := range losses {
		var p99 [3][]float64
		var failed [3]error
		var ours rtt.Report
		for range e.o.Runs {
			for i, measure := range []func(loss, clients, count int) (rtt.Report, error){e.rttOurs, e.rttKCP, e.rttWebSocket} {
				if failed[i] != nil {
					continue
				}
				r, err := measure(loss, clients, count)
				if err != nil {
					failed[i] = err
					continue
				}
				p99[i] = append(p99[i], r.P99ms)
				if i == 0 {
					ours = r
				}
			}
		}
		if failed[0] != nil {
			return failed[0]
		}
		name := e.row.Name
		if loss != 5 {
			name = fmt.Sprintf("%s_loss%d", name, loss)
		}
		e.addRTT(name, loss, p99[0], "kcp-go UDPSession", p99[1], failed[1], ours)
		e.addRTT(name+"_vs_websocket", loss, p99[0], "WebSocket (TCP)", p99[2], failed[2], ours)
	}
	return nil
}

func (e *env) addRTT(name string, loss int, ours []float64, reference string, theirs []float64, failed error, last rtt.Report) {
	r := measured(name, "ms", ours).against(reference, theirs)
	if failed != nil {
		r.Reference = reference + " not measured: " + oneLine(failed.Error())
	}
	switch {
	case reference[0] == 'W' && failed == nil && (loss == 2 || loss == 5):
		r = r.aimed("≤ 0.5 × WebSocket", r.Ratio <= 0.5)
	case reference[0] == 'k' && loss == 5:
		r = r.aimed("≤ 90", r.Median <= 90)
	case reference[0] == 'k' && loss == 10:
		r = r.aimed("≤ 105", r.Median <= 105)
	}
	e.add(r.noted("%d %% loss each way; last run: %d events, p50 %.1f ms, max %.0f ms, %d lost, %d doubled",
		loss, last.Sent, last.P50ms, last.Maxms, last.Lost, last.Double))
}

// addrHello is the first line of a child that listens.
type addrHello struct {
	Addr string `json:"addr"`
}

// rttOurs is one run of ours: the echo game on a node, and Go clients.
func (e *env) rttOurs(loss, clients, count int) (rtt.Report, error) {
	n, err := e.startNode("--game", "echo")
	if err != nil {
		return rtt.Report{}, err
	}
	defer n.Stop()
	return e.rttThroughProxy(n.hello.Addr, loss, "rtt-client", append(n.clientArgs(), "--clients", itoa(clients), "--events", itoa(count))...)
}

// rttKCP is one run of the kcp-go reference: server, proxy and clients as processes.
func (e *env) rttKCP(loss, clients, count int) (rtt.Report, error) {
	var hello addrHello
	server, err := e.server(&hello, "rtt-kcp-server")
	if err != nil {
		return rtt.Report{}, err
	}
	defer server.Stop()
	return e.rttThroughProxy(hello.Addr, loss, "rtt-kcp-client", "--clients", itoa(clients), "--events", itoa(count))
}

// rttThroughProxy puts a lossy link before target and runs one client role over it.
func (e *env) rttThroughProxy(target string, loss int, role string, args ...string) (r rtt.Report, err error) {
	var hello addrHello
	// On any core: its line is a real-time thread, which on a core shared with the rest of its own runtime was seen to
	// starve it for the second that the kernel lets it.
	p, err := proc.Start(e.ctx, -1, &hello, e.self, e.childArgs("proxy", []string{"--target", target, "--link", rttLink(loss)})...)
	if err != nil {
		return r, err
	}
	defer p.Stop()
	client, err := e.load(nil, role, append(args, "--addr", hello.Addr)...)
	if err != nil {
		return r, err
	}
	defer client.Stop()
	return r, client.Ask("drive", &r)
}

// rttWebSocket is one run of the WebSocket reference: link, server and clients share a process, since the link's
// two namespaces belong to it.
func (e *env) rttWebSocket(loss, clients, count int) (r rtt.Report, err error) {
	p, err := proc.Start(e.ctx, -1, nil, e.self, e.childArgs("rtt-websocket", []string{"--link", rttLink(loss), "--clients", itoa(clients), "--events", itoa(count)})...)
	if err != nil {
		return r, err
	}
	defer p.Stop()
	return r, p.Ask("drive", &r)
}

// proxyChild is the role "proxy": one lossy link for everyone.
func proxyChild(con *proc.Console, args []string) error {
	fs := flag.NewFlagSet("proxy", flag.ContinueOnError)
	target := fs.String("target", "", "the server")
	text := fs.String("link", "", "each direction, see simnet.ParseLink")
	seed := fs.Uint64("seed", 1, "of the link's randomness")
	if err := fs.Parse(args); err != nil {
		return err
	}
	c, err := simnet.ParseLink(*text)
	if err != nil {
		return err
	}
	p, err := proxy.New(proxy.Config{Listen: "127.0.0.1:0", Target: *target, Up: c, Down: c, Seed: *seed})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with the console, and ends the proxy
		for range con.Commands() {
			con.Say(p.Stats())
		}
		cancel()
	}()
	con.Say(addrHello{Addr: p.Addr().String()})
	return p.Run(ctx)
}

// kcpServer is the role "rtt-kcp-server".
func kcpServer(con *proc.Console, _ []string) error {
	return rtt.ServeKCP(rtt.Rate, func(addr string) { con.Say(addrHello{Addr: addr}) }, ended(con))
}

// ended is closed when the parent closes the console.
func ended(con *proc.Console) <-chan struct{} {
	stop := make(chan struct{})
	go func() { // ends with the console
		for range con.Commands() { //nolint:revive // nothing to answer
		}
		close(stop)
	}()
	return stop
}

// rttFlags are what every client role of the row takes.
func rttFlags(name string) (fs *flag.FlagSet, addr, linkText *string, clients, events *int) {
	fs = flag.NewFlagSet(name, flag.ContinueOnError)
	return fs, fs.String("addr", "", "the server or proxy"), fs.String("link", "", "each direction, see simnet.ParseLink"),
		fs.Int("clients", rttClients, "connections"), fs.Int("events", rttEvents, "events a connection")
}

// kcpClient is the role "rtt-kcp-client".
func kcpClient(con *proc.Console, args []string) error {
	fs, addr, _, clients, events := rttFlags("rtt-kcp-client")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if _, err := netip.ParseAddrPort(*addr); err != nil {
		return err
	}
	return driveRTT(con, *clients, *events, func(sink *rtt.Sink) (rtt.Sender, error) { return rtt.DialKCP(*addr, sink) })
}

// rttClient is the role "rtt-client": Go clients in the echo game.
func rttClient(con *proc.Console, args []string) error {
	fs, addr, _, clients, events := rttFlags("rtt-client")
	dir := fs.String("dir", "", "where the node's keys are")
	matches := fs.String("matches", "", "id of its match")
	if err := fs.Parse(args); err != nil {
		return err
	}
	def := rtt.Definition()
	schema, err := def.Compile()
	if err != nil {
		return err
	}
	back, err := newBackend(*dir, *addr, schema.Hash())
	if err != nil {
		return err
	}
	ids, err := parseIDs(*matches)
	if err != nil {
		return err
	}
	sink, ctx := rtt.NewSink(*clients), context.Background()
	players, err := together(*clients, func(i int) (*rtt.Player, error) {
		t, err := back.mint(i, ids[0])()
		if err != nil {
			return nil, err
		}
		return rtt.Join(ctx, t, schema, sink, i)
	})
	if err != nil {
		return err
	}
	con.Say(loadHello{Ready: *clients})
	for range con.Commands() {
		r, err := rtt.Play(sink, players, rttWarm, *events)
		if err != nil {
			return err
		}
		con.Say(r)
	}
	return nil
}

// together makes n things at once: a handshake takes round trips, and more when packets are lost.
func together[T any](n int, f func(i int) (T, error)) ([]T, error) {
	made, errs := make([]T, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { made[i], errs[i] = f(i) })
	}
	all.Wait()
	return made, errors.Join(errs...)
}

// driveRTT connects the clients, says so, and answers "drive" with an rtt.Report.
func driveRTT(con *proc.Console, clients, events int, dial func(*rtt.Sink) (rtt.Sender, error)) error {
	sink := rtt.NewSink(clients)
	senders, err := together(clients, func(int) (rtt.Sender, error) { return dial(sink) })
	if err != nil {
		return err
	}
	con.Say(loadHello{Ready: clients})
	for range con.Commands() {
		r, err := rtt.Drive(sink, senders, rtt.Rate, rttWarm, events)
		if err != nil {
			return err
		}
		con.Say(r)
	}
	return nil
}

// websocketChild is the role "rtt-websocket". Connections are made over a link without loss, which then gets bad:
// a lost SYN would cost a second each.
func websocketChild(con *proc.Console, args []string) error {
	fs, _, text, clients, events := rttFlags("rtt-websocket")
	if err := fs.Parse(args); err != nil {
		return err
	}
	c, err := simnet.ParseLink(*text)
	if err != nil {
		return err
	}
	l, err := link.Open(link.Config{Seed: 1})
	if err != nil {
		return err
	}
	defer l.Close()
	var listener net.Listener
	err = l.Far(func() (err error) {
		listener, err = net.Listen("tcp", netip.AddrPortFrom(link.FarAddr, 0).String())
		return err
	})
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	defer close(stop)
	go rtt.ServeWebSocket(listener, rtt.Rate, stop) //nolint:errcheck // ends with stop
	var connected atomic.Int64
	return driveRTT(con, *clients, *events, func(sink *rtt.Sink) (s rtt.Sender, err error) {
		err = l.Near(func() (err error) {
			s, err = rtt.DialWebSocket(context.Background(), listener.Addr().String(), sink)
			return err
		})
		if connected.Add(1) == int64(*clients) {
			l.SetLinks(c, c)
		}
		return s, err
	})
}
