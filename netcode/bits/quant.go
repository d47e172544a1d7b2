package bits

// Quant is a number of so many steps above a minimum, for messages packed by hand; netcode/snapshot derives its own
// from struct tags.
type Quant struct {
	Min, Step float64
	Bits      uint // at most 32
}

// Index is the nearest step to v, clamped to the range; NaN is the minimum.
func (q Quant) Index(v float64) uint64 {
	largest := uint64(1)<<q.Bits - 1
	at := float64((v-q.Min)/q.Step) + 0.5
	switch {
	case !(at >= 1): // and NaN, whose conversion to an integer differs between CPUs
		return 0
	case at >= float64(largest):
		return largest
	}
	return uint64(at)
}

// Value is the number that index stands for.
func (q Quant) Value(index uint64) float64 { return q.Min + float64(float64(index)*q.Step) }

// Write quantises v.
func (q Quant) Write(w *Writer, v float64) { w.Write(q.Index(v), q.Bits) }

// Read is the value that Write left.
func (q Quant) Read(r *Reader) float64 { return q.Value(r.Read(q.Bits)) }
