package handshake

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// ErrTimeout: no server of the token answered, in two rounds over its addresses.
var ErrTimeout = errors.New("handshake: no server answered")

// DeniedError: a server answered, and refused.
type DeniedError struct{ Reason wire.Deny }

func (e *DeniedError) Error() string {
	return fmt.Sprintf("handshake: the server refused the connection (reason %d)", e.Reason)
}

// Result is an open connection: what a client's peer is made of.
type Result struct {
	Accept
	Keys         seal.Keys
	Schema       [8]byte
	Addr         netip.AddrPort // of the server
	PacketNumber uint64         // of the ACCEPT or RESUMED: the first one received under Keys
}

// ClientCounters counts datagrams a Client did not take.
type ClientCounters struct {
	Foreign    uint64 // from another address than the one asked
	Unexpected uint64 // a form that makes no sense at this point; late and repeated answers among them
	Forged     uint64 // does not open, or opens and breaks the format
}

// stage is how far a Client is.
//
//	requesting ──CHALLENGE──> responding ──ACCEPT──> done
//	    │  ^                      │
//	    │  └──next address────────┤   5 s of silence or ELSEWHERE
//	    └──────DENY, no address left──> failed
//
//	resuming ──RESUMED──> done      resuming ──DENY, 5 s of silence──> failed
type stage uint8

const (
	requesting stage = iota
	responding
	resuming
	done
	failed
)

// rounds is how often each address is tried.
const rounds = 2

// Client opens one connection. Its owner sends what Next gives, feeds what arrives to Receive, and makes a peer of
// Result when Receive says done. Not for concurrent use.
type Client struct {
	Counters ClientCounters

	// constant after NewClient or NewResume
	random    io.Reader
	suite     wire.Suite
	schema    [8]byte
	keyOut    [32]byte // boxes to the server; resume secret when resuming
	keyIn     [32]byte // boxes from the server; the same
	token     *token.Connect
	addresses []netip.AddrPort
	tries     int

	stage        stage
	started      bool
	attempt      int           // counts addresses tried, over all rounds
	giveUp       time.Duration // on this address
	due          time.Duration // of the next transmission
	interval     time.Duration
	elsewhere    bool // a server said ELSEWHERE
	otherVersion bool // somebody who may be the server said DENY(version)
	clientRandom [wire.RandomSize]byte
	datagram     []byte // sent until something changes
	opener       *seal.Opener
	keys         seal.Keys
	result       Result
	err          error
}

// NewClient connects with a connect token. random must be secure, e.g. crypto/rand.Reader.
func NewClient(c *token.Connect, random io.Reader) *Client {
	return &Client{
		random: random, suite: c.Suite, schema: c.Schema, keyOut: c.Keys[0], keyIn: c.Keys[1],
		token: c, addresses: c.Addresses, tries: rounds * len(c.Addresses),
	}
}

// Resumable is what a client keeps to take its connection up again after it lost its socket, or its process.
type Resumable struct {
	CID    uint32
	Ticket []byte
	Secret [32]byte
	Suite  wire.Suite
	Schema [8]byte
	Addr   netip.AddrPort
}

// NewResume takes up the connection that r belongs to. The ticket in r is used up by trying.
func NewResume(r Resumable, random io.Reader) *Client {
	c := &Client{
		random: random, suite: r.Suite, schema: r.Schema, keyOut: r.Secret, keyIn: r.Secret,
		addresses: []netip.AddrPort{r.Addr}, tries: 1, stage: resuming,
	}
	draw(random, c.clientRandom[:])
	c.datagram = AppendResume(nil, r.CID, r.Ticket, &r.Secret, r.Suite, c.clientRandom, random)
	return c
}

// Done reports whether the connection is open.
func (c *Client) Done() bool { return c.stage == done }

// Err is why the connection failed: *DeniedError, ErrTimeout; nil while it has not.
func (c *Client) Err() error { return c.err }

// Result is the open connection, once Done.
func (c *Client) Result() *Result { return &c.result }

// Next gives the datagram to send now, nil for none, and how long to wait before Next is called again unless Receive
// says something first. The datagram is valid until the next call of Next or Receive. When it is over, wait is 0 and Done
// or Err say how.
func (c *Client) Next(now time.Duration) (datagram []byte, to netip.AddrPort, wait time.Duration) {
	if !c.started {
		c.started = true
		c.begin(now)
	}
	if !c.over() && now >= c.due && c.otherVersion {
		// An unsealed DENY counts only if, one retransmission later, nothing better was heard: anybody can say it.
		c.fail(&DeniedError{wire.DenyVersion})
	}
	if !c.over() && now >= c.giveUp {
		c.advance(now)
	}
	if c.over() {
		return nil, netip.AddrPort{}, 0
	}
	if now < c.due {
		return nil, netip.AddrPort{}, min(c.due, c.giveUp) - now
	}
	c.due = now + c.interval
	c.interval = min(c.interval*3/2, wire.HandshakeRetryMax)
	return c.datagram, c.address(), min(c.due, c.giveUp) - now
}

// Receive takes a datagram that arrived. pkt is spoiled. done says that the connection is open; err that it failed, and is
// what Err returns from then on. Anything that is not from the server asked is counted and ignored.
func (c *Client) Receive(pkt []byte, from netip.AddrPort, now time.Duration) (done bool, err error) {
	switch {
	case c.over() || !c.started || len(pkt) == 0:
		c.Counters.Unexpected++
	case !same(from, c.address()):
		c.Counters.Foreign++
	default:
		c.receive(pkt, now)
	}
	return c.Done(), c.err
}

func (c *Client) receive(pkt []byte, now time.Duration) {
	switch form := wire.Form(pkt[0]); {
	case form == wire.FormChallenge && c.stage == requesting:
		c.challenge(pkt, now)
	case form == wire.FormAccept && c.stage == responding:
		a, pn, ok := OpenAccept(pkt, c.opener)
		c.finish(a, c.keys, pn, ok)
	case form == wire.FormResumed && c.stage == resuming:
		a, keys, pn, ok := openResumed(pkt, &c.keyIn, c.clientRandom, c.suite, c.schema)
		c.finish(a, keys, pn, ok)
	case form == wire.FormDeny:
		c.deny(pkt)
	case form == wire.FormElsewhere && c.stage != resuming:
		if plain, ok := openBox(pkt, 1, c.suite, &c.keyIn); !ok || len(plain) != 0 {
			c.Counters.Forged++
			return
		}
		c.elsewhere = true
		c.advance(now)
	default:
		c.Counters.Unexpected++
	}
}

func (c *Client) challenge(pkt []byte, now time.Duration) {
	plain, ok := openBox(pkt, 1, c.suite, &c.keyIn)
	if !ok || len(plain) != wire.RandomSize+wire.CookieSize {
		c.Counters.Forged++
		return
	}
	serverRandom, cookie := [wire.RandomSize]byte(plain), plain[wire.RandomSize:]
	draw(c.random, c.clientRandom[:])
	b := appendHead(make([]byte, 0, wire.RequestSize), wire.FormResponse, c.token)
	b = append(b, cookie...)
	c.datagram = pad(appendBox(b, c.suite, &c.keyOut, c.random, c.clientRandom[:]))
	c.keys = seal.DeriveSession(c.keyOut, c.keyIn, serverRandom, c.clientRandom, c.suite)
	c.opener = seal.NewOpener(c.keys, seal.S2C, c.schema)
	c.stage = responding
	c.otherVersion = false
	c.giveUp = now + wire.AddressTime
	c.due, c.interval = now, wire.HandshakeRetry
}

func (c *Client) finish(a Accept, keys seal.Keys, pn uint64, ok bool) {
	if !ok {
		c.Counters.Forged++
		return
	}
	c.result = Result{Accept: a, Keys: keys, Schema: c.schema, Addr: c.address(), PacketNumber: pn}
	c.stage = done
}

func (c *Client) deny(pkt []byte) {
	if len(pkt) == wire.DenyPlainSize && pkt[1] == 0 {
		if c.stage == requesting && wire.Deny(pkt[2]) == wire.DenyVersion {
			c.otherVersion = true
		} else {
			c.Counters.Unexpected++
		}
		return
	}
	reason, ok := openDeny(pkt, c.suite, &c.keyIn)
	if !ok {
		c.Counters.Forged++
		return
	}
	c.fail(&DeniedError{reason})
}

// begin starts with the address of this attempt.
func (c *Client) begin(now time.Duration) {
	c.due, c.interval = now, wire.HandshakeRetry
	c.giveUp = now + wire.AddressTime
	c.otherVersion = false
	if c.stage != resuming {
		c.stage = requesting
		c.datagram = pad(appendHead(make([]byte, 0, wire.RequestSize), wire.FormRequest, c.token))
	}
}

// advance goes on to the next address, if there is one.
func (c *Client) advance(now time.Duration) {
	c.attempt++
	switch {
	case c.attempt < c.tries:
		c.begin(now)
	case c.elsewhere:
		c.fail(&DeniedError{wire.DenyFull})
	default:
		c.fail(ErrTimeout)
	}
}

func (c *Client) address() netip.AddrPort { return c.addresses[c.attempt%len(c.addresses)] }

func (c *Client) over() bool { return c.stage >= done }

func (c *Client) fail(err error) { c.stage, c.err = failed, err }
