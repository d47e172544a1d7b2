package node

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/engine/shard"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Refusals of StartMatch and MintToken.
var (
	ErrNoGame  = errors.New("node: no game of that name")
	ErrNoMatch = errors.New("node: no such match")
	ErrBusy    = errors.New("node: the shard's inbox is full")
)

// MatchOptions is how a match starts.
type MatchOptions struct {
	Seed   uint64 // 0: random
	Params []byte // the game's Ctx.Params
	Shard  int    // 1..N: there; 0: where the fewest connections are
	// EmptyFor is after how long without players the match ends, when the game does not say; 0: never.
	EmptyFor time.Duration
}

// StartMatch starts a match of the game of that name. Its Init runs here, before it returns.
func (n *Node) StartMatch(name string, o MatchOptions) (id.UUID, error) {
	g, ok := n.games[name]
	if !ok {
		return id.UUID{}, fmt.Errorf("%w: %q", ErrNoGame, name)
	}
	if o.Shard < 0 || o.Shard > len(n.shards) {
		return id.UUID{}, fmt.Errorf("node: shard %d of %d", o.Shard, len(n.shards))
	}
	matchID, err := id.NewV4(rand.Reader)
	if err != nil {
		return id.UUID{}, err
	}
	if o.Seed == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:])
		o.Seed = binary.LittleEndian.Uint64(b[:])
	}
	def := g.def
	if def.EmptyFor == 0 && o.EmptyFor > 0 {
		ending := *def
		ending.EmptyFor, def = o.EmptyFor, &ending
	}
	m, err := match.New(match.Config{Definition: def, Schema: g.schema, ID: matchID, Seed: o.Seed, Params: o.Params, Posts: n.posts})
	if err != nil {
		return id.UUID{}, err
	}
	return matchID, n.launch(m, &shard.Info{ID: matchID, Name: name, Rate: g.def.Rate, Schema: g.schema.Hash()}, o.Shard)
}

// launch hands a match to a shard, 1..N, or to that with the fewest connections. Errors: ErrBusy, errStopped.
func (n *Node) launch(m *match.Match, info *shard.Info, on int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped || n.directory.Draining.Load() {
		return errStopped
	}
	if info.Shard = on - 1; info.Shard < 0 {
		info.Shard = n.leastLoaded()
	}
	info.SetLabel(m.Label())
	n.directory.Add(info)
	n.list(info)
	if !n.shards[info.Shard].Start(m, info) {
		n.directory.Remove(info)
		n.unlist(info)
		return ErrBusy
	}
	return nil
}

// leastLoaded is the shard with the fewest matches of those that n.directory knows, in turn among equals: a match that
// was started a moment ago counts, though its players are yet to come.
func (n *Node) leastLoaded() int {
	counts := make([]int, len(n.shards))
	for _, m := range n.directory.List() {
		counts[m.Shard] += 1 + int(m.Connected.Load())
	}
	best := n.next % len(counts)
	for i := range counts {
		if at := (n.next + i) % len(counts); counts[at] < counts[best] {
			best = at
		}
	}
	n.next = best + 1
	return best
}

// EndMatch ends a match; its clients read why. Errors: ErrNoMatch, ErrBusy.
func (n *Node) EndMatch(matchID id.UUID, why wire.Close) error {
	info, ok := n.native(matchID)
	if !ok {
		return ErrNoMatch
	}
	if !n.shards[info.Shard].End(matchID, why) {
		return ErrBusy
	}
	return nil
}

// Match is a running match of one of the games.
func (n *Node) Match(matchID id.UUID) (*shard.Info, bool) { return n.native(matchID) }

// Matches is all running matches of the games, by name, then id.
func (n *Node) Matches() []*shard.Info {
	return slices.DeleteFunc(n.directory.List(), func(m *shard.Info) bool { return m.Carrier })
}

// TokenOptions says for whom a connect token is.
type TokenOptions struct {
	Match     id.UUID
	User      id.UUID
	Session   id.UUID
	Username  string
	Data      []byte // for the game's Join, at most 256 bytes less the spectator's prefix
	Spectator bool
	Suite     wire.Suite    // 0: AES-128-GCM
	Timeout   time.Duration // of silence; 0: 10 s
	Lifetime  time.Duration // until when it can be used; 0: 30 s, which is the most a server takes
}

// MintToken makes the connect token that lets a user join a match once. Errors: ErrNoMatch, and token.Mint's.
func (n *Node) MintToken(o TokenOptions) (*token.Connect, error) {
	info, ok := n.native(o.Match)
	if !ok {
		return nil, ErrNoMatch
	}
	if o.Suite == 0 {
		o.Suite = wire.SuiteAES128GCM
	}
	if o.Lifetime == 0 {
		o.Lifetime = wire.TokenLifetime
	}
	data := o.Data
	if o.Spectator {
		data = append([]byte(match.SpectatorPrefix), o.Data...)
	}
	return token.Mint(&n.keys.Token, token.Private{
		ServerID: n.keys.ServerID, UserID: o.User, SessionID: o.Session, MatchID: o.Match, Shard: uint8(info.Shard + 1),
		Suite: o.Suite, Timeout: o.Timeout, Username: o.Username, GameData: data,
	}, token.Options{Schema: info.Schema, Expiry: time.Now().Add(o.Lifetime), Addresses: n.public(), Random: rand.Reader})
}
