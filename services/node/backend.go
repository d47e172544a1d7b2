package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/persist"
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/auth"
	"github.com/skirmishgg/skirmish/services/catalogue"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/connect"
	"github.com/skirmishgg/skirmish/services/event"
	"github.com/skirmishgg/skirmish/services/friend"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/gateway/carry"
	"github.com/skirmishgg/skirmish/services/gateway/native"
	"github.com/skirmishgg/skirmish/services/gateway/worker"
	"github.com/skirmishgg/skirmish/services/group"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/limit"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/matchmaker"
	"github.com/skirmishgg/skirmish/services/metric"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/party"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/rpc"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/schedule"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/status"
	"github.com/skirmishgg/skirmish/services/storage"
	"github.com/skirmishgg/skirmish/services/storage/index"
	"github.com/skirmishgg/skirmish/services/tournament"
)

// backend is what stands around the engine: the store, the features, their catalogue, and the doors to it.
type backend struct {
	// constant after newBackend
	settings   *config.Config
	log        *slog.Logger
	db         store.DB
	sessions   *session.Service
	live       *session.Live
	presence   *presence.Service
	notify     *notify.Service
	status     *status.Service
	party      *party.Service
	match      *match.Service
	matchmaker *matchmaker.Service
	boards     *leaderboard.Service
	tournament *tournament.Service
	schedule   *schedule.Service
	index      *index.Service // of storage
	features   catalogue.Features
	registry   *op.Registry
	rpc        *rpc.Service
	event      *event.Service
	runtime    *runtime.Runtime
	sql        *sql.DB // the database as modules see it
	connect    *connect.Service
	metrics    *metric.Metrics
	door       *gateway.Door
	workers    *worker.Pool
	native     *native.Door
	carry      *carry.Service
	doors      *doors

	posts map[id.UUID]*worker.Line // by match; owned by the node's worker goroutine

	quit    chan struct{}   // closed by stop: ends the sweeper
	life    context.Context // ends with stop: that of the matchmaker and the watch over modules
	endLife context.CancelFunc
	running sync.WaitGroup
}

const (
	sweepEvery = time.Minute // of expired revocations
	workersMax = 512         // calls of realtime sessions under way at once: most of them wait for the store
)

// newBackend opens the store and builds the features over it, bottom up. Nothing is listening yet.
func newBackend(ctx context.Context, n *Node, d *doors) (b *backend, err error) {
	s := n.c.Settings
	b = &backend{settings: s, log: n.c.Log, live: session.NewLive(), doors: d, posts: map[id.UUID]*worker.Line{}, quit: make(chan struct{})}
	b.life, b.endLife = context.WithCancel(context.Background())
	if b.db, err = openStore(ctx, s, b.log); err != nil {
		return nil, err
	}
	db := b.db
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	b.sessions, err = session.New(ctx, session.Config{
		EncryptionKey: s.Session.EncryptionKey, TokenExpiry: seconds(s.Session.TokenExpirySec),
		RefreshEncryptionKey: s.Session.RefreshEncryptionKey, RefreshExpiry: seconds(s.Session.RefreshTokenExpirySec),
		SingleSession: s.Session.SingleSession, DB: b.db, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	b.presence = presence.New(presence.Config{Left: b.left})
	b.party = party.New(party.Config{Presence: b.presence, Live: b.live, Node: s.Name, SingleParty: s.Session.SingleParty, Matchmaker: partyTickets{b}, Now: time.Now, Random: rand.Reader})
	b.match = newMatches(b, n)
	if b.matchmaker, err = newMatchmaker(b, n); err != nil {
		return nil, err
	}
	b.notify = notify.New(notify.Config{DB: b.db, Presence: b.presence, Live: b.live, Now: time.Now, Log: b.log})
	if b.boards, err = newBoards(ctx, b, n); err != nil {
		return nil, err
	}
	b.index = index.New(index.Config{DB: b.db, Log: b.log})
	b.status = status.New(status.Config{DB: b.db, Presence: b.presence, Live: b.live})
	b.measure(n)
	b.rpc = rpc.New(n.c.RPC)
	b.event = newEvents(b)
	addresses, err := connect.NewAddresses(connect.AddressConfig{Public: publicAddresses(n), Local: n.Addr()})
	if err != nil {
		return nil, err
	}
	b.connect = connect.New(connect.Config{
		TokenKey: n.keys.Token, ServerID: n.keys.ServerID, Node: s.Name, Matches: n, Addresses: addresses, Sessions: true, Random: rand.Reader,
	})
	b.catalogue()
	if b.runtime, err = newRuntime(b, n); err != nil {
		return nil, err
	}
	b.door = &gateway.Door{
		Registry: b.registry, Sessions: b.sessions, Live: b.live, ServerKey: s.Socket.ServerKey, HTTPKey: s.Runtime.HTTPKey,
		ProxyCount: s.Socket.ProxyCount, Node: s.Name, Log: b.log,
	}
	b.workers = worker.New(workersMax)
	b.carry = newCarry(b, n)
	b.native = native.New(native.Config{
		Door: b.door, Workers: b.workers, Identify: b.connect.Identify, Ended: b.sessions.Ended, SingleSocket: s.Session.SingleSocket,
		Opened: func(c session.Conn) { b.opened(c, false) }, Closed: b.closed,
	})
	return b, nil
}

// start loads the modules, makes up for what the clock did meanwhile, and opens the doors.
func (b *backend) start(n *Node) error {
	if err := b.startRuntime(n); err != nil {
		return err
	}
	if err := b.schedule.Start(context.Background()); err != nil {
		return err
	}
	b.running.Go(b.sweep)                             // ended by stop, which waits
	b.running.Go(func() { b.matchmaker.Run(b.life) }) // the same
	return b.doors.open(b, func() error { return b.ready(n) })
}

var errDraining = errors.New("the server is draining")

const readyTime = 2 * time.Second

// ready says why no players should be sent here.
func (b *backend) ready(n *Node) error {
	if n.directory.Draining.Load() {
		return errDraining
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	_, err := store.GetMany(ctx, b.db, schema.Users, []any{id.UUID{}}) // the system user, who is always there
	return err
}

// stop closes the doors, waits for the calls under way, and closes the store. Native sessions were ended by the loop.
func (b *backend) stop(ctx context.Context) error {
	b.stopMatches(ctx)
	err := b.doors.shut(ctx)
	b.schedule.Stop(ctx)
	close(b.quit)
	b.endLife()
	b.running.Wait()
	b.carry.Stop()
	b.workers.Stop()
	b.notify.Stop()
	b.boards.Stop()
	b.index.Stop()
	return errors.Join(err, b.stopRuntime(ctx), b.db.Close())
}

// opened enters a realtime session, of whatever door, into what every session is in.
func (b *backend) opened(c session.Conn, online bool) {
	b.metrics.SocketsOpened.Inc()
	b.presence.Begin(c)
	b.notify.Open(c)
	b.status.Open(c, online)
	b.event.Started(b.callerOf(c), time.Now())
}

// closed takes a session that has ended out of everything. A party hears of it first: whom it makes leader is told before
// who left.
func (b *backend) closed(c session.Conn) {
	b.metrics.SocketsClosed.Inc()
	b.matchmaker.End(c)
	b.party.End(c)
	b.presence.End(c)
	b.event.Ended(b.callerOf(c), time.Now())
}

// left tells those who hold members that one of a stream has gone.
func (b *backend) left(st presence.Stream, p presence.Presence, why presence.Reason) {
	b.party.Left(st, p)
	b.match.Left(st, p, why)
	b.leftCarried(st, p)
}

// catalogue registers every feature's operations and seals the registry.
func (b *backend) catalogue() {
	passwords := account.NewPasswords(0, 0)
	b.registry = op.NewRegistry()
	talk := chat.New(chat.Config{DB: b.db, Presence: b.presence, Live: b.live, Notify: b.notify})
	b.features = catalogue.Features{
		Account: account.New(account.Config{
			DB: b.db, Sessions: b.sessions, Live: b.live, Passwords: passwords, Online: b.presence.IsOnline, RecordRemoved: b.tournament.Forget,
			Removed: b.index.Removed,
		}),
		Auth:        auth.New(auth.Config{DB: b.db, Sessions: b.sessions, Passwords: passwords}),
		Chat:        talk,
		Connect:     b.connect,
		Event:       b.event,
		Friend:      friend.New(friend.Config{DB: b.db, Notify: b.notify, Presence: b.presence}),
		Group:       group.New(group.Config{DB: b.db, Presence: b.presence, Notify: b.notify, Chat: talk}),
		Leaderboard: b.boards,
		Match:       b.match,
		Matchmaker:  b.matchmaker,
		Notify:      b.notify,
		Party:       b.party,
		RPC:         b.rpc,
		Status:      b.status,
		Storage: storage.New(storage.Config{DB: b.db, Changed: b.index.Changed, Rejected: func(collection string, why storage.Reason) {
			b.metrics.StorageRejected.Inc(collection, string(why))
		}}),
		Tournament: b.tournament,
	}
	b.features.Register(b.registry)
	if b.settings.RateLimit.Enabled {
		start := time.Now()
		b.registry.Wrap(limit.New(limit.Config{
			Now:     func() time.Duration { return time.Since(start) },
			Refused: func(operation string) { b.metrics.RateLimited.Inc(operation) },
		}).Wrap)
	}
	b.registry.Wrap(b.metrics.Wrap) // outside of the limits: it counts what they refuse
	b.registry.Seal()
}

func openStore(ctx context.Context, s *config.Config, log *slog.Logger) (store.DB, error) {
	return persist.Open(ctx, storeConfig(s, log))
}

func storeConfig(s *config.Config, log *slog.Logger) persist.Config {
	return persist.Config{
		Addresses: s.Database.Address, Dir: filepath.Join(s.DataDir, "store"), ConnsMax: s.Database.MaxOpenConns,
		ConnLifetime: millis(s.Database.ConnMaxLifetimeMs), Log: log,
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// sweep forgets revocations whose tokens have expired by themselves, ranks of periods that are over, and parties that
// nobody is in.
func (b *backend) sweep() {
	tick, idle := time.NewTicker(sweepEvery), time.NewTicker(millis(b.settings.Party.IdleCheckIntervalMs))
	defer tick.Stop()
	defer idle.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-idle.C:
			b.party.Sweep()
		case <-tick.C:
			b.boards.Sweep()
			if err := b.sessions.Sweep(context.Background()); err != nil {
				b.log.Warn("expired revocations are still there", "error", err)
			}
		}
	}
}

// publicAddresses are where players reach the UDP port, as far as it was told.
func publicAddresses(n *Node) (list []string) {
	for _, a := range n.c.Public {
		list = append(list, a.String())
	}
	for _, a := range n.c.Settings.PublicAddresses() {
		list = append(list, net.JoinHostPort(a.Host, strconv.Itoa(cmp.Or(a.Port, int(n.Addr().Port())))))
	}
	return list
}

// Registry is the catalogue; nil without Settings.
func (n *Node) Registry() *op.Registry {
	if n.backend == nil {
		return nil
	}
	return n.backend.registry
}

// HTTPAddr and GRPCAddr are where the API listens; the zero address without Settings.
func (n *Node) HTTPAddr() (a netip.AddrPort) {
	if n.backend != nil {
		a = n.backend.doors.httpAddr()
	}
	return a
}

func (n *Node) GRPCAddr() (a netip.AddrPort) {
	if n.backend != nil {
		a = n.backend.doors.grpcAddr()
	}
	return a
}
