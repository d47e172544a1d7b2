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

// codeSingleSocket is the notification that tells a client why its connection ends.
const codeSingleSocket = -7

// Replace tells connections that a newer one of their user takes their place, and ends them. Doors call it with what
// Live.Add returned when session.single_socket is on.
func Replace(older []Conn) {
	if len(older) == 0 {
		return
	}
	noticeID, _ := id.NewV4(rand.Reader) // crypto/rand does not fail
	notice := codec.Share(&rtapi.Envelope{Message: &rtapi.Envelope_Notifications{Notifications: &rtapi.Notifications{
		Notifications: []*api.Notification{{
			Id: noticeID.String(), Subject: "single_socket", Content: "{}", Code: codeSingleSocket,
			CreateTime: &timestamppb.Timestamp{Seconds: time.Now().Unix()},
		}},
	}}})
	for _, c := range older {
		c.Send(notice)
		c.Close(KickReason)
	}
}
