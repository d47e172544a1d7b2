package store

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/protocol/id"
)

type device struct {
	ID     string  `db:"id"`
	UserID id.UUID `db:"user_id"`
	Note   *string `db:"note"`
	Count  int64   `db:"count"`
	Token  []byte  `db:"token"`
	cached int     // no tag: not a column
}

var devices = NewTable[device]("store_test_device", "id", Unique("user_id", "note"), Ordered("count desc"))

func TestTableReadsTags(t *testing.T) {
	d := devices.Def
	if len(d.Columns) != 5 || d.Columns[2].Null != true || d.Columns[4].Kind != KindBytes || !d.Columns[4].Null {
		t.Fatalf("columns %+v", d.Columns)
	}
	if ix := devices.By("count desc").Def; len(ix.Columns) != 2 || ix.Columns[1] != 0 {
		t.Errorf("an index does not end with the key: %v", ix.Columns)
	}
	defer func() {
		if recover() == nil {
			t.Error("an undeclared index was found")
		}
	}()
	devices.By("token")
}

func TestKeyOfSaysWhetherUniqueHolds(t *testing.T) {
	note := "n"
	f := func(row *device, want bool) {
		t.Helper()
		if _, hasNull := devices.Def.Uniques[0].KeyOf(row); hasNull != want {
			t.Errorf("hasNull = %v", hasNull)
		}
	}
	f(&device{cached: 1}, true)
	f(&device{Note: &note}, false)
}

func TestCopyRefusesNUL(t *testing.T) {
	if _, err := devices.Def.Copy(&device{ID: "a\x00"}); !errors.Is(err, ErrInvalidValue) {
		t.Errorf("a NUL byte was accepted: %v", err)
	}
}

// TestKeyOrder: the bytes of keys sort as the values do.
func TestKeyOrder(t *testing.T) {
	f := func(k Kind, ascending ...any) {
		t.Helper()
		for _, desc := range []bool{false, true} {
			var keys []string
			for _, v := range ascending {
				b, err := AppendValue(nil, k, v, desc)
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, string(b))
			}
			if desc {
				slices.Reverse(keys)
			}
			if !slices.IsSorted(keys) || len(slices.Compact(keys)) != len(ascending) {
				t.Errorf("kind %d, desc %v: keys %x are out of order", k, desc, keys)
			}
		}
	}
	f(KindInt64, int64(math.MinInt64), int64(-1), int64(0), int64(1), int64(math.MaxInt64), nil)
	f(KindInt16, int16(-5), int16(5))
	f(KindText, "", "\x01", "a", "a\x01", "aa", "b", "é", nil)
	f(KindBytes, []byte{}, []byte{0}, []byte{0, 0}, []byte{0, 1}, []byte{1})
	f(KindBool, false, true, nil)
	f(KindTime, time.Unix(-1, 0), time.Unix(0, 0), time.Unix(0, 1000))
	f(KindUUID, id.UUID{}, id.UUID{1}, id.UUID{1, 1})
}

func FuzzKeyOrder(f *testing.F) {
	f.Add("a", "ab", int64(1), int64(-1))
	f.Fuzz(func(t *testing.T, a, b string, m, n int64) {
		key := func(s string, n int64) string {
			k, _ := AppendValue(nil, KindText, s, false)
			k, _ = AppendValue(k, KindInt64, n, true)
			return string(k)
		}
		x, y := key(a, m), key(b, n)
		less := a < b || a == b && m > n
		if (x < y) != less || (x == y) != (a == b && m == n) {
			t.Errorf("(%q %d) and (%q %d) sort wrongly", a, m, b, n)
		}
	})
}
