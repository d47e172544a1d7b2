package storage

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/bunt"
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

const sample = `{"level":12,"name":"Ann","items":[{"id":1,"count":3},{"id":7,"count":1}],"position":{"x":1.5,"y":-2.25,"z":0},"flags":[true,false]}`

// BenchmarkOperations runs the operations from 64 goroutines over the embedded store: what they cost beside the disk.
func BenchmarkOperations(b *testing.B) {
	db, err := bunt.Open(bunt.Config{Dir: b.TempDir(), Clock: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if err := db.Update(b.Context(), schema.Seed); err != nil {
		b.Fatal(err)
	}
	users := make([]id.UUID, 64)
	err = db.Update(b.Context(), func(tx store.Tx) error {
		for n := range users {
			users[n] = id.UUID{byte(n + 1)}
			if err := store.Put(tx, schema.Users, &schema.User{ID: users[n], Username: fmt.Sprint(n), LangTag: "en", Metadata: "{}", Wallet: "{}"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	r := op.NewRegistry()
	New(Config{DB: db}).Register(r)
	r.Seal()
	var worker atomic.Int64
	run := func(name string, f func(user id.UUID, n int) error) {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(32)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				user := users[worker.Add(1)%64]
				for n := 0; pb.Next(); n++ {
					if err := f(user, n); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
	write, read, list := r.Named("WriteStorageObjects"), r.Named("ReadStorageObjects"), r.Named("ListStorageObjects")
	ctx := context.Background()
	run("write", func(user id.UUID, n int) error {
		_, err := write.Invoke(ctx, op.Caller{UserID: user}, &api.WriteStorageObjectsRequest{Objects: []*api.WriteStorageObject{{Collection: "saves", Key: keys[n%len(keys)], Value: sample}}})
		return err
	})
	run("read", func(user id.UUID, n int) error {
		_, err := read.Invoke(ctx, op.Caller{UserID: user}, &api.ReadStorageObjectsRequest{ObjectIds: []*api.ReadStorageObjectId{{Collection: "saves", Key: keys[n%len(keys)], UserId: user.String()}}})
		return err
	})
	run("list 10", func(user id.UUID, n int) error {
		_, err := list.Invoke(ctx, op.Caller{UserID: user}, &api.ListStorageObjectsRequest{Collection: "saves", UserId: user.String(), Limit: ten})
		return err
	})
}

var (
	keys = []string{"slot1", "slot2", "slot3", "slot4", "slot5", "slot6", "slot7", "slot8", "slot9", "slot10", "slot11", "slot12"}
	ten  = wrapperspb.Int32(10)
)
