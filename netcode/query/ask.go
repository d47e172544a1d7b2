package query

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// AppendAsk appends the question of this kind: wire.QueryInfo, QueryPlayers or QueryRules. challenge is what the server
// sent, 0 before it has.
func AppendAsk(dst []byte, kind byte, challenge uint32) []byte {
	dst = append(binary.LittleEndian.AppendUint32(dst, wire.QueryHead), kind)
	if kind == wire.QueryInfo {
		dst = append(dst, infoText...)
		if challenge == 0 {
			return dst
		}
	} else if challenge == 0 {
		challenge = noChallenge
	}
	return binary.LittleEndian.AppendUint32(dst, challenge)
}

// AppendDiscover appends the question of LAN discovery, to be broadcast without a challenge and then sent to each server
// that answered with one. nonce is random: an answer without it is to a question somebody else asked.
func AppendDiscover(dst []byte, nonce [8]byte, challenge uint64) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, wire.LANHead)
	dst = append(append(dst, wire.LANAsk), nonce[:]...)
	return binary.LittleEndian.AppendUint64(dst, challenge)
}

// ParseChallenge reads the challenge a server sent for a server query.
func ParseChallenge(pkt []byte) (challenge uint32, ok bool) {
	r := reader{b: pkt}
	r.head(wire.QueryHead, wire.QueryChallenge)
	challenge = r.u32()
	return challenge, !r.bad && len(r.b) == 0
}

// ParseInfo reads an INFO answer, also one that carries fields a Responder does not write.
func ParseInfo(pkt []byte) (i Info, ok bool) {
	r := reader{b: pkt}
	r.head(wire.QueryHead, wire.QueryInfoIs)
	r.u8() // protocol
	i.Name, i.Map, i.Folder, i.Game = r.text(), r.text(), r.text(), r.text()
	i.AppID = uint64(r.u16())
	i.Players, i.Max, i.Bots, i.Kind, i.System = r.u8(), r.u8(), r.u8(), r.u8(), r.u8()
	i.Password = r.u8() != 0
	r.u8() // VAC
	i.Version = r.text()
	if r.bad || len(r.b) == 0 {
		return i, !r.bad // the extra byte is optional
	}
	extra := r.u8()
	if extra&extraPort != 0 {
		i.Port = r.u16()
	}
	if extra&extraSteamID != 0 {
		r.u64()
	}
	if extra&extraTV != 0 {
		r.u16()
		r.text()
	}
	if extra&extraKeywords != 0 {
		i.Keywords = r.text()
	}
	if extra&extraGameID != 0 {
		i.AppID = r.u64() & (1<<24 - 1)
	}
	return i, !r.bad
}

// ParsePlayers reads a PLAYER answer.
func ParsePlayers(pkt []byte) (players []Player, ok bool) {
	r := reader{b: pkt}
	r.head(wire.QueryHead, wire.QueryPlayersAre)
	for n := r.u8(); n > 0 && !r.bad; n-- {
		r.u8() // index, always 0
		p := Player{Name: r.text(), Score: int32(r.u32())}
		seconds := float64(math.Float32frombits(r.u32()))
		if seconds >= 0 && seconds < 1e9 { // not NaN either
			p.Time = time.Duration(seconds * float64(time.Second))
		}
		players = append(players, p)
	}
	return players, !r.bad
}

// ParseRules reads a RULES answer.
func ParseRules(pkt []byte) (rules []Rule, ok bool) {
	r := reader{b: pkt}
	r.head(wire.QueryHead, wire.QueryRulesAre)
	for n := r.u16(); n > 0 && !r.bad; n-- {
		rules = append(rules, Rule{r.text(), r.text()})
	}
	return rules, !r.bad
}

// ParseLANChallenge reads a server's first answer to LAN discovery; it is for the question with this nonce.
func ParseLANChallenge(pkt []byte, nonce [8]byte) (challenge uint64, ok bool) {
	r := reader{b: pkt}
	r.head(wire.LANHead, wire.LANChallenge)
	r.nonce(nonce)
	challenge = r.u64()
	return challenge, !r.bad && len(r.b) == 0
}

// ParseServer reads a server's second answer to LAN discovery. Bytes after the last field are of a later version.
func ParseServer(pkt []byte, nonce [8]byte) (s Server, ok bool) {
	r := reader{b: pkt}
	r.head(wire.LANHead, wire.LANServer)
	r.nonce(nonce)
	s.Version = r.u16()
	copy(s.ID[:], r.take(8))
	copy(s.Schema[:], r.take(8))
	s.Port, s.APIPort, s.Players, s.Max = r.u16(), r.u16(), r.u16(), r.u16()
	flags := r.u8()
	s.Password, s.TLS = flags&lanPassword != 0, flags&lanTLS != 0
	for _, f := range [...]*string{&s.Name, &s.Game, &s.Map, &s.Build} {
		text := r.take(int(r.u8()))
		r.bad = r.bad || !utf8.Valid(text)
		*f = string(text)
	}
	return s, !r.bad
}

// reader takes fields off the front. Once bad it stays so, and everything it returns is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || len(r.b) < n {
		r.bad = true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) head(head uint32, kind byte) {
	if r.u32() != head || r.u8() != kind {
		r.bad = true
	}
}

func (r *reader) nonce(want [8]byte) {
	if !bytes.Equal(r.take(8), want[:]) {
		r.bad = true
	}
}

func (r *reader) u8() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// text is NUL-terminated.
func (r *reader) text() string {
	end := bytes.IndexByte(r.b, 0)
	if end < 0 {
		r.bad = true
	}
	if r.bad {
		return ""
	}
	text := string(r.take(end))
	r.take(1)
	return text
}
