package snapshot

import (
	"bytes"
	"slices"
	"testing"
	"unsafe"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// stream is some snapshots of a lively world: full, against baselines of all spans, with models, with deferred ones.
func stream(t testing.TB) (*Schema, []flying) {
	s := testSchema(t, 6, 3, 8)
	c := newChaos(s, 1)
	v := NewViewer(c.w)
	var out []flying
	for tick := range uint32(120) {
		c.step(tick)
		r := Request{Owner: NoID}
		if tick > 0 {
			r.Acked, r.HasAck = tick-min(tick, 1+tick*7%11), true
		}
		buf := make([]byte, 2048)
		if tick%5 == 0 {
			buf = buf[:60]
		}
		n, delta := v.Encode(buf, r)
		if n > 0 {
			out = append(out, flying{tick: tick, delta: delta, body: buf[:n]})
		}
	}
	return s, out
}

// FuzzDecode: bytes that no Viewer wrote are refused or make a view of codes within their ranges; older views stay.
func FuzzDecode(f *testing.F) {
	s, packets := stream(f)
	for _, p := range packets {
		f.Add(uint8(p.tick), p.delta, p.body)
	}
	f.Fuzz(func(t *testing.T, tick, delta uint8, body []byte) {
		d := NewDecoder(s)
		for _, p := range packets {
			if p.tick < uint32(tick) && p.tick+70 > uint32(tick) {
				d.Decode(p.tick, p.delta, p.body) // some have no baseline
			}
		}
		type kept struct {
			rows    []uint32
			present []uint64
		}
		before := map[uint32]kept{}
		for i := range d.views {
			if v := &d.views[i]; v.valid && v.tick != uint32(tick) && v.tick+historyTicks != uint32(tick) {
				before[v.tick] = kept{slices.Clone(v.rows), slices.Clone(v.present)}
			}
		}
		view, err := d.Decode(uint32(tick), delta, body)
		if (view == nil) != (err != nil) {
			t.Fatalf("%v, %v", view, err)
		}
		for tick, k := range before {
			if v := d.View(tick); v == nil || !slices.Equal(v.rows, k.rows) || !slices.Equal(v.present, k.present) {
				t.Fatalf("view of %d changed", tick)
			}
		}
		if view == nil {
			return
		}
		for id, ok := view.Next(0); ok; id, ok = view.Next(id + 1) {
			if int(id) >= s.entities {
				t.Fatalf("id %d", id)
			}
			for i, q := range view.Row(id) {
				if f := &s.kinds[s.kindOf[id]].fields[i]; q > f.span {
					t.Fatalf("id %d: %s is %d of %d", id, f.name, q, f.span)
				}
			}
		}
	})
}

func FuzzEvent(f *testing.F) {
	s := testSchema(f, 1, 1, 1)
	data, _ := AppendEvent(s, nil, &odd{I64: 77, F64: 1.5})
	f.Add(data)
	data, _ = AppendEvent(s, nil, &vitals{Health: 3})
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := s.DecodeEvent(data)
		if err != nil {
			return
		}
		var again []byte
		switch v := v.(type) {
		case *odd:
			again, _ = AppendEvent(s, nil, v)
		case *vitals:
			again, _ = AppendEvent(s, nil, v)
		}
		if !bytes.Equal(again, data) {
			t.Fatalf("% X is read as %+v, which is written as % X", data, v, again)
		}
	})
}

// FuzzModel: what is read as a model is written as the same bits.
func FuzzModel(f *testing.F) {
	s := testSchema(f, 1, 1, 1)
	r := s.kinds[0].Record
	var m model
	m.reset(r)
	m.count, m.masks, m.lengths = 2, [masksMax]uint32{7, 9}, [masksMax + 1]uint8{1, 2, 2}
	var out bits.Writer
	out.Reset(make([]byte, 128))
	m.write(&out, r)
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		var in bits.Reader
		var m model
		in.Reset(data)
		if !m.read(&in, r) {
			return
		}
		used := len(data)*8 - in.Left()
		out.Reset(make([]byte, 256))
		m.write(&out, r)
		var a, b bits.Reader
		a.Reset(data)
		b.Reset(out.Bytes())
		if out.Len() != used || m.size(r) != used {
			t.Fatalf("read %d bits, wrote %d, size says %d", used, out.Len(), m.size(r))
		}
		for range used {
			if a.Bool() != b.Bool() {
				t.Fatal("other bits")
			}
		}
	})
}

// FuzzQuantize: any bits in a struct become codes in their range, and what is written back keeps its code.
func FuzzQuantize(f *testing.F) {
	s := testSchema(f, 1, 1, 1)
	f.Add(make([]byte, unsafe.Sizeof(odd{})))
	f.Add(bytes.Repeat([]byte{0xFF}, int(unsafe.Sizeof(odd{}))))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, k := range s.kinds {
			raw := make([]uint64, 32)
			p := unsafe.Pointer(&raw[0])
			copy(unsafe.Slice((*byte)(p), 256), data)
			for i := range k.fields {
				if k.fields[i].form == formBool {
					*(*byte)(unsafe.Add(p, k.fields[i].offset)) &= 1 // Go knows no other bools
				}
			}
			row, again := make([]uint32, len(k.fields)), make([]uint32, len(k.fields))
			k.Capture(p, row)
			k.Quantize(p, again)
			if !slices.Equal(row, again) {
				t.Fatalf("%s: %d, then %d", k.name, row, again)
			}
			for i, q := range row {
				if q > k.fields[i].span {
					t.Fatalf("%s: %d of %d", k.fields[i].name, q, k.fields[i].span)
				}
			}
		}
	})
}
