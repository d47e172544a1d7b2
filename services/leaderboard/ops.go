package leaderboard

import (
	"context"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// Refusals of requests.
var (
	ErrBoardID     = errs.New(errs.InvalidArgument, "Invalid leaderboard ID.")
	ErrNoRecord    = errs.New(errs.InvalidArgument, "Invalid input, record score value is required.")
	ErrOwnerIDs    = errs.New(errs.InvalidArgument, "One or more owner IDs are invalid.")
	ErrOwner       = errs.New(errs.InvalidArgument, "Owner ID must be provided for a haystack query.")
	ErrOwnerID     = errs.New(errs.InvalidArgument, "Invalid owner ID provided.")
	ErrListLimit   = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 1000.")
	ErrAroundLimit = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 100.")
)

// What a client is told of trouble from below.
var (
	errWriting  = errs.New(errs.Internal, "Error writing score to leaderboard.")
	errDeleting = errs.New(errs.Internal, "Error deleting score from leaderboard.")
	errListing  = errs.New(errs.Internal, "Error listing records from leaderboard.")
	errAround   = errs.New(errs.Internal, "Error querying records from leaderboard.")
)

const (
	listMax   = 1000
	aroundMax = 100
)

// Register adds the leaderboard operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "DeleteLeaderboardRecord", ID: 18, HTTP: []string{"DELETE /v2/leaderboard/{leaderboard_id}"}, Auth: op.Session}, s.deleteRecord)
	op.Add(r, op.Spec{Name: "ListLeaderboardRecords", ID: 49, HTTP: []string{"GET /v2/leaderboard/{leaderboard_id}"}, Auth: op.Session}, s.listRecords)
	op.Add(r, op.Spec{Name: "ListLeaderboardRecordsAroundOwner", ID: 50, HTTP: []string{"GET /v2/leaderboard/{leaderboard_id}/owner/{owner_id}"}, Auth: op.Session}, s.listAroundOwner)
	op.Add(r, op.Spec{Name: "WriteLeaderboardRecord", ID: 83, HTTP: []string{"POST /v2/leaderboard/{leaderboard_id} record"}, Auth: op.Session}, s.writeRecord)
}

func (s *Service) writeRecord(ctx context.Context, c op.Caller, in *api.WriteLeaderboardRecordRequest) (*api.LeaderboardRecord, error) {
	switch {
	case in.LeaderboardId == "":
		return nil, ErrBoardID
	case in.Record == nil:
		return nil, ErrNoRecord
	}
	r, err := s.Submit(ctx, c, in.LeaderboardId, Score{
		Owner: c.UserID, Username: c.Username, Score: in.Record.Score, Subscore: in.Record.Subscore,
		Metadata: store.JSON(in.Record.Metadata), Operator: OperatorOf(in.Record.Operator),
	})
	if err != nil {
		return nil, errs.Or(err, errWriting)
	}
	return r.Message(), nil
}

func (s *Service) deleteRecord(ctx context.Context, c op.Caller, in *api.DeleteLeaderboardRecordRequest) (*emptypb.Empty, error) {
	if in.LeaderboardId == "" {
		return nil, ErrBoardID
	}
	if _, err := s.DeleteRecord(ctx, c, in.LeaderboardId, c.UserID); err != nil {
		return nil, errs.Or(err, errDeleting)
	}
	return &emptypb.Empty{}, nil
}

func (s *Service) listRecords(ctx context.Context, _ op.Caller, in *api.ListLeaderboardRecordsRequest) (*api.LeaderboardRecordList, error) {
	if in.LeaderboardId == "" {
		return nil, ErrBoardID
	}
	l := Listing{Cursor: in.Cursor, Limit: 1}
	switch {
	case in.Limit != nil:
		if l.Limit = int(in.Limit.Value); l.Limit < 1 || l.Limit > listMax {
			return nil, ErrListLimit
		}
	case len(in.OwnerIds) > 0 && in.Cursor == "":
		l.Limit = 0
	}
	owners, err := ParseOwners(in.OwnerIds)
	if err != nil {
		return nil, err
	}
	b, ok := s.Get(in.LeaderboardId)
	if !ok {
		return nil, ErrNotFound
	}
	l.Owners, l.Expiry = owners, s.PeriodOf(b, in.Expiry)
	p, err := s.Records(ctx, b, l)
	if err != nil {
		return nil, errs.Or(err, errListing)
	}
	return p.Message(), nil
}

func (s *Service) listAroundOwner(ctx context.Context, _ op.Caller, in *api.ListLeaderboardRecordsAroundOwnerRequest) (*api.LeaderboardRecordList, error) {
	if in.LeaderboardId == "" {
		return nil, ErrBoardID
	}
	limit := 1
	if in.Limit != nil {
		if limit = int(in.Limit.Value); limit < 1 || limit > aroundMax {
			return nil, ErrAroundLimit
		}
	}
	owner, err := ParseOwner(in.OwnerId)
	if err != nil {
		return nil, err
	}
	b, ok := s.Get(in.LeaderboardId)
	if !ok {
		return nil, ErrNotFound
	}
	p, err := s.AroundOrFrom(ctx, b, owner, limit, in.Cursor, s.PeriodOf(b, in.Expiry))
	if err != nil {
		return nil, errs.Or(err, errAround)
	}
	return p.Message(), nil
}

// AroundOrFrom is Around or, with a cursor, the page of Records that it leads to.
// Errors: ErrCursor.
func (s *Service) AroundOrFrom(ctx context.Context, b *Board, owner id.UUID, limit int, cursor string, expiry time.Time) (*Page, error) {
	if cursor != "" {
		return s.Records(ctx, b, Listing{Expiry: expiry, Limit: limit, Cursor: cursor})
	}
	return s.Around(ctx, b, owner, limit, expiry)
}

// PeriodOf is the period that a request asks for; without one, that of now.
func (s *Service) PeriodOf(b *Board, asked *wrapperspb.Int64Value) time.Time {
	if asked.GetValue() == 0 {
		return b.Expiry(s.c.Now())
	}
	return expiryOf(min(max(asked.Value, 0), timeMax))
}

// ParseOwners reads the owners of a request.
// Errors: ErrOwnerIDs.
func ParseOwners(texts []string) ([]id.UUID, error) {
	owners := make([]id.UUID, len(texts))
	for i, text := range texts {
		var err error
		if owners[i], err = id.Parse(text); err != nil {
			return nil, ErrOwnerIDs
		}
	}
	return owners, nil
}

// ParseOwner reads the owner of a request for what is around him.
// Errors: ErrOwner, ErrOwnerID.
func ParseOwner(text string) (id.UUID, error) {
	if text == "" {
		return id.UUID{}, ErrOwner
	}
	owner, err := id.Parse(text)
	if err != nil {
		return owner, ErrOwnerID
	}
	return owner, nil
}
