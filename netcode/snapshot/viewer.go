package snapshot

import (
	bitcount "math/bits"

	"github.com/skirmishgg/skirmish/netcode/bits"
)

// Viewer is one client's view of a World: what it was sent in each of the last 64 ticks, hence what it holds once it
// acknowledges one of them. The World's goroutine owns it.
type Viewer struct {
	Counters Counters

	w *World

	// ring by tick & historyMask: what the client holds after it decoded the snapshot of that tick
	sent     [historyTicks]sent
	held     []uint64 // set: who is there for the client
	late     []uint64 // set, when sent.late: whose state is older than the snapshot
	ages     []uint8  // by id, of those in late: by how many ticks; 255: so many or more
	versions []uint8  // of the models it knows, by kind * spans + span

	// this tick
	visible  []uint64
	gone     []uint64 // held, not to be seen any more
	born     []uint64 // to be seen, not held
	changed  []uint64 // held, to be seen, different
	due      []uint64 // gone or changed
	foreign  []uint64 // not held
	special  []uint64 // gone, or late: no string that viewers share says what is due
	deferred []uint64 // held, due and left out
	budget   budget
}

// sent is one snapshot.
type sent struct {
	tick  uint32
	valid bool
	late  bool
	// Last tick, on the way of baselines that led here, at which the models of a span were used. Versions are one byte
	// and come round after 255 changes, which takes at least 255*learnEvery ticks: what was not used for modelLife
	// ticks counts as unknown.
	used [spans]uint32
}

const modelLife = 4096

// Counters of a Viewer.
type Counters struct {
	Snapshots uint64
	Full      uint64 // without a baseline
	Entities  uint64 // created, changed or removed in them
	Whole     uint64 // of these, created, or replaced because the client's state was too old
	Removed   uint64 // of these
	Deferred  uint64 // left for a later snapshot, because the budget was used up
	Models    uint64 // models carried
	Over      uint64 // snapshots not sent, because not even an empty one fitted
}

// Request is what a snapshot depends on besides the World.
type Request struct {
	Acked   uint32   // newest snapshot that the client said it decoded
	HasAck  bool     // false: none yet
	Visible []uint64 // set of who is to be seen, Schema.Words long; nil: everyone
	Owner   ID       // goes first when the budget does not fit all; NoID: nobody
	Budget  int      // bytes; 0: all of dst; BudgetMin at least
}

// BudgetMin lets every snapshot get somewhere: the largest model is 83 bytes, and the rest is for who needs it.
const BudgetMin = 128

// NewViewer starts a client that holds nothing.
func NewViewer(w *World) *Viewer {
	words := w.s.words
	v := &Viewer{
		w:        w,
		held:     make([]uint64, historyTicks*words),
		late:     make([]uint64, historyTicks*words),
		ages:     make([]uint8, historyTicks*w.s.entities),
		versions: make([]uint8, historyTicks*len(w.models)),
	}
	sets := make([]uint64, 8*words)
	for _, set := range []*[]uint64{&v.visible, &v.gone, &v.born, &v.changed, &v.due, &v.foreign, &v.special, &v.deferred} {
		*set, sets = sets[:words:words], sets[words:]
	}
	v.budget.init(w.s)
	return v
}

// Encode writes the snapshot of the World's newest tick into dst and returns its length in bytes and how many ticks
// its baseline is behind, 0 for none. What does not fit is deferred and counted; a dst shorter than BudgetMin may fit nobody.
// Length 0: not even an empty snapshot fits (counted as Over); send none. Allocates nothing.
//
//	with a baseline: models · 1 bit: late? · [late] · due · created
//	without:         created
func (v *Viewer) Encode(dst []byte, r Request) (n int, baselineDelta uint8) {
	if v.w.open || !v.w.started {
		panic("snapshot: Encode inside a tick, or before the first")
	}
	if r.Budget > 0 {
		dst = dst[:min(len(dst), max(r.Budget, BudgetMin))]
	}
	age := v.baseline(r)
	v.compare(age, r.Visible)
	var out bits.Writer
	out.Reset(dst)
	v.write(&out, age, false)
	choosing := out.Overflow()
	if choosing {
		if !v.choose(&out, dst, age, r.Owner) {
			v.sent[v.w.tick&historyMask].valid = false
			v.Counters.Over++
			return 0, 0
		}
	} else {
		v.budget.settle()
	}
	v.commit(age, choosing)
	return len(out.Bytes()), uint8(age)
}

// baseline is the age of the snapshot that the client acknowledged, 0 when there is none to build on.
func (v *Viewer) baseline(r Request) int {
	age := v.w.tick - r.Acked
	if !r.HasAck || age < 1 || age > ageMax || !v.w.holds(r.Acked) {
		return 0
	}
	if b := &v.sent[r.Acked&historyMask]; !b.valid || b.tick != r.Acked {
		return 0
	}
	return int(age)
}

// compare finds what the client must be told.
func (v *Viewer) compare(age int, visible []uint64) {
	w := v.w
	copy(v.visible, w.presentAt(w.tick))
	for i := range visible {
		v.visible[i] &= visible[i]
	}
	if age == 0 {
		copy(v.born, v.visible)
		clear(v.due)
		clear(v.gone)
		return
	}
	at := v.at(age)
	held, late := v.heldAt(at), v.lateAt(at)
	since := w.changedSince(age)
	for i, seen := range v.visible {
		v.gone[i] = held[i] &^ seen
		v.born[i] = seen &^ held[i]
		v.changed[i] = held[i] & seen & since[i]
		v.foreign[i] = w.s.all[i] &^ held[i]
	}
	copy(v.special, v.gone)
	if v.sent[at].late {
		v.compareLate(age, held, late)
		for i := range late {
			v.special[i] |= late[i]
		}
	}
	for i := range v.due {
		v.due[i] = v.gone[i] | v.changed[i]
	}
}

// compareLate adds to changed those of whom the client holds something older than the baseline.
func (v *Viewer) compareLate(age int, held, late []uint64) {
	for id := next(late, 0); id >= 0; id = next(late, id+1) {
		if !has(held, id) || !has(v.visible, id) {
			continue
		}
		// Beyond ageMax the tick that the client holds is not exact any more, nor in the ring: send it again.
		if old := v.ageOf(id, age); old > ageMax || v.w.last[id] > v.w.tick-uint32(old) {
			add(v.changed, id)
		}
	}
}

// ageOf is how old the state of a held entity is that a client has after the snapshot of age ticks ago.
func (v *Viewer) ageOf(id, age int) int {
	at := v.at(age)
	if !v.sent[at].late || !has(v.lateAt(at), id) {
		return age
	}
	return min(int(v.ages[at*v.w.s.entities+id])+age, 255)
}

// write writes the snapshot; choosing: of due and born just what budget chose.
func (v *Viewer) write(out *bits.Writer, age int, choosing bool) {
	universe := v.w.s.all
	if age > 0 {
		held := v.heldAt(v.at(age))
		v.writeModels(out, age)
		out.Bool(choosing)
		if choosing {
			writeRuns(out, held, v.deferred)
		}
		list := runs{universe: held, subset: v.due}
		out.Golomb(uint64(list.number()), orderRuns)
		for {
			first, end, skip, taken, ok := list.next()
			if !ok {
				break
			}
			writeRun(out, skip, taken)
			v.writeDue(out, first, end, age)
		}
		universe = v.foreign
	}
	list := runs{universe: universe, subset: v.born}
	out.Golomb(uint64(list.number()), orderRuns)
	for {
		first, end, skip, taken, ok := list.next()
		if !ok {
			return
		}
		writeRun(out, skip, taken)
		for id := first; id >= 0 && id < end; id = next(v.born, id+1) {
			v.w.put(out, v.w.created(id))
		}
	}
}

// writeDue writes what happened to those of due from first to before end. The innermost loop of a tick: players times
// viewers. What is usual, a string that another viewer had made and that fits a word, stays in the loop.
func (v *Viewer) writeDue(out *bits.Writer, first, end, age int) {
	w := v.w
	strings := w.strings[age*w.s.entities : (age+1)*w.s.entities]
	for i := first >> 6; i <= (end-1)>>6; i++ {
		set := v.due[i]
		if i == first>>6 {
			set &= ^uint64(0) << (first & 63)
		}
		if i == end>>6 {
			set &= 1<<(end&63) - 1
		}
		special := v.special[i]
		for ; set != 0; set &= set - 1 {
			bit := bitcount.TrailingZeros64(set)
			id := i<<6 | bit
			if special>>bit&1 != 0 {
				v.writeSpecial(out, id, age)
				continue
			}
			e := &strings[id]
			if e.serial != w.serial {
				w.makeChanges(e, id, age)
			}
			if e.n <= 64 {
				out.Write(e.word, uint(e.n))
			} else {
				w.put(out, e)
			}
		}
	}
}

// writeSpecial writes someone who is gone or late.
func (v *Viewer) writeSpecial(out *bits.Writer, id, age int) {
	if has(v.gone, id) {
		v.w.writeRemoved(out, id, spanOf(age))
		return
	}
	if old := v.ageOf(id, age); old <= ageMax && v.w.holds(v.w.tick-uint32(old)) {
		v.w.writeChanges(out, id, old, spanOf(age), false)
		return
	}
	v.w.writeReplaced(out, id, spanOf(age))
}

// writeModels writes those models for the baseline's age that its holder does not know.
//
//	1 bit: any? · [for each kind: 1 bit, and when set: u2 slot · model]
func (v *Viewer) writeModels(out *bits.Writer, age int) {
	span := spanOf(age)
	any := false
	for k := range v.w.s.kinds {
		any = any || v.carries(k, span, age)
	}
	out.Bool(any)
	if !any {
		return
	}
	for k := range v.w.s.kinds {
		carries := v.carries(k, span, age)
		out.Bool(carries)
		if carries {
			i := k*spans + span
			out.Write(uint64(v.w.versions[i]%slots), 2)
			v.w.models[i].write(out, v.w.s.kinds[k].Record)
		}
	}
}

// carries reports whether a kind's model must be in the snapshot: it is used there and the client may not know it.
func (v *Viewer) carries(kind, span, age int) bool {
	if v.knows(kind, span, age) {
		return false
	}
	k := &v.w.s.kinds[kind]
	first := next(v.due, int(k.Base))
	return first >= 0 && first < int(k.Base)+k.Cap
}

// knows reports whether the holder of the baseline has the newest model.
func (v *Viewer) knows(kind, span, age int) bool {
	i := kind*spans + span
	version := v.w.versions[i]
	if version == 0 {
		return true
	}
	at := v.at(age)
	return v.versions[at*len(v.w.models)+i] == version && v.w.tick-v.sent[at].used[span] <= modelLife
}

// commit notes what the client holds once it decoded what was written.
func (v *Viewer) commit(age int, choosing bool) {
	w := v.w
	at := int(w.tick & historyMask)
	to, held := &v.sent[at], v.heldAt(at)
	versions := v.versions[at*len(w.models) : (at+1)*len(w.models)]
	*to = sent{tick: w.tick, valid: true, late: choosing && age > 0}
	if age == 0 {
		copy(held, v.born)
		clear(versions)
		v.Counters.Full++
		v.count()
		return
	}
	from, span := v.at(age), spanOf(age)
	to.used = v.sent[from].used
	copy(versions, v.versions[from*len(w.models):])
	for k := range w.s.kinds {
		switch i := k*spans + span; {
		case v.carries(k, span, age):
			versions[i] = w.versions[i]
			v.Counters.Models++
		case !v.knows(k, span, age):
			versions[i] = 0
		}
	}
	to.used[span] = w.tick
	if choosing {
		copy(v.lateAt(at), v.deferred)
		for id := next(v.deferred, 0); id >= 0; id = next(v.deferred, id+1) {
			v.ages[at*w.s.entities+id] = uint8(v.ageOf(id, age))
		}
	}
	for i, before := range v.heldAt(from) {
		held[i] = before&^(v.gone[i]&v.due[i]) | v.born[i]
	}
	v.count()
}

func (v *Viewer) count() {
	c := &v.Counters
	c.Snapshots++
	for i := range v.due {
		removed, created := bitcount.OnesCount64(v.due[i]&v.gone[i]), bitcount.OnesCount64(v.born[i])
		c.Entities += uint64(bitcount.OnesCount64(v.due[i]) + created)
		c.Whole += uint64(created)
		c.Removed += uint64(removed)
	}
}

// at is where in the ring the snapshot of age ticks ago is.
func (v *Viewer) at(age int) int { return int((v.w.tick - uint32(age)) & historyMask) }

func (v *Viewer) heldAt(at int) []uint64 { return v.held[at*v.w.s.words : (at+1)*v.w.s.words] }

func (v *Viewer) lateAt(at int) []uint64 { return v.late[at*v.w.s.words : (at+1)*v.w.s.words] }

func writeRuns(out *bits.Writer, universe, subset []uint64) {
	list := runs{universe: universe, subset: subset}
	out.Golomb(uint64(list.number()), orderRuns)
	for {
		_, _, skip, taken, ok := list.next()
		if !ok {
			return
		}
		writeRun(out, skip, taken)
	}
}
