package handshake

import (
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/skirmishgg/skirmish/netcode/seal"
	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Refusals of Resumer.Open.
var (
	ErrResumeMalformed = errors.New("handshake: RESUME breaks the format")                   // silent
	ErrResumeForged    = errors.New("handshake: ticket, or the proof for it, does not open") // silent
	ErrResumeExpired   = errors.New("handshake: ticket is too old")                          // DenyResume(DenyExpired)
)

// Resume is a RESUME whose sender proved the right to its ticket.
type Resume struct {
	Ticket       token.Ticket
	ClientRandom [wire.RandomSize]byte
}

// RESUME, 1,200 B:
//
//	u8 form · u8 steering = low byte of CID · u32 CID · length · ticket · 16 B client random · box {} · zeros
//
// The box is empty: under the resume secret it proves that the sender read the ticket inside the seal, and it covers all
// bytes before it.
const resumeFixed = 1 + 1 + 4

// AppendResume appends a RESUME for a client that holds ticket and secret.
func AppendResume(dst []byte, cid uint32, ticket []byte, secret *[32]byte, suite wire.Suite, clientRandom [wire.RandomSize]byte, random io.Reader) []byte {
	b := append(make([]byte, 0, wire.RequestSize), byte(wire.FormResume), byte(cid))
	b = binary.LittleEndian.AppendUint32(b, cid)
	b = append(appendLength(b, len(ticket)), ticket...)
	b = append(b, clientRandom[:]...)
	return append(dst, pad(appendBox(b, suite, secret, random, nil))...)
}

// ResumeCID is the connection a RESUME speaks of, before anything is opened.
func ResumeCID(pkt []byte) (cid uint32, ok bool) {
	if len(pkt) != wire.RequestSize || pkt[0] != byte(wire.FormResume) {
		return 0, false
	}
	cid = binary.LittleEndian.Uint32(pkt[2:])
	return cid, pkt[1] == byte(cid)
}

// ResumeCounters says why RESUMEs were refused before anything was asked of a peer.
type ResumeCounters struct {
	Opened    uint64
	Malformed uint64 // breaks the format
	Forged    uint64 // ticket, or the proof for it, does not open
	Expired   uint64
}

// Resumer opens RESUMEs. One a socket, owned by its goroutine; what strangers make up costs no allocation.
type Resumer struct {
	Counters ResumeCounters
	tickets  *token.Tickets
}

// NewResumer makes the resumer of one socket; key is the server's ticket key.
func NewResumer(key *token.Key) *Resumer { return &Resumer{tickets: token.NewTickets(key)} }

// Open opens a RESUME. With ErrResumeExpired the result is good for DenyResume; with the other errors nothing is
// answered. Whether the peer still exists and the ticket was used before is for the peer's owner to say: see Resumption.
func (s *Resumer) Open(pkt []byte, wall time.Time) (r Resume, err error) {
	r, err = s.open(pkt, wall)
	switch err {
	case nil:
		s.Counters.Opened++
	case ErrResumeMalformed:
		s.Counters.Malformed++
	case ErrResumeForged:
		s.Counters.Forged++
	case ErrResumeExpired:
		s.Counters.Expired++
	}
	return r, err
}

func (s *Resumer) open(pkt []byte, wall time.Time) (r Resume, err error) {
	cid, ok := ResumeCID(pkt)
	if !ok {
		return Resume{}, ErrResumeMalformed
	}
	ticket, rest, ok := cutLength(pkt[resumeFixed:])
	if !ok || len(rest) < wire.RandomSize+wire.BoxOverhead || !zeros(rest[wire.RandomSize+wire.BoxOverhead:]) {
		return Resume{}, ErrResumeMalformed
	}
	t, err := s.tickets.Open(ticket)
	if err != nil || t.CID != cid {
		return Resume{}, ErrResumeForged
	}
	r.Ticket = t
	copy(r.ClientRandom[:], rest)
	box := len(pkt) - len(rest) + wire.RandomSize
	// A copy of the secret, because the key of a box escapes and r must not.
	secret := t.Secret
	if _, ok := openBox(pkt[:box+wire.BoxOverhead], box, t.Suite, &secret); !ok {
		return Resume{}, ErrResumeForged
	}
	if t.Expired(wall) {
		return r, ErrResumeExpired
	}
	return r, nil
}

// OpenResume opens one RESUME, see Resumer.
func OpenResume(key *token.Key, pkt []byte, wall time.Time) (Resume, error) {
	return NewResumer(key).Open(pkt, wall)
}

// Keys are the keys of the connection that r begins.
func (r *Resume) Keys(serverRandom [wire.RandomSize]byte) seal.Keys {
	return seal.DeriveResume(r.Ticket.Secret, serverRandom, r.ClientRandom, r.Ticket.Suite)
}

// SealResumed builds RESUMED in out, under the next packet number pn of the new keys' sealer. The same RESUME again is
// answered with the same serverRandom and another number.
//
//	u8 form · 16 B server random · u32 packet number · sealed { AppendAccept } · 16 B tag
func SealResumed(out []byte, s *seal.Sealer, serverRandom [wire.RandomSize]byte, pn uint64, a *Accept) []byte {
	out = append(append(out[:0], byte(wire.FormResumed)), serverRandom[:]...)
	out = binary.LittleEndian.AppendUint32(out, uint32(pn))
	return s.Seal(grow(AppendAccept(out, a)), resumedHeader, pn)
}

// DenyResume builds in out the refusal of a RESUME that opened: DenyGone, DenyReused, DenyExpired.
func DenyResume(out []byte, r *Resume, random io.Reader, reason wire.Deny) []byte {
	return appendDeny(out[:0], r.Ticket.Suite, &r.Ticket.Secret, random, reason)
}

// ResumeVerdict is what Resumption says of a RESUME.
type ResumeVerdict uint8

const (
	ResumeNew    ResumeVerdict = iota // take it up: Begin, then SealResumed
	ResumeAgain                       // already being taken up: SealResumed again with the same server random
	ResumeReused                      // the ticket is void: DenyResume(DenyReused)
)

// Resumption is a peer's memory of its tickets: each is good once. The zero value has seen none.
type Resumption struct {
	void         uint32 // tickets with a Seq below this are used up
	clientRandom [wire.RandomSize]byte
	serverRandom [wire.RandomSize]byte
}

// Judge says what to do with a RESUME for this peer. It changes nothing.
func (m *Resumption) Judge(r *Resume) ResumeVerdict {
	if r.Ticket.Seq >= m.void {
		return ResumeNew
	}
	if r.Ticket.Seq == m.void-1 && r.ClientRandom == m.clientRandom {
		return ResumeAgain
	}
	return ResumeReused
}

// Begin records that r is being taken up with this server random; its ticket and all before it are void from now on.
func (m *Resumption) Begin(r *Resume, serverRandom [wire.RandomSize]byte) {
	m.void = r.Ticket.Seq + 1
	m.clientRandom, m.serverRandom = r.ClientRandom, serverRandom
}

// ServerRandom is the server random that Begin recorded, for ResumeAgain.
func (m *Resumption) ServerRandom() [wire.RandomSize]byte { return m.serverRandom }

// openResumed opens RESUMED on the client.
func openResumed(pkt []byte, secret *[32]byte, clientRandom [wire.RandomSize]byte, suite wire.Suite, schema [8]byte) (a Accept, keys seal.Keys, pn uint64, ok bool) {
	if len(pkt) < resumedHeader {
		return Accept{}, seal.Keys{}, 0, false
	}
	serverRandom := [wire.RandomSize]byte(pkt[1:])
	pn = uint64(binary.LittleEndian.Uint32(pkt[1+wire.RandomSize:]))
	keys = seal.DeriveResume(*secret, serverRandom, clientRandom, suite)
	plain, ok := seal.NewOpener(keys, seal.S2C, schema).Open(pkt, resumedHeader, pn)
	if !ok {
		return Accept{}, seal.Keys{}, 0, false
	}
	a, ok = ParseAccept(plain)
	return a, keys, pn, ok
}
