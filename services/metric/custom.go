package metric

import (
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// customs are the metrics that modules report by name and tags.
type customs struct {
	mu      sync.RWMutex
	entries map[string]*custom // by kind, name and tags as a module gives them
	shown   map[string]*custom // and as Prometheus takes them
	kinds   map[string]kind    // by name: a name has one kind, that of its first value
}

type kind byte

const (
	counterKind kind = 'c'
	gaugeKind   kind = 'g'
	timerKind   kind = 't'
)

// custom is one metric with one set of tags.
type custom struct {
	kind   kind
	desc   *prometheus.Desc
	values []string      // of the tags
	number atomic.Uint64 // a counter, or the bits of a gauge
	timer  *Timer
}

// CustomAdd adds to a module's counter. A negative delta is refused and counted.
func (m *Metrics) CustomAdd(name string, tags map[string]string, delta int64) {
	if delta < 0 {
		m.collectionErrors.Inc(strings.ToValidUTF8(name, "_"), "negative_increment")
		return
	}
	if c := m.custom(counterKind, name, tags); c != nil {
		c.number.Add(uint64(delta))
	}
}

// CustomSet sets a module's gauge.
func (m *Metrics) CustomSet(name string, tags map[string]string, v float64) {
	if c := m.custom(gaugeKind, name, tags); c != nil {
		c.number.Store(math.Float64bits(v))
	}
}

// CustomRecord adds a duration to a module's timer.
func (m *Metrics) CustomRecord(name string, tags map[string]string, d time.Duration) {
	if c := m.custom(timerKind, name, tags); c != nil {
		c.timer.Observe(d)
	}
}

// custom finds or makes a metric; nil when there are too many, or the name belongs to another kind.
func (m *Metrics) custom(k kind, name string, tags map[string]string) *custom {
	id := identity(k, name, tags)
	cs := &m.customs
	cs.mu.RLock()
	c := cs.entries[id]
	cs.mu.RUnlock()
	if c != nil {
		return c
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c := cs.entries[id]; c != nil {
		return c
	}
	full := word(name)
	if m.c.CustomPrefix != "" {
		full = m.c.CustomPrefix + "_" + full
	}
	if m.c.CustomScopeLimit > 0 && len(cs.entries) >= m.c.CustomScopeLimit || cs.kinds[full] != 0 && cs.kinds[full] != k {
		return nil
	}
	labels := m.customLabels(tags)
	shown := identity(k, full, labels)
	if c = cs.shown[shown]; c == nil {
		c = m.newCustom(k, full, labels)
	}
	cs.entries[id], cs.shown[shown], cs.kinds[full] = c, c, k
	return c
}

func (m *Metrics) newCustom(k kind, name string, labels map[string]string) *custom {
	c := &custom{kind: k}
	if k == timerKind {
		c.timer = new(Timer)
	}
	names := slices.Sorted(maps.Keys(labels))
	for _, n := range names {
		c.values = append(c.values, labels[n])
	}
	c.desc = m.desc(name, "Reported by a module.", names...)
	return c
}

// customLabels are tags under names that Prometheus takes; of two that become one, the last in order stays.
func (m *Metrics) customLabels(tags map[string]string) map[string]string {
	labels := make(map[string]string, len(tags))
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		label := word(tag)
		if _, taken := m.labels[label]; taken || strings.HasPrefix(label, "__") || label == "quantile" {
			label = "tag_" + strings.TrimLeft(label, "_")
		}
		labels[label] = strings.ToValidUTF8(tags[tag], "\uFFFD")
	}
	return labels
}

// identity tells metrics apart: lengths keep {a: "b,c"} and {a: "b", c: ""} different.
func identity(k kind, name string, tags map[string]string) string {
	b := []byte{byte(k)}
	add := func(s string) {
		b = append(b, byte(len(s)>>16), byte(len(s)>>8), byte(len(s)))
		b = append(b, s...)
	}
	add(name)
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		add(tag)
		add(tags[tag])
	}
	return string(b)
}

// word makes a name that Prometheus takes.
func word(s string) string {
	b := []byte(s)
	for i, c := range b {
		if !(c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9') {
			b[i] = '_'
		}
	}
	if len(b) == 0 {
		return "_"
	}
	return string(b)
}

type customCollector struct{ m *Metrics }

// Describe sends nothing: modules name their metrics as they go.
func (customCollector) Describe(chan<- *prometheus.Desc) {}

func (cc customCollector) Collect(out chan<- prometheus.Metric) {
	cs := &cc.m.customs
	cs.mu.RLock()
	entries := slices.Collect(maps.Values(cs.shown))
	cs.mu.RUnlock()
	for _, c := range entries {
		switch c.kind {
		case counterKind:
			counter(out, c.desc, c.number.Load(), c.values...)
		case gaugeKind:
			gauge(out, c.desc, math.Float64frombits(c.number.Load()), c.values...)
		case timerKind:
			cc.m.mu.Lock()
			var s summary
			c.timer.addTo(&s, cc.m.c.Now())
			cc.m.mu.Unlock()
			timer(out, c.desc, &s, c.values...)
		}
	}
}
