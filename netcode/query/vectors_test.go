package query

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Goal: protocol/wire/testdata/query.json is what this code does. Method: the file is made anew and compared; -rewrite
// writes it. Another reader, which shares no code with this one, checks the file in protocol/wire.
var rewrite = flag.Bool("rewrite", false, "write the test vectors instead of comparing them")

// object is a JSON object; encoding/json sorts its keys.
type object map[string]any

func TestVectorsQuery(t *testing.T) {
	h := hex.EncodeToString
	r := newResponder(t, Config{})
	nonce := [8]byte{0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7}

	questions := []object{
		{"kind": "info", "bytes": h(AppendAsk(nil, wire.QueryInfo, 0))},
		{"kind": "info", "challenge": 0x3CD5F929, "bytes": h(AppendAsk(nil, wire.QueryInfo, 0x3CD5F929))},
		{"kind": "players", "bytes": h(AppendAsk(nil, wire.QueryPlayers, 0))},
		{"kind": "players", "challenge": 1, "bytes": h(AppendAsk(nil, wire.QueryPlayers, 1))},
		{"kind": "rules", "bytes": h(AppendAsk(nil, wire.QueryRules, 0))},
		{"kind": "rules", "challenge": 0xFEDCBA98, "bytes": h(AppendAsk(nil, wire.QueryRules, 0xFEDCBA98))},
		{"kind": "lan", "nonce": h(nonce[:]), "bytes": h(AppendDiscover(nil, nonce, 0))},
		{"kind": "lan", "nonce": h(nonce[:]), "challenge_hex": "0123456789abcdef", "bytes": h(AppendDiscover(nil, nonce, 0x0123456789ABCDEF))},
	}

	var infos, players, rules, servers []object
	for _, i := range []Info{someInfo, {}, {
		Name: strings.Repeat("n", 128), Map: strings.Repeat("m", 64), Folder: strings.Repeat("f", 32), Game: strings.Repeat("g", 64), AppID: 2_000_000,
		Players: 255, Max: 255, Bots: 254, Kind: 'l', System: 'w', Password: true, Version: strings.Repeat("v", 32), Port: 65535, Keywords: strings.Repeat("k", 128),
	}} {
		r.SetInfo(&i)
		kind := i.Kind
		if kind == 0 {
			kind = 'd'
		}
		infos = append(infos, object{
			"bytes": h(r.info), "name": i.Name, "map": i.Map, "folder": i.Folder, "game": i.Game, "app_id": i.AppID, "players": i.Players, "max": i.Max,
			"bots": i.Bots, "server_kind": kind, "system": i.System, "password": i.Password, "version": i.Version, "port": i.Port, "keywords": i.Keywords,
		})
	}
	for _, list := range [][]Player{somePlayers, {}, {{Name: "", Score: math.MinInt32}}} {
		r.SetPlayers(list)
		rows := []object{}
		for _, p := range list {
			rows = append(rows, object{"name": p.Name, "score": p.Score, "seconds": float32(p.Time.Seconds())})
		}
		players = append(players, object{"bytes": h(r.players), "players": rows})
	}
	for _, list := range [][]Rule{someRules, {}} {
		r.SetRules(list)
		rows := []object{}
		for _, p := range list {
			rows = append(rows, object{"name": p.Name, "value": p.Value})
		}
		rules = append(rules, object{"bytes": h(r.rules), "rules": rows})
	}
	for _, s := range []Server{someServer, {Password: true}} {
		r.SetServer(&s)
		answer := bytes.Clone(r.server)
		copy(answer[5:], nonce[:])
		servers = append(servers, object{
			"bytes": h(answer), "nonce": h(nonce[:]), "version": s.Version, "server_id": h(s.ID[:]), "schema": h(s.Schema[:]), "port": s.Port,
			"api_port": s.APIPort, "players": s.Players, "max": s.Max, "password": s.Password, "tls": s.TLS,
			"name": s.Name, "game": s.Game, "map": s.Map, "build": s.Build,
		})
	}

	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(object{
		"questions": questions, "infos": infos, "players": players, "rules": rules, "lan_servers": servers,
		"challenges": []object{
			{"kind": "query", "challenge": 0x3CD5F929, "bytes": "ffffffff4129f9d53c"},
			{"kind": "lan", "nonce": h(nonce[:]), "challenge_hex": "0123456789abcdef", "bytes": "fffffffe02" + h(nonce[:]) + "efcdab8967452301"},
		},
		"refused": refused,
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "protocol", "wire", "testdata", "query.json")
	if *rewrite {
		if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), want) {
		t.Errorf("%s is not what this code makes; if the change is meant, run: go test ./netcode/query -run Vectors -rewrite", path)
	}
}

// refused are datagrams that a server leaves unanswered, whoever sends them.
var refused = []object{
	{"name": "head only", "bytes": "ffffffff"},
	{"name": "another head", "bytes": "fffffffd54"},
	{"name": "INFO, cut", "bytes": "ffffffff54536f7572636520456e67696e65205175657279"},
	{"name": "INFO, half a challenge", "bytes": "ffffffff54536f7572636520456e67696e65205175657279000102"},
	{"name": "INFO, other text", "bytes": "ffffffff54536f7572636520456e67696e65205175657278004444444444"},
	{"name": "PLAYER without a challenge", "bytes": "ffffffff55"},
	{"name": "RULES, half a challenge", "bytes": "ffffffff560102"},
	{"name": "old request for a challenge", "bytes": "ffffffff57"},
	{"name": "old ping", "bytes": "ffffffff69"},
	{"name": "an answer: challenge", "bytes": "ffffffff4129f9d53c"},
	{"name": "an answer: PLAYER", "bytes": "ffffffff4400"},
	{"name": "LAN question, cut", "bytes": "fffffffe01a0a1a2a3a4a5a6a700000000000000"},
	{"name": "LAN question, padded", "bytes": "fffffffe01a0a1a2a3a4a5a6a7000000000000000000"},
	{"name": "an answer: LAN challenge", "bytes": "fffffffe02a0a1a2a3a4a5a6a70000000000000001"},
}

func TestVectorsRefused(t *testing.T) {
	r := newResponder(t, Config{})
	for _, v := range refused {
		pkt, err := hex.DecodeString(v["bytes"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if r.Handle(pkt, asker, 0, make([]byte, wire.MaxDatagram)) != nil {
			t.Errorf("%s: answered", v["name"])
		}
	}
	if r.Counters.Malformed != uint64(len(refused)) {
		t.Errorf("Malformed = %d, want %d", r.Counters.Malformed, len(refused))
	}
}
