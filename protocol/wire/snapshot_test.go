package wire_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Goal: snapshot.json and input.json say what STANDARD.md says. Method: the plainest reader that follows the text, one
// bit at a time; it shares nothing with netcode.

// bitReader fails once and stays failed.
type bitReader struct {
	data []byte
	at   int
	bad  bool
}

func (r *bitReader) u(n int) (v uint64) {
	for i := range n {
		if r.at >= len(r.data)*8 {
			r.bad = true
			return 0
		}
		v |= uint64(r.data[r.at/8]>>(r.at%8)&1) << i
		r.at++
	}
	return v
}

func (r *bitReader) bit() bool { return r.u(1) == 1 }

func (r *bitReader) golomb(k int) uint64 {
	q := 0
	for !r.bit() {
		if q++; r.bad || q > 32 {
			r.bad = true
			return 0
		}
	}
	v := r.u(q+k) + 1<<(q+k) - 1<<k
	r.bad = r.bad || v > math.MaxUint32
	return v
}

// done: all bits taken, filling zero.
func (r *bitReader) done() bool {
	if r.bad || len(r.data)*8-r.at >= 8 {
		return false
	}
	return r.u(len(r.data)*8-r.at) == 0
}

type snapField struct {
	bits      int
	min, span int64
	step      float64
	wrap      bool
	rate      int // -1: none
	perTick   int64
}

type snapRecord struct {
	name       string
	capacity   int
	components []uint64
	fields     []snapField
}

type snapSchema struct {
	kinds, events []snapRecord
	input         snapRecord
	kindOf        []int // by id
}

func parseSchema(t *testing.T, lines []string) (s snapSchema) {
	t.Helper()
	number := func(text string, base int) int64 {
		t.Helper()
		v, err := strconv.ParseInt(text, base, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var r *snapRecord
	for _, line := range lines {
		w := strings.Split(line, " ")
		switch w[0] {
		case "kind":
			s.kinds = append(s.kinds, snapRecord{name: w[1], capacity: int(number(w[2], 10))})
			r = &s.kinds[len(s.kinds)-1]
			for range r.capacity {
				s.kindOf = append(s.kindOf, len(s.kinds)-1)
			}
		case "input":
			r = &s.input
		case "event":
			s.events = append(s.events, snapRecord{name: w[1]})
			r = &s.events[len(s.events)-1]
		case "component":
			r.components = append(r.components, uint64(number(w[2], 16)))
		case "field":
			step, err := strconv.ParseUint(w[6], 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			f := snapField{bits: int(number(w[3], 10)), min: number(w[4], 10), span: number(w[5], 10),
				step: math.Float64frombits(step), wrap: w[7] == "wrap", rate: -1}
			if len(w) > 8 {
				f.rate, f.perTick = int(number(w[9], 10)), number(w[10], 10)
			}
			if want := max(1, bits.Len64(uint64(f.span))); f.bits != want {
				t.Errorf("%s: %d bits", line, f.bits)
			}
			r.fields = append(r.fields, f)
		}
	}
	return s
}

func (f *snapField) zero() int64 { return min(max(-f.min, 0), f.span) }

func (f *snapField) into(q int64) int64 {
	if f.wrap {
		return q & f.span
	}
	return min(max(q, 0), f.span)
}

func (r *snapRecord) raw(in *bitReader) (codes []int64) {
	for _, f := range r.fields {
		q := int64(in.u(f.bits))
		in.bad = in.bad || q > f.span
		codes = append(codes, q)
	}
	return codes
}

// choose reads which fields are set: a bit a component, and in it a bit a field if there are several; each calls set.
func (r *snapRecord) choose(in *bitReader, set func(field int)) {
	for _, c := range r.components {
		if !in.bit() {
			continue
		}
		for i := range r.fields {
			if c>>i&1 == 1 && (bits.OnesCount64(c) == 1 || in.bit()) {
				set(i)
			}
		}
	}
}

type snapModel struct {
	masks   []uint64
	symbols map[string]int // code in order of travel → symbol
	orders  []int
}

func (r *snapRecord) firstModel() (m snapModel) {
	for _, f := range r.fields {
		m.orders = append(m.orders, min(f.bits/2, 14))
	}
	return m
}

func (r *snapRecord) readModel(in *bitReader) (m snapModel) {
	n := int(in.u(4))
	for range n {
		m.masks = append(m.masks, in.u(len(r.fields)))
	}
	if n > 0 {
		lengths := make([]int, n+1)
		for i := range lengths {
			lengths[i] = int(in.u(3))
		}
		m.symbols = map[string]int{}
		code := 0 // in 7 bits
		for length := 1; length <= 7; length++ {
			for symbol, l := range lengths {
				if l == length && code < 128 {
					m.symbols[fmt.Sprintf("%07b", code)[:length]] = symbol
					code += 1 << (7 - length)
				} else if l == length || l == 0 {
					in.bad = true
				}
			}
		}
		in.bad = in.bad || code != 128
	}
	for _, f := range r.fields {
		order := 0
		if f.span > 1 && f.bits <= 24 {
			order = int(in.u(4))
		}
		m.orders = append(m.orders, order)
	}
	return m
}

func (m *snapModel) symbol(in *bitReader) int {
	if len(m.masks) == 0 {
		return 0
	}
	for code := ""; !in.bad && len(code) < 8; {
		code += strconv.Itoa(int(in.u(1)))
		if symbol, ok := m.symbols[code]; ok {
			return symbol
		}
	}
	in.bad = true
	return 0
}

type snapEntity struct {
	generation int
	age        int64
	codes      []int64
}

type snapView struct {
	entities map[int]snapEntity
	slots    map[[2]int]int // kind, span → slot
}

type snapClient struct {
	s      snapSchema
	views  map[int]snapView
	models map[[3]int]snapModel // kind, span, slot
}

func (c *snapClient) decode(tick, delta int, body []byte) (snapView, bool) {
	in := &bitReader{data: body}
	v := snapView{map[int]snapEntity{}, map[[2]int]int{}}
	var held, others []int
	base, known := c.views[tick-delta]
	if delta > 62 || delta > 0 && !known {
		return v, false
	}
	if delta == 0 {
		base = snapView{}
	}
	for id := range c.s.kindOf {
		if e, ok := base.entities[id]; ok {
			held = append(held, id)
			e.age, e.codes = 0, slices.Clone(e.codes)
			v.entities[id] = e
		} else {
			others = append(others, id)
		}
	}
	if delta > 0 {
		span := min(bits.Len(uint(delta))-1, 3)
		for at, slot := range base.slots {
			v.slots[at] = slot
		}
		if in.bit() {
			for k := range c.s.kinds {
				if in.bit() {
					slot := int(in.u(2))
					c.models[[3]int{k, span, slot}] = c.s.kinds[k].readModel(in)
					v.slots[[2]int{k, span}] = slot
				}
			}
		}
		late := map[int]bool{}
		if in.bit() {
			readRuns(in, held, func(id int) {
				late[id] = true
				e := v.entities[id]
				e.age = min(base.entities[id].age+int64(delta), 255)
				v.entities[id] = e
			})
		}
		readRuns(in, held, func(id int) {
			if late[id] {
				in.bad = true
				return
			}
			k := c.s.kindOf[id]
			m := c.s.kinds[k].firstModel()
			if slot, ok := v.slots[[2]int{k, span}]; ok {
				m = c.models[[3]int{k, span, slot}]
			}
			c.change(in, v, id, &m, base.entities[id], base.entities[id].age+int64(delta))
		})
	}
	readRuns(in, others, func(id int) { v.entities[id] = c.s.kinds[c.s.kindOf[id]].readWhole(in) })
	return v, in.done()
}

func readRuns(in *bitReader, set []int, each func(id int)) {
	at := 0
	for run := range in.golomb(0) {
		skip := in.golomb(0)
		if run > 0 {
			skip++
		}
		taken := in.golomb(1) + 1
		if in.bad || skip+taken > uint64(len(set)-at) {
			in.bad = true
			return
		}
		at += int(skip)
		for range taken {
			each(set[at])
			at++
		}
	}
}

func (r *snapRecord) readWhole(in *bitReader) (e snapEntity) {
	e.generation = int(in.u(8))
	for _, f := range r.fields {
		e.codes = append(e.codes, f.zero())
	}
	r.choose(in, func(i int) {
		e.codes[i] = int64(in.u(r.fields[i].bits))
		in.bad = in.bad || e.codes[i] > r.fields[i].span
	})
	return e
}

func (c *snapClient) change(in *bitReader, v snapView, id int, m *snapModel, before snapEntity, dt int64) {
	r := &c.s.kinds[c.s.kindOf[id]]
	var mask uint64
	if symbol := m.symbol(in); symbol < len(m.masks) {
		mask = m.masks[symbol]
	} else if in.bit() {
		r.choose(in, func(i int) { mask |= 1 << i })
	} else if in.bit() {
		v.entities[id] = r.readWhole(in)
		return
	} else {
		delete(v.entities, id)
		return
	}
	if dt > 62 {
		in.bad = true
	}
	now := v.entities[id].codes
	for i, f := range r.fields {
		if f.rate >= 0 {
			low := r.fields[f.rate].min
			b, a := low+before.codes[f.rate], low+now[f.rate]
			now[i] = f.into(before.codes[i] + ((b*(dt-1)+a*(dt+1))*f.perTick+1<<20)>>21)
		}
		if mask>>i&1 == 0 {
			continue
		}
		switch {
		case f.span == 1:
			now[i] = 1 - now[i]
		case f.bits > 24 || m.orders[i] == 15:
			now[i] = int64(in.u(f.bits))
			in.bad = in.bad || now[i] > f.span
		default:
			negative := in.bit()
			step := int64(in.golomb(m.orders[i])) + 1
			in.bad = in.bad || step > 1<<24
			if negative {
				step = -step
			}
			q := now[i] + step
			now[i] = f.into(q)
			in.bad = in.bad || !f.wrap && now[i] != q
		}
	}
}

func (v snapView) lines() []string {
	out := []string{}
	for id := range 1 << 12 {
		if e, ok := v.entities[id]; ok {
			out = append(out, fmt.Sprintf("%d %d %d: %s", id, e.generation, e.age, codesText(e.codes)))
		}
	}
	return out
}

func codesText(codes []int64) string { return strings.Trim(fmt.Sprint(codes), "[]") }

func TestSnapshotVectors(t *testing.T) {
	var file struct {
		Schema []string
		Hash   bin
		Golomb []struct {
			Order, Bits int
			Values      []uint64
			Bytes       bin
		}
		Rounded []struct {
			Kind         string
			Field, Float int
			Value, Back  float64
			Code         int64
		}
		Clients []struct {
			Snapshots []struct {
				Tick     int
				Delta    int `json:"baseline_delta"`
				Body     bin
				Entities []string
			}
		}
		Events []struct {
			Event int
			Codes string
			Body  bin
		}
		Refused []struct {
			Why   string
			Tick  int
			Delta int `json:"baseline_delta"`
			Body  bin
		}
	}
	load(t, "snapshot.json", &file)
	sum := sha256.Sum256([]byte(strings.Join(file.Schema, "\n") + "\n"))
	equal(t, "schema hash", sum[:8], file.Hash)
	s := parseSchema(t, file.Schema)

	for _, g := range file.Golomb {
		in := &bitReader{data: g.Bytes}
		for _, want := range g.Values {
			if got := in.golomb(g.Order); got != want {
				t.Errorf("order %d: %d, want %d", g.Order, got, want)
			}
		}
		if in.at != g.Bits || !in.done() {
			t.Errorf("order %d: %d bits, want %d", g.Order, in.at, g.Bits)
		}
	}
	for _, v := range file.Rounded {
		k := slices.IndexFunc(s.kinds, func(r snapRecord) bool { return r.name == v.Kind })
		f := s.kinds[k].fields[v.Field]
		scaled := v.Value * (1 / f.step)
		code := f.into(int64(math.Floor(scaled + (0.5 - float64(f.min)))))
		back := float64(f.min+code) * f.step
		if v.Float == 32 {
			back = float64(float32(back))
		}
		if code != v.Code || back != v.Back {
			t.Errorf("%s field %d: %v is code %d, value %v; want %d, %v", v.Kind, v.Field, v.Value, code, back, v.Code, v.Back)
		}
	}
	seen := map[string]int{}
	for i, client := range file.Clients {
		c := &snapClient{s, map[int]snapView{}, map[[3]int]snapModel{}}
		for _, p := range client.Snapshots {
			v, ok := c.decode(p.Tick, p.Delta, p.Body)
			if !ok || !slices.Equal(v.lines(), p.Entities) {
				t.Fatalf("client %d, tick %d from %d back: %v\n got %s\nwant %s", i, p.Tick, p.Delta, ok, strings.Join(v.lines(), "\n     "), strings.Join(p.Entities, "\n     "))
			}
			c.views[p.Tick] = v
			seen[fmt.Sprint("span ", min(bits.Len(uint(p.Delta)), 4))]++
		}
		seen["models"] += len(c.models)
	}
	for _, want := range []string{"span 0", "span 1", "span 2", "span 3", "span 4", "models"} {
		if seen[want] == 0 {
			t.Errorf("no vector has %s", want)
		}
	}
	for _, e := range file.Events {
		in := &bitReader{data: e.Body}
		if n := int(in.u(8)); n != e.Event || codesText(s.events[n].raw(in)) != e.Codes || !in.done() {
			t.Errorf("event %d is read otherwise", e.Event)
		}
	}
	for _, p := range file.Refused {
		if _, ok := (&snapClient{s, nil, map[[3]int]snapModel{}}).decode(p.Tick, p.Delta, p.Body); ok {
			t.Errorf("%s: is read", p.Why)
		}
	}
}

func TestInputVectors(t *testing.T) {
	var file struct {
		Schema, Put []string
		Bodies      []struct {
			ClientTick int `json:"client_tick"`
			Inputs     int
			Body       bin
		}
		Refused []struct {
			Why        string
			ClientTick int `json:"client_tick"`
			Body       bin
		}
	}
	load(t, "input.json", &file)
	r := parseSchema(t, file.Schema).input
	read := func(body []byte, clientTick int) (lines []string, ok bool) {
		in := &bitReader{data: body}
		count := int(in.u(3)) + 1
		first := clientTick - count + 1
		var codes []int64
		for i := range count {
			switch {
			case i == 0:
				codes = r.raw(in)
			case !in.bit():
				for j, f := range r.fields {
					if in.bit() {
						codes[j] = int64(in.u(f.bits))
						in.bad = in.bad || codes[j] > f.span
					}
				}
			}
			lines = append(lines, fmt.Sprintf("%d: %s", first+i, codesText(codes)))
		}
		return lines, first >= 0 && in.done()
	}
	for _, b := range file.Bodies {
		lines, ok := read(b.Body, b.ClientTick)
		last := slices.IndexFunc(file.Put, func(s string) bool { return strings.HasPrefix(s, fmt.Sprintf("%d: ", b.ClientTick)) })
		if want := file.Put[last+1-b.Inputs : last+1]; !ok || !slices.Equal(lines, want) {
			t.Errorf("tick %d: %v\n got %q\nwant %q", b.ClientTick, ok, lines, want)
		}
	}
	for _, b := range file.Refused {
		if _, ok := read(b.Body, b.ClientTick); ok {
			t.Errorf("%s: is read", b.Why)
		}
	}
	if bytes.Equal(file.Bodies[0].Body, file.Bodies[1].Body) {
		t.Error("the vectors show nothing")
	}
}
