package status

import (
	"context"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
)

// What a client is told of trouble from below.
var errChecking = errs.New(errs.Internal, "Could not check users")

// Register adds the status messages to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "StatusFollow", ID: 126, RT: "status_follow", Auth: op.Session}, s.statusFollow)
	op.Add(r, op.Spec{Name: "StatusUnfollow", ID: 128, RT: "status_unfollow", Auth: op.Session}, s.statusUnfollow)
	op.Add(r, op.Spec{Name: "StatusUpdate", ID: 129, RT: "status_update", Auth: op.Session}, s.statusUpdate)
	op.AddPush[rtapi.Status](r, "status", 125)
	op.AddPush[rtapi.StatusPresenceEvent](r, "status_presence_event", 127)
}

func (s *Service) statusFollow(ctx context.Context, c op.Caller, in *rtapi.StatusFollow) (*rtapi.Status, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	ids, err := parse(in.UserIds)
	if err != nil {
		return nil, err
	}
	online, err := s.Follow(ctx, conn, ids, in.Usernames)
	if err != nil {
		return nil, errs.Or(err, errChecking)
	}
	out := &rtapi.Status{}
	for _, p := range online {
		out.Presences = append(out.Presences, p.Wire(presence.ModeStatus))
	}
	return out, nil
}

func (s *Service) statusUnfollow(_ context.Context, c op.Caller, in *rtapi.StatusUnfollow) (*emptypb.Empty, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	ids, err := parse(in.UserIds)
	if err != nil {
		return nil, err
	}
	s.Unfollow(conn, ids...)
	return &emptypb.Empty{}, nil
}

func (s *Service) statusUpdate(_ context.Context, c op.Caller, in *rtapi.StatusUpdate) (*emptypb.Empty, error) {
	conn, err := s.conn(c)
	if err != nil {
		return nil, err
	}
	if in.Status == nil {
		s.Clear(conn)
		return &emptypb.Empty{}, nil
	}
	if err := s.Set(conn, in.Status.Value); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// conn is the caller's own connection, on which the call came.
func (s *Service) conn(c op.Caller) (session.Conn, error) {
	if u, err := id.Parse(c.SessionID); err == nil {
		if conn := s.c.Live.Find(u); conn != nil {
			return conn, nil
		}
	}
	return nil, ErrEnded
}

func parse(texts []string) ([]id.UUID, error) {
	ids := make([]id.UUID, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = id.Parse(text); err != nil {
			return nil, ErrUserID
		}
	}
	return ids, nil
}
