package metric

import (
	"context"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// cell is calls of one operation over one transport with one outcome.
type cell struct {
	received, sent atomic.Uint64 // bytes of messages, as protobuf; see weightOf
	timer          Timer
}

// outcomes are gRPC's codes by name, and one for codes of a studio's own.
var outcomes = [...]string{"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied",
	"ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated", "Other"}

const otherOutcome = len(outcomes) - 1

// cells are those of one operation over one transport. Made when a call first ends so: most operations know two or three
// of the outcomes.
type cells [len(outcomes)]atomic.Pointer[cell]

func (cs *cells) record(took time.Duration, in, out proto.Message, err error) {
	n := outcomeOf(err)
	c := cs[n].Load()
	if c == nil {
		cs[n].CompareAndSwap(nil, new(cell))
		c = cs[n].Load()
	}
	weight := weightOf(c.timer.observe(took))
	if weight == 0 {
		return
	}
	c.received.Add(weight * uint64(proto.Size(in)))
	if err == nil {
		c.sent.Add(weight * uint64(proto.Size(out)))
	}
}

// Sizing two messages costs as much as all else here, so once an operation is busy one call in eight is sized for all:
// the first 64 that take about equally long count by themselves.
const (
	sizedAlways = 64
	sizedEvery  = 8
)

func weightOf(nth uint64) uint64 {
	switch {
	case nth <= sizedAlways:
		return 1
	case nth%sizedEvery == 0:
		return sizedEvery
	}
	return 0
}

func outcomeOf(err error) int {
	if err == nil {
		return 0
	}
	return min(int(errs.Of(err).Code), otherOutcome)
}

// operation is one entry of the catalogue.
type operation struct {
	name    string
	message bool // only on the socket: no part of the figures of API calls
	cells   cells
	shown   *family
}

// Wrap is for op.Registry.Wrap.
func (m *Metrics) Wrap(e *op.Entry, next op.Call) op.Call {
	if e.Spec.Name == "RpcFunc" {
		return m.wrapFunctions(next)
	}
	o := &operation{name: e.Spec.Name, message: len(e.Spec.HTTP) == 0 && e.Spec.RT != ""}
	m.operations = append(m.operations, o)
	now := m.c.Now
	return func(ctx context.Context, c op.Caller, in proto.Message) (proto.Message, error) {
		start := now()
		out, err := next(ctx, c, in)
		o.cells.record(now()-start, in, out, err)
		return out, err
	}
}

// function is one of a studio's own, called by name.
type function struct {
	id          string
	api, socket cells
}

const functionsMax = 1000 // names with figures of their own; later ones are counted together

// wrapFunctions counts per function name.
func (m *Metrics) wrapFunctions(next op.Call) op.Call {
	now := m.c.Now
	return func(ctx context.Context, c op.Caller, in proto.Message) (proto.Message, error) {
		start := now()
		out, err := next(ctx, c, in)
		f := m.function(in)
		if c.SessionID != "" { // a realtime connection has one
			f.socket.record(now()-start, in, out, err)
		} else {
			f.api.record(now()-start, in, out, err)
		}
		return out, err
	}
}

// function finds the figures of a call. A name that no module registered is not a client's to put into a label.
func (m *Metrics) function(in proto.Message) *function {
	id := ""
	if request, ok := in.(*api.Rpc); ok {
		id = strings.ToLower(request.Id)
	}
	known := *m.functions.Load()
	if f := known[id]; f != nil {
		return f
	}
	if len(known) >= functionsMax || !m.c.KnownFunction(id) {
		id = other
	}
	if f := known[id]; f != nil {
		return f
	}
	return m.newFunction(id)
}

func (m *Metrics) newFunction(id string) *function {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := *m.functions.Load()
	if f := known[id]; f != nil {
		return f
	}
	grown := make(map[string]*function, len(known)+1)
	maps.Copy(grown, known)
	f := &function{id: strings.Clone(id)}
	grown[f.id] = f
	m.functions.Store(&grown)
	return f
}

// figures are sums over cells.
type figures struct {
	received, sent, errors uint64
	summary
}

// add adds one cell and returns its own figures.
func (f *figures) add(c *cell, outcome int, now time.Duration) figures {
	one := figures{received: c.received.Load(), sent: c.sent.Load()}
	c.timer.addTo(&one.summary, now)
	if outcome != 0 {
		one.errors = one.count
	}
	f.merge(&one)
	return one
}

func (f *figures) merge(from *figures) {
	f.received += from.received
	f.sent += from.sent
	f.errors += from.errors
	f.count += from.count
	f.sum += from.sum
	for i, n := range from.recent {
		f.recent[i] += n
	}
}

// family is the descriptors of one set of figures.
type family struct{ count, received, sent, errors, latency *prometheus.Desc }

func (m *Metrics) newFamily(name, what string, labels ...string) *family {
	return &family{
		count:    m.desc(name+"_count", "Calls of "+what+".", labels...),
		received: m.desc(name+"_recv_bytes", "Bytes of requests of "+what+".", labels...),
		sent:     m.desc(name+"_sent_bytes", "Bytes of answers of "+what+".", labels...),
		errors:   m.desc(name+"_errors", "Failed calls of "+what+".", labels...),
		latency:  m.desc(name+"_latency_ms", "Seconds that calls of "+what+" took.", labels...),
	}
}

func (d *family) emit(out chan<- prometheus.Metric, f *figures, labels ...string) {
	counter(out, d.count, f.count, labels...)
	counter(out, d.received, f.received, labels...)
	counter(out, d.sent, f.sent, labels...)
	counter(out, d.errors, f.errors, labels...)
	timer(out, d.latency, &f.summary, labels...)
}

func counter(out chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func timer(out chan<- prometheus.Metric, d *prometheus.Desc, s *summary, labels ...string) {
	out <- prometheus.MustNewConstSummary(d, s.count, s.sum, s.values(), labels...)
}

// calls shows what Wrap counted: per operation, per function, by transport and outcome, and overall.
type calls struct {
	m                       *Metrics
	count, received, sent   *prometheus.Desc
	latency                 *prometheus.Desc
	functions               *family
	overall, overallRequest *family
}

func newCalls(m *Metrics) *calls {
	by := []string{"transport", "rpc_id", "rpc_code"}
	return &calls{
		m:     m,
		count: m.desc("count", "Calls by transport, operation or function, and outcome.", by...), received: m.desc("recv_bytes", "Bytes of requests.", by...),
		sent: m.desc("sent_bytes", "Bytes of answers.", by...), latency: m.desc("latency", "Seconds that calls took.", by...),
		functions: m.newFamily("Rpc", "server functions", "rpc_id"),
		overall:   m.newFamily("overall", "all operations"), overallRequest: m.newFamily("overall_request", "all operations"),
	}
}

// Describe sends nothing: operations appear as they are called.
func (c *calls) Describe(chan<- *prometheus.Desc) {}

func (c *calls) Collect(out chan<- prometheus.Metric) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	now := c.m.c.Now()
	var all figures
	for _, o := range c.m.operations {
		var sum figures
		transport := "api"
		if o.message {
			transport = ""
		}
		c.collect(out, &o.cells, transport, o.name, &sum, now)
		if sum.count == 0 {
			continue
		}
		if o.shown == nil {
			o.shown = c.m.newFamily(o.name, o.name)
		}
		o.shown.emit(out, &sum)
		if !o.message {
			all.merge(&sum)
		}
	}
	for _, f := range *c.m.functions.Load() {
		var sum figures
		c.collect(out, &f.api, "api_rpc", f.id, &sum, now)
		c.collect(out, &f.socket, "ws_rpc", f.id, &sum, now)
		c.functions.emit(out, &sum, f.id)
		all.merge(&sum)
	}
	c.overall.emit(out, &all)
	counter(out, c.overallRequest.count, all.count)
	counter(out, c.overallRequest.received, all.received)
	counter(out, c.overallRequest.sent, all.sent)
	counter(out, c.overallRequest.errors, all.errors)
}

// collect shows the cells of one operation by outcome, unless they have no transport, and adds them to sum.
func (c *calls) collect(out chan<- prometheus.Metric, cs *cells, transport, name string, sum *figures, now time.Duration) {
	for n := range cs {
		one := cs[n].Load()
		if one == nil {
			continue
		}
		f := sum.add(one, n, now)
		if transport == "" {
			continue
		}
		counter(out, c.count, f.count, transport, name, outcomes[n])
		counter(out, c.received, f.received, transport, name, outcomes[n])
		counter(out, c.sent, f.sent, transport, name, outcomes[n])
		timer(out, c.latency, &f.summary, transport, name, outcomes[n])
	}
}
