package session

import (
	"crypto/rand"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Codes of the notifications that tell a client why its connection ends; those that outlive it are in services/notify.
const (
	CodeReplaced int32 = -7
	CodeBanned   int32 = -8
)

// Replace tells connections that a newer one of their user takes their place, and ends them. Doors call it with what
// Live.Add returned when session.single_socket is on. A connection that is MatchOnly stays: the user's match goes on while
// he changes sockets.
func Replace(older []Conn) {
	var sockets []Conn
	for _, c := range older {
		if _, only := c.(MatchOnly); !only {
			sockets = append(sockets, c)
		}
	}
	dismiss(sockets, CodeReplaced, "single_socket")
}

// MatchOnly is a Conn that carries the messages of one match and is no socket of its user.
type MatchOnly interface{ MatchOnly() }

// KickBanned tells the user's connections that he may not be here any more, and ends them.
func (l *Live) KickBanned(user id.UUID) { dismiss(l.OfUser(user), CodeBanned, "banned") }

func dismiss(list []Conn, code int32, why string) {
	if len(list) == 0 {
		return
	}
	noticeID, _ := id.NewV4(rand.Reader) // crypto/rand does not fail
	notice := codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_Notifications{Notifications: &rtapi.Notifications{
		Notifications: []*api.Notification{{
			Id: noticeID.String(), Subject: why, Content: "{}", Code: code, CreateTime: &timestamppb.Timestamp{Seconds: time.Now().Unix()},
		}},
	}}})
	for _, c := range list {
		c.Send(notice)
		c.Close(KickReason)
	}
}
