package seq

// WindowSize is how many packet numbers behind the newest are told apart; older ones are refused unseen. At 256 Hz it
// is 4 s of traffic, longer than any reordering that is worth accepting.
const WindowSize = 1024

const windowWords = WindowSize / 64

// Window remembers which packet numbers arrived. Ask Seen before opening a datagram and call Mark only after its tag
// verified: a forged number must not move the window. The zero value has seen nothing.
type Window struct {
	next uint64              // newest number + 1; 0: nothing yet
	bits [windowWords]uint64 // bit pn%1024: pn arrived, for the 1,024 numbers below next
}

// Any reports whether a number was marked yet.
func (w *Window) Any() bool { return w.next != 0 }

// Largest is the newest number marked, 0 before any.
func (w *Window) Largest() uint64 {
	if w.next == 0 {
		return 0
	}
	return w.next - 1
}

// Seen reports whether pn arrived already or is too old to tell.
func (w *Window) Seen(pn uint64) bool {
	if pn >= w.next {
		return false
	}
	// On the subtraction side: pn + WindowSize could wrap.
	return w.next-1-pn >= WindowSize || w.bit(pn)
}

// TooOld reports whether pn is behind the window.
func (w *Window) TooOld(pn uint64) bool { return pn < w.next && w.next-1-pn >= WindowSize }

// Mark records that pn arrived; the window moves forward when it is the newest. A number behind the window is ignored.
func (w *Window) Mark(pn uint64) {
	if pn == ^uint64(0) || w.TooOld(pn) {
		return
	}
	if pn >= w.next {
		if pn-w.next >= WindowSize {
			clear(w.bits[:])
		} else {
			// Usually one turn of the loop; only a number from an authenticated sender gets here.
			for n := w.next; n != pn; n++ {
				w.bits[n/64%windowWords] &^= 1 << (n % 64)
			}
		}
		w.next = pn + 1
	}
	w.bits[pn/64%windowWords] |= 1 << (pn % 64)
}

// AckBits tells the fate of the 32 numbers below the newest: bit i is set when Largest-1-i arrived. Numbers below 0
// count as arrived, so that a connection without losses has all ones from its first packet on.
func (w *Window) AckBits() uint32 {
	if w.next == 0 {
		return ^uint32(0)
	}
	largest := w.next - 1
	var bits uint32
	for i := range uint64(32) {
		if i >= largest || w.bit(largest-1-i) {
			bits |= 1 << i
		}
	}
	return bits
}

func (w *Window) bit(pn uint64) bool { return w.bits[pn/64%windowWords]>>(pn%64)&1 != 0 }
