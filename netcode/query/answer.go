package query

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Info is what a server browser shows in its list. Strings are cut to fit, NUL bytes dropped.
type Info struct {
	Name     string // of this server, at most 128 B
	Map      string // at most 64 B
	Folder   string // Steam's short name of the game, at most 32 B
	Game     string // at most 64 B
	AppID    uint64 // Steam's, 24 bits; 0: none
	Players  uint8  // with bots
	Max      uint8
	Bots     uint8
	Kind     byte // 'd' dedicated (default), 'l' listen
	System   byte // 'l', 'w', 'm'
	Password bool
	Version  string // at most 32 B
	Port     uint16 // where clients connect; 0: where the query went
	Keywords string // at most 128 B; "" for none
}

// Player is one row of a PLAYER answer.
type Player struct {
	Name  string // at most 32 B here
	Score int32
	Time  time.Duration // since the join; travels as float32 seconds
}

// Rule is a public setting.
type Rule struct{ Name, Value string }

// Extra data flags of INFO, in the order their fields follow.
const (
	extraPort     = 0x80
	extraSteamID  = 0x10
	extraTV       = 0x40
	extraKeywords = 0x20
	extraGameID   = 0x01
)

// protocolVersion is what Source servers say; askers ignore it.
const protocolVersion = 17

// SetInfo replaces the INFO answer.
//
//	FF FF FF FF · 'I' · u8 protocol 17 · name\0 · map\0 · folder\0 · game\0 · u16 app · u8 players · u8 max · u8 bots ·
//	u8 kind · u8 system · u8 password · u8 VAC 0 · version\0 · u8 extra ·
//	[0x80: u16 port] · [0x20: keywords\0] · [0x01: u64 game id]
func (r *Responder) SetInfo(i *Info) {
	b := begin(r.info, wire.QueryInfoIs)
	b = append(b, protocolVersion)
	b = appendText(b, i.Name, 128)
	b = appendText(b, i.Map, 64)
	b = appendText(b, i.Folder, 32)
	b = appendText(b, i.Game, 64)
	b = binary.LittleEndian.AppendUint16(b, uint16(i.AppID))
	kind := i.Kind
	if kind == 0 {
		kind = 'd'
	}
	b = append(b, i.Players, i.Max, i.Bots, kind, i.System, boolByte(i.Password), 0)
	b = appendText(b, i.Version, 32)
	extra := len(b)
	b = append(b, 0)
	if i.Port != 0 {
		b[extra] |= extraPort
		b = binary.LittleEndian.AppendUint16(b, i.Port)
	}
	if i.Keywords != "" {
		b[extra] |= extraKeywords
		b = appendText(b, i.Keywords, 128)
	}
	if i.AppID != 0 {
		b[extra] |= extraGameID
		b = binary.LittleEndian.AppendUint64(b, i.AppID)
	}
	r.info = b
}

// SetPlayers replaces the PLAYER answer. Who does not fit into one datagram is left out, last first; the count says how
// many are there. A2S could split the answer, and then one echoed challenge would be worth fifteen datagrams.
//
//	FF FF FF FF · 'D' · u8 count · count × (u8 index 0 · name\0 · i32 score · f32 seconds)
func (r *Responder) SetPlayers(players []Player) {
	b := append(begin(r.players, wire.QueryPlayersAre), 0)
	for i := range players {
		p := &players[i]
		size := len(b)
		b = appendText(append(b, 0), p.Name, 32)
		b = binary.LittleEndian.AppendUint32(b, uint32(p.Score))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(p.Time.Seconds())))
		if len(b) > wire.MaxDatagram || b[5] == 255 {
			b = b[:size]
			break
		}
		b[5]++
	}
	r.players = b
}

// SetRules replaces the RULES answer. What does not fit into one datagram is left out, last first.
//
//	FF FF FF FF · 'E' · u16 count · count × (name\0 · value\0)
func (r *Responder) SetRules(rules []Rule) {
	b := append(begin(r.rules, wire.QueryRulesAre), 0, 0)
	count := uint16(0)
	for i := range rules {
		size := len(b)
		b = appendText(b, rules[i].Name, 64)
		b = appendText(b, rules[i].Value, 256)
		if len(b) > wire.MaxDatagram {
			b = b[:size]
			break
		}
		count++
	}
	binary.LittleEndian.PutUint16(b[5:], count)
	r.rules = b
}

// Server is what LAN discovery says: enough to list the server, to see whether this client can join it, and to ask its
// API for a connect token.
type Server struct {
	ID       [8]byte // as in connect tokens
	Version  uint16  // of the UDP protocol
	Schema   [8]byte // of the match; zero when there are several
	Port     uint16  // UDP, for connect tokens; 0: where the question went
	APIPort  uint16  // TCP; 0: no API
	Players  uint16
	Max      uint16
	Password bool
	TLS      bool   // the API speaks TLS
	Name     string // at most 100 B
	Game     string // at most 64 B
	Map      string // at most 64 B
	Build    string // of the game, at most 32 B
}

const (
	lanPassword = 1 << 0
	lanTLS      = 1 << 1
)

// SetServer replaces the answer to LAN discovery.
//
//	FF FF FF FE · u8 3 · 8 B nonce of the asker · u16 version · 8 B server id · 8 B schema · u16 port · u16 API port ·
//	u16 players · u16 max · u8 flags (1 password, 2 TLS) · 4 × (u8 length · bytes): name, game, map, build
func (r *Responder) SetServer(s *Server) {
	b := binary.LittleEndian.AppendUint32(r.server[:0], wire.LANHead)
	b = append(b, wire.LANServer)
	b = append(b, make([]byte, 8)...)
	b = binary.LittleEndian.AppendUint16(b, s.Version)
	b = append(b, s.ID[:]...)
	b = append(b, s.Schema[:]...)
	b = binary.LittleEndian.AppendUint16(b, s.Port)
	b = binary.LittleEndian.AppendUint16(b, s.APIPort)
	b = binary.LittleEndian.AppendUint16(b, s.Players)
	b = binary.LittleEndian.AppendUint16(b, s.Max)
	b = append(b, boolByte(s.Password)*lanPassword|boolByte(s.TLS)*lanTLS)
	for _, f := range [...]struct {
		text string
		max  int
	}{{s.Name, 100}, {s.Game, 64}, {s.Map, 64}, {s.Build, 32}} {
		text := cut(f.text, f.max)
		b = append(append(b, byte(len(text))), text...)
	}
	r.server = b
}

func begin(b []byte, kind byte) []byte {
	return append(binary.LittleEndian.AppendUint32(b[:0], wire.QueryHead), kind)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendText(b []byte, s string, limit int) []byte { return append(append(b, cut(s, limit)...), 0) }

// cut makes s fit: valid UTF-8 without NUL, at most limit bytes, not ending amid a character.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
