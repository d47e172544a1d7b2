package snapshot

import "github.com/skirmishgg/skirmish/netcode/bits"

// codedBitsMax is the width up to which a field's residuals are coded and may have a rate; wider ones travel raw.
const codedBitsMax = 24

// rateShift is the binary point of field.perTick.
const rateShift = 20

// form is how a field lies in its struct.
type form uint8

const (
	formBool form = iota
	formFloat32
	formFloat64
	formInt8
	formInt16
	formInt32
	formInt64
	formUint8
	formUint16
	formUint32
	formUint64
)

// field is one number of a record. Its code q, 0 to span, stands for the value (min + q) * step.
type field struct {
	offset    uintptr
	inv, bias float64 // code = floor(value*inv + bias)
	step      float64
	min       int64
	perTick   int64 // of a field with a rate: steps per tick and step of the rate, times 2^rateShift
	span      uint32
	zero      uint32 // code of the value nearest to 0
	form      form
	wrap      bool // the codes are a circle of span+1, a power of two
	bits      uint8
	rate      int8 // index of the field that this one changes with; -1
	component uint8
	letter    byte // of the canonical text
	name      string
}

// seal computes what follows from the rest.
func (f *field) seal() {
	f.inv = 1 / f.step
	f.bias = 0.5 - float64(f.min)
	f.zero = uint32(min(max(-f.min, 0), int64(f.span)))
}

// quantize is the code of a float. Outside the range: the nearest end, or around the circle; NaN is the first code.
// Conversions of a float that does not fit differ between CPUs, so none is made.
func (f *field) quantize(v float64) uint32 {
	at := float64(v*f.inv) + f.bias
	if f.wrap {
		if !(at > -1<<52 && at < 1<<52) {
			return 0
		}
		i := int64(at)
		if float64(i) > at {
			i--
		}
		return uint32(i) & f.span
	}
	if !(at >= 1) {
		return 0
	}
	if at >= float64(f.span)+1 {
		return f.span
	}
	return uint32(int64(at))
}

func (f *field) code(v int64) uint32 {
	v -= f.min
	switch {
	case f.wrap:
		return uint32(v) & f.span
	case v < 0:
		return 0
	case v > int64(f.span):
		return f.span
	}
	return uint32(v)
}

func (f *field) value(q uint32) float64 { return float64(int64(q)+f.min) * f.step }

// predict is where a field with a rate is expected after dt ticks: its steps are summed over the ticks as if the rate
// had gone evenly from what it was at the baseline to what it is now, moving first with what it became:
//
//	sum over i=1..dt of  before + (now-before)*i/dt  =  (before*(dt-1) + now*(dt+1)) / 2
//
// which is exact for the semi-implicit step of most games (velocity, then position) with dt = 1.
func (f *field) predict(base uint32, before, now int64, dt int64) uint32 {
	sum := (before*(dt-1) + now*(dt+1)) * f.perTick
	at := int64(base) + (sum+1<<rateShift)>>(rateShift+1)
	switch {
	case f.wrap:
		return uint32(at) & f.span
	case at < 0:
		return 0
	case at > int64(f.span):
		return f.span
	}
	return uint32(at)
}

// residual is what must be added to predicted to give q; of a circle, the short way round.
func (f *field) residual(predicted, q uint32) int32 {
	d := int32(q - predicted)
	if f.wrap {
		shift := 32 - f.bits
		return d << shift >> shift
	}
	return d
}

// apply is the inverse of residual; false when the sum is no code.
func (f *field) apply(predicted uint32, r int32) (uint32, bool) {
	if f.wrap {
		return (predicted + uint32(r)) & f.span, true
	}
	q := int64(predicted) + int64(r)
	return uint32(q), q >= 0 && q <= int64(f.span)
}

// A nonzero residual is written by the field's order in the model.
//
//	1 bit wide      nothing: the bit is the other one
//	order raw       the new code, in the field's bits
//	order k         sign, Golomb(|r|-1, k)
const orderRaw = 15

// implied reports that a nonzero residual of the field needs no bits.
func (f *field) implied() bool { return f.span == 1 }

// raw reports that the field is written raw whatever the model says.
func (f *field) raw() bool { return f.bits > codedBitsMax }

func (f *field) write(w *bits.Writer, order uint8, q uint32, r int32) {
	switch {
	case f.implied():
	case order == orderRaw || f.raw():
		w.Write(uint64(q), uint(f.bits))
	default:
		var sign uint64
		if r < 0 {
			sign, r = 1, -r
		}
		code, n := bits.GolombCode(uint64(r)-1, uint(order)) // at most 2*24+1 bits
		w.Write(code<<1|sign, n+1)
	}
}

// read gives the new code of a field whose residual is not zero; false when the bits are no such code.
func (f *field) read(r *bits.Reader, order uint8, predicted uint32) (uint32, bool) {
	switch {
	case f.implied():
		return predicted ^ 1, true
	case order == orderRaw || f.raw():
		q := uint32(r.Read(uint(f.bits)))
		return q, q <= f.span
	}
	negative := r.Bool()
	u := r.Golomb(uint(order))
	if u >= 1<<codedBitsMax {
		return 0, false
	}
	res := int32(u) + 1
	if negative {
		res = -res
	}
	return f.apply(predicted, res)
}
