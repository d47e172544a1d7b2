package bits

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// TestRoundTrip writes random fields of every kind and width and reads them back, into buffers that fit exactly.
func TestRoundTrip(t *testing.T) {
	type field struct {
		kind int
		v    uint64
		n    uint
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		fields := make([]field, rng.IntN(40))
		total := uint(0)
		for i := range fields {
			f := field{kind: rng.IntN(3), n: uint(rng.IntN(65))}
			switch f.kind {
			case 0:
				f.v = rng.Uint64() >> (64 - f.n)
				total += f.n
			case 1:
				f.n = uint(rng.IntN(9))
				f.v = rng.Uint64() >> (32 + rng.IntN(32))
				total += GolombLen(f.v, f.n)
			case 2:
				f.n, f.v = 1, rng.Uint64()&1
				total++
			}
			fields[i] = f
		}
		var w Writer
		w.Reset(bytes.Repeat([]byte{0xEE}, int(total+7)/8))
		for _, f := range fields {
			switch f.kind {
			case 0:
				w.Write(f.v, f.n)
			case 1:
				w.Golomb(f.v, f.n)
			case 2:
				w.Bool(f.v == 1)
			}
		}
		out := w.Bytes()
		if w.Len() != int(total) || w.Overflow() || len(out) != int(total+7)/8 {
			t.Fatalf("%d bits in %d bytes, want %d; overflow %v", w.Len(), len(out), total, w.Overflow())
		}
		var r Reader
		r.Reset(out)
		for i, f := range fields {
			var v uint64
			switch f.kind {
			case 0:
				v = r.Read(f.n)
			case 1:
				v = r.Golomb(f.n)
			case 2:
				if r.Bool() {
					v = 1
				}
			}
			if v != f.v {
				t.Fatalf("field %d of kind %d: %d, want %d", i, f.kind, v, f.v)
			}
		}
		if !r.Done() {
			t.Fatalf("%d bits left, overflow %v", r.Left(), r.Overflow())
		}
		if total > 0 {
			w.Reset(make([]byte, (total-1)/8))
			for range total {
				w.Write(1, 1)
			}
			if !w.Overflow() || w.Bytes() != nil {
				t.Fatalf("%d bits fit into %d bytes", total, (total-1)/8)
			}
		}
	}
}

func TestLayout(t *testing.T) {
	var w Writer
	w.Reset(make([]byte, 8))
	w.Write(0b101, 3)
	w.Write(0x1FF, 9)
	w.Golomb(4, 0) // 5 is 101: two zeros, a one, then 01 low bit first
	if got, want := w.Bytes(), []byte{0xFD, 0x0F | 0b1100_0000, 0}; !bytes.Equal(got, want) {
		t.Errorf("% X, want % X", got, want)
	}
}

func TestGolombLength(t *testing.T) {
	f := func(v uint64, k, want uint) {
		t.Helper()
		if _, n := GolombCode(v, k); n != want || GolombLen(v, k) != want {
			t.Errorf("GolombCode(%d, %d) is %d bits, want %d", v, k, n, want)
		}
	}
	f(0, 0, 1)
	f(1, 0, 3)
	f(2, 0, 3)
	f(3, 0, 5)
	f(0, 3, 4)
	f(7, 3, 4)
	f(8, 3, 6)
	f(math.MaxUint32, 0, 65)
}

func TestZigZag(t *testing.T) {
	for _, v := range []int64{0, -1, 1, -2, 2, math.MinInt32, math.MaxInt32, math.MinInt64, math.MaxInt64} {
		if got := UnZigZag(ZigZag(v)); got != v {
			t.Errorf("%d comes back as %d", v, got)
		}
	}
	if ZigZag(-1) != 1 || ZigZag(1) != 2 {
		t.Error("small magnitudes are not small numbers")
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, []byte{7, 64, 130, 255})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0}, []byte{128})
	f.Fuzz(func(t *testing.T, data, script []byte) {
		var r Reader
		r.Reset(data)
		left := r.Left()
		for _, op := range script {
			switch {
			case op < 65:
				if v := r.Read(uint(op)); op < 64 && v>>op != 0 {
					t.Fatalf("Read(%d) is %d", op, v)
				}
			case op < 90:
				if v := r.Golomb(uint(op - 65)); v > math.MaxUint32 {
					t.Fatalf("Golomb is %d", v)
				}
			default:
				r.Skip(uint(op))
			}
			if r.Left() > left || r.Left() < 0 {
				t.Fatalf("%d bits left of %d", r.Left(), left)
			}
			left = r.Left()
		}
		r.Done()
	})
}

func TestNoAllocation(t *testing.T) {
	buf := make([]byte, 256)
	var w Writer
	var r Reader
	if n := testing.AllocsPerRun(100, func() {
		w.Reset(buf)
		for i := range uint64(100) {
			w.Write(i, 7)
			w.Golomb(i, 3)
		}
		r.Reset(w.Bytes())
		for range 100 {
			r.Read(7)
			r.Golomb(3)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	buf := make([]byte, 1024)
	var w Writer
	for b.Loop() {
		w.Reset(buf)
		for i := range uint64(100) {
			w.Write(i, 25)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/write")
}

func BenchmarkRead(b *testing.B) {
	buf := make([]byte, 1024)
	var r Reader
	var sum uint64
	for b.Loop() {
		r.Reset(buf)
		for range 100 {
			sum += r.Read(25)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/read")
}
