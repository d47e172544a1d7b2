package demo

import (
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/engine/shard"
)

func TestQuantile(t *testing.T) {
	buckets := make([]uint64, 20)
	f := func(q float64, low, high time.Duration) {
		t.Helper()
		if got := quantile(buckets, q); got < low || got > high {
			t.Errorf("quantile %v = %s, want %s to %s", q, got, low, high)
		}
	}
	f(0.5, 0, 0) // nothing counted
	buckets[12] = 90
	buckets[16] = 10
	f(0.5, shard.BucketEnd(11), shard.BucketEnd(12))
	f(0.9, shard.BucketEnd(12), shard.BucketEnd(12))
	f(0.99, shard.BucketEnd(15), shard.BucketEnd(16))
	f(1, shard.BucketEnd(16), shard.BucketEnd(16))
	if a, b := quantile(buckets, 0.2), quantile(buckets, 0.3); a >= b {
		t.Errorf("no line within a bucket: %s, %s", a, b)
	}
	if d := difference([]uint64{5, 7, 9}, []uint64{1, 7}); d[0] != 4 || d[1] != 0 || d[2] != 9 {
		t.Errorf("difference %v", d)
	}
}
