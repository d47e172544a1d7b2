package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/session"
)

// rows are put in one transaction.
type rows []func(tx store.Tx) error

func row[R any](t *store.Table[R], r *R) func(store.Tx) error {
	return func(tx store.Tx) error { return store.Put(tx, t, r) }
}

func (r rows) put(d *desk) {
	d.t.Helper()
	d.put(func(tx store.Tx) error {
		for _, put := range r {
			if err := put(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func count[R any](d *desk, t *store.Table[R]) int {
	d.t.Helper()
	n := 0
	err := d.db.Read(context.Background(), func(r store.Reader) error {
		for _, err := range store.Scan(r, &store.Index[R]{Def: t.Def.Primary}, store.Range{}) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func numbered(kind byte, n int) id.UUID { return id.UUID{0: kind, 14: byte(n >> 8), 15: byte(n)} }

// TestDeleteAccount gives anna and ben a row or two in every relation that can be theirs, deletes anna, and looks at what
// is left of each.
func TestDeleteAccount(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		at := d.clock.Now()
		custom := "board"
		var all rows
		add := func(r ...func(store.Tx) error) { all = append(all, r...) }
		add(row(schema.Leaderboards, &schema.Leaderboard{ID: custom, Metadata: "{}", CreateTime: at, EndTime: schema.Epoch, StartTime: at, MaxSize: 9, MaxNumScore: 9, Size: 2}))
		for n, user := range []id.UUID{anna, ben} {
			other := []id.UUID{ben, anna}[n]
			name := nameOf(user)
			add(
				row(schema.UserDevices, DeviceRow("second-device-"+name, user)),
				row(schema.UserEdges, &schema.UserEdge{SourceID: user, DestinationID: other, Position: 1, UpdateTime: at, Metadata: "{}"}),
				row(schema.UserEdges, &schema.UserEdge{SourceID: user, DestinationID: cleo, Position: 2, UpdateTime: at, State: schema.EdgeBlocked, Metadata: "{}"}),
				row(schema.Storage, &schema.StorageObject{Collection: "c", Key: "k", UserID: user, Value: "{}", Version: "v", CreateTime: at, UpdateTime: at}),
				row(schema.Notifications, &schema.Notification{ID: numbered(1, n), UserID: user, SenderID: other, Content: "{}", CreateTime: at}),
				row(schema.Messages, &schema.Message{ID: numbered(2, n), SenderID: user, Username: name, StreamMode: 2, Content: "{}", CreateTime: at, UpdateTime: at}),
				row(schema.Ledger, &schema.LedgerItem{ID: numbered(3, n), UserID: user, Changeset: "{}", Metadata: "{}", CreateTime: at, UpdateTime: at}),
				row(schema.UserNotes, &schema.UserNote{ID: numbered(4, n), UserID: user, Note: "n", CreateTime: at, UpdateTime: at}),
				row(schema.LeaderboardRecords, &schema.LeaderboardRecord{LeaderboardID: custom, OwnerID: user, Score: 3, NumScore: 1, MaxNumScore: 9, Metadata: "{}",
					CreateTime: at, UpdateTime: at, ExpiryTime: schema.Epoch}),
				row(schema.LeaderboardRecords, &schema.LeaderboardRecord{LeaderboardID: custom, OwnerID: user, Score: 4, NumScore: 1, MaxNumScore: 9, Metadata: "{}",
					CreateTime: at, UpdateTime: at, ExpiryTime: at.Add(time.Hour)}),
				row(schema.Purchases, &schema.Purchase{TransactionID: "p" + name, UserID: user, ProductID: "x", RawResponse: "{}", CreateTime: at,
					PurchaseTime: at, UpdateTime: at, RefundTime: schema.Epoch}),
				row(schema.Subscriptions, &schema.Subscription{OriginalTransactionID: "s" + name, UserID: user, ProductID: "x", RawResponse: "{}",
					RawNotification: "{}", CreateTime: at, PurchaseTime: at, UpdateTime: at, ExpireTime: at, RefundTime: schema.Epoch}),
			)
		}
		all.put(d)
		d.put(func(tx store.Tx) error {
			r, _, err := store.Get(tx, schema.Users, ben)
			r.EdgeCount = 2
			return errors.Join(err, store.Put(tx, schema.Users, r))
		})

		d.ok("DeleteAccount", anna, &emptypb.Empty{})
		left := func(what string, got, want int) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %d rows are left, want %d", what, got, want)
			}
		}
		left("users", count(d, schema.Users), 3)             // the system user, ben, cleo
		left("user_device", count(d, schema.UserDevices), 3) // two of ben, one of cleo
		left("user_edge", count(d, schema.UserEdges), 1)     // ben blocks cleo
		left("storage", count(d, schema.Storage), 1)
		left("notification", count(d, schema.Notifications), 1)
		left("message", count(d, schema.Messages), 1)
		left("wallet_ledger", count(d, schema.Ledger), 1)
		left("users_notes", count(d, schema.UserNotes), 1)
		left("leaderboard_record", count(d, schema.LeaderboardRecords), 2)
		left("purchase", count(d, schema.Purchases), 2)
		left("subscription", count(d, schema.Subscriptions), 2)
		left("user_tombstone", count(d, schema.Tombstones), 0)
		purchases, err := store.GetMany(t.Context(), d.db, schema.Purchases, []any{"panna"}, []any{"pben"})
		if err != nil || purchases[0].UserID != (id.UUID{}) || purchases[1].UserID != ben {
			t.Errorf("purchases belong to %v, %v, %v", purchases[0].UserID, purchases[1].UserID, err)
		}
		subscriptions, err := store.GetMany(t.Context(), d.db, schema.Subscriptions, []any{"sanna"}, []any{"sben"})
		if err != nil || subscriptions[0].UserID != (id.UUID{}) || subscriptions[1].UserID != ben {
			t.Errorf("subscriptions belong to %v, %v, %v", subscriptions[0].UserID, subscriptions[1].UserID, err)
		}
		if n := d.user(ben).EdgeCount; n != 2 {
			t.Errorf("a friend's edge_count became %d", n)
		}
		boards, err := store.GetMany(t.Context(), d.db, schema.Leaderboards, []any{custom})
		if err != nil || boards[0].Size != 2 {
			t.Errorf("the board's size became %d, %v", boards[0].Size, err)
		}
	})
}

// TestDeleteAccountInGroups: anna leaves each group as its other superadmins allow.
func TestDeleteAccountInGroups(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		at := d.clock.Now()
		position := int64(0)
		group := func(n int, members map[id.UUID]int16) rows {
			r := &schema.Group{ID: numbered(9, n), CreatorID: anna, Name: fmt.Sprint("group", n), LangTag: "en", Metadata: "{}", MaxCount: 100, EdgeCount: 0,
				CreateTime: at, UpdateTime: at, DisableTime: schema.Epoch}
			var edges rows
			for user, state := range members {
				position++
				if state <= schema.MemberPlain {
					r.EdgeCount++
				}
				edges = append(edges, row(schema.GroupEdges, &schema.GroupEdge{SourceID: r.ID, DestinationID: user, State: state, Position: position, UpdateTime: at}))
				if state != schema.MemberBanned {
					edges = append(edges, row(schema.GroupEdges, &schema.GroupEdge{SourceID: user, DestinationID: r.ID, State: state, Position: position, UpdateTime: at}))
				}
			}
			return append(rows{row(schema.Groups, r)}, edges...)
		}
		type members = map[id.UUID]int16
		const super, admin, plain, asked, banned = schema.MemberSuperadmin, schema.MemberAdmin, schema.MemberPlain, schema.MemberJoinRequest, schema.MemberBanned
		group(1, members{anna: super, ben: admin, cleo: banned}).put(d)
		group(2, members{anna: super, ben: super, cleo: plain}).put(d)
		group(3, members{ben: super, anna: admin}).put(d)
		group(4, members{ben: super, anna: plain, cleo: plain}).put(d)
		group(5, members{ben: super, anna: asked}).put(d)
		group(6, members{ben: super, anna: banned}).put(d)
		group(7, members{ben: super, cleo: plain}).put(d)
		group(8, members{anna: super}).put(d)
		rows{row(schema.Messages, &schema.Message{ID: numbered(2, 1), SenderID: ben, Username: "ben", StreamMode: 3, StreamSubject: numbered(9, 1), Content: "{}",
			CreateTime: at, UpdateTime: at})}.put(d)
		d.clock.Advance(time.Minute)
		d.ok("DeleteAccount", anna, &emptypb.Empty{})

		counts := map[int]int32{}
		err := d.db.Read(t.Context(), func(r store.Reader) error {
			for n := 1; n <= 8; n++ {
				g, ok, err := store.Get(r, schema.Groups, numbered(9, n))
				if err != nil {
					return err
				}
				if ok {
					counts[n] = g.EdgeCount
				}
			}
			for e, err := range store.Scan(r, &store.Index[schema.GroupEdge]{Def: schema.GroupEdges.Def.Primary}, store.Range{}) {
				if err != nil {
					return err
				}
				if e.SourceID == anna || e.DestinationID == anna {
					t.Errorf("an edge of the deleted user is left: %+v", e)
				}
				if slices.Contains([]id.UUID{numbered(9, 1), numbered(9, 8)}, e.SourceID) || slices.Contains([]id.UUID{numbered(9, 1), numbered(9, 8)}, e.DestinationID) {
					t.Errorf("an edge of a deleted group is left: %+v", e)
				}
			}
			return nil
		})
		want := map[int]int32{2: 2, 3: 1, 4: 2, 5: 1, 6: 1, 7: 2}
		if err != nil || fmt.Sprint(counts) != fmt.Sprint(want) {
			t.Errorf("groups and their edge counts %v, want %v (%v)", counts, want, err)
		}
		if n := count(d, schema.GroupEdges); n != 2*(2+1+2+1+1+2) {
			t.Errorf("%d edges are left", n)
		}
		if n := count(d, schema.Messages); n != 1 {
			t.Errorf("%d messages of others are left", n)
		}
	})
}

// ended is a connection that notes how it was closed.
type ended struct {
	session.Conn
	user   id.UUID
	reason string
}

func (e *ended) ID() id.UUID             { return e.user }
func (e *ended) UserID() id.UUID         { return e.user }
func (e *ended) Send(*codec.Shared) bool { return true }
func (e *ended) Close(reason string)     { e.reason = reason }

func TestDeleteAccountEndsSessions(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		conns := map[id.UUID]*ended{anna: {user: anna}, ben: {user: ben}}
		pairs := map[id.UUID]*api.Session{}
		for user, c := range conns {
			d.live.Add(c)
			pair, err := d.sessions.Issue(t.Context(), user, nameOf(user), nil, false)
			if err != nil {
				t.Fatal(err)
			}
			pairs[user] = pair
		}
		d.clock.Advance(time.Second)
		d.ok("DeleteAccount", anna, &emptypb.Empty{})
		for user, pair := range pairs {
			_, call := d.sessions.Verify(pair.Token)
			_, socket := d.sessions.VerifySocket(pair.Token)
			_, refresh := d.sessions.VerifyRefresh(pair.RefreshToken)
			if dead := user == anna; (call != nil) != dead || (socket != nil) != dead || (refresh != nil) != dead {
				t.Errorf("tokens of %s: %v, %v, %v", nameOf(user), call, socket, refresh)
			}
		}
		if conns[anna].reason != "server-side session disconnect" || conns[ben].reason != "" {
			t.Errorf("closed with %q and %q", conns[anna].reason, conns[ben].reason)
		}
		d.ok("DeleteAccount", anna, &emptypb.Empty{}) // the token may have outlived it
		d.refuse(5, "Account not found.", "GetAccount", anna, &emptypb.Empty{})
		d.refuse(5, "Account not found.", "UpdateAccount", anna, &api.UpdateAccountRequest{Location: str("x")})
		d.refuse(5, "Account not found.", "LinkDevice", anna, &api.AccountDevice{Id: "device-of-anna"})
		d.refuse(13, "Error deleting user account.", "DeleteAccount", id.UUID{}, &emptypb.Empty{})
		if d.user(id.UUID{}) == nil {
			t.Error("the system user is gone")
		}

		if err := d.s.Delete(t.Context(), ben, true); err != nil {
			t.Fatal(err)
		}
		tombs, err := store.GetMany(t.Context(), d.db, schema.Tombstones, []any{ben}, []any{anna})
		if err != nil || tombs[0] == nil || tombs[0].CreateTime != d.clock.Now() || tombs[1] != nil {
			t.Errorf("tombstones %+v, %v", tombs, err)
		}
	})
}
