package handshake

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Elsewhere is what ServerConfig.Capacity says for "not here, but try the token's next address". It is no reason that
// travels: the answer is ELSEWHERE instead of DENY.
const Elsewhere wire.Deny = 255

// ServerConfig is what a Server is made of.
type ServerConfig struct {
	ID       [8]byte   // tokens for another server are refused
	TokenKey token.Key // shared with whoever mints tokens
	Random   io.Reader // secure; crypto/rand.Reader

	// Schemas reports whether the server has a match or service with this schema hash; asked before anything is opened.
	// nil: any.
	Schemas func(schema [8]byte) bool
	// Capacity is asked when a REQUEST has opened: 0 goes on, Elsewhere or a reason ends it. It sees who asks, so it also
	// says DenyPurpose, DenyNoMatch, DenyDraining. nil: goes on. It is asked early so that a full server stays cheap; the
	// final word is the caller's, on Accepted.
	Capacity func(p *token.Private, schema [8]byte) wire.Deny

	UsedMax int // tokens remembered as used per minute; default 65,536 (80 B each)
}

// Counters counts what a Server did with each datagram. Every datagram given to Handle is in exactly one of them.
type Counters struct {
	// answered
	Challenged uint64 // REQUEST → CHALLENGE
	Accepted   uint64 // RESPONSE → a new connection
	Again      uint64 // RESPONSE → the same connection again

	// refused in silence
	Form         uint64 // no form that a Server answers
	Size         uint64 // not 1,200 B
	Malformed    uint64 // steering byte or padding is not zero
	ExpiryFar    uint64 // expires later than any token should
	Forged       uint64 // token does not open
	BadToken     uint64 // token opens and breaks the format
	CookieForged uint64 // cookie does not open: not ours, or of an earlier life
	CookieOld    uint64 // cookie older than 10 s
	CookieMoved  uint64 // cookie of another address or token
	BoxForged    uint64 // RESPONSE under another key

	// refused with a reason
	Version   uint64 // other version, or a schema that nothing here has
	Expired   uint64
	Audience  uint64
	Reused    uint64
	Busy      uint64 // used-token table is full
	Capacity  uint64 // Capacity said no
	Elsewhere uint64 // Capacity said Elsewhere
}

// Server answers REQUEST and RESPONSE. It is owned by one control loop and keeps nothing for an address that has not
// answered a challenge.
type Server struct {
	Counters Counters

	// constant after NewServer
	config  ServerConfig
	cookies *cookies
	sip     [2]uint64

	tokens   *token.Opener
	used     *used
	player   token.Private // of the token last opened; here because it would escape, and most are forged
	accepted Accepted      // what Handle returns, used again by the next call
}

// Accepted is a connection that may begin: its client holds a token nobody used before, and its address is real. The
// owner of the server makes a peer for it, whose first packet is ACCEPT, or refuses it with Deny.
type Accepted struct {
	Private token.Private
	Schema  [8]byte
	Keys    seal.Keys
	From    netip.AddrPort
	Nonce   [wire.NonceSize]byte // of the token

	// Again: this RESPONSE was accepted before and its ACCEPT is missing. Have the peer send it again; make no second one.
	Again bool
	// Route is what SetRoute noted when the RESPONSE was new: where its peer is. 0 when nothing was noted.
	Route uint64

	entry *usedToken
}

// NewServer makes a server. Restarting loses its cookies, which costs clients amid a handshake a retry, and its memory
// of used tokens, which outlive it by a minute at most.
func NewServer(c ServerConfig) *Server {
	if c.UsedMax <= 0 {
		c.UsedMax = 1 << 16
	}
	s := &Server{config: c, cookies: newCookies(c.Random), tokens: token.NewOpener(&c.TokenKey), used: newUsed(c.UsedMax)}
	var key [16]byte
	draw(c.Random, key[:])
	s.sip = [2]uint64{binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])}
	return s
}

// Handle answers one datagram of form REQUEST or RESPONSE. reply is to go back to from, nil for nothing; it is built in
// out, which needs a capacity of wire.MaxDatagram and may not overlap pkt. accepted is not nil when the RESPONSE is good;
// it is valid until the next call, except for its GameData, which may be kept. pkt is borrowed until return.
func (s *Server) Handle(pkt []byte, from netip.AddrPort, now time.Duration, wall time.Time, out []byte) (reply []byte, accepted *Accepted) {
	if len(pkt) == 0 || pkt[0] != byte(wire.FormRequest) && pkt[0] != byte(wire.FormResponse) {
		s.Counters.Form++
		return nil, nil
	}
	if len(pkt) != wire.RequestSize {
		s.Counters.Size++
		return nil, nil
	}
	h := parseHead(pkt)
	if h.version != wire.Version || s.config.Schemas != nil && !s.config.Schemas(h.schema) {
		s.Counters.Version++
		return appendDenyPlain(out[:0], wire.DenyVersion), nil
	}
	end := wire.RequestHead
	if pkt[0] == byte(wire.FormResponse) {
		end = responseEnd
	}
	if pkt[1] != 0 || !zeros(pkt[end:]) {
		s.Counters.Malformed++
		return nil, nil
	}
	if h.expiry > uint64(wall.Add(wire.TokenLifetime+wire.ClockSkew).Unix()) {
		s.Counters.ExpiryFar++
		return nil, nil
	}
	if pkt[0] == byte(wire.FormRequest) {
		return s.request(h, from, now, wall, out[:0]), nil
	}
	return s.response(pkt, h, from, now, wall, out[:0])
}

func (s *Server) request(h head, from netip.AddrPort, now time.Duration, wall time.Time, out []byte) []byte {
	p, ok := s.open(h)
	if !ok {
		return nil
	}
	if uint64(wall.Unix()) >= h.expiry {
		// An expired token is opened all the same: whoever floods us would write a later expiry, and an honest client
		// whose token lay about too long can be told so.
		s.Counters.Expired++
		return s.deny(out, p, wire.DenyExpired)
	}
	if p.ServerID != s.config.ID {
		s.Counters.Audience++
		return s.deny(out, p, wire.DenyAudience)
	}
	if s.config.Capacity != nil {
		switch reason := s.config.Capacity(p, h.schema); reason {
		case 0:
		case Elsewhere:
			s.Counters.Elsewhere++
			return appendBox(append(out, byte(wire.FormElsewhere)), p.Suite, &p.Keys[1], s.config.Random, nil)
		default:
			s.Counters.Capacity++
			return s.deny(out, p, reason)
		}
	}
	c := cookie{from: from, at: now}
	copy(c.tokenNonce[:], h.nonce)
	draw(s.config.Random, c.serverRandom[:])
	var buf [wire.RandomSize + wire.CookieSize]byte
	plain := s.cookies.seal(append(buf[:0], c.serverRandom[:]...), s.config.Random, &c)
	s.Counters.Challenged++
	return appendBox(append(out, byte(wire.FormChallenge)), p.Suite, &p.Keys[1], s.config.Random, plain)
}

func (s *Server) response(pkt []byte, h head, from netip.AddrPort, now time.Duration, wall time.Time, out []byte) ([]byte, *Accepted) {
	c, ok := s.cookies.open(pkt[wire.RequestHead:responseBox])
	if !ok {
		s.Counters.CookieForged++
		return nil, nil
	}
	if !same(c.from, from) || c.tokenNonce != [wire.NonceSize]byte(h.nonce) {
		s.Counters.CookieMoved++
		return nil, nil
	}
	if now-c.at > wire.CookieLifetime {
		s.Counters.CookieOld++
		return nil, nil
	}
	p, ok := s.open(h)
	if !ok {
		return nil, nil
	}
	plain, ok := openBox(pkt[:responseEnd], responseBox, p.Suite, &p.Keys[0])
	if !ok {
		s.Counters.BoxForged++
		return nil, nil
	}
	clientRandom := [wire.RandomSize]byte(plain)

	if p.ServerID != s.config.ID { // a cookie says REQUEST passed this; only a key mix-up gets here
		s.Counters.Audience++
		return s.deny(out, p, wire.DenyAudience), nil
	}
	entry, answer := s.used.use(h.private[wire.PrivateSize-wire.TagSize:], h.expiry, s.who(from, c.serverRandom, clientRandom), wall)
	switch answer {
	case usedLate:
		s.Counters.Expired++
		return s.deny(out, p, wire.DenyExpired), nil
	case usedFull:
		s.Counters.Busy++
		return s.deny(out, p, wire.DenyBusy), nil
	case usedOther:
		s.Counters.Reused++
		return s.deny(out, p, wire.DenyReused), nil
	case usedAgain:
		s.Counters.Again++
	case usedNew:
		s.Counters.Accepted++
	}
	s.accepted = Accepted{
		Private: *p,
		Schema:  h.schema,
		Keys:    seal.DeriveSession(p.Keys[0], p.Keys[1], c.serverRandom, clientRandom, p.Suite),
		From:    from,
		Nonce:   c.tokenNonce,
		Again:   answer == usedAgain,
		Route:   entry.route,
		entry:   entry,
	}
	return nil, &s.accepted
}

// open opens the token, counting why not. p is valid until the next call.
func (s *Server) open(h head) (p *token.Private, ok bool) {
	var err error
	s.player, err = s.tokens.Open(h.version, h.schema, h.expiry, h.nonce, h.private)
	switch err {
	case nil:
		return &s.player, true
	case token.ErrForged:
		s.Counters.Forged++
	default:
		s.Counters.BadToken++
	}
	return nil, false
}

// who tells two RESPONSEs with one token apart.
func (s *Server) who(from netip.AddrPort, serverRandom, clientRandom [wire.RandomSize]byte) uint64 {
	var buf [16 + 2 + 2*wire.RandomSize]byte
	ip := from.Addr().As16()
	b := append(buf[:0], ip[:]...)
	b = binary.LittleEndian.AppendUint16(b, from.Port())
	b = append(b, serverRandom[:]...)
	b = append(b, clientRandom[:]...)
	return siphash(s.sip[0], s.sip[1], b)
}

func (s *Server) deny(out []byte, p *token.Private, reason wire.Deny) []byte {
	return appendDeny(out, p.Suite, &p.Keys[1], s.config.Random, reason)
}

// SetRoute notes with the token where its peer is, for when the same RESPONSE comes again. To be called before the next
// Handle.
func (s *Server) SetRoute(a *Accepted, route uint64) {
	a.Route = route
	if a.entry != nil {
		a.entry.route = route
	}
}

// Deny is the datagram that refuses an accepted connection after all, built in out: the match is full, gone, or does not
// want this player. The token stays used.
func (s *Server) Deny(out []byte, a *Accepted, reason wire.Deny) []byte {
	return s.deny(out[:0], &a.Private, reason)
}

// Deny is the datagram that refuses the connection of a token with p as its private half; for whoever decides later and
// elsewhere than the control loop.
func Deny(out []byte, p *token.Private, random io.Reader, reason wire.Deny) []byte {
	return appendDeny(out[:0], p.Suite, &p.Keys[1], random, reason)
}
