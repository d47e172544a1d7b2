package metric

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// other stands for label values beyond a bound.
const other = "other"

// Config is what Metrics is made of.
type Config struct {
	Prefix           string               // of names; "": none
	CustomPrefix     string               // of modules' metrics, after Prefix
	CustomScopeLimit int                  // different metrics and tag sets of modules; 0: no limit
	Namespace        string               // value of a label of that name; "": no such label
	Node             string               // value of the label node_name
	Now              func() time.Duration // monotonic
	// KnownFunction tells whether a module registered a function of this (lower-case) name. nil: all are known.
	KnownFunction func(id string) bool
}

// Metrics is the server's figures. Wrap and the methods that register are for node, before anything runs; everything
// else may be called from any goroutine.
type Metrics struct {
	// constant after node has registered everything
	c          Config
	registry   *prometheus.Registry
	labels     prometheus.Labels
	operations []*operation

	// any goroutine
	functions atomic.Pointer[map[string]*function] // read-only once stored
	mu        sync.Mutex                           // functions being stored; windows of all timers while they are read

	// Realtime connections count these.
	SocketsOpened, SocketsClosed    *Counter
	Messages, MessageErrors         *Counter // envelopes of clients; those that were refused
	MessageBytesIn, MessageBytesOut *Counter
	// Presence and events.
	PresenceEvents, DroppedEvents *Counter
	PresenceWait, PresenceWork    *Timer // from the queue; of its handling
	MatchmakerRound               *Timer

	// StorageRejected counts by collection and reason, RateLimited by operation.
	StorageRejected, RateLimited *CounterSet
	collectionErrors             *CounterSet

	customs customs
}

// New has all names that need no registration.
func New(c Config) *Metrics {
	if c.KnownFunction == nil {
		c.KnownFunction = func(string) bool { return true }
	}
	m := &Metrics{c: c, registry: prometheus.NewRegistry(), labels: prometheus.Labels{"node_name": c.Node}}
	if c.Namespace != "" {
		m.labels["namespace"] = c.Namespace
	}
	m.functions.Store(&map[string]*function{})
	m.registry.MustRegister(newCalls(m), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.SocketsOpened = m.Counter("socket_ws_opened", "Realtime connections opened.")
	m.SocketsClosed = m.Counter("socket_ws_closed", "Realtime connections closed.")
	m.Messages = m.Counter("overall_message_count", "Realtime messages of clients.")
	m.MessageErrors = m.Counter("overall_message_errors", "Realtime messages that were refused.")
	m.MessageBytesIn = m.Counter("overall_message_recv_bytes", "Bytes of realtime messages of clients.")
	m.MessageBytesOut = m.Counter("overall_message_sent_bytes", "Bytes of realtime messages to clients.")
	m.PresenceEvents = m.Counter("presence_event_count", "Changes of presences.")
	m.DroppedEvents = m.Counter("dropped_events", "Events dropped because the modules' queue was full.")
	m.PresenceWait = m.Timer("presence_event_dequeue_latency_ms", "Seconds that changes of presences waited in the queue.")
	m.PresenceWork = m.Timer("presence_event_process_latency_ms", "Seconds that handling of changes of presences took.")
	m.MatchmakerRound = m.Timer("matchmaker_process_time", "Seconds that rounds of the matchmaker took, with modules' functions.")
	m.StorageRejected = m.CounterSet("storage_write_reject_count", "Storage writes that the stored object refused.", "collection", "reason")
	m.RateLimited = m.ownCounterSet("rate_limited_total", "Calls over the rate limit.", "operation")
	m.collectionErrors = m.CounterSet("metrics_collection_errors_count", "Values of modules that were refused.", "name", "err")
	m.customs.entries, m.customs.shown, m.customs.kinds = map[string]*custom{}, map[string]*custom{}, map[string]kind{}
	m.registry.MustRegister(customCollector{m})
	return m
}

// Handler answers any path with all figures.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// ownPrefix is of metrics that Nakama does not have, whatever the configured prefix.
const ownPrefix = "skirmish_"

func (m *Metrics) desc(name, help string, labels ...string) *prometheus.Desc {
	if m.c.Prefix != "" {
		name = m.c.Prefix + "_" + name
	}
	return prometheus.NewDesc(name, help, labels, m.labels)
}

func (m *Metrics) ownDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(ownPrefix+name, help, labels, m.labels)
}

// emitter shows values of registered descriptors whenever somebody reads.
type emitter struct {
	descs []*prometheus.Desc
	emit  func(out chan<- prometheus.Metric)
}

func (e *emitter) Describe(out chan<- *prometheus.Desc) {
	for _, d := range e.descs {
		out <- d
	}
}

func (e *emitter) Collect(out chan<- prometheus.Metric) { e.emit(out) }

// register panics when a name is taken: two features that share one are a bug.
func (m *Metrics) register(emit func(chan<- prometheus.Metric), descs ...*prometheus.Desc) {
	m.registry.MustRegister(&emitter{descs, emit})
}

// Counter is a number that only grows.
type Counter struct{ n atomic.Uint64 }

// Add adds n.
func (c *Counter) Add(n int) { c.n.Add(uint64(n)) }

// Inc adds one.
func (c *Counter) Inc() { c.n.Add(1) }

// Counter registers a counter.
func (m *Metrics) Counter(name, help string) *Counter {
	c, d := new(Counter), m.desc(name, help)
	m.register(func(out chan<- prometheus.Metric) { counter(out, d, c.n.Load()) }, d)
	return c
}

// Timer registers a timer.
func (m *Metrics) Timer(name, help string) *Timer {
	t, d := new(Timer), m.desc(name, help)
	m.register(func(out chan<- prometheus.Metric) {
		m.mu.Lock()
		defer m.mu.Unlock()
		var s summary
		t.addTo(&s, m.c.Now())
		timer(out, d, &s)
	}, d)
	return t
}

// Gauge registers a value that read knows. read must not wait.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	d := m.desc(name, help)
	m.register(func(out chan<- prometheus.Metric) { gauge(out, d, read()) }, d)
}

// Gauges registers values that read knows, each under a value of one label. read must not wait.
func (m *Metrics) Gauges(name, help, label string, read func(yield func(value string, n int))) {
	d := m.desc(name, help, label)
	m.register(func(out chan<- prometheus.Metric) {
		read(func(value string, n int) { gauge(out, d, float64(n), value) })
	}, d)
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// CounterSet is counters by label values, at most setMax of them; what comes later is counted under "other".
type CounterSet struct {
	mu     sync.RWMutex
	counts map[[2]string]*Counter
	labels int
}

const setMax = 1000

// CounterSet registers counters with one or two labels.
func (m *Metrics) CounterSet(name, help string, labels ...string) *CounterSet {
	return m.counterSet(m.desc(name, help, labels...), len(labels))
}

func (m *Metrics) ownCounterSet(name, help string, labels ...string) *CounterSet {
	return m.counterSet(m.ownDesc(name, help, labels...), len(labels))
}

func (m *Metrics) counterSet(d *prometheus.Desc, labels int) *CounterSet {
	s := &CounterSet{counts: map[[2]string]*Counter{}, labels: labels}
	m.register(func(out chan<- prometheus.Metric) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		for values, c := range s.counts {
			counter(out, d, c.n.Load(), values[:labels]...)
		}
	}, d)
	return s
}

// Inc adds one under these label values, as many as the set was registered with.
func (s *CounterSet) Inc(values ...string) {
	var key [2]string
	copy(key[:s.labels], values)
	s.mu.RLock()
	c := s.counts[key]
	s.mu.RUnlock()
	if c == nil {
		c = s.make(key)
	}
	c.Inc()
}

func (s *CounterSet) make(key [2]string) *Counter {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.counts) >= setMax && s.counts[key] == nil {
		key[0] = other
	}
	c := s.counts[key]
	if c == nil {
		c = new(Counter)
		s.counts[key] = c
	}
	return c
}
