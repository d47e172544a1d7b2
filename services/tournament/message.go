package tournament

import (
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/services/leaderboard"
)

// Message is a tournament as clients see it at a moment. b.Size is that of the moment's period.
func Message(b *leaderboard.Board, at time.Time) *api.Tournament {
	times, now := b.Periods(), at.Unix()
	p := times.At(now)
	return &api.Tournament{
		Id: b.ID, Title: b.Title, Description: b.Description, Category: uint32(b.Category), Metadata: string(b.Metadata),
		SortOrder: uint32(b.SortOrder), Operator: leaderboard.OperatorMessage(b.Operator), Authoritative: b.Authoritative, JoinRequired: b.JoinRequired,
		Size: uint32(b.Size), MaxSize: uint32(b.MaxSize), MaxNumScore: uint32(b.MaxNumScore),
		CanEnter:    p.Start <= now && now <= p.End && b.Size < b.MaxSize,
		StartActive: uint32(p.Start), EndActive: uint32(p.End), NextReset: uint32(p.Expiry), PrevReset: uint32(times.PreviousReset(now)),
		CreateTime: stamp(b.CreateTime), StartTime: stamp(b.StartTime), EndTime: stamp(b.EndTime), Duration: uint32(b.Duration),
	}
}

// stamp is a time in whole seconds, nil for the Epoch.
func stamp(t time.Time) *timestamppb.Timestamp {
	if !t.After(schema.Epoch) {
		return nil
	}
	return &timestamppb.Timestamp{Seconds: t.Unix()}
}
