package shard

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestTable holds the table against a map, over a long life with half of its places in use.
func TestTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	table, truth := newTable(100), map[uint32]*conn{}
	var cids []uint32
	for range 200_000 {
		if len(cids) < 100 && rng.IntN(2) == 0 {
			cid := rng.Uint32N(1<<12)<<8 | 1 // collisions are likely
			if table.get(cid) != truth[cid] {
				t.Fatalf("%x is %p, want %p", cid, table.get(cid), truth[cid])
			}
			if truth[cid] == nil {
				truth[cid] = &conn{cid: cid}
				table.put(cid, truth[cid])
				cids = append(cids, cid)
			}
		} else if len(cids) > 0 {
			i := rng.IntN(len(cids))
			cid := cids[i]
			if table.get(cid) != truth[cid] {
				t.Fatalf("%x is %p, want %p", cid, table.get(cid), truth[cid])
			}
			table.remove(cid)
			delete(truth, cid)
			cids[i] = cids[len(cids)-1]
			cids = cids[:len(cids)-1]
		}
		table.remove(rng.Uint32() | 0xFFFF) // was never there
	}
	for cid, c := range truth {
		if table.get(cid) != c {
			t.Errorf("%x is lost", cid)
		}
	}
}

func TestHistogram(t *testing.T) {
	last := -1
	for d := time.Duration(0); d < 200*time.Second; d = d*9/8 + 100 {
		b := bucketOf(d)
		if b < last {
			t.Fatalf("%v is in bucket %d, after %d", d, b, last)
		}
		if b < histogramBuckets-1 && d >= 4*time.Microsecond && (d >= BucketEnd(b) || d < BucketEnd(b-1)) {
			t.Errorf("%v is in bucket %d, from %v to %v", d, b, BucketEnd(b-1), BucketEnd(b))
		}
		last = b
	}
	var h Histogram
	for i := range 1000 {
		h.add(time.Duration(i) * time.Microsecond)
	}
	f := func(q float64, want time.Duration) {
		t.Helper()
		if got := Quantile(h.Buckets(nil), q); got < want || got > want*5/4+time.Microsecond {
			t.Errorf("quantile %v is %v, want %v to a quarter", q, got, want)
		}
	}
	f(0.5, 500*time.Microsecond)
	f(0.99, 990*time.Microsecond)
	if got := h.Sum(); got != 499500*time.Microsecond {
		t.Errorf("sum %v", got)
	}
	if Quantile(nil, 0.5) != 0 {
		t.Error("the quantile of nothing")
	}
}
