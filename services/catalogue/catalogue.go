// Package catalogue is the list of features whose operations, together, are what the server offers. A feature joins here,
// and node, the doors' tests, documents and SDKs all have it.
package catalogue

import (
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/auth"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/connect"
	"github.com/skirmishgg/skirmish/services/event"
	"github.com/skirmishgg/skirmish/services/friend"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/group"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/matchmaker"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/party"
	"github.com/skirmishgg/skirmish/services/pending"
	"github.com/skirmishgg/skirmish/services/rpc"
	"github.com/skirmishgg/skirmish/services/status"
	"github.com/skirmishgg/skirmish/services/storage"
	"github.com/skirmishgg/skirmish/services/tournament"
)

// Features are the services that run the operations. Zero ones will do for who only reads the Specs: to register, no
// feature looks at itself.
type Features struct {
	Account     *account.Service
	Auth        *auth.Service
	Chat        *chat.Service
	Connect     *connect.Service
	Event       *event.Service
	Friend      *friend.Service
	Group       *group.Service
	Leaderboard *leaderboard.Service
	Match       *match.Service
	Matchmaker  *matchmaker.Service
	Notify      *notify.Service
	Party       *party.Service
	RPC         *rpc.Service
	Status      *status.Service
	Storage     *storage.Service
	Tournament  *tournament.Service
}

// Register adds every operation and push there is. Limits, metrics and Seal are the caller's.
func (f Features) Register(r *op.Registry) {
	gateway.Register(r)
	f.Account.Register(r)
	f.Auth.Register(r)
	f.Chat.Register(r)
	f.Connect.Register(r)
	f.Event.Register(r)
	f.Friend.Register(r)
	f.Group.Register(r)
	f.Leaderboard.Register(r)
	f.Match.Register(r)
	f.Matchmaker.Register(r)
	f.Notify.Register(r)
	f.Party.Register(r)
	f.RPC.Register(r)
	f.Status.Register(r)
	f.Storage.Register(r)
	f.Tournament.Register(r)
	pending.Register(r)
}
