package leaderboard

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// BenchmarkPages reads 100 of 10,000 records, as an operation and with the answer's JSON.
func BenchmarkPages(b *testing.B) {
	clock := each.NewClock()
	db := each.Bunt(b, clock)
	s, err := New(b.Context(), Config{DB: db, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	board, _, err := s.Create(b.Context(), Definition{ID: "b", EnableRanks: true})
	if err != nil {
		b.Fatal(err)
	}
	err = db.Update(b.Context(), func(tx store.Tx) error {
		for n := range 10_000 {
			r, _, _ := board.Apply(nil, &Score{Owner: player(n), Username: fmt.Sprint("player-", n), Score: int64(n), Metadata: `{"level": 7}`}, schema.Epoch, tx.Now())
			if err := store.Put(tx, schema.LeaderboardRecords, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.warm(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	c := op.Caller{UserID: player(5000)}
	b.Run("List100", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.listRecords(b.Context(), c, &api.ListLeaderboardRecordsRequest{LeaderboardId: "b", Limit: wrapperspb.Int32(100)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Around100", func(b *testing.B) {
		b.ReportAllocs()
		in := &api.ListLeaderboardRecordsAroundOwnerRequest{LeaderboardId: "b", OwnerId: c.UserID.String(), Limit: wrapperspb.UInt32(100)}
		for b.Loop() {
			if _, err := s.listAroundOwner(b.Context(), c, in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("JSON", func(b *testing.B) {
		b.ReportAllocs()
		page, err := s.listRecords(b.Context(), c, &api.ListLeaderboardRecordsRequest{LeaderboardId: "b", Limit: wrapperspb.Int32(100)})
		if err != nil {
			b.Fatal(err)
		}
		var dst []byte
		for b.Loop() {
			if dst, err = codec.Append(dst[:0], codec.JSON, page); err != nil {
				b.Fatal(err)
			}
		}
	})
}
