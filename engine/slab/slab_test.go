package slab

import (
	"sync"
	"testing"
)

func TestEveryBufferIsHandedOutOnce(t *testing.T) {
	p := New(4, 16)
	var refs []Ref
	for {
		r, ok := p.Get()
		if !ok {
			break
		}
		if b := r.Bytes(); len(b) != 16 || cap(b) != 16 {
			t.Fatalf("len %d cap %d", len(b), cap(b))
		}
		r.Bytes()[0] = byte(len(refs))
		refs = append(refs, r)
	}
	if len(refs) != 4 || p.Free() != 0 || p.Misses() != 1 {
		t.Fatalf("%d buffers, %d free, %d misses", len(refs), p.Free(), p.Misses())
	}
	for i, r := range refs {
		if int(r.Bytes()[0]) != i {
			t.Fatalf("buffer %d overlaps another", i)
		}
		r.Retain()
		r.Release()
		if p.Free() != i {
			t.Fatal("freed while a reference was left")
		}
		r.Release()
	}
	if p.Free() != 4 || (Ref{}).Valid() || !refs[0].Valid() {
		t.Fatal("not all buffers came back")
	}
}

func TestReleaseOnceTooOftenPanics(t *testing.T) {
	f := func(use func(Ref)) {
		t.Helper()
		r, _ := New(1, 1).Get()
		r.Release()
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		use(r)
	}
	f(Ref.Release)
	f(Ref.Retain)
}

// Goroutines that take, mark, check and release: a buffer held by two would show.
func TestManyGoroutines(t *testing.T) {
	p := New(8, 8)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for range 50_000 {
				r, ok := p.Get()
				if !ok {
					continue
				}
				b := r.Bytes()
				b[0] = byte(g)
				if b[0] != byte(g) {
					t.Error("another goroutine writes to this buffer")
				}
				r.Release()
			}
		})
	}
	wg.Wait()
	if p.Free() != 8 {
		t.Fatalf("%d of 8 came back", p.Free())
	}
}

func TestAllocatesNothing(t *testing.T) {
	p := New(2, 64)
	if n := testing.AllocsPerRun(1000, func() {
		r, _ := p.Get()
		r.Bytes()[0]++
		r.Release()
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
