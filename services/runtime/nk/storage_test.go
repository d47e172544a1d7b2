package nk

import (
	"errors"
	"fmt"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/storage/index"
)

// objects are "key=value" of each.
func objects(list []*api.StorageObject) (text string) {
	for _, o := range list {
		text += o.Key + "=" + o.Value + " "
	}
	return text
}

func write(key, value, version string) *runtime.StorageWrite {
	return &runtime.StorageWrite{Collection: "c", Key: key, UserID: anna, Value: value, Version: version, PermissionRead: 1}
}

func TestStorage(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		acks, err := d.StorageWrite(ctx, []*runtime.StorageWrite{
			write("a", `{"n":1}`, "*"), {Collection: "c", Key: "s", Value: `{}`, PermissionRead: 4, PermissionWrite: 3},
		})
		is(t, "2 a "+anna+" "+system, err, len(acks), " ", acks[0].Key, " ", acks[0].UserId, " ", acks[1].UserId)
		list, err := d.StorageRead(ctx, []*runtime.StorageRead{{Collection: "c", Key: "a", UserID: anna}, {Collection: "c", Key: "s"}, {Collection: "c", Key: "none"}})
		is(t, `a={"n": 1} s={} `, err, objects(list))

		list, next, err := d.StorageList(ctx, "", "", "c", 1, "")
		is(t, `a={"n": 1} `, err, objects(list))
		list, next, err = d.StorageList(ctx, "", "", "c", 1, next)
		is(t, `s={} `, err, objects(list), next)
		list, _, err = d.StorageList(ctx, ben, anna, "c", 10, "")
		is(t, "", err, objects(list))
		list, _, err = d.StorageList(ctx, anna, anna, "c", 10, "")
		is(t, `a={"n": 1} `, err, objects(list))
		list, _, err = d.StorageList(ctx, "", "", "c", 0, "")
		is(t, "", err, objects(list))

		f := func(want error, w ...*runtime.StorageWrite) {
			t.Helper()
			if _, err := d.StorageWrite(ctx, w); err != want {
				t.Errorf("refused with %v, want %v", err, want)
			}
		}
		f(runtime.ErrStorageRejectedVersion, write("b", `{}`, ""), write("a", `{}`, "*"))
		f(errValue, write("a", `1`, ""))
		f(errValue, write("a", ``, ""))
		f(errCollection, &runtime.StorageWrite{Key: "k", Value: "{}"})
		f(errKey, &runtime.StorageWrite{Collection: "c", Value: "{}"})

		must(t, d.StorageDelete(ctx, []*runtime.StorageDelete{{Collection: "c", Key: "none"}, {Collection: "c", Key: "s"}}))
		refused(t, "Storage delete rejected - not found, version check failed, or permission denied.",
			d.StorageDelete(ctx, []*runtime.StorageDelete{{Collection: "c", Key: "none", Version: "v"}}))
		_, _, err = d.StorageIndexList(ctx, "", "i", "", 10, nil, "")
		refused(t, `index "i" not found`, err)
	})
}

func TestStorageIndexList(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		d.c.Index.Replace([]index.Spec{{Name: "i", Collection: "c", Fields: []string{"n"}, Sortable: []string{"n"}, EntriesMax: 10}})
		_, err := d.StorageWrite(ctx, []*runtime.StorageWrite{write("a", `{"n":1}`, ""), write("b", `{"n":3}`, ""), write("z", `{"m":1}`, "")})
		must(t, err)
		_, _, err = d.MultiUpdate(ctx, nil, []*runtime.StorageWrite{write("c", `{"n":2}`, "")}, []*runtime.StorageDelete{{Collection: "c", Key: "a", UserID: anna}}, nil, false)
		must(t, err)
		list, cursor, err := d.StorageIndexList(ctx, "", "i", "+value.n:>0", 1, []string{"-value.n"}, "")
		is(t, `b={"n": 3} `, err, objects(list.GetObjects()))
		list, cursor, err = d.StorageIndexList(ctx, "", "i", "+value.n:>0", 1, []string{"-value.n"}, cursor)
		is(t, `c={"n": 2} ""`, err, objects(list.GetObjects()), fmt.Sprintf("%q", cursor))
		list, _, err = d.StorageIndexList(ctx, ben, "i", "", 10, nil, "")
		is(t, "", err, objects(list.GetObjects()))
		must(t, d.AccountDeleteId(ctx, anna, false))
		list, _, err = d.StorageIndexList(ctx, "", "i", "", 10, nil, "")
		is(t, "", err, objects(list.GetObjects()))

		_, _, err = d.StorageIndexList(ctx, "x", "i", "", 1, nil, "")
		refused(t, "expects an empty or valid caller id", err)
		_, _, err = d.StorageIndexList(ctx, "", "", "", 1, nil, "")
		refused(t, "expects a non-empty indexName", err)
		_, _, err = d.StorageIndexList(ctx, "", "i", "", 0, nil, "")
		refused(t, "limit must be 1-10000", err)
		_, _, err = d.StorageIndexList(ctx, "", "i", "", 1, nil, "?")
		refused(t, "Malformed cursor was used.", err)
	})
}

func TestWriteRetry(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		reads := []*runtime.StorageRead{{Collection: "c", Key: "n", UserID: anna}}
		tries := 0
		// between is what somebody else writes while the first tries are under way.
		count := func(between int) func([]*api.StorageObject) ([]*runtime.StorageWrite, error) {
			tries = 0
			return func(now []*api.StorageObject) ([]*runtime.StorageWrite, error) {
				n := 0
				if len(now) > 0 {
					if _, err := fmt.Sscanf(now[0].Value, `{"n": %d}`, &n); err != nil {
						return nil, err
					}
				}
				if tries++; tries <= between {
					if _, err := d.StorageWrite(ctx, []*runtime.StorageWrite{write("n", fmt.Sprintf(`{"n":%d}`, n+10), "")}); err != nil {
						return nil, err
					}
				}
				return []*runtime.StorageWrite{write("n", fmt.Sprintf(`{"n":%d}`, n+1), "")}, nil
			}
		}
		_, err := d.StorageWriteRetry(ctx, reads, count(0), 0)
		is(t, "1", err, tries)
		_, err = d.StorageWriteRetry(ctx, reads, count(2), 2)
		is(t, "3", err, tries)
		list, err := d.StorageRead(ctx, reads)
		is(t, `n={"n": 22} `, err, objects(list))
		_, err = d.StorageWriteRetry(ctx, reads, count(9), 3)
		is(t, "4 true", nil, tries, " ", err == runtime.ErrStorageWriteExhaustedRetries)
		stop := errors.New("stop")
		_, err = d.StorageWriteRetry(ctx, reads, func([]*api.StorageObject) ([]*runtime.StorageWrite, error) { return nil, stop }, 3)
		is(t, "true", nil, err == stop)
	})
}

func TestWalletsAndUnits(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		updated, previous, err := d.WalletUpdate(ctx, anna, map[string]int64{"gold": 5}, map[string]any{"why": "gift"}, true)
		is(t, "map[gold:5] map[]", err, updated, " ", previous)
		all, err := d.WalletsUpdate(ctx, []*runtime.WalletUpdate{{UserID: anna, Changeset: map[string]int64{"gold": -2}}, {UserID: ben, Changeset: map[string]int64{"gold": 2}}}, true)
		is(t, "map[gold:3] map[gold:2]", err, all[0].Updated, " ", all[1].Updated)
		_, _, err = d.WalletUpdate(ctx, anna, map[string]int64{"gold": -4}, nil, true)
		var negative *runtime.WalletNegativeError
		is(t, "true", nil, errors.As(err, &negative))
		is(t, anna+" gold 3 -4", nil, negative.UserID, " ", negative.Path, " ", negative.Current, " ", negative.Amount)
		refused(t, "wallet update rejected negative value at path 'gold'", err)
		_, _, err = d.WalletUpdate(ctx, nobody, map[string]int64{"gold": 4}, nil, true)
		refused(t, "user not found", err)

		d.Advance(1e9)
		_, _, err = d.WalletUpdate(ctx, anna, map[string]int64{"gold": 1}, map[string]any{"a": 1, "b": 2}, true)
		must(t, err)
		items, next, err := d.WalletLedgerList(ctx, anna, 1, "")
		is(t, "1 map[gold:1] map[a:1 b:2] true", err, len(items), " ", items[0].GetChangeset(), " ", items[0].GetMetadata(), " ", next != "")
		item, err := d.WalletLedgerUpdate(ctx, items[0].GetID(), map[string]any{"b": 3})
		is(t, anna+" map[gold:1] map[b:3]", err, item.GetUserID(), " ", item.GetChangeset(), " ", item.GetMetadata())
		items, _, err = d.WalletLedgerList(ctx, anna, 100, "")
		is(t, "3 map[a:1 b:3]", err, len(items), " ", items[0].GetMetadata())
		_, _, err = d.WalletLedgerList(ctx, anna, 1, "x")
		is(t, "true", nil, err == runtime.ErrWalletLedgerInvalidCursor)

		acks, results, err := d.MultiUpdate(ctx, []*runtime.AccountUpdate{{UserID: anna, DisplayName: "A"}}, []*runtime.StorageWrite{write("k", `{}`, "*")},
			nil, []*runtime.WalletUpdate{{UserID: anna, Changeset: map[string]int64{"gold": 1}}}, false)
		is(t, "1 map[gold:5]", err, len(acks), " ", results[0].Updated)
		_, _, err = d.MultiUpdate(ctx, []*runtime.AccountUpdate{{UserID: anna, DisplayName: "B"}}, []*runtime.StorageWrite{write("k", `{}`, "*")}, nil, nil, false)
		is(t, "true", nil, err == runtime.ErrStorageRejectedVersion)
		a, err := d.AccountGetId(ctx, anna)
		is(t, `A {"gold": 5}`, err, a.User.DisplayName, " ", a.Wallet)
	})
}
