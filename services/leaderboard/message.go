package leaderboard

import (
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
)

// Message is a record as clients see it.
func (r *Record) Message() *api.LeaderboardRecord { return new(message).of(r) }

// Messages are records as clients see them.
func Messages(records []Record) []*api.LeaderboardRecord {
	made := make([]message, len(records))
	list := make([]*api.LeaderboardRecord, len(records))
	for i := range records {
		list[i] = made[i].of(&records[i])
	}
	return list
}

// message is a record's message with all that it points to: a page of a hundred is made in one piece.
type message struct {
	record                    api.LeaderboardRecord
	username                  wrapperspb.StringValue
	created, updated, expires timestamppb.Timestamp
}

func (m *message) of(r *Record) *api.LeaderboardRecord {
	to := &m.record
	to.LeaderboardId, to.OwnerId, to.Score, to.Subscore = r.LeaderboardID, r.OwnerID.String(), r.Score, r.Subscore
	to.NumScore, to.MaxNumScore, to.Metadata, to.Rank = r.NumScore, uint32(r.MaxNumScore), string(r.Metadata), int64(r.Rank)
	to.CreateTime, to.UpdateTime, to.ExpiryTime = set(&m.created, r.CreateTime), set(&m.updated, r.UpdateTime), set(&m.expires, r.ExpiryTime)
	if r.Username != nil {
		m.username.Value = *r.Username
		to.Username = &m.username
	}
	return to
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
func stamp(t time.Time) *timestamppb.Timestamp { return set(&timestamppb.Timestamp{}, t) }

func set(m *timestamppb.Timestamp, t time.Time) *timestamppb.Timestamp {
	if !t.After(schema.Epoch) {
		return nil
	}
	m.Seconds = t.Unix()
	return m
}
