package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// Goal: testdata/query.json is what STANDARD.md, section Queries, says. Method: this file writes every datagram from the
// fields beside it with nothing but encoding/binary, and shares no code with netcode/query, which made the file.
func TestQueryVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/query.json")
	if err != nil {
		t.Fatal(err)
	}
	type challenged struct {
		Kind, Bytes, Nonce string
		Challenge          *uint32
		ChallengeHex       string `json:"challenge_hex"`
	}
	var v struct {
		Questions, Challenges []challenged
		Infos                 []struct {
			Bytes, Name, Map, Folder, Game, Version, Keywords string
			AppID                                             uint64 `json:"app_id"`
			Players, Max, Bots, System                        byte
			ServerKind                                        byte `json:"server_kind"`
			Password                                          bool
			Port                                              uint16
		}
		Players []struct {
			Bytes   string
			Players []struct {
				Name    string
				Score   int32
				Seconds float32
			}
		}
		Rules []struct {
			Bytes string
			Rules []struct{ Name, Value string }
		}
		LANServers []struct {
			Bytes, Nonce, Schema, Name, Game, Map, Build string
			ServerID                                     string `json:"server_id"`
			APIPort                                      uint16 `json:"api_port"`
			Version, Port, Players, Max                  uint16
			Password, TLS                                bool
		} `json:"lan_servers"`
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Questions) == 0 || len(v.Challenges) == 0 || len(v.Infos) == 0 || len(v.Players) == 0 || len(v.Rules) == 0 || len(v.LANServers) == 0 {
		t.Fatal("a list of query.json is empty")
	}
	le := binary.LittleEndian
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	same := func(what, want string, got []byte) {
		t.Helper()
		if !bytes.Equal(unhex(want), got) {
			t.Errorf("%s:\nfile %s\nhere %x", what, want, got)
		}
	}
	query, lan := []byte{0xFF, 0xFF, 0xFF, 0xFF}, []byte{0xFF, 0xFF, 0xFF, 0xFE}
	cstring := func(b []byte, s string) []byte { return append(append(b, s...), 0) }
	lanChallenge := func(kind byte, c challenged) []byte {
		b := append(append(bytes.Clone(lan), kind), unhex(c.Nonce)...)
		challenge := make([]byte, 8)
		for i, x := range unhex(c.ChallengeHex) { // written big-endian in the file, for people
			challenge[7-i] = x
		}
		return append(b, challenge...)
	}

	for _, q := range v.Questions {
		switch q.Kind {
		case "info":
			b := cstring(append(bytes.Clone(query), 0x54), "Source Engine Query")
			if q.Challenge != nil {
				b = le.AppendUint32(b, *q.Challenge)
			}
			same(q.Kind, q.Bytes, b)
		case "players", "rules":
			challenge := uint32(math.MaxUint32)
			if q.Challenge != nil {
				challenge = *q.Challenge
			}
			kind := map[string]byte{"players": 0x55, "rules": 0x56}[q.Kind]
			same(q.Kind, q.Bytes, le.AppendUint32(append(bytes.Clone(query), kind), challenge))
		case "lan":
			same(q.Kind, q.Bytes, lanChallenge(1, q))
		default:
			t.Errorf("question of kind %q", q.Kind)
		}
	}
	for _, c := range v.Challenges {
		if c.Kind == "lan" {
			same("challenge", c.Bytes, lanChallenge(2, c))
		} else {
			same("challenge", c.Bytes, le.AppendUint32(append(bytes.Clone(query), 0x41), *c.Challenge))
		}
	}
	yes := map[bool]byte{true: 1}
	for _, i := range v.Infos {
		b := append(bytes.Clone(query), 0x49, 17)
		b = cstring(cstring(cstring(cstring(b, i.Name), i.Map), i.Folder), i.Game)
		b = le.AppendUint16(b, uint16(i.AppID&0xFFFF))
		b = append(b, i.Players, i.Max, i.Bots, i.ServerKind, i.System, yes[i.Password], 0)
		b = cstring(b, i.Version)
		b = append(b, yes[i.Port != 0]*0x80|yes[i.Keywords != ""]*0x20|yes[i.AppID != 0]*0x01)
		if i.Port != 0 {
			b = le.AppendUint16(b, i.Port)
		}
		if i.Keywords != "" {
			b = cstring(b, i.Keywords)
		}
		if i.AppID != 0 {
			b = le.AppendUint64(b, i.AppID)
		}
		same("INFO of "+i.Name, i.Bytes, b)
	}
	for _, p := range v.Players {
		b := append(bytes.Clone(query), 0x44, byte(len(p.Players)))
		for _, row := range p.Players {
			b = cstring(append(b, 0), row.Name)
			b = le.AppendUint32(b, uint32(row.Score))
			b = le.AppendUint32(b, math.Float32bits(row.Seconds))
		}
		same("PLAYER", p.Bytes, b)
	}
	for _, r := range v.Rules {
		b := le.AppendUint16(append(bytes.Clone(query), 0x45), uint16(len(r.Rules)))
		for _, row := range r.Rules {
			b = cstring(cstring(b, row.Name), row.Value)
		}
		same("RULES", r.Bytes, b)
	}
	for _, s := range v.LANServers {
		b := append(append(bytes.Clone(lan), 3), unhex(s.Nonce)...)
		b = le.AppendUint16(b, s.Version)
		b = append(append(b, unhex(s.ServerID)...), unhex(s.Schema)...)
		for _, n := range []uint16{s.Port, s.APIPort, s.Players, s.Max} {
			b = le.AppendUint16(b, n)
		}
		b = append(b, yes[s.Password]|yes[s.TLS]<<1)
		for _, text := range []string{s.Name, s.Game, s.Map, s.Build} {
			b = append(append(b, byte(len(text))), text...)
		}
		same("LAN server", s.Bytes, b)
	}
}
