package node

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/netcode/snapshot"
	protoapi "github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
	client "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// TestSessionAndMatchSideBySide: goal: an account signs in over HTTP, opens a native session, asks over it for a place in a
// match, and plays while it calls; neither disturbs the other, and deleting the account ends the session. Method: both
// drivers, real sockets.
func TestSessionAndMatchSideBySide(t *testing.T) {
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			n := startWith(t, "embedded", []*match.Definition{&raceMatch}, nil, "--udp.driver="+driver, "--udp.port=0")
			race, err := n.StartMatch("race", MatchOptions{Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			rest := newRESTDoor(t, n)
			ask := func(name, token string, in proto.Message) proto.Message {
				t.Helper()
				out, err := rest.call(n.Registry().Named(name), token, in)
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			signedIn := ask("AuthenticateDevice", "key", &api.AuthenticateDeviceRequest{Account: &api.AccountDevice{Id: "a-device-of-zoe"}, Username: "zoe"}).(*api.Session)
			opens := ask("CreateConnectToken", signedIn.Token, &protoapi.CreateConnectTokenRequest{}).(*protoapi.ConnectToken)
			s, err := client.OpenSession(t.Context(), opens.Token)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			call := func(name string, in, out proto.Message) error {
				return s.Call(t.Context(), n.Registry().Named(name).Spec.ID, in, out)
			}

			place := &protoapi.ConnectToken{}
			if err := call("CreateConnectToken", &protoapi.CreateConnectTokenRequest{MatchId: race.String()}, place); err != nil {
				t.Fatal(err)
			}
			if err := call("CreateConnectToken", &protoapi.CreateConnectTokenRequest{MatchId: id.UUID{7}.String()}, &protoapi.ConnectToken{}); errs.Of(err).Code != errs.NotFound {
				t.Errorf("a place in no match: %v", err)
			}
			var snapshots atomic.Int64
			player, err := client.Connect(t.Context(), place.Token, client.Game{
				Schema: n.Schema("race"), Snapshot: func(*client.Conn, *snapshot.View) { snapshots.Add(1) },
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(player.Close)
			calls := 0
			for end := time.Now().Add(2 * time.Second); time.Now().Before(end); calls++ {
				account := &api.Account{}
				if err := call("GetAccount", &emptypb.Empty{}, account); err != nil || account.User.Username != "zoe" {
					t.Fatalf("%v, %v", account, err)
				}
				if calls == 20 {
					s.Rebind()
					player.Rebind()
				}
			}
			if player.Err() != nil || s.Err() != nil || snapshots.Load() < 60 || calls < 20 {
				t.Errorf("%d snapshots and %d calls in two seconds; %v, %v", snapshots.Load(), calls, player.Err(), s.Err())
			}
			if st := n.Stats().Control.Sessions; st.Open != 1 || st.Opened != 1 {
				t.Errorf("%+v", st)
			}

			if err := call("DeleteAccount", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
				t.Errorf("deleting the account: %v", err)
			}
			<-s.Done()
			var closed *client.ClosedError
			if !errors.As(s.Err(), &closed) || closed.Reason != wire.CloseKicked {
				t.Errorf("the session ended with %v", s.Err())
			}
		})
	}
}
