package snapshot

import (
	"errors"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// Why a snapshot is refused.
var (
	ErrMalformed  = errors.New("snapshot: malformed")
	ErrNoBaseline = errors.New("snapshot: its baseline is not here")
	ErrOld        = errors.New("snapshot: more than 63 ticks behind the newest")
)

// Decoder turns the snapshots of one connection into Views, and keeps those of the last 64 ticks. Whoever owns the
// connection owns it. It trusts nothing: bytes that no Viewer writes are refused, and every view stays as it was.
type Decoder struct {
	Counters DecodeCounters

	s      *Schema
	newest uint32
	any    bool
	views  [historyTicks]View // by tick & historyMask
	models []model            // by (kind * spans + span) * slots + slot
	start  []model            // by kind: what both ends begin with

	late    []uint64 // set: of this snapshot
	foreign []uint64 // set: not held
}

// DecodeCounters count what Decode did.
type DecodeCounters struct {
	Decoded, Full, Repeated, Malformed, NoBaseline, Old uint64
}

// NewDecoder allocates everything that decoding needs.
func NewDecoder(s *Schema) *Decoder {
	d := &Decoder{
		s:       s,
		models:  make([]model, len(s.kinds)*spans*slots),
		start:   make([]model, len(s.kinds)),
		late:    make([]uint64, s.words),
		foreign: make([]uint64, s.words),
	}
	for k := range s.kinds {
		d.start[k].reset(s.kinds[k].Record)
		for i := range spans * slots {
			d.models[k*spans*slots+i].reset(s.kinds[k].Record)
		}
	}
	for i := range d.views {
		d.views[i] = View{
			s:       s,
			present: make([]uint64, s.words),
			ages:    make([]uint8, s.entities),
			gens:    make([]uint8, s.entities),
			rows:    make([]uint32, s.numbers),
			known:   make([]uint8, len(s.kinds)*spans),
		}
	}
	return d
}

// View is the view of a tick, nil when it was not decoded or is 64 ticks behind.
func (d *Decoder) View(tick uint32) *View {
	if v := &d.views[tick&historyMask]; v.valid && v.tick == tick {
		return v
	}
	return nil
}

// Newest is the view of the latest tick decoded, nil before the first.
func (d *Decoder) Newest() *View {
	if !d.any {
		return nil
	}
	return d.View(d.newest)
}

// Decode reads the snapshot of a tick. baselineDelta is how many ticks its baseline is behind, 0 for none. Snapshots
// may come in any order and more than once. body is not kept. Errors: ErrMalformed, ErrNoBaseline, ErrOld.
func (d *Decoder) Decode(tick uint32, baselineDelta uint8, body []byte) (*View, error) {
	v := &d.views[tick&historyMask]
	switch {
	case v.valid && v.tick == tick:
		d.Counters.Repeated++
		return v, nil
	case d.any && tick < d.newest && d.newest-tick >= historyTicks:
		d.Counters.Old++
		return nil, ErrOld
	case baselineDelta > ageMax || uint32(baselineDelta) > tick:
		d.Counters.Malformed++
		return nil, ErrMalformed
	}
	var base *View
	if baselineDelta > 0 {
		if base = d.View(tick - uint32(baselineDelta)); base == nil {
			d.Counters.NoBaseline++
			return nil, ErrNoBaseline
		}
	}
	v.start(tick, base)
	var in bits.Reader
	in.Reset(body)
	if !d.read(&in, v, base, int(baselineDelta)) || !in.Done() {
		d.Counters.Malformed++
		return nil, ErrMalformed
	}
	v.valid = true
	d.Counters.Decoded++
	if base == nil {
		d.Counters.Full++
	}
	if !d.any || tick > d.newest {
		d.newest, d.any = tick, true
	}
	return v, nil
}

func (d *Decoder) read(in *bits.Reader, v, base *View, age int) bool {
	universe := d.s.all
	if base != nil {
		if !d.readModels(in, v, spanOf(age)) || !d.readLate(in, v, base, age) || !d.readDue(in, v, base, age) {
			return false
		}
		for i := range d.foreign {
			d.foreign[i] = d.s.all[i] &^ base.present[i]
		}
		universe = d.foreign
	}
	list := newReadRuns(in, universe)
	for {
		id, ok := list.next()
		if id < 0 {
			return ok
		}
		add(v.present, id)
		if v.ages[id] = 0; !v.readWhole(in, id) {
			return false
		}
	}
}

// readModels reads the models that the snapshot brings along.
func (d *Decoder) readModels(in *bits.Reader, v *View, span int) bool {
	if !in.Bool() {
		return true
	}
	for k := range d.s.kinds {
		if !in.Bool() {
			continue
		}
		slot := int(in.Read(2))
		at := k*spans + span
		m := &d.models[at*slots+slot]
		if !m.read(in, d.s.kinds[k].Record) {
			m.reset(d.s.kinds[k].Record)
			return false
		}
		v.known[at] = uint8(slot) + 1
	}
	return true
}

// readLate reads who is older than the snapshot, and how old everybody is.
func (d *Decoder) readLate(in *bits.Reader, v, base *View, age int) bool {
	clear(d.late)
	clear(v.ages)
	if !in.Bool() {
		return true
	}
	list := newReadRuns(in, base.present)
	for {
		id, ok := list.next()
		if id < 0 {
			return ok
		}
		add(d.late, id)
		v.ages[id] = uint8(min(int(base.ages[id])+age, 255))
	}
}

// readDue reads what happened to those who were there.
func (d *Decoder) readDue(in *bits.Reader, v, base *View, age int) bool {
	list := newReadRuns(in, base.present)
	for {
		id, ok := list.next()
		if id < 0 {
			return ok
		}
		if has(d.late, id) || !d.readEntity(in, v, base, id, age) {
			return false
		}
	}
}

func (d *Decoder) readEntity(in *bits.Reader, v, base *View, id, age int) bool {
	kind := int(d.s.kindOf[id])
	r := d.s.kinds[kind].Record
	m := &d.start[kind]
	at := kind*spans + spanOf(age)
	if known := v.known[at]; known > 0 {
		m = &d.models[at*slots+int(known)-1]
	}
	sym := m.readSymbol(in)
	mask := m.masks[min(sym, masksMax-1)]
	if sym == m.count {
		switch {
		case in.Bool():
			mask = r.readMask(in)
		case in.Bool():
			return v.readWhole(in, id)
		default:
			remove(v.present, id)
			return !in.Overflow()
		}
	}
	dt := int(base.ages[id]) + age
	if dt > ageMax {
		return false // a Viewer replaces it
	}
	before, now := base.Row(ID(id)), v.Row(ID(id))
	for i := range r.fields {
		f := &r.fields[i]
		if f.rate >= 0 {
			now[i] = r.predict(i, before, now, int64(dt))
		}
		if mask>>i&1 == 0 {
			continue
		}
		q, ok := f.read(in, m.orders[i], now[i])
		if !ok {
			return false
		}
		now[i] = q
	}
	return !in.Overflow()
}

// readRuns walks the members of a universe that runs name.
type readRuns struct {
	in       *bits.Reader
	universe []uint64
	runs     uint64 // to come
	taken    uint64 // to come of this run
	from     int    // where the next member is looked for
	started  bool
}

func newReadRuns(in *bits.Reader, universe []uint64) readRuns {
	return readRuns{in: in, universe: universe, runs: in.Golomb(orderRuns)}
}

// next is the next member; -1 at the end, and then ok is false if the runs were not such as a Viewer writes.
func (l *readRuns) next() (id int, ok bool) {
	if l.in.Overflow() {
		return -1, false
	}
	for l.taken == 0 {
		if l.runs == 0 {
			return -1, true
		}
		l.runs--
		skip := l.in.Golomb(orderSkip)
		l.taken = l.in.Golomb(orderTaken) + 1
		if l.in.Overflow() {
			return -1, false
		}
		if l.started {
			skip++
		}
		l.started = true
		for ; skip > 0; skip-- {
			at := next(l.universe, l.from)
			if at < 0 {
				return -1, false
			}
			l.from = at + 1
		}
	}
	l.taken--
	at := next(l.universe, l.from)
	l.from = at + 1
	return at, at >= 0
}
