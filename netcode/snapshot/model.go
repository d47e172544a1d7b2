package snapshot

import "github.com/skirmishgg/skirmish/netcode/bits"

// A model says how the changes of one kind are coded: which sets of fields are usual and what short code names each,
// and for each field how its residuals are spread. There is one for each kind and each span of time since the
// baseline, because after eight ticks more has changed, and further, than after one.
//
// World makes models from what it counted (learn.go). One that the baseline's holder does not know travels in the
// snapshot, in front of what is coded with it.
type model struct {
	masks   [masksMax]uint32 // usual sets of fields with a residual, bit i for field i
	count   int
	lengths [masksMax + 1]uint8 // of the codes of the masks, and last of escape; all 0 when count is 0
	codes   [masksMax + 1]uint8 // first bit lowest
	symbols [1 << codeMax]uint8 // by the next codeMax bits: index of the mask, or count for escape
	orders  [FieldsMax]uint8    // of Golomb codes, or orderRaw
}

const (
	masksMax = 15
	codeMax  = 7 // bits of the longest code of a mask
	spans    = 4 // models of a kind: for baselines 1, 2-3, 4-7 and 8-62 ticks old
	slots    = 4 // versions of a model that a client keeps
)

// spanOf is which of a kind's models codes against a baseline so many ticks old.
func spanOf(age int) int {
	switch {
	case age < 2:
		return 0
	case age < 4:
		return 1
	case age < 8:
		return 2
	}
	return 3
}

// reset makes m the model that both ends start from: no set of fields is usual, residuals are half a field wide.
func (m *model) reset(r *Record) {
	*m = model{}
	for i := range r.fields {
		m.orders[i] = min(r.fields[i].bits/2, orderRaw-1)
	}
	m.assign()
}

// assign gives the canonical codes of the lengths: shorter first, then by index, counting up with the first bit as the
// highest. False when the lengths are not those of a complete prefix code.
func (m *model) assign() bool {
	if m.count == 0 {
		m.symbols = [1 << codeMax]uint8{}
		m.lengths[0], m.codes[0] = 0, 0
		return true
	}
	room := 1 << codeMax
	next := 0 // code, in codeMax bits
	for length := uint8(1); length <= codeMax; length++ {
		for sym := 0; sym <= m.count; sym++ {
			if m.lengths[sym] != length {
				continue
			}
			width := 1 << (codeMax - length)
			if room -= width; room < 0 {
				return false
			}
			code := reverse(uint8(next))
			next += width
			m.codes[sym] = code
			for at := int(code); at < len(m.symbols); at += 1 << length {
				m.symbols[at] = uint8(sym)
			}
		}
	}
	return room == 0
}

// reverse turns around the low codeMax bits.
func reverse(v uint8) (out uint8) {
	for range codeMax {
		out = out<<1 | v&1
		v >>= 1
	}
	return out
}

// find is the index of a mask, or count.
func (m *model) find(mask uint32) int {
	for i, known := range m.masks[:m.count] {
		if known == mask {
			return i
		}
	}
	return m.count
}

func (m *model) writeSymbol(w *bits.Writer, sym int) {
	w.Write(uint64(m.codes[sym]), uint(m.lengths[sym]))
}

func (m *model) readSymbol(r *bits.Reader) int {
	sym := int(m.symbols[r.Peek()&(1<<codeMax-1)])
	r.Skip(uint(m.lengths[sym]))
	return sym
}

// write appends the model.
//
//	u4 count · count masks of Fields() bits · count+1 lengths of 3 bits when count > 0 · u4 order of each coded field
func (m *model) write(w *bits.Writer, r *Record) {
	w.Write(uint64(m.count), 4)
	for _, mask := range m.masks[:m.count] {
		w.Write(uint64(mask), uint(len(r.fields)))
	}
	if m.count > 0 {
		for _, length := range m.lengths[:m.count+1] {
			w.Write(uint64(length), 3)
		}
	}
	for i := range r.fields {
		if !r.fields[i].implied() && !r.fields[i].raw() {
			w.Write(uint64(m.orders[i]), 4)
		}
	}
}

// size is the number of bits that write appends.
func (m *model) size(r *Record) int {
	n := 4 + m.count*len(r.fields)
	if m.count > 0 {
		n += (m.count + 1) * 3
	}
	for i := range r.fields {
		if !r.fields[i].implied() && !r.fields[i].raw() {
			n += 4
		}
	}
	return n
}

// read fills m; false when the bits are no model, and m is then not to be used.
func (m *model) read(rd *bits.Reader, r *Record) bool {
	*m = model{count: int(rd.Read(4))}
	for i := range m.count {
		m.masks[i] = uint32(rd.Read(uint(len(r.fields))))
	}
	if m.count > 0 {
		for i := range m.count + 1 {
			m.lengths[i] = uint8(rd.Read(3))
		}
	}
	for i := range r.fields {
		if !r.fields[i].implied() && !r.fields[i].raw() {
			m.orders[i] = uint8(rd.Read(4))
		}
	}
	return !rd.Overflow() && m.assign()
}
