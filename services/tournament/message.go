package tournament

import (
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/services/period"
)

// Message is a tournament as clients see it at a moment. row.Size is that of the moment's period.
func Message(row *schema.Leaderboard, times period.Board, now int64) *api.Tournament {
	p := times.At(now)
	return &api.Tournament{
		Id: row.ID, Title: row.Title, Description: row.Description, Category: uint32(row.Category), Metadata: string(row.Metadata),
		SortOrder: uint32(row.SortOrder), Operator: operatorMessage(row.Operator), Authoritative: row.Authoritative, JoinRequired: row.JoinRequired,
		Size: uint32(row.Size), MaxSize: uint32(row.MaxSize), MaxNumScore: uint32(row.MaxNumScore),
		CanEnter:    p.Start <= now && now <= p.End && row.Size < row.MaxSize,
		StartActive: uint32(p.Start), EndActive: uint32(p.End), NextReset: uint32(p.Expiry), PrevReset: uint32(times.PreviousReset(now)),
		CreateTime: stamp(row.CreateTime), StartTime: stamp(row.StartTime), EndTime: stamp(row.EndTime), Duration: uint32(row.Duration),
	}
}

// operatorMessage is a stored operator's number in messages, whose 0 overrides none.
func operatorMessage(stored int16) api.Operator { return api.Operator(stored + 1) }

// stamp is a time in whole seconds, nil for the Epoch.
func stamp(t time.Time) *timestamppb.Timestamp {
	if !t.After(schema.Epoch) {
		return nil
	}
	return &timestamppb.Timestamp{Seconds: t.Unix()}
}
