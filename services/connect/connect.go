package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals of CreateConnectToken.
var (
	ErrMatchID      = errs.New(errs.InvalidArgument, "Invalid match ID.")
	ErrMatch        = errs.New(errs.NotFound, "Match not found.")
	ErrBoth         = errs.New(errs.InvalidArgument, "Either a match ID or a match token, not both.")
	ErrNobody       = errs.New(errs.InvalidArgument, "A connect token is for a user.")
	ErrNoSessions   = errs.New(errs.Unimplemented, "This server has no native sessions.")
	ErrUnreachable  = errs.New(errs.FailedPrecondition, "The server knows no address at which you could reach its UDP port: udp.public_addresses is not set.")
	ErrUnresolved   = errs.New(errs.Unavailable, "The server's name could not be resolved. Try again in a few seconds.")
	ErrUsername     = errs.New(errs.InvalidArgument, "A username of more than 128 bytes does not fit a connect token.")
	ErrVarsTooLarge = errs.New(errs.InvalidArgument, "The session's variables are too large for a native session: 16 KB at most.")
	ErrVarsFull     = errs.New(errs.ResourceExhausted, "Too many connect tokens with large session variables are waiting to be used. Try again in a minute.")
)

// Request is which match a caller wants to join, by id or by a matchmaker's token.
type Request struct {
	Match    id.UUID
	ID       string // as the caller wrote it
	Token    string // of the matchmaker; then Match and ID are empty
	Metadata map[string]string
}

// Place is where in a match a caller goes.
type Place struct {
	Match  id.UUID
	ID     string // of the match, in the form that its clients know; "": as asked for
	Schema [8]byte
	Shard  uint8  // 1..N, a hint; 0: unknown
	Data   []byte // for the game's Join, at most wire.MaxGameData
}

// Matches knows the matches that can be joined over UDP.
type Matches interface {
	// Place is the caller's place in a match; ok is false when there is no such match. A refusal says why not.
	Place(ctx context.Context, r Request, c op.Caller) (p Place, ok bool, err error)
}

// Config is what a Service is made of.
type Config struct {
	TokenKey  token.Key
	ServerID  [8]byte
	Node      string // name of the node, part of match ids and session ids
	Matches   Matches
	Addresses *Addresses
	Sessions  bool             // native sessions are served
	Random    io.Reader        // secure
	Now       func() time.Time // nil: time.Now
}

// sessionTimeout of silence is what a WebSocket session has for its pong.
const sessionTimeout = 25 * time.Second

// Service makes connect tokens. Any goroutine may call it.
type Service struct {
	// constant after New
	c Config
	// any goroutine
	kept kept
}

// New makes a service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c: c, kept: kept{now: c.Now, byID: map[id.UUID]parked{}}}
}

// CreateConnectToken makes the token with which the caller opens one UDP connection within 30 seconds.
func (s *Service) CreateConnectToken(ctx context.Context, c op.Caller, in *api.CreateConnectTokenRequest) (*api.ConnectToken, error) {
	if c.UserID.IsZero() {
		return nil, ErrNobody
	}
	if len(c.Username) > wire.MaxUsername {
		return nil, ErrUsername
	}
	addresses, err := s.c.Addresses.For(ctx, c.Host, c.ClientIP)
	if err != nil {
		return nil, err
	}
	if in.MatchId == "" && in.MatchToken == "" {
		return s.session(c, addresses)
	}
	return s.match(ctx, c, in, addresses)
}

func (s *Service) session(c op.Caller, addresses []netip.AddrPort) (*api.ConnectToken, error) {
	if !s.c.Sessions {
		return nil, ErrNoSessions
	}
	who := Identity{Issued: s.c.Now(), Host: c.Host, Vars: c.Vars}
	p := who.Private()
	p.SessionID = session.NewID(s.c.Node)
	if len(p.GameData) > wire.MaxGameData {
		if err := s.kept.keep(p.SessionID, p.GameData); err != nil {
			return nil, err
		}
		p.GameData = who.marshalWithout()
	}
	return s.mint(c, p, [8]byte{}, "", addresses)
}

func (s *Service) match(ctx context.Context, c op.Caller, in *api.CreateConnectTokenRequest, addresses []netip.AddrPort) (*api.ConnectToken, error) {
	r := Request{ID: in.MatchId, Token: in.MatchToken, Metadata: in.Metadata}
	switch {
	case r.ID != "" && r.Token != "":
		return nil, ErrBoth
	case r.ID != "":
		var err error
		if r.Match, err = s.parse(r.ID); err != nil {
			return nil, err
		}
	}
	place, ok, err := s.c.Matches.Place(ctx, r, c)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrMatch
	}
	asking, _ := id.Parse(c.SessionID) // of a realtime session, else nothing
	p := token.Private{SessionID: asking, MatchID: place.Match, Shard: place.Shard, GameData: place.Data}
	return s.mint(c, p, place.Schema, cmp.Or(place.ID, r.ID), addresses)
}

// parse reads a match id: "uuid" of the engine's, "uuid." of a relayed one, "uuid.node" of either's on a node. Another
// node's matches are not ours to admit to.
func (s *Service) parse(matchID string) (id.UUID, error) {
	text, node, _ := strings.Cut(matchID, ".")
	match, err := id.Parse(text)
	if err != nil {
		return id.UUID{}, ErrMatchID
	}
	if node != "" && node != s.c.Node {
		return id.UUID{}, ErrMatch
	}
	return match, nil
}

func (s *Service) mint(c op.Caller, p token.Private, schema [8]byte, matchID string, addresses []netip.AddrPort) (*api.ConnectToken, error) {
	p.ServerID, p.UserID, p.Username, p.Suite = s.c.ServerID, c.UserID, c.Username, wire.SuiteAES128GCM
	t, err := token.Mint(&s.c.TokenKey, p, token.Options{
		Schema: schema, Expiry: s.c.Now().Add(wire.TokenLifetime), Addresses: addresses, Random: s.c.Random,
	})
	if err != nil {
		return nil, fmt.Errorf("mint a connect token: %w", err)
	}
	return &api.ConnectToken{Token: t.Text(), MatchId: matchID, ExpiresAt: int64(t.Expiry)}, nil
}

// Identify reads who opens a native session from the private part of the token. It is called once for each: variables that
// were kept are given up.
// Error: the token is not one of a service like this.
func (s *Service) Identify(p *token.Private) (Identity, error) {
	who, elsewhere, err := unmarshalIdentity(p.GameData)
	if err != nil {
		return Identity{}, err
	}
	if elsewhere {
		data, ok := s.kept.take(p.SessionID)
		if !ok {
			return Identity{}, errGone
		}
		if who, _, err = unmarshalIdentity(data); err != nil {
			return Identity{}, err
		}
	}
	if digest(who.Vars) != p.VarsDigest && len(p.GameData) > 0 {
		return Identity{}, errIdentity
	}
	return who, nil
}

var (
	errIdentity = errors.New("connect: the game data of the session's token breaks the format")
	errGone     = errors.New("connect: the session's variables are not kept here any more")
)
