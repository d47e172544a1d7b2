package metric

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
)

type server struct {
	t   *testing.T
	m   *Metrics
	r   *op.Registry
	now time.Duration
}

var (
	errBusy    = errs.New(errs.ResourceExhausted, "Busy.")
	errOwn     = errs.New(errs.Code(1234), "Of the studio.")
	errTrouble = errors.New("disk")
)

// start has operations that take as long, and fail, as the request says.
func start(t *testing.T, change ...func(*Config)) *server {
	s := &server{t: t, r: op.NewRegistry(), now: time.Hour}
	c := Config{Prefix: "nakama", CustomPrefix: "custom", CustomScopeLimit: 5, Node: "n1", Now: func() time.Duration { return s.now },
		KnownFunction: func(id string) bool { return id == "score" || id == "shop" }}
	for _, f := range change {
		f(&c)
	}
	s.m = New(c)
	op.Add(s.r, op.Spec{Name: "ReadStorageObjects", ID: 61, HTTP: []string{"POST /v2/storage *"}, Auth: op.Session},
		func(_ context.Context, c op.Caller, in *api.Rpc) (*api.Rpc, error) { return in, s.outcome(c) })
	op.Add(s.r, op.Spec{Name: "MatchDataSend", ID: 120, RT: "match_data_send", Auth: op.Session},
		func(_ context.Context, c op.Caller, _ *emptypb.Empty) (*emptypb.Empty, error) {
			return &emptypb.Empty{}, s.outcome(c)
		})
	op.Add(s.r, op.Spec{Name: "RpcFunc", ID: 62, RT: "rpc", HTTP: []string{"POST /v2/rpc/{id} payload"}, Auth: op.HTTPKey},
		func(_ context.Context, c op.Caller, in *api.Rpc) (*api.Rpc, error) { return in, s.outcome(c) })
	s.r.Wrap(s.m.Wrap)
	s.r.Seal()
	return s
}

func (s *server) outcome(c op.Caller) error {
	s.now += 10 * time.Millisecond
	switch c.Username {
	case "busy":
		return errBusy
	case "own":
		return errOwn
	case "trouble":
		return fmt.Errorf("read: %w", errTrouble)
	}
	return nil
}

func (s *server) call(name, who, session string, in proto.Message) {
	_, _ = s.r.Named(name).Invoke(context.Background(), op.Caller{Username: who, SessionID: session}, in) // the outcome is what is counted
}

// scrape is every sample line, without its constant label.
func (s *server) scrape() map[string]string {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/any/path", nil))
	if w.Code != 200 {
		s.t.Fatalf("scrape answers %d: %s", w.Code, w.Body)
	}
	all := map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if value == "" { // the process's own have no labels
			continue
		}
		all[strings.NewReplacer(`node_name="n1",`, "", `,node_name="n1"`, "", `node_name="n1"`, "").Replace(name)+"}"] = value
	}
	return all
}

func (s *server) want(lines map[string]string, want ...string) {
	s.t.Helper()
	for _, w := range want {
		name, value, _ := strings.Cut(w, " = ")
		if lines[name] != value {
			s.t.Errorf("%s is %q, want %s", name, lines[name], value)
		}
	}
}

func TestOperationsAreCounted(t *testing.T) {
	s := start(t)
	in := &api.Rpc{Id: "abc"} // 5 bytes
	for range 3 {
		s.call("ReadStorageObjects", "", "", in)
	}
	s.call("ReadStorageObjects", "busy", "", in)
	s.call("ReadStorageObjects", "own", "", in)
	s.call("ReadStorageObjects", "trouble", "", in)
	s.call("MatchDataSend", "", "s", &emptypb.Empty{})
	s.call("RpcFunc", "", "", &api.Rpc{Id: "Score"}) // 7 bytes
	s.call("RpcFunc", "", "s", &api.Rpc{Id: "score"})
	s.call("RpcFunc", "busy", "s", &api.Rpc{Id: "score"})
	s.call("RpcFunc", "busy", "", &api.Rpc{Id: "nobody's"})
	s.call("RpcFunc", "busy", "", &api.Rpc{Id: "made up"})
	got := s.scrape()
	s.want(got, `nakama_ReadStorageObjects_count{} = 6`, `nakama_ReadStorageObjects_errors{} = 3`, `nakama_ReadStorageObjects_recv_bytes{} = 30`,
		`nakama_ReadStorageObjects_sent_bytes{} = 15`, `nakama_ReadStorageObjects_latency_ms_count{} = 6`,
		`nakama_count{rpc_code="OK",rpc_id="ReadStorageObjects",transport="api"} = 3`,
		`nakama_count{rpc_code="ResourceExhausted",rpc_id="ReadStorageObjects",transport="api"} = 1`,
		`nakama_count{rpc_code="Other",rpc_id="ReadStorageObjects",transport="api"} = 1`,
		`nakama_count{rpc_code="Internal",rpc_id="ReadStorageObjects",transport="api"} = 1`,
		`nakama_recv_bytes{rpc_code="OK",rpc_id="ReadStorageObjects",transport="api"} = 15`,
		`nakama_sent_bytes{rpc_code="Internal",rpc_id="ReadStorageObjects",transport="api"} = 0`,
		`nakama_latency_count{rpc_code="OK",rpc_id="ReadStorageObjects",transport="api"} = 3`,
		`nakama_MatchDataSend_count{} = 1`, `nakama_Rpc_count{rpc_id="score"} = 3`, `nakama_Rpc_errors{rpc_id="score"} = 1`, `nakama_Rpc_recv_bytes{rpc_id="score"} = 21`,
		`nakama_Rpc_count{rpc_id="other"} = 2`, `nakama_count{rpc_code="OK",rpc_id="score",transport="api_rpc"} = 1`,
		`nakama_count{rpc_code="OK",rpc_id="score",transport="ws_rpc"} = 1`, `nakama_count{rpc_code="ResourceExhausted",rpc_id="score",transport="ws_rpc"} = 1`,
		`nakama_overall_count{} = 11`, `nakama_overall_request_count{} = 11`, `nakama_overall_errors{} = 6`, `nakama_overall_latency_ms_count{} = 11`)
	for name := range got {
		if strings.Contains(name, "made up") || strings.Contains(name, `rpc_id="MatchDataSend"`) {
			t.Errorf("%s should not be there", name)
		}
	}
	if sum := got[`nakama_ReadStorageObjects_latency_ms_sum{}`]; !near(sum, 0.060) {
		t.Errorf("six calls of 10 ms took %s s", sum)
	}
	if q := got[`nakama_ReadStorageObjects_latency_ms{quantile="0.99"}`]; !near(q, 0.010) {
		t.Errorf("calls of 10 ms have a 99th percentile of %s s", q)
	}
}

func near(text string, want float64) bool {
	var v float64
	_, err := fmt.Sscan(text, &v)
	return err == nil && math.Abs(v-want) <= want/16
}

func TestNothingHappenedYet(t *testing.T) {
	s := start(t)
	s.want(s.scrape(), `nakama_overall_count{} = 0`, `nakama_overall_latency_ms{quantile="0.5"} = NaN`, `nakama_socket_ws_opened{} = 0`, `nakama_overall_message_count{} = 0`,
		`nakama_ReadStorageObjects_count{} = `)
}

func TestNames(t *testing.T) {
	s := start(t, func(c *Config) { c.Prefix, c.Namespace = "", "prod" })
	s.want(s.scrape(), `overall_count{namespace="prod"} = 0`)
	s.m.SocketsOpened.Inc()
	s.m.MessageBytesIn.Add(70)
	s.m.PresenceWait.Observe(time.Second)
	s.m.RateLimited.Inc("Ping")
	s.m.StorageRejected.Inc("saves", "version")
	s.m.StorageRejected.Inc("saves", "version")
	s.m.Gauge("sessions", "Sessions.", func() float64 { return 12 })
	s.m.Database(func() DatabaseStats { return DatabaseStats{MaxOpen: 100, InUse: 3, Waited: time.Microsecond} })
	got := map[string]string{}
	for name, v := range s.scrape() {
		got[strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(name, `namespace="prod",`, ""), `,namespace="prod"`, ""), `namespace="prod"`, "")] = v
	}
	s.want(got, `socket_ws_opened{} = 1`, `overall_message_recv_bytes{} = 70`, `presence_event_dequeue_latency_ms_sum{} = 1`, `skirmish_rate_limited_total{operation="Ping"} = 1`,
		`storage_write_reject_count{collection="saves",reason="version"} = 2`, `sessions{} = 12`, `db_max_open_conns{} = 100`, `db_in_use_conns{} = 3`,
		`db_total_wait_time_nanos{} = 1000`, `db_idle_conns{} = 0`)
}

func TestEngine(t *testing.T) {
	s := start(t)
	s.m.Engine(func() EngineStats {
		return EngineStats{Players: 64, Matches: 2, Ended: map[string]uint64{"stop": 3}, Shards: []ShardStats{{Ticks: 5}, {Ticks: 128, LateP99: 2 * time.Millisecond, TxDatagrams: 7, Busy: time.Second}}}
	})
	s.want(s.scrape(), `skirmish_players{} = 64`, `skirmish_matches{} = 2`, `skirmish_matches_ended_total{reason="stop"} = 3`, `skirmish_ticks_total{shard="1"} = 128`,
		`skirmish_tick_lateness_seconds{quantile="0.99",shard="1"} = 0.002`, `skirmish_datagrams_total{direction="out",shard="1"} = 7`, `skirmish_shard_busy_seconds_total{shard="1"} = 1`)
}

// TestLabelsAreBounded: what clients can invent ends in "other".
func TestLabelsAreBounded(t *testing.T) {
	s := start(t, func(c *Config) { c.KnownFunction = nil })
	for n := range 2 * setMax {
		s.m.StorageRejected.Inc(fmt.Sprint("c", n), "version")
		s.call("RpcFunc", "", "", &api.Rpc{Id: fmt.Sprint("f", n)})
	}
	got := s.scrape()
	s.want(got, fmt.Sprintf(`nakama_storage_write_reject_count{collection="other",reason="version"} = %d`, setMax),
		fmt.Sprintf(`nakama_Rpc_count{rpc_id="other"} = %d`, 2*setMax-functionsMax))
	rows := 0
	for name := range got {
		if strings.HasPrefix(name, "nakama_storage_write_reject_count") {
			rows++
		}
	}
	if rows != setMax+1 {
		t.Errorf("%d label sets", rows)
	}
}

func TestCustom(t *testing.T) {
	s := start(t)
	m := s.m
	m.CustomAdd("kills", map[string]string{"weapon": "axe"}, 3)
	m.CustomAdd("kills", map[string]string{"weapon": "axe"}, 4)
	m.CustomAdd("kills", map[string]string{"weapon": "axe"}, -1)
	m.CustomSet("kills", nil, 9) // a counter already
	m.CustomSet("load of.map", map[string]string{"node_name": "x", "a-b": "\xff", "__z": "z"}, 1.5)
	m.CustomSet("load_of_map", map[string]string{"node_name": "x", "a_b": "\xff", "__z": "z"}, 2.5) // the same in Prometheus' words
	m.CustomRecord("turn", nil, 2*time.Second)
	m.CustomAdd("5th", nil, 1)
	m.CustomAdd("too many", nil, 1)
	got := s.scrape()
	s.want(got, `nakama_custom_kills{weapon="axe"} = 7`, `nakama_metrics_collection_errors_count{err="negative_increment",name="kills"} = 1`, `nakama_custom_kills{} = `,
		"nakama_custom_load_of_map{a_b=\"\uFFFD\",tag_node_name=\"x\",tag_z=\"z\"} = 2.5", `nakama_custom_turn_sum{} = 2`, `nakama_custom__th{} = 1`, `nakama_custom_too_many{} = `)
}

func TestParallelCallsAreAllCounted(t *testing.T) {
	s := start(t, func(c *Config) { c.Now = func() time.Duration { return time.Hour } })
	cs, timer := new(cells), new(Timer)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				cs.record(time.Millisecond, &emptypb.Empty{}, &emptypb.Empty{}, nil)
				timer.Observe(time.Second)
				s.m.function(&api.Rpc{Id: "score"}).api.record(0, &emptypb.Empty{}, nil, errBusy)
				s.m.RateLimited.Inc("Ping")
			}
			s.scrape()
		})
	}
	wg.Wait()
	var sum figures
	sum.add(cs[0].Load(), 0, 0)
	if sum.count != 16000 || sum.sum != 16 {
		t.Errorf("%d calls, %v s", sum.count, sum.sum)
	}
	s.want(s.scrape(), `nakama_Rpc_errors{rpc_id="score"} = 16000`, `skirmish_rate_limited_total{operation="Ping"} = 16000`)
}

// TestBytesOfBusyOperations: of many equal calls the sum is right to within one sample.
func TestBytesOfBusyOperations(t *testing.T) {
	cs, in, out := new(cells), &api.Rpc{Id: "abc"}, &api.Rpc{Id: "abcdefgh"}
	for n := range 1000 {
		cs.record(time.Duration(n%3)*time.Second, in, out, nil)
		received, sent := cs[0].Load().received.Load(), cs[0].Load().sent.Load()
		if exact := uint64(5 * (n + 1)); received > exact || exact-received > 3*7*5 || n < 64 && exact != received {
			t.Fatalf("%d bytes after %d calls of 5", received, n+1)
		}
		if sent != received*2 {
			t.Fatalf("%d bytes received, %d sent", received, sent)
		}
	}
}

// TestQuantiles compares with the exact ones of many durations from nanoseconds to minutes.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var timer Timer
	var exact []float64
	for range 50000 {
		d := time.Duration(math.Exp(random.Float64()*math.Log(60e9-2e4))) + 20*time.Microsecond
		exact = append(exact, d.Seconds())
		timer.Observe(d)
	}
	slices.Sort(exact)
	var s summary
	timer.addTo(&s, 0)
	for q, got := range s.values() {
		want := exact[int(math.Ceil(q*float64(len(exact))))-1]
		if math.Abs(got-want) > want/16 {
			t.Errorf("quantile %v is %v s, exactly %v", q, got, want)
		}
	}
	if s.count != 50000 {
		t.Errorf("count %d", s.count)
	}
	for _, d := range []time.Duration{math.MinInt64, -1, 0, 1, math.MaxInt64} {
		if n := bucketOf(d); n < 0 || n >= bucketCount {
			t.Errorf("%d ns falls into bucket %d", d, n)
		}
	}
	for n := 1; n < bucketCount; n++ {
		if middleOf(n) <= middleOf(n-1) || bucketOf(time.Duration(middleOf(n)*1e9)) != n {
			t.Errorf("bucket %d has its middle at %v s", n, middleOf(n))
		}
	}
}

func TestQuantilesForget(t *testing.T) {
	var timer Timer
	median := func(at time.Duration) float64 {
		var s summary
		timer.addTo(&s, at)
		return s.values()[0.5]
	}
	for range 100 {
		timer.Observe(time.Second)
	}
	if got := median(0); !near(fmt.Sprint(got), 1) {
		t.Errorf("the median is %v", got)
	}
	median(time.Minute)
	for range 10 {
		timer.Observe(time.Millisecond)
	}
	if got := median(2 * time.Minute); !near(fmt.Sprint(got), 0.001) {
		t.Errorf("two minutes later the median is %v", got)
	}
	median(3 * time.Minute)
	if got := median(5 * time.Minute); !math.IsNaN(got) {
		t.Errorf("after silence the median is %v", got)
	}
}

func bare(_ context.Context, _ op.Caller, in *api.ReadStorageObjectsRequest) (*api.StorageObjects, error) {
	return answer, nil
}

var (
	request = &api.ReadStorageObjectsRequest{ObjectIds: []*api.ReadStorageObjectId{{Collection: "saves", Key: "slot1", UserId: "f0f0f0f0-0000-4000-8000-000000000000"}}}
	answer  = &api.StorageObjects{Objects: []*api.StorageObject{{Collection: "saves", Key: "slot1", UserId: "f0f0f0f0-0000-4000-8000-000000000000", Value: `{"level": 12}`,
		Version: "99914b932bd37a50b983c5e7c90ae93b", PermissionRead: 1, PermissionWrite: 1}}}
)

func wrapped(with bool) *op.Entry {
	r := op.NewRegistry()
	op.Add(r, op.Spec{Name: "ReadStorageObjects", ID: 61, Auth: op.Session}, bare)
	begin := time.Now()
	if m := New(Config{Node: "n1", Now: func() time.Duration { return time.Since(begin) }}); with {
		r.Wrap(m.Wrap)
	}
	r.Seal()
	return r.Named("ReadStorageObjects")
}

func TestWrapAllocatesNothing(t *testing.T) {
	e, ctx := wrapped(true), context.Background()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := e.Invoke(ctx, op.Caller{}, request); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a call allocates %v times", n)
	}
}

func BenchmarkInvoke(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("metrics=%v", with), func(b *testing.B) {
			e, ctx := wrapped(with), context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Invoke(ctx, op.Caller{}, request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkScrape(b *testing.B) {
	r, m := op.NewRegistry(), New(Config{Prefix: "nakama", Node: "n1", Now: func() time.Duration { return time.Hour }})
	for n := range 85 {
		op.Add(r, op.Spec{Name: fmt.Sprint("Operation", n), ID: uint16(n + 1)}, bare)
	}
	r.Wrap(m.Wrap)
	r.Seal()
	for _, e := range r.Entries() {
		if _, err := e.Invoke(context.Background(), op.Caller{}, request); err != nil {
			b.Fatal(err)
		}
	}
	h := m.Handler()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
}
