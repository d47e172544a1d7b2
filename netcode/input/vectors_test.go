package input

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skirmishgg/skirmish/netcode/snapshot"
)

// Goal: protocol/wire/testdata/input.json is what this code does; another reader checks it in protocol/wire.
var rewrite = flag.Bool("rewrite", false, "write the test vectors instead of comparing them")

type object map[string]any

func TestVectors(t *testing.T) {
	s, err := snapshot.NewSchema(snapshot.SchemaSpec{Rate: 60, Kinds: []snapshot.KindSpec{{Proto: controls{}, Cap: 1}}, Input: controls{}})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	h := NewHistory(s.Input())
	row := make([]uint32, s.Input().Fields())
	puts, bodies := []string{}, []object{}
	var c controls
	buf := make([]byte, 64)
	for tick := uint32(5); tick < 40; tick++ {
		random(rng, &c)
		h.Put(tick, c.p())
		s.Input().Quantize(c.p(), row)
		puts = append(puts, fmt.Sprintf("%d: %s", tick, strings.Trim(fmt.Sprint(row), "[]")))
		n := h.Encode(buf, tick-1-tick%9, tick > 12)
		bodies = append(bodies, object{"client_tick": tick, "inputs": min(tick-4, 8, map[bool]uint32{true: 1 + tick%9, false: 8}[tick > 12]), "body": hex.EncodeToString(buf[:n])})
	}
	n := h.Encode(buf, 0, false)
	refused := []object{}
	f := func(why string, tick uint32, body []byte) {
		if err := NewRing(s.Input()).Receive(body, tick, tick); err == nil {
			t.Errorf("%s: is taken", why)
		}
		refused = append(refused, object{"why": why, "client_tick": tick, "body": hex.EncodeToString(body)})
	}
	f("empty", 39, nil)
	f("cut", 39, buf[:n-1])
	f("a byte too long", 39, append(bytes.Clone(buf[:n]), 0))
	f("filling is not zero", 39, append(bytes.Clone(buf[:n-1]), buf[n-1]|0x80))
	f("ticks before the first", 6, buf[:n])
	f("a code beyond its span", 39, []byte{0x18, 0, 0, 0})

	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(object{"schema": strings.Split(strings.TrimSuffix(s.Text(), "\n"), "\n"), "put": puts, "bodies": bodies, "refused": refused}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "protocol", "wire", "testdata", "input.json")
	if *rewrite {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%s is not what this code makes; if the change is meant, run: make gen", path)
	}
}
