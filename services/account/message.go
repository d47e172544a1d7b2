package account

import (
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// NewRow is the row of a new account without any identifier.
func NewRow(user id.UUID, username string, now time.Time) *schema.User {
	return &schema.User{
		ID: user, Username: username, LangTag: "en", Metadata: "{}", Wallet: "{}",
		CreateTime: now, UpdateTime: now, VerifyTime: schema.Epoch, DisableTime: schema.Epoch,
	}
}

// DeviceRow is the row of a user's device.
func DeviceRow(device string, user id.UUID) *schema.UserDevice {
	return &schema.UserDevice{ID: device, UserID: user, Preferences: store.JSON("{}")}
}

// Banned reports whether the user may not sign in.
func Banned(row *schema.User) bool { return row.DisableTime.After(schema.Epoch) }

// UserMessage is what everybody may see of a user.
func UserMessage(row *schema.User, online bool) *api.User {
	return &api.User{
		Id:                    row.ID.String(),
		Username:              row.Username,
		DisplayName:           text(row.DisplayName),
		AvatarUrl:             text(row.AvatarURL),
		LangTag:               row.LangTag,
		Location:              text(row.Location),
		Timezone:              text(row.Timezone),
		Metadata:              string(row.Metadata),
		FacebookId:            text(row.FacebookID),
		GoogleId:              text(row.GoogleID),
		GamecenterId:          text(row.GameCenterID),
		SteamId:               text(row.SteamID),
		FacebookInstantGameId: text(row.FacebookInstantGameID),
		AppleId:               text(row.AppleID),
		Online:                online,
		EdgeCount:             row.EdgeCount,
		CreateTime:            seconds(row.CreateTime),
		UpdateTime:            seconds(row.UpdateTime),
	}
}

// accountMessage is what the owner may see.
func accountMessage(row *schema.User, devices []*schema.UserDevice, online bool) *api.Account {
	a := &api.Account{
		User:     UserMessage(row, online),
		Wallet:   string(row.Wallet),
		Email:    text(row.Email),
		CustomId: text(row.CustomID),
	}
	for _, d := range devices {
		a.Devices = append(a.Devices, &api.AccountDevice{Id: d.ID})
	}
	if row.VerifyTime.After(schema.Epoch) {
		a.VerifyTime = seconds(row.VerifyTime)
	}
	return a
}

// seconds is how the API gives times of users: whole.
func seconds(t time.Time) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: t.Unix()} }

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
