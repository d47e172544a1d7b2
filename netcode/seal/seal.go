package seal

import (
	"crypto/cipher"
	"encoding/binary"

	"github.com/skirmishgg/skirmish/netcode/seq"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// scratch is what the cipher reads beside the text: kept in the Sealer and Opener, because arguments of an interface
// method escape and would be an allocation a packet.
//
//	nonce           = 4 B IV of the direction · u64 packet number
//	associated data = header · 8 B schema hash
type scratch struct {
	nonce  [12]byte
	aad    [MaxHeader + 8]byte
	schema [8]byte
}

func (s *scratch) prepare(iv *[4]byte, pn uint64, header []byte) (nonce, aad []byte) {
	copy(s.nonce[:], iv[:])
	binary.LittleEndian.PutUint64(s.nonce[4:], pn)
	n := copy(s.aad[:], header)
	n += copy(s.aad[n:], s.schema[:])
	return s.nonce[:], s.aad[:n]
}

// era is one epoch's key, ready for use.
type era struct {
	aead cipher.AEAD
	key  Key
}

func newEra(suite wire.Suite, k Key) era { return era{newAEAD(suite, &k.Key), k} }

// Sealer seals the packets of one direction of one connection. One peer owns it.
type Sealer struct {
	suite wire.Suite
	epoch uint64
	next  uint64 // least packet number that was not used
	now   era
	scratch
}

// NewSealer seals what goes in direction dir. schema is the match's schema hash, zero for sessions; it is
// authenticated with every packet and never sent.
func NewSealer(keys Keys, dir Direction, schema [8]byte) *Sealer {
	s := &Sealer{suite: keys.Suite, now: newEra(keys.Suite, keys.Of(dir))}
	s.schema = schema
	return s
}

// Seal seals in place and returns the whole datagram. pkt[:headerLen] is the header, which ends in packet number pn,
// pkt[headerLen:] the plaintext; pkt needs capacity for TagSize more bytes. pn must be greater than that of any call
// before: a nonce used twice gives the key away, so that is a panic. Allocates nothing, but a cipher every 2^30 packets.
func (s *Sealer) Seal(pkt []byte, headerLen int, pn uint64) []byte {
	if pn < s.next {
		panic("seal: packet number used twice")
	}
	s.next = pn + 1
	for s.epoch < Epoch(pn) {
		s.now = newEra(s.suite, s.now.key.Next())
		s.epoch++
	}
	nonce, aad := s.prepare(&s.now.key.IV, pn, pkt[:headerLen])
	out := s.now.aead.Seal(pkt[headerLen:headerLen], nonce, pkt[headerLen:], aad)
	return pkt[:headerLen+len(out)]
}

// Next is the least packet number that Seal still takes.
func (s *Sealer) Next() uint64 { return s.next }

// OpenCounters says why datagrams were refused.
type OpenCounters struct {
	Short    uint64 // no room for a header and a tag
	Replayed uint64 // packet number was seen
	TooOld   uint64 // packet number is behind the replay window
	Phase    uint64 // phase bit or epoch cannot belong to this packet number
	Forged   uint64 // tag did not verify
}

// Opener opens the packets of one direction of one connection. One peer owns it.
type Opener struct {
	Counters OpenCounters

	suite  wire.Suite
	epoch  uint64 // of the newest packet opened
	window seq.Window
	// The three epochs that packets can come from. next is made when first asked for, and kept although what asked
	// may have been forged: forgeries cost one derivation an epoch and change nothing. before lives on for packets
	// that were overtaken by the first of this epoch.
	before, now, next era
	scratch
}

// NewOpener opens what comes in direction dir, sealed by a Sealer with the same arguments.
func NewOpener(keys Keys, dir Direction, schema [8]byte) *Opener {
	o := &Opener{suite: keys.Suite, now: newEra(keys.Suite, keys.Of(dir))}
	o.schema = schema
	return o
}

// Open opens in place. headerLen and pn are what ClientHeader or ServerHeader found. The plaintext is part of pkt.
// Refused, with a counter: seen before, too old, not authentic. A refusal changes nothing but the counters and pkt,
// whose ciphertext may be spoiled. Allocates nothing, but a cipher every 2^30 packets.
func (o *Opener) Open(pkt []byte, headerLen int, pn uint64) (plaintext []byte, ok bool) {
	if headerLen < 1 || headerLen > MaxHeader || len(pkt) < headerLen+wire.TagSize {
		o.Counters.Short++
		return nil, false
	}
	if o.window.Seen(pn) {
		if o.window.TooOld(pn) {
			o.Counters.TooOld++
		} else {
			o.Counters.Replayed++
		}
		return nil, false
	}
	e := o.era(pkt[0], Epoch(pn))
	if e == nil {
		o.Counters.Phase++
		return nil, false
	}
	nonce, aad := o.prepare(&e.key.IV, pn, pkt[:headerLen])
	plaintext, err := e.aead.Open(pkt[headerLen:headerLen], nonce, pkt[headerLen:], aad)
	if err != nil {
		o.Counters.Forged++
		return nil, false
	}
	o.window.Mark(pn)
	if Epoch(pn) > o.epoch {
		o.before, o.now, o.next = o.now, o.next, era{}
		o.epoch++
	}
	return plaintext, true
}

// era is the key for a packet of the given epoch, nil when there is none.
func (o *Opener) era(form byte, epoch uint64) *era {
	if wire.IsData(form) && (form&wire.DataPhaseBit != 0) != (epoch&1 != 0) {
		return nil
	}
	switch epoch {
	case o.epoch:
		return &o.now
	case o.epoch + 1:
		if o.next.aead == nil {
			o.next = newEra(o.suite, o.now.key.Next())
		}
		return &o.next
	case o.epoch - 1: // at epoch 0 this is 2^64-1, which no packet number has
		return &o.before
	}
	return nil
}

// Any reports whether a packet was opened yet.
func (o *Opener) Any() bool { return o.window.Any() }

// Largest is the newest packet number opened, 0 before any.
func (o *Opener) Largest() uint64 { return o.window.Largest() }

// AckBits tells which of the 32 packets before Largest were opened, see seq.Window.
func (o *Opener) AckBits() uint32 { return o.window.AckBits() }

// Seen reports whether pn would be refused unopened.
func (o *Opener) Seen(pn uint64) bool { return o.window.Seen(pn) }
