package seq

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestDiff16(t *testing.T) {
	f := func(a, b uint16, want int16, newer bool) {
		t.Helper()
		if got := Diff16(a, b); got != want || Greater16(a, b) != newer {
			t.Errorf("Diff16(%d, %d) = %d newer %v, want %d %v", a, b, got, Greater16(a, b), want, newer)
		}
	}
	f(5, 3, 2, true)
	f(3, 5, -2, false)
	f(0, 65535, 1, true)
	f(65535, 0, -1, false)
	f(7, 7, 0, false)
	f(32768, 0, -32768, false)
	f(0, 32768, -32768, false)
	f(32767, 0, 32767, true)
}

func TestExpand16(t *testing.T) {
	f := func(low uint16, reference, want uint32) {
		t.Helper()
		if got := Expand16(low, reference); got != want {
			t.Errorf("Expand16(%#x, %#x) = %#x, want %#x", low, reference, got, want)
		}
	}
	f(0x0001, 0x1FFFF, 0x20001)
	f(0xFFFF, 0x20001, 0x1FFFF)
	f(0x1234, 0x51234, 0x51234)
	f(2, math.MaxUint32, 2)
}

func TestPacketNumberLen(t *testing.T) {
	f := func(pn, acked uint64, want int) {
		t.Helper()
		if got := PacketNumberLen(pn, acked); got != want {
			t.Errorf("PacketNumberLen(%d, %d) = %d, want %d", pn, acked, got, want)
		}
	}
	f(0, 0, 1)
	f(127, 0, 1)
	f(128, 0, 2)
	f(1<<15-1, 0, 2)
	f(1<<15, 0, 3)
	f(1<<23-1, 0, 3)
	f(1<<23, 0, 4)
	f(1<<40+100, 1<<40, 1)
	f(1<<40, 0, 4)
}

func TestRebuild(t *testing.T) {
	f := func(truncated uint32, n int, largest, want uint64) {
		t.Helper()
		if got := Rebuild(truncated, n, largest); got != want {
			t.Errorf("Rebuild(%#x, %d, %#x) = %#x, want %#x", truncated, n, largest, got, want)
		}
	}
	f(0, 1, 0, 0)
	f(0x7F, 1, 0, 0x7F)
	f(0x00, 1, 0xFF, 0x100)
	f(0xFF, 1, 0x100, 0xFF)
	f(0x9b32, 2, 0xa82f30ea, 0xa82f9b32) // RFC 9000, A.3
	f(0xFF, 1, 2, 0xFF)                  // below zero there is nothing
	f(0, 1, math.MaxUint64-2, math.MaxUint64-255)
}

// Whatever was acknowledged and received in between, the receiver rebuilds what the sender meant.
func TestRebuildWhatWasMeant(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		acked := r.Uint64() >> (1 + r.UintN(63))
		pn := acked + r.Uint64()>>(33+r.UintN(31))
		largest := acked // the receiver holds at least what it acknowledged, at most what was sent before pn
		if pn > acked+1 {
			largest += r.Uint64N(pn - acked)
		}
		n := PacketNumberLen(pn, acked)
		b := AppendPacketNumber(nil, pn, n)
		if got := Rebuild(ReadPacketNumber(b, n), n, largest); got != pn {
			t.Fatalf("pn %#x acked %#x largest %#x: %d bytes rebuild to %#x", pn, acked, largest, n, got)
		}
	}
}

func TestWindow(t *testing.T) {
	var w Window
	if w.Any() || w.Seen(0) || w.AckBits() != ^uint32(0) {
		t.Fatal("an empty window has seen something")
	}
	w.Mark(0)
	w.Mark(2)
	if !w.Seen(0) || w.Seen(1) || !w.Seen(2) || w.Seen(3) || w.Largest() != 2 {
		t.Fatal("marks are not what Seen says")
	}
	if got := w.AckBits(); got != ^uint32(1) {
		t.Fatalf("ack bits %#x", got)
	}
	w.Mark(1025)
	if !w.Seen(0) || !w.Seen(1) || !w.Seen(2) || w.Seen(3) || w.TooOld(2) || !w.TooOld(1) {
		t.Fatal("the window is not exactly 1,024 wide")
	}
	w.Mark(math.MaxUint64) // ignored: next would wrap to an empty window
	if w.Largest() != 1025 {
		t.Fatal("the last number of all emptied the window")
	}
	w.Mark(math.MaxUint64 - 1)
	if !w.Seen(1025) || w.Seen(math.MaxUint64-2) || !w.Seen(math.MaxUint64-1) {
		t.Fatal("a jump does not clear the window")
	}
}

// Against a map that remembers everything.
func TestWindowModel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var w Window
	seen := map[uint64]bool{}
	var largest uint64
	for i := range 200_000 {
		pn := largest
		switch r.IntN(20) {
		case 0:
			pn += r.Uint64N(3000)
		case 1, 2, 3, 4, 5, 6, 7:
			pn += r.Uint64N(4)
		default:
			pn -= min(pn, r.Uint64N(1300))
		}
		want := seen[pn] || (len(seen) > 0 && largest > pn && largest-pn >= WindowSize)
		if got := w.Seen(pn); got != want {
			t.Fatalf("step %d: Seen(%d) = %v with largest %d", i, pn, got, largest)
		}
		if r.IntN(4) == 0 {
			continue // the tag did not verify
		}
		w.Mark(pn)
		if !want {
			seen[pn] = true
			largest = max(largest, pn)
		}
	}
}

func TestAllocs(t *testing.T) {
	var w Window
	var pn uint64
	buf := make([]byte, 0, 8)
	if n := testing.AllocsPerRun(1000, func() {
		pn += 3
		buf = AppendPacketNumber(buf[:0], pn, PacketNumberLen(pn, pn-1))
		if got := Rebuild(ReadPacketNumber(buf, len(buf)), len(buf), w.Largest()); !w.Seen(got) {
			w.Mark(got)
		}
		_ = w.AckBits()
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func FuzzRebuild(f *testing.F) {
	f.Add(uint32(0), uint8(0), uint64(0))
	f.Add(uint32(0xFFFFFFFF), uint8(3), uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, truncated uint32, n uint8, largest uint64) {
		size := int(n%4) + 1
		pn := Rebuild(truncated, size, largest)
		if mask := uint64(1)<<(8*size) - 1; pn&mask != uint64(truncated)&mask {
			t.Fatalf("Rebuild(%#x, %d, %#x) = %#x loses the bytes that travelled", truncated, size, largest, pn)
		}
		var w Window
		w.Mark(largest)
		w.Mark(pn)
		if pn != math.MaxUint64 && !w.Seen(pn) {
			t.Fatal("marked and not seen")
		}
	})
}

func BenchmarkWindow(b *testing.B) {
	var w Window
	for i := 0; b.Loop(); i++ {
		if !w.Seen(uint64(i)) {
			w.Mark(uint64(i))
		}
	}
}
