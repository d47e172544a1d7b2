package match

import (
	"context"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/emptypb"

	ownapi "github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/session"
)

// Register adds the match messages and listing to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "MatchCreate", ID: 113, RT: "match_create", Auth: op.Session}, s.matchCreate)
	op.Add(r, op.Spec{Name: "MatchDataSend", ID: 115, RT: "match_data_send", Auth: op.Session, Silent: true, Quick: true}, s.matchDataSend)
	op.Add(r, op.Spec{Name: "MatchJoin", ID: 116, RT: "match_join", Auth: op.Session}, s.matchJoin)
	op.Add(r, op.Spec{Name: "MatchLeave", ID: 117, RT: "match_leave", Auth: op.Session}, s.matchLeave)
	op.Add(r, op.Spec{Name: "ListMatches", ID: 51, HTTP: []string{"GET /v2/match"}, Auth: op.Session}, s.listMatches)
	op.AddPush[rtapi.Match](r, "match", 112)
	op.AddPush[rtapi.MatchData](r, "match_data", 114)
	op.AddPush[rtapi.MatchPresenceEvent](r, "match_presence_event", 118)
	op.AddPush[ownapi.MatchEnded](r, "", PushEnded)
}

func (s *Service) matchCreate(_ context.Context, c op.Caller, in *rtapi.MatchCreate) (*rtapi.Match, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	return s.CreateRelayed(conn, in.Name)
}

func (s *Service) matchJoin(ctx context.Context, c op.Caller, in *rtapi.MatchJoin) (*rtapi.Match, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	switch by := in.Id.(type) {
	case *rtapi.MatchJoin_MatchId:
		return s.Join(ctx, conn, c, by.MatchId, in.Metadata)
	case *rtapi.MatchJoin_Token:
		u, err := s.openToken(by.Token)
		if err != nil {
			return nil, err
		}
		return s.joinRelayed(conn, u, true)
	}
	return nil, ErrNoID
}

func (s *Service) matchLeave(_ context.Context, c op.Caller, in *rtapi.MatchLeave) (*emptypb.Empty, error) {
	conn, err := s.conn(c)
	if err == nil {
		err = s.Leave(conn, in.MatchId)
	}
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// matchDataSend keeps nothing of the message but its data: doors read the next one into it. Whether the session has ended
// meanwhile need not be asked: it is in no match then.
func (s *Service) matchDataSend(_ context.Context, c op.Caller, in *rtapi.MatchDataSend) (*emptypb.Empty, error) {
	conn, ok := c.Conn.(session.Conn)
	if !ok {
		var err error
		if conn, err = s.conn(c); err != nil {
			return nil, err
		}
	}
	return acknowledged, s.Data(conn, in)
}

// acknowledged is shared by calls whose answer nobody gets.
var acknowledged = &emptypb.Empty{}

// conn is the caller's own connection, on which the call came.
func (s *Service) conn(c op.Caller) (session.Conn, error) {
	if u, err := id.Parse(c.SessionID); err == nil {
		if conn := s.c.Live.Find(u); conn != nil {
			return conn, nil
		}
	}
	return nil, errEnded
}
