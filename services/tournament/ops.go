package tournament

import (
	"context"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/leaderboard"
)

// Refusals of requests.
var (
	ErrIDUnset      = errs.New(errs.InvalidArgument, "Tournament ID must be provided.")
	ErrIDUnsetList  = errs.New(errs.InvalidArgument, "Tournament ID must be provided")
	ErrID           = errs.New(errs.InvalidArgument, "Invalid tournament ID.")
	ErrRecordUnset  = errs.New(errs.InvalidArgument, "Invalid input, record score value is required.")
	ErrRecordsLimit = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 100.")
)

// What a client is told of trouble from below.
var (
	errJoining  = errs.New(errs.Internal, "Error while trying to join tournament.")
	errWriting  = errs.New(errs.Internal, "Error writing score to tournament.")
	errDeleting = errs.New(errs.Internal, "Error deleting score from tournament.")
	errListing  = errs.New(errs.Internal, "Error listing tournaments.")
	errRecords  = errs.New(errs.Internal, "Error listing records from tournament.")
	errAround   = errs.New(errs.Internal, "Error querying records from leaderboard.")
)

const (
	listMax    = 100
	recordsMax = 100
	expiryMax  = 1 << 32 // messages have 32 bits of seconds
)

// Register adds the tournament operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "DeleteTournamentRecord", ID: 21, HTTP: []string{"DELETE /v2/tournament/{tournament_id}"}, Auth: op.Session}, s.deleteTournamentRecord)
	op.Add(r, op.Spec{Name: "JoinTournament", ID: 32, HTTP: []string{"POST /v2/tournament/{tournament_id}/join"}, Auth: op.Session}, s.joinTournament)
	op.Add(r, op.Spec{Name: "ListTournamentRecords", ID: 56, HTTP: []string{"GET /v2/tournament/{tournament_id}"}, Auth: op.Session}, s.listTournamentRecords)
	op.Add(r, op.Spec{Name: "ListTournamentRecordsAroundOwner", ID: 57, HTTP: []string{"GET /v2/tournament/{tournament_id}/owner/{owner_id}"}, Auth: op.Session}, s.listTournamentRecordsAroundOwner)
	op.Add(r, op.Spec{Name: "ListTournaments", ID: 58, HTTP: []string{"GET /v2/tournament"}, Auth: op.Session}, s.listTournaments)
	op.Add(r, op.Spec{Name: "WriteTournamentRecord", ID: 85, HTTP: []string{"PUT /v2/tournament/{tournament_id} record", "POST /v2/tournament/{tournament_id} record"}, Auth: op.Session}, s.writeTournamentRecord)
}

func (s *Service) joinTournament(ctx context.Context, c op.Caller, in *api.JoinTournamentRequest) (*emptypb.Empty, error) {
	if err := s.Join(ctx, c, in.TournamentId, c.UserID, c.Username); err != nil {
		return nil, errs.Or(err, errJoining)
	}
	return &emptypb.Empty{}, nil
}

func (s *Service) writeTournamentRecord(ctx context.Context, c op.Caller, in *api.WriteTournamentRecordRequest) (*api.LeaderboardRecord, error) {
	switch {
	case in.TournamentId == "":
		return nil, ErrIDUnset
	case in.Record == nil:
		return nil, ErrRecordUnset
	}
	score := leaderboard.Score{
		Owner: c.UserID, Username: c.Username, Score: in.Record.Score, Subscore: in.Record.Subscore,
		Metadata: store.JSON(in.Record.Metadata), Operator: leaderboard.OperatorOf(in.Record.Operator),
	}
	r, err := s.Write(ctx, c, in.TournamentId, score)
	if err != nil {
		return nil, errs.Or(err, errWriting)
	}
	return r.Message(), nil
}

func (s *Service) deleteTournamentRecord(ctx context.Context, c op.Caller, in *api.DeleteTournamentRecordRequest) (*emptypb.Empty, error) {
	if in.TournamentId == "" {
		return nil, ErrID
	}
	if err := s.DeleteRecord(ctx, c, in.TournamentId, c.UserID); err != nil {
		return nil, errs.Or(err, errDeleting)
	}
	return &emptypb.Empty{}, nil
}

func (s *Service) listTournaments(ctx context.Context, _ op.Caller, in *api.ListTournamentsRequest) (*api.TournamentList, error) {
	f := Filter{CategoryMin: number(in.CategoryStart, 0), CategoryMax: number(in.CategoryEnd, categoryMax)}
	if in.StartTime != nil {
		f.StartMin = new(int64(in.StartTime.Value))
	}
	if in.EndTime != nil {
		f.EndMax = new(int64(in.EndTime.Value))
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	limit := listMax
	if in.Limit != nil {
		limit = int(in.Limit.Value)
	}
	if limit < 1 || limit > listMax {
		return nil, ErrLimit
	}
	page, next, err := s.List(ctx, f, limit, in.Cursor)
	if err != nil {
		return nil, errs.Or(err, errListing)
	}
	return &api.TournamentList{Tournaments: page, Cursor: next}, nil
}

func (s *Service) listTournamentRecords(ctx context.Context, _ op.Caller, in *api.ListTournamentRecordsRequest) (*api.TournamentRecordList, error) {
	if in.TournamentId == "" {
		return nil, ErrIDUnsetList
	}
	l := leaderboard.Listing{Expiry: expiryOf(in.Expiry), Limit: 10, Cursor: in.Cursor}
	switch {
	case in.Limit != nil:
		if l.Limit = int(in.Limit.Value); l.Limit < 1 || l.Limit > recordsMax {
			return nil, ErrRecordsLimit
		}
	case len(in.OwnerIds) > 0 && in.Cursor != "":
		l.Limit = 0
	}
	var err error
	if l.Owners, err = leaderboard.ParseOwners(in.OwnerIds); err != nil {
		return nil, err
	}
	page, err := s.Records(ctx, in.TournamentId, l)
	if err != nil {
		return nil, errs.Or(err, errRecords)
	}
	return pageMessage(page), nil
}

func (s *Service) listTournamentRecordsAroundOwner(ctx context.Context, _ op.Caller, in *api.ListTournamentRecordsAroundOwnerRequest) (*api.TournamentRecordList, error) {
	if in.TournamentId == "" {
		return nil, ErrID
	}
	limit := number(in.Limit, recordsMax)
	if limit < 1 || limit > recordsMax {
		return nil, ErrRecordsLimit
	}
	owner, err := leaderboard.ParseOwner(in.OwnerId)
	if err != nil {
		return nil, err
	}
	page, err := s.Around(ctx, in.TournamentId, owner, int(limit), in.Cursor, expiryOf(in.Expiry))
	if err != nil {
		return nil, errs.Or(err, errAround)
	}
	return pageMessage(page), nil
}

func number(w *wrapperspb.UInt32Value, usual int64) int64 {
	if w == nil {
		return usual
	}
	return int64(w.Value)
}

// expiryOf is the period that a request asks for; the zero time: the present one.
func expiryOf(asked *wrapperspb.Int64Value) time.Time {
	if asked.GetValue() == 0 {
		return time.Time{}
	}
	return time.Unix(min(max(asked.Value, 0), expiryMax), 0).UTC()
}

func pageMessage(p *leaderboard.Page) *api.TournamentRecordList {
	return &api.TournamentRecordList{
		Records: leaderboard.Messages(p.Records), OwnerRecords: leaderboard.Messages(p.OwnerRecords),
		NextCursor: p.Next, PrevCursor: p.Prev, RankCount: int64(p.RankCount),
	}
}
