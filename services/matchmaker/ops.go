package matchmaker

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	ownapi "github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/party"
	"github.com/skirmishgg/skirmish/services/session"
)

// Refusals of the operations.
var (
	ErrAdd      = errs.New(errs.Internal, "Error adding to matchmaker")
	ErrTicket   = errs.New(errs.InvalidArgument, "Invalid matchmaker ticket")
	ErrNoTicket = errs.New(errs.InvalidArgument, "Matchmaker ticket not found")

	ErrBackfill      = errs.New(errs.InvalidArgument, "A backfill is of a match, with a number of players and of places.")
	ErrBackfillQuery = errs.New(errs.InvalidArgument, "Query is invalid.")
	ErrServerOnly    = errs.New(errs.PermissionDenied, "Only a server says what a match has room for.")
	ErrUnknownTicket = errs.New(errs.NotFound, "Matchmaker ticket not found.")

	errEnded = errs.New(errs.Internal, "Session has ended.")
)

// Register adds the matchmaker's operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "GetMatchmakerStats", ID: 25, HTTP: []string{"GET /v2/matchmaker/stats"}, Auth: op.Session}, s.getMatchmakerStats)
	op.Add(r, op.Spec{Name: "ExplainMatchmakerTicket", ID: 310, HTTP: []string{"GET /v2/matchmaker/ticket/{ticket}"}, Auth: op.Session}, s.explainMatchmakerTicket)
	op.Add(r, op.Spec{Name: "SetMatchBackfill", ID: 312, HTTP: []string{"PUT /v2/match/{match_id}/backfill *"}, Auth: op.HTTPKey}, s.setMatchBackfill)
	op.Add(r, op.Spec{Name: "MatchmakerAdd", ID: 119, RT: "matchmaker_add", Auth: op.Session}, s.matchmakerAdd)
	op.Add(r, op.Spec{Name: "MatchmakerRemove", ID: 121, RT: "matchmaker_remove", Auth: op.Session}, s.matchmakerRemove)
	op.Add(r, op.Spec{Name: "PartyMatchmakerAdd", ID: 145, RT: "party_matchmaker_add", Auth: op.Session}, s.partyMatchmakerAdd)
	op.Add(r, op.Spec{Name: "PartyMatchmakerRemove", ID: 146, RT: "party_matchmaker_remove", Auth: op.Session}, s.partyMatchmakerRemove)
	op.AddPush[rtapi.MatchmakerMatched](r, "matchmaker_matched", 120)
	op.AddPush[rtapi.MatchmakerTicket](r, "matchmaker_ticket", 122)
	op.AddPush[rtapi.PartyMatchmakerTicket](r, "party_matchmaker_ticket", 147)
}

func (s *Service) getMatchmakerStats(context.Context, op.Caller, *emptypb.Empty) (*api.MatchmakerStats, error) {
	return s.Stats(), nil
}

func (s *Service) explainMatchmakerTicket(_ context.Context, c op.Caller, in *ownapi.ExplainMatchmakerTicketRequest) (*ownapi.MatchmakerTicketExplanation, error) {
	if in.Ticket == "" {
		return nil, ErrTicket
	}
	e, err := s.ExplainOwn(c.UserID, in.Ticket)
	if err != nil {
		return nil, ErrUnknownTicket
	}
	out := &ownapi.MatchmakerTicketExplanation{
		Ticket: e.Ticket, Summary: e.Summary, Others: int32(e.Others), Optional: int32(e.Optional), Sizes: int32(e.Sizes), Party: int32(e.Party),
		Session: int32(e.Session), Refusing: int32(e.Refusing), Candidates: int32(e.Left), CandidatePlayers: int32(e.LeftPlayers),
		PlayersNeeded: int32(e.Needs), PlayersWanted: int32(e.Wants), Searching: e.Active, Rounds: int32(e.Rounds), LastRound: int32(e.Last),
	}
	for _, clause := range e.Clauses {
		out.Clauses = append(out.Clauses, &ownapi.MatchmakerTicketExplanation_Clause{Clause: clause.Text, RulesOut: int32(clause.RulesOut)})
	}
	return out, nil
}

func (s *Service) setMatchBackfill(_ context.Context, c op.Caller, in *ownapi.SetMatchBackfillRequest) (*emptypb.Empty, error) {
	if !c.Trusted && !c.UserID.IsZero() {
		return nil, ErrServerOnly
	}
	err := s.SetBackfill(Backfill{
		MatchID: in.MatchId, Players: int(in.Players), Places: int(in.Places),
		Request: Request{Query: in.Query, Strings: in.StringProperties, Numbers: in.NumericProperties},
	})
	if errors.Is(err, ErrQuery) {
		return nil, ErrBackfillQuery
	}
	if err != nil {
		return nil, errs.Or(err, ErrAdd)
	}
	return &emptypb.Empty{}, nil
}

func (s *Service) matchmakerAdd(_ context.Context, c op.Caller, in *rtapi.MatchmakerAdd) (*rtapi.MatchmakerTicket, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	ticket, err := s.Add(conn, request(in.Query, in.MinCount, in.MaxCount, in.CountMultiple, in.StringProperties, in.NumericProperties))
	switch {
	case isReason(err):
		return nil, ErrAdd // no more than that, as clients know it
	case err != nil:
		return nil, errs.Or(err, ErrAdd)
	}
	return &rtapi.MatchmakerTicket{Ticket: ticket}, nil
}

func request(query string, minCount, maxCount int32, multiple *wrapperspb.Int32Value, texts map[string]string, numbers map[string]float64) Request {
	r := Request{Query: query, MinCount: int(minCount), MaxCount: int(maxCount), CountMultiple: 1, Strings: texts, Numbers: numbers}
	if multiple != nil {
		r.CountMultiple = int(multiple.Value)
	}
	return r
}

func (s *Service) matchmakerRemove(_ context.Context, c op.Caller, in *rtapi.MatchmakerRemove) (*emptypb.Empty, error) {
	if in.Ticket == "" {
		return nil, ErrTicket
	}
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	if err := s.Remove(conn, in.Ticket); err != nil {
		return nil, ErrNoTicket
	}
	return &emptypb.Empty{}, nil
}

func (s *Service) partyMatchmakerAdd(_ context.Context, c op.Caller, in *rtapi.PartyMatchmakerAdd) (*rtapi.PartyMatchmakerTicket, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	tell := func(member session.Conn, ticket string) {
		member.Send(codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_PartyMatchmakerTicket{
			PartyMatchmakerTicket: &rtapi.PartyMatchmakerTicket{PartyId: in.PartyId, Ticket: ticket},
		}}))
	}
	r := request(in.Query, in.MinCount, in.MaxCount, in.CountMultiple, in.StringProperties, in.NumericProperties)
	ticket, err := s.AddParty(conn, in.PartyId, r, tell)
	if err != nil {
		return nil, told("Error adding party to matchmaker: ", err)
	}
	return &rtapi.PartyMatchmakerTicket{PartyId: in.PartyId, Ticket: ticket}, nil
}

func (s *Service) partyMatchmakerRemove(_ context.Context, c op.Caller, in *rtapi.PartyMatchmakerRemove) (*emptypb.Empty, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	if in.Ticket == "" {
		return nil, ErrTicket
	}
	if err := s.RemoveParty(conn, in.PartyId, in.Ticket); err != nil {
		return nil, told("Error closing party: ", err) // as clients know it
	}
	return &emptypb.Empty{}, nil
}

// told is an error as clients get it: before a reason stands what was attempted.
func told(attempt string, err error) error {
	var reason party.Reason
	if errors.As(err, &reason) || isReason(err) {
		return errs.New(errs.InvalidArgument, attempt+err.Error())
	}
	return err
}

// isReason reports whether an error is one of the matchmaker's own.
func isReason(err error) bool {
	return errors.Is(err, ErrQuery) || errors.Is(err, ErrTooManyTickets) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrFull) || errors.Is(err, ErrEnded)
}

// conn is the caller's own connection, on which the call came.
func (s *Service) conn(c op.Caller) (session.Conn, error) {
	if u, err := id.Parse(c.SessionID); err == nil {
		if conn := s.c.Live.Find(u); conn != nil {
			return conn, nil
		}
	}
	return nil, errEnded
}
