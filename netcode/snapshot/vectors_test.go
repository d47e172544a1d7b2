package snapshot

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
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// Goal: protocol/wire/testdata/snapshot.json is what this code does. Method: a seeded world is sent to two clients, one
// with a tight budget, over a link that makes baselines of every age; the file holds the schema's text, each body and
// the state that it decodes to. Another reader, which shares no code with this one, decodes them in protocol/wire.
var rewrite = flag.Bool("rewrite", false, "write the test vectors instead of comparing them")

type object map[string]any

func vectors(t *testing.T, name string, v any) {
	t.Helper()
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "protocol", "wire", "testdata", name)
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
		t.Errorf("%s is not what this code makes; if the change is meant, run: make gen", path)
	}
}

func TestVectors(t *testing.T) {
	s := testSchema(t, 5, 2, 9)
	hash := s.Hash()
	vectors(t, "snapshot.json", object{
		"schema":  strings.Split(strings.TrimSuffix(s.Text(), "\n"), "\n"),
		"hash":    hex.EncodeToString(hash[:]),
		"golomb":  golombVectors(),
		"rounded": roundVectors(s),
		"clients": clientVectors(t, s),
		"events":  eventVectors(t, s),
		"refused": refusedVectors(t, s),
	})
}

func golombVectors() (out []object) {
	for _, k := range []uint{0, 1, 3, 14} {
		values := []uint64{0, 1, 2, 3, 4, 7, 8, 100, 65535, 1<<24 - 1, 1<<32 - 1}
		var w bits.Writer
		w.Reset(make([]byte, 256))
		for _, v := range values {
			w.Golomb(v, k)
		}
		out = append(out, object{"order": k, "values": values, "bits": w.Len(), "bytes": hex.EncodeToString(w.Bytes())})
	}
	return out
}

// roundVectors: a value of each kind of field, its code, and what the code stands for.
func roundVectors(s *Schema) (out []object) {
	rng := rand.New(rand.NewPCG(4, 4))
	for kind := range s.kinds {
		k := &s.kinds[kind]
		for i := range k.fields {
			f := &k.fields[i]
			if f.letter != 'f' {
				continue
			}
			low, high := f.value(0), f.value(f.span)
			for _, v := range []float64{0, low, high, low - 1, high + 1, f.step * 0.5, -f.step * 0.5, f.step * 1.49, low + rng.Float64()*(high-low), high * 7.7} {
				if f.form == formFloat32 {
					v = float64(float32(v))
				}
				q := f.quantize(v)
				back := f.value(q)
				if f.form == formFloat32 {
					back = float64(float32(back))
				}
				out = append(out, object{"kind": k.name, "field": i, "float": map[form]int{formFloat32: 32, formFloat64: 64}[f.form], "value": v, "code": q, "back": back})
			}
		}
	}
	return out
}

// state is the entities of a view, a line each: id generation age: codes.
func state(v *View) []string {
	out := []string{}
	for id, ok := v.Next(0); ok; id, ok = v.Next(id + 1) {
		out = append(out, fmt.Sprintf("%d %d %d: %s", id, v.Generation(id), v.Age(id), codes(v.Row(id))))
	}
	return out
}

func codes(row []uint32) string { return strings.Trim(fmt.Sprint(row), "[]") }

func clientVectors(t *testing.T, s *Schema) (out []object) {
	for client, room := range []int{1024, 60} {
		c := newChaos(s, 21)
		for id := range c.alive {
			c.alive[id] = id%4 != 3
		}
		v, d := NewViewer(c.w), NewDecoder(s)
		snapshots := []object{}
		var visible []uint64
		for tick := uint32(70); tick < 170; tick++ {
			if tick > 110 {
				c.calm = 6
			}
			c.step(tick)
			r := Request{Owner: NoID, Visible: visible}
			for back := 1 + tick*5%3*(tick/16%5); !r.HasAck && back < ageMax && tick > 73; back++ {
				r.Acked, r.HasAck = tick-back, d.View(tick-back) != nil
			}
			if tick%13 == 0 && client == 0 {
				visible = []uint64{^uint64(tick * 3)}
			}
			buf := make([]byte, room)
			n, delta := v.Encode(buf, r)
			if n == 0 || tick > 72 && tick < 140 && tick%3 != 0 && tick > 90 { // lost
				continue
			}
			view, err := d.Decode(tick, delta, buf[:n])
			if err != nil {
				t.Fatal(err)
			}
			snapshots = append(snapshots, object{"tick": tick, "baseline_delta": delta, "body": hex.EncodeToString(buf[:n]), "entities": state(view)})
		}
		if k := v.Counters; k.Models == 0 || k.Removed == 0 || k.Whole == 0 || (k.Deferred > 0) != (room < 1000) {
			t.Errorf("the vectors show too little: %+v", k)
		}
		out = append(out, object{"snapshots": snapshots})
	}
	return out
}

func eventVectors(t *testing.T, s *Schema) (out []object) {
	events := []any{&vitals{Health: 100, Armor: 3}, &odd{}, &odd{B: true, I8: -1, I16: 999, I32: -5, I64: -1 << 19, U8: 200, U16: 1, U32: 4e9, U64: 9, F64: -49.99, Spin: -0.25, Rate: 8}}
	for _, e := range events {
		var data []byte
		var p unsafe.Pointer
		switch e := e.(type) {
		case *vitals:
			data, _ = AppendEvent(s, nil, e)
			p = unsafe.Pointer(e)
		case *odd:
			data, _ = AppendEvent(s, nil, e)
			p = unsafe.Pointer(e)
		}
		row := make([]uint32, s.Event(data[0]).Fields())
		s.Event(data[0]).Quantize(p, row)
		out = append(out, object{"event": data[0], "codes": codes(row), "body": hex.EncodeToString(data)})
	}
	return out
}

// refusedVectors are bodies that a client must refuse, as the first it gets.
func refusedVectors(t *testing.T, s *Schema) (out []object) {
	c := newChaos(s, 3)
	for id := range c.alive {
		c.alive[id] = true
	}
	c.step(1)
	buf := make([]byte, 1024)
	n, _ := NewViewer(c.w).Encode(buf, Request{Owner: NoID})
	whole := buf[:n]
	f := func(why string, delta uint8, body []byte) {
		if _, err := NewDecoder(s).Decode(100, delta, body); err == nil {
			t.Errorf("%s: is decoded", why)
		}
		out = append(out, object{"why": why, "tick": 100, "baseline_delta": delta, "body": hex.EncodeToString(body)})
	}
	f("empty", 0, nil)
	f("cut", 0, whole[:n-1])
	f("a byte too long", 0, append(bytes.Clone(whole), 0))
	f("baseline is not there", 1, []byte{0x1C})
	f("baseline is too old", 63, []byte{0x1C})
	var w bits.Writer
	w.Reset(make([]byte, 64))
	w.Golomb(1, orderRuns)
	w.Golomb(0, orderSkip)
	w.Golomb(uint64(s.entities), orderTaken)
	w.Write(0, 64)
	f("a run beyond the last entity", 0, w.Bytes())
	w.Reset(make([]byte, 64))
	w.Golomb(1, orderRuns)
	w.Golomb(uint64(s.kinds[1].Base), orderSkip)
	w.Golomb(0, orderTaken)
	w.Write(0, 8)     // generation
	w.Write(0b1, 1)   // the only component
	w.Write(0b100, 3) // B, I8 are zero, I16 is not
	w.Write(1301, 11) // of 0 to 1300
	w.Write(0, 12)    // the others are zero
	f("a code beyond its span", 0, w.Bytes())
	return out
}
