package limit

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func key(n int) Key {
	var k Key
	binary.BigEndian.PutUint64(k.Who[:], uint64(n))
	return k
}

// TestBucketIsRateAndBurst: whatever the pace of calls, no window of t seconds lets more than Burst + Rate*t through,
// and a caller who waits as told gets through.
func TestBucketIsRateAndBurst(t *testing.T) {
	b := NewBuckets(64)
	c := Rule{Rate: 10, Burst: 5}.cost()
	now := int64(time.Hour)
	passed := func(calls int, gap time.Duration) (n int) {
		for range calls {
			if _, ok := b.take(key(1), c, now); ok {
				n++
			}
			now += int64(gap)
		}
		return n
	}
	if n := passed(100, 0); n != 5 {
		t.Errorf("%d of a full bucket of 5", n)
	}
	if n := passed(1000, 10*time.Millisecond); n < 99 || n > 101 { // 10 s at 100 a second
		t.Errorf("%d calls in 10 s at 10 a second", n)
	}
	passed(10, 0)
	wait, ok := b.take(key(1), c, now)
	if ok || wait <= 0 || wait > 100*time.Millisecond {
		t.Errorf("an empty bucket answers %v, %v", wait, ok)
	}
	if _, ok := b.take(key(1), c, now+int64(wait)-1); ok {
		t.Error("a token before its time")
	}
	if _, ok := b.take(key(1), c, now+int64(wait)); !ok {
		t.Error("no token after the wait")
	}
	now += int64(time.Hour)
	if n := passed(100, 0); n != 5 {
		t.Errorf("%d after an hour: a bucket overflows", n)
	}
	if _, ok := b.take(key(2), c, now); !ok {
		t.Error("another key shares the bucket")
	}
}

// TestFullTableForgetsWhoOwesLeast: one set of eight; the ninth key takes the slot of the one that is full soonest, so
// whoever is over the limit stays so.
func TestFullTableForgetsWhoOwesLeast(t *testing.T) {
	b := NewBuckets(8)
	if len(b.sets) != 1 {
		t.Fatalf("%d sets", len(b.sets))
	}
	c := Rule{Rate: 1, Burst: 10}.cost()
	for n := range 8 {
		for range 10 - n {
			if _, ok := b.take(key(n), c, 0); !ok {
				t.Fatal("refused within the burst")
			}
		}
	}
	b.take(key(100), c, 0) // takes the slot of 7, which owes 3
	if _, ok := b.take(key(0), c, 0); ok {
		t.Error("an exhausted bucket was forgotten")
	}
	for range 10 {
		if _, ok := b.take(key(7), c, 0); !ok {
			t.Error("the key that owed least is not let off")
		}
	}
}

func TestParallelCallersShareABucketExactly(t *testing.T) {
	b := NewBuckets(1 << 10)
	c := Rule{Rate: 1, Burst: 1000}.cost()
	var passed atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 500 {
				if _, ok := b.take(key(1), c, 5); ok {
					passed.Add(1)
				}
				b.take(key(100+g*500+n), c, 5) // strangers, more than there is room for
			}
		})
	}
	wg.Wait()
	if passed.Load() != 1000 {
		t.Errorf("%d calls passed, 1000 tokens", passed.Load())
	}
}

func BenchmarkTake(b *testing.B) {
	buckets, c := NewBuckets(usersMax), Rule{Rate: 1e9, Burst: 1 << 30}.cost()
	var now atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for n := 0; pb.Next(); n++ {
			if _, ok := buckets.take(key(n&0xffff), c, now.Load()); !ok {
				b.Error("refused")
			}
		}
	})
}
