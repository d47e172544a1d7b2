package channel

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

func pieces(frame []byte) (all [][]byte) {
	for len(frame) > PieceMax {
		all, frame = append(all, frame[:PieceMax]), frame[PieceMax:]
	}
	return append(all, frame)
}

// TestAssembly: pieces in any order make the frame, once; newer frames overtake; repeated and late pieces do nothing.
func TestAssembly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var a Assembly
	for id := range 1000 {
		frame := bytes.Repeat([]byte{byte(id)}, 1+rng.IntN(FragmentedMax))
		all := pieces(frame)
		if Pieces(len(frame)) != len(all) {
			t.Fatalf("%d pieces for %d B", Pieces(len(frame)), len(frame))
		}
		wholes := 0
		for round := range 2 {
			for _, i := range rng.Perm(len(all)) {
				whole, ok := a.Add(uint8(id), uint8(i), uint8(len(all)), all[i])
				if !ok {
					t.Fatalf("frame %d, piece %d was refused", id, i)
				}
				if whole != nil {
					wholes++
					if round > 0 || !bytes.Equal(whole, frame) {
						t.Fatalf("frame %d in round %d: %d B", id, round, len(whole))
					}
				}
			}
		}
		if wholes != 1 {
			t.Fatalf("frame %d came %d times", id, wholes)
		}
		if whole, ok := a.Add(uint8(id-1), 0, 1, []byte{1}); whole != nil || !ok {
			t.Fatal("an older frame was taken, or called a contradiction")
		}
	}
}

// TestAssemblyAfterSilence: a sender whose last 200 frames were all lost is heard again at once.
func TestAssemblyAfterSilence(t *testing.T) {
	for gap := 1; gap < 256-reorderMax; gap++ {
		var a Assembly
		a.Add(100, 0, 1, []byte{1})
		if whole, _ := a.Add(uint8(100+gap), 0, 1, []byte{2}); whole == nil {
			t.Fatalf("not after %d", gap)
		}
	}
}

func TestAssemblyRefuses(t *testing.T) {
	var a Assembly
	f := func(want bool, id, index, count uint8, size int) {
		t.Helper()
		if _, ok := a.Add(id, index, count, make([]byte, size)); ok != want {
			t.Errorf("id %d, piece %d of %d, %d B: %v", id, index, count, size, ok)
		}
	}
	f(false, 1, 2, 2, 10)
	f(false, 1, 0, 0, 10)
	f(false, 1, 0, 17, PieceMax)
	f(false, 1, 0, 2, PieceMax-1)
	f(false, 1, 1, 2, 0)
	f(false, 1, 1, 2, PieceMax+1)
	f(true, 1, 0, 2, PieceMax)
	f(false, 1, 0, 3, PieceMax) // of another count than before
	f(true, 1, 1, 2, 1)
	if Pieces(0) != 0 || Pieces(FragmentedMax) != wire.MaxFragments || Pieces(FragmentedMax+1) != 0 {
		t.Error("Pieces")
	}
}

// FuzzAssembly: any pieces; a whole frame is as long as its pieces say, and lies in the buffer.
func FuzzAssembly(f *testing.F) {
	f.Add([]byte{1, 0, 2, 255, 1, 1, 2, 7}, uint16(5))
	f.Add([]byte{1, 0, 1, 3, 0, 0, 1, 3, 255, 15, 16, 1}, uint16(PieceMax))
	f.Fuzz(func(t *testing.T, ops []byte, size uint16) {
		var a Assembly
		piece := make([]byte, PieceMax+1)
		for ; len(ops) >= 4; ops = ops[4:] {
			n := PieceMax
			if ops[3] != 255 {
				n = int(size) * int(ops[3]) % (PieceMax + 2)
			}
			whole, ok := a.Add(ops[0], ops[1]&15, ops[2]&31, piece[:n])
			if whole != nil && (!ok || Pieces(len(whole)) != int(ops[2]&31)) {
				t.Fatalf("%d B of %d pieces", len(whole), ops[2]&31)
			}
		}
	})
}
