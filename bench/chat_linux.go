package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/skirmishgg/skirmish/bench/lanes"
	"github.com/skirmishgg/skirmish/bench/proc"
	"github.com/skirmishgg/skirmish/persist/pg/migrate"
	"github.com/skirmishgg/skirmish/persist/pg/pgtest"
	"github.com/skirmishgg/skirmish/protocol/id"
)

var fanoutRow = Row{
	Name: "chat_fanout",
	Doc:  "a chat message to rooms of 10, 100 and 1,000, over WebSockets: messages × receivers a second of server CPU, ns and bytes a receiver",
	Aim:  "≤ 2 × a bare write of the same frame to as many sockets",
	run:  runFanout,
}

const (
	fanoutClients = 1000
	fanoutAim     = 2
)

func runFanout(e *env) error {
	api, err := e.startAPI("")
	if err != nil {
		return err
	}
	defer api.Stop()
	for _, members := range []int{10, 100, 1000} {
		if e.o.Quick && members > 10 {
			break
		}
		if err := e.fanout(api, e.quick(fanoutClients, 20), members); err != nil {
			return fmt.Errorf("rooms of %d: %w", members, err)
		}
	}
	return nil
}

// fanout measures ours and the floor in turn. The floor's frame has the size that ours turned out to have.
func (e *env) fanout(api *apiProc, clients, members int) error {
	ours, err := e.load(nil, "chat-load", "--addr", api.hello.HTTP, "--clients", itoa(clients), "--members", itoa(members))
	if err != nil {
		return err
	}
	defer ours.Stop()
	first, err := e.chatRun(api, ours, e.o.Window/10)
	if err != nil {
		return err
	}
	wire := first.Bytes / first.Deliveries
	floor, theirs, err := e.startFanoutFloor(clients, members, wire)
	if err != nil {
		return err
	}
	defer floor.Stop()
	defer theirs.Stop()
	if _, err := e.chatRun(floor, theirs, e.o.Window/10); err != nil {
		return err
	}
	var rates, floors, ns, floorNS, allocated []float64
	var last chatCost
	for range e.o.Runs {
		if last, err = e.chatRun(api, ours, e.o.Window/4); err != nil {
			return err
		}
		least, err := e.chatRun(floor, theirs, e.o.Window/4)
		if err != nil {
			return err
		}
		each, leastEach := last.CPU/float64(last.Deliveries), least.CPU/float64(least.Deliveries)
		rates, floors = append(rates, 1e6/each), append(floors, 1e6/leastEach)
		ns, floorNS = append(ns, each*1e3), append(floorNS, leastEach*1e3)
		allocated = append(allocated, last.Allocated/float64(last.Deliveries))
	}
	name := fmt.Sprintf("%s_%d", e.row.Name, members)
	const reference = "bare write of the same frame to as many sockets"
	r := measured(name, "1/core-s", rates).against(reference, floors)
	e.add(r.noted("%d sockets in %d rooms, one message under way in each; %.0f receptions/s, %.2f frames a read, p50 %.2f ms to the last member in the last run",
		clients, clients/members, float64(last.Deliveries)/last.Seconds, float64(last.Deliveries)/float64(last.Reads), last.P50ms))
	r = measured(name+"_ns", "ns", ns).against(reference, floorNS)
	e.add(r.aimed("≤ 2 × the bare write", r.Ratio <= fanoutAim).noted("server CPU a receiver"))
	e.add(measured(name+"_bytes", "B", allocated).noted("allocated by the server a receiver; %d B go over the wire", wire))
	return nil
}

func (e *env) startFanoutFloor(clients, members, bytes int) (floor *apiProc, load *proc.Proc, err error) {
	floor = &apiProc{}
	floor.Proc, err = e.server(&floor.hello, "fanout-floor", "--clients", itoa(clients), "--members", itoa(members), "--bytes", itoa(bytes))
	if err != nil {
		return nil, nil, err
	}
	load, err = e.load(nil, "chat-load", "--floor", "--addr", floor.hello.HTTP, "--clients", itoa(clients), "--members", itoa(members))
	if err != nil {
		floor.Stop()
	}
	return floor, load, err
}

// chatCost is a run with what it cost the server.
type chatCost struct {
	chatReport
	CPU       float64 // µs
	Allocated float64 // bytes
}

func (e *env) chatRun(server *apiProc, load *proc.Proc, window time.Duration) (c chatCost, err error) {
	before, err := server.mark("mark")
	if err != nil {
		return c, err
	}
	if err := load.Ask(fmt.Sprintf("run %v", window), &c.chatReport); err != nil {
		return c, err
	}
	after, err := server.mark("mark")
	c.CPU, c.Allocated = after.CPUMicros-before.CPUMicros, float64(after.Allocated-before.Allocated)
	return c, err
}

var persistedRow = Row{
	Name: "chat_persisted_s",
	Doc:  "128 clients in rooms of 8 say something that is kept and goes to the room, each the next when the last is acknowledged: messages a second, server and PostgreSQL CPU a message",
	Aim:  "≥ 3 × Nakama's 3,500/s at 153 + 197 µs",
	run:  runPersisted,
}

const (
	persistedClients = 128
	persistedMembers = 8
	persistedAim     = 3 * 3500
	persistedServer  = 153 / 3 // µs
	persistedStore   = 197 / 3 // µs
)

func runPersisted(e *env) error {
	server, err := pgtest.Start()
	if err != nil {
		e.add(unmeasured(e.row.Name+"_postgres", "1/s", err))
	} else {
		defer server.Stop()
		if err := e.persistedPostgres(server); err != nil {
			return fmt.Errorf("postgres: %w", err)
		}
	}
	s, err := e.openChat("", nil)
	if err != nil {
		return err
	}
	defer s.stop()
	for range e.o.Runs {
		if err := s.run(e); err != nil {
			return fmt.Errorf("embedded: %w", err)
		}
	}
	s.addRows(e, "embedded")
	return nil
}

// persistedPostgres measures ours and the plain statements in turn, on one database.
func (e *env) persistedPostgres(server *pgtest.Server) error {
	dsn := server.DSN("chat")
	if _, err := migrate.Up(e.ctx, dsn, 0); err != nil {
		return err
	}
	s, err := e.openChat(dsn, server)
	if err != nil {
		return err
	}
	defer s.stop()
	pool, err := pgxpool.New(e.ctx, dsn+"&pool_max_conns=64")
	if err != nil {
		return err
	}
	defer pool.Close()
	senders, err := senders(e.ctx, pool)
	if err != nil {
		return err
	}
	plain := lanes.Messages(pool, senders)
	var rates, cpu []float64
	for range e.o.Runs {
		if err := s.run(e); err != nil {
			return err
		}
		before, err := proc.Tree(server.PID())
		if err != nil {
			return err
		}
		rate, err := lanes.Measure(e.ctx, plain, s.clients, e.o.Window/4)
		if err != nil {
			return err
		}
		after, err := proc.Tree(server.PID())
		if err != nil {
			return err
		}
		rates, cpu = append(rates, rate), append(cpu, (after-before)/(rate*e.o.Window.Seconds()/4))
	}
	s.references, s.referenceCPU = rates, cpu
	s.addRows(e, "postgres")
	return nil
}

// senders are users who are there, for messages to be from.
func senders(ctx context.Context, pool *pgxpool.Pool) ([]id.UUID, error) {
	rows, err := pool.Query(ctx, "SELECT id FROM users WHERE username <> ''")
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	var users []id.UUID
	for _, u := range list {
		users = append(users, u)
	}
	return users, err
}

// chatStore is a server on one of the stores with its clients, and what was measured.
type chatStore struct {
	api      *apiProc
	load     *proc.Proc
	postgres *pgtest.Server // nil: embedded
	clients  int

	rates, serverCPU, storeCPU []float64
	references, referenceCPU   []float64 // of plain statements
	last                       chatCost
}

func (e *env) openChat(dsn string, postgres *pgtest.Server) (*chatStore, error) {
	s := &chatStore{postgres: postgres, clients: e.quick(persistedClients, 16)}
	var err error
	if s.api, err = e.startAPI(dsn); err != nil {
		return nil, err
	}
	s.load, err = e.load(nil, "chat-load", "--all", "--addr", s.api.hello.HTTP, "--clients", itoa(s.clients), "--members", itoa(persistedMembers))
	if err == nil {
		_, err = e.chatRun(s.api, s.load, e.o.Window/10)
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *chatStore) stop() {
	if s.load != nil {
		s.load.Stop()
	}
	s.api.Stop()
}

func (s *chatStore) run(e *env) (err error) {
	before := 0.0
	if s.postgres != nil {
		if before, err = proc.Tree(s.postgres.PID()); err != nil {
			return err
		}
	}
	if s.last, err = e.chatRun(s.api, s.load, e.o.Window/2); err != nil {
		return err
	}
	if s.postgres != nil {
		after, err := proc.Tree(s.postgres.PID())
		if err != nil {
			return err
		}
		s.storeCPU = append(s.storeCPU, (after-before)/float64(s.last.Messages))
	}
	s.rates = append(s.rates, float64(s.last.Messages)/s.last.Seconds)
	s.serverCPU = append(s.serverCPU, s.last.CPU/float64(s.last.Messages))
	return nil
}

func (s *chatStore) addRows(e *env, store string) {
	name := e.row.Name + "_" + store
	r := measured(name, "1/s", s.rates)
	if s.references != nil {
		r = r.against("one INSERT a message, pgx pool of 64, no chat", s.references)
	}
	e.add(r.aimed("≥ 10,500", r.Median >= persistedAim).noted("%d clients in rooms of %d; acknowledged after p50 %.2f ms, p99 %.2f ms; %.2f frames a read in the last run",
		s.clients, persistedMembers, s.last.P50ms, s.last.P99ms, float64(s.last.Deliveries+s.last.Messages)/float64(s.last.Reads)))
	r = measured(name+"_server_us", "µs", s.serverCPU)
	e.add(r.aimed("≤ 51", r.Median <= persistedServer).noted("server CPU a message, which goes to %d", persistedMembers))
	if s.postgres != nil {
		r = measured(name+"_store_us", "µs", s.storeCPU).against("one INSERT a message", s.referenceCPU)
		e.add(r.aimed("≤ 65", r.Median <= persistedStore).noted("PostgreSQL's CPU a message"))
	}
}
