package party

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/session"
)

var (
	// ErrLimit refuses a page that is too small or too large.
	ErrLimit = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 100.")

	errEnded  = errs.New(errs.Internal, "Session has ended.")
	errCreate = errs.New(errs.Internal, "Failed to create party")
)

const (
	limitDefault = 10
	limitMax     = 100
)

// Register adds the party messages and listing to the catalogue; tickets are the matchmaker's.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "ListParties", ID: 53, HTTP: []string{"GET /v2/party"}, Auth: op.Session}, s.listParties)
	op.Add(r, op.Spec{Name: "PartyCreate", ID: 135, RT: "party_create", Auth: op.Session}, s.partyCreate)
	op.Add(r, op.Spec{Name: "PartyJoin", ID: 136, RT: "party_join", Auth: op.Session}, s.partyJoin)
	op.Add(r, op.Spec{Name: "PartyLeave", ID: 137, RT: "party_leave", Auth: op.Session}, s.partyLeave)
	op.Add(r, op.Spec{Name: "PartyPromote", ID: 138, RT: "party_promote", Auth: op.Session}, s.partyPromote)
	op.Add(r, op.Spec{Name: "PartyAccept", ID: 140, RT: "party_accept", Auth: op.Session}, s.partyAccept)
	op.Add(r, op.Spec{Name: "PartyRemove", ID: 141, RT: "party_remove", Auth: op.Session}, s.partyRemove)
	op.Add(r, op.Spec{Name: "PartyClose", ID: 142, RT: "party_close", Auth: op.Session}, s.partyClose)
	op.Add(r, op.Spec{Name: "PartyJoinRequestList", ID: 143, RT: "party_join_request_list", Auth: op.Session}, s.partyJoinRequestList)
	op.Add(r, op.Spec{Name: "PartyDataSend", ID: 149, RT: "party_data_send", Auth: op.Session}, s.partyDataSend)
	op.Add(r, op.Spec{Name: "PartyUpdate", ID: 151, RT: "party_update", Auth: op.Session}, s.partyUpdate)
	op.AddPush[rtapi.Party](r, "party", 134)
	op.AddPush[rtapi.PartyLeader](r, "party_leader", 139)
	op.AddPush[rtapi.PartyClose](r, "party_close", 142)
	op.AddPush[rtapi.PartyJoinRequest](r, "party_join_request", 144)
	op.AddPush[rtapi.PartyData](r, "party_data", 148)
	op.AddPush[rtapi.PartyPresenceEvent](r, "party_presence_event", 150)
	op.AddPush[rtapi.PartyUpdate](r, "party_update", 151)
}

func (s *Service) listParties(_ context.Context, _ op.Caller, in *api.ListPartiesRequest) (*api.PartyList, error) {
	limit := limitDefault
	if in.Limit != nil {
		if in.Limit.Value < 1 || in.Limit.Value > limitMax {
			return nil, ErrLimit
		}
		limit = int(in.Limit.Value)
	}
	f := Filter{Query: in.Query.GetValue()}
	if in.Open != nil {
		f.Open = &in.Open.Value
	}
	return s.List(f, limit, in.Cursor.GetValue())
}

func (s *Service) partyCreate(_ context.Context, c op.Caller, in *rtapi.PartyCreate) (*rtapi.Party, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	p, err := s.Create(conn, Options{Open: in.Open, Hidden: in.Hidden, MaxSize: int(in.MaxSize), Label: in.Label})
	return p, errs.Or(told("Error creating party: ", err), errCreate)
}

func (s *Service) partyJoin(_ context.Context, c op.Caller, in *rtapi.PartyJoin) (*emptypb.Empty, error) {
	return s.do(c, "Error joining party: ", func(conn session.Conn) error { return s.Join(conn, in.PartyId) })
}

func (s *Service) partyLeave(_ context.Context, c op.Caller, in *rtapi.PartyLeave) (*emptypb.Empty, error) {
	return s.do(c, "", func(conn session.Conn) error { return s.Leave(conn, in.PartyId) })
}

func (s *Service) partyPromote(_ context.Context, c op.Caller, in *rtapi.PartyPromote) (*emptypb.Empty, error) {
	return s.doTo(c, "Error promoting new party leader: ", in.PartyId, in.Presence, s.Promote)
}

func (s *Service) partyAccept(_ context.Context, c op.Caller, in *rtapi.PartyAccept) (*emptypb.Empty, error) {
	return s.doTo(c, "Error accepting party join request: ", in.PartyId, in.Presence, s.Accept)
}

func (s *Service) partyRemove(_ context.Context, c op.Caller, in *rtapi.PartyRemove) (*emptypb.Empty, error) {
	return s.doTo(c, "Error removing party member or join request: ", in.PartyId, in.Presence, s.Remove)
}

func (s *Service) partyClose(_ context.Context, c op.Caller, in *rtapi.PartyClose) (*emptypb.Empty, error) {
	return s.do(c, "Error closing party: ", func(conn session.Conn) error { return s.Close(conn, in.PartyId) })
}

func (s *Service) partyJoinRequestList(_ context.Context, c op.Caller, in *rtapi.PartyJoinRequestList) (*rtapi.PartyJoinRequest, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	list, err := s.Requests(conn, in.PartyId)
	return list, told("Error listing party join requests: ", err)
}

func (s *Service) partyDataSend(_ context.Context, c op.Caller, in *rtapi.PartyDataSend) (*emptypb.Empty, error) {
	return s.do(c, "Error sending party data: ", func(conn session.Conn) error { return s.SendData(conn, in.PartyId, in.OpCode, in.Data) })
}

func (s *Service) partyUpdate(_ context.Context, c op.Caller, in *rtapi.PartyUpdate) (*emptypb.Empty, error) {
	return s.do(c, "Error updating party: ", func(conn session.Conn) error {
		return s.Update(conn, in.PartyId, in.Label, in.Open, in.Hidden)
	})
}

// do runs f for the caller's connection and acknowledges it.
func (s *Service) do(c op.Caller, attempt string, f func(session.Conn) error) (*emptypb.Empty, error) {
	conn, err := s.conn(c)
	if err == nil {
		err = told(attempt, f(conn))
	}
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// doTo is do for what a leader does to somebody.
func (s *Service) doTo(c op.Caller, attempt, name string, who *rtapi.UserPresence, f func(session.Conn, string, *rtapi.UserPresence) error) (*emptypb.Empty, error) {
	return s.do(c, attempt, func(conn session.Conn) error {
		if _, err := s.find(name); errors.Is(err, ErrID) {
			return err
		}
		if who.GetUserId() == "" || who.GetSessionId() == "" || who.GetUsername() == "" {
			return ErrPresence
		}
		return f(conn, name, who)
	})
}

// told is an error as clients get it: before a Reason stands what was attempted.
func told(attempt string, err error) error {
	var r Reason
	if errors.As(err, &r) {
		return errs.New(errs.InvalidArgument, attempt+string(r))
	}
	return err
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
