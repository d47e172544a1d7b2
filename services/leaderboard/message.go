package leaderboard

import (
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
)

// Message is a record as clients see it.
func (r *Record) Message() *api.LeaderboardRecord {
	m := &api.LeaderboardRecord{
		LeaderboardId: r.LeaderboardID, OwnerId: r.OwnerID.String(), Score: r.Score, Subscore: r.Subscore, NumScore: r.NumScore,
		MaxNumScore: uint32(r.MaxNumScore), Metadata: string(r.Metadata), CreateTime: stamp(r.CreateTime), UpdateTime: stamp(r.UpdateTime),
		ExpiryTime: stamp(r.ExpiryTime), Rank: int64(r.Rank),
	}
	if r.Username != nil {
		m.Username = wrapperspb.String(*r.Username)
	}
	return m
}

// Messages are records as clients see them.
func Messages(records []Record) []*api.LeaderboardRecord {
	list := make([]*api.LeaderboardRecord, len(records))
	for i := range records {
		list[i] = records[i].Message()
	}
	return list
}

// Message is a page as clients see it.
func (p *Page) Message() *api.LeaderboardRecordList {
	return &api.LeaderboardRecordList{
		Records: Messages(p.Records), OwnerRecords: Messages(p.OwnerRecords), NextCursor: p.Next, PrevCursor: p.Prev, RankCount: int64(p.RankCount),
	}
}

// Message is a board as server code sees it.
func (b *Board) Message(now time.Time) *api.Leaderboard {
	m := &api.Leaderboard{
		Id: b.ID, SortOrder: uint32(b.SortOrder), Operator: OperatorMessage(b.Operator), Metadata: string(b.Metadata),
		CreateTime: stamp(b.CreateTime), Authoritative: b.Authoritative,
	}
	times := b.Periods()
	m.PrevReset = uint32(times.PreviousReset(now.Unix()))
	m.NextReset = uint32(times.At(now.Unix()).Expiry)
	return m
}

// OperatorMessage is a stored operator's number in messages, whose 0 overrides none.
func OperatorMessage(stored int16) api.Operator { return api.Operator(stored + 1) }

// OperatorOf is the operator that a client overrides with, nil for none.
func OperatorOf(m api.Operator) *Operator {
	if m == api.Operator_NO_OVERRIDE {
		return nil
	}
	o := Operator(m - 1)
	return &o
}

// stamp is a time in whole seconds, nil for the Epoch.
func stamp(t time.Time) *timestamppb.Timestamp {
	if !t.After(schema.Epoch) {
		return nil
	}
	return &timestamppb.Timestamp{Seconds: t.Unix()}
}
