package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"golang.org/x/crypto/bcrypt"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/session"
)

func TestMain(m *testing.M) { each.Main(m) }

// desk is a catalogue with the account operations over one store.
type desk struct {
	t        *testing.T
	db       store.DB
	clock    *each.Clock
	sessions *session.Service
	live     *session.Live
	s        *Service
	r        *op.Registry
}

var (
	anna = id.UUID{0: 0xa, 15: 1}
	ben  = id.UUID{0: 0xb, 15: 1}
	cleo = id.UUID{0: 0xc, 15: 1}
	gone = id.UUID{0: 0xd, 15: 1} // nobody has this id
)

// onEach gives a test a desk on each store with the users anna, ben and cleo, who can sign in with a device each.
func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) {
		d := newDesk(t, db, clock)
		for _, user := range []id.UUID{anna, ben, cleo} {
			d.put(func(tx store.Tx) error {
				return errors.Join(store.Put(tx, schema.Users, NewRow(user, nameOf(user), tx.Now())),
					store.Put(tx, schema.UserDevices, DeviceRow("device-of-"+nameOf(user), user)))
			})
		}
		test(t, d)
	})
}

func newDesk(t *testing.T, db store.DB, clock *each.Clock) *desk {
	t.Helper()
	sessions, err := session.New(t.Context(), session.Config{EncryptionKey: "a", RefreshEncryptionKey: "b", TokenExpiry: time.Minute,
		RefreshExpiry: time.Hour, DB: db, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, db: db, clock: clock, sessions: sessions, live: session.NewLive(), r: op.NewRegistry()}
	d.s = New(Config{DB: db, Sessions: sessions, Live: d.live, Passwords: NewPasswords(2, bcrypt.MinCost),
		Online: func(u id.UUID) bool { return u == ben }})
	d.s.Register(d.r)
	d.r.Seal()
	return d
}

func nameOf(user id.UUID) string {
	return map[id.UUID]string{anna: "anna", ben: "ben", cleo: "cleo", gone: "gone"}[user]
}

func (d *desk) put(f func(tx store.Tx) error) {
	d.t.Helper()
	if err := d.db.Update(context.Background(), f); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) call(name string, user id.UUID, in proto.Message) (proto.Message, error) {
	return d.r.Named(name).Invoke(context.Background(), op.Caller{UserID: user, Username: nameOf(user)}, in)
}

func (d *desk) ok(name string, user id.UUID, in proto.Message) proto.Message {
	d.t.Helper()
	out, err := d.call(name, user, in)
	if err != nil {
		d.t.Errorf("%s(%v) of %s: %v", name, in, nameOf(user), err)
	}
	return out
}

func (d *desk) refuse(code errs.Code, text string, name string, user id.UUID, in proto.Message) {
	d.t.Helper()
	_, err := d.call(name, user, in)
	if got := errs.Of(err); err == nil || got.Code != code || got.Message != text {
		d.t.Errorf("%s(%v) of %s answers %v, want %d %q", name, in, nameOf(user), err, code, text)
	}
}

func (d *desk) user(user id.UUID) *schema.User {
	d.t.Helper()
	rows, err := store.GetMany(context.Background(), d.db, schema.Users, []any{user})
	if err != nil {
		d.t.Fatal(err)
	}
	return rows[0]
}

func (d *desk) account(user id.UUID) *api.Account {
	d.t.Helper()
	return d.ok("GetAccount", user, &emptypb.Empty{}).(*api.Account)
}

func str(s string) *wrapperspb.StringValue { return wrapperspb.String(s) }

func jsonOf(t *testing.T, m proto.Message) string {
	t.Helper()
	text, err := codec.Append(nil, codec.JSON, m)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), `", "`, `","`)
}

func TestGetAccount(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		want := &api.Account{
			User:    &api.User{Id: anna.String(), Username: "anna", LangTag: "en", Metadata: "{}", CreateTime: seconds(each.Start), UpdateTime: seconds(each.Start)},
			Wallet:  "{}",
			Devices: []*api.AccountDevice{{Id: "device-of-anna"}},
		}
		if got := d.account(anna); !proto.Equal(got, want) {
			t.Errorf("a new account reads\n%s, want\n%s", jsonOf(t, got), jsonOf(t, want))
		}
		if at := d.account(anna).User.CreateTime; at.Nanos != 0 || at.Seconds != each.Start.Unix() {
			t.Errorf("create_time %v is not in whole seconds", at)
		}

		full := NewRow(ben, "ben", each.Start)
		some := func(text string) *string { return &text }
		full.DisplayName, full.AvatarURL, full.LangTag, full.Location, full.Timezone = some("Ben"), some("http://x"), "de", some("Kiel"), some("CET")
		full.Metadata, full.Wallet, full.EdgeCount = `{"level":3,"a":[1,2]}`, `{"gold":10}`, 7
		full.Email, full.CustomID, full.FacebookID, full.GoogleID, full.GameCenterID = some("b@example.com"), some("custom-b"), some("f1"), some("g1"), some("gc1")
		full.SteamID, full.FacebookInstantGameID, full.AppleID = some("s1"), some("fi1"), some("a1")
		full.VerifyTime = each.Start.Add(time.Hour)
		full.DisableTime = each.Start // never shown
		d.put(func(tx store.Tx) error {
			return errors.Join(store.Put(tx, schema.Users, full), store.Put(tx, schema.UserDevices, DeviceRow("another-device", ben)))
		})
		want = &api.Account{
			User: &api.User{Id: ben.String(), Username: "ben", DisplayName: "Ben", AvatarUrl: "http://x", LangTag: "de", Location: "Kiel", Timezone: "CET",
				Metadata: `{"a": [1, 2], "level": 3}`, FacebookId: "f1", GoogleId: "g1", GamecenterId: "gc1", SteamId: "s1", FacebookInstantGameId: "fi1",
				AppleId: "a1", Online: true, EdgeCount: 7, CreateTime: seconds(each.Start), UpdateTime: seconds(each.Start)},
			Wallet: `{"gold": 10}`, Email: "b@example.com", CustomId: "custom-b", VerifyTime: seconds(full.VerifyTime),
			Devices: []*api.AccountDevice{{Id: "another-device"}, {Id: "device-of-ben"}},
		}
		if got := d.account(ben); !proto.Equal(got, want) {
			t.Errorf("a full account reads\n%s, want\n%s", jsonOf(t, got), jsonOf(t, want))
		}
		d.refuse(5, "Account not found.", "GetAccount", gone, &emptypb.Empty{})
	})
}

func TestGetUsers(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.put(func(tx store.Tx) error {
			row, _, err := store.Get(tx, schema.Users, cleo)
			Facebook.Set(row, "fb-cleo")
			return errors.Join(err, store.Put(tx, schema.Users, row))
		})
		f := func(ids, usernames, facebook []string, want ...string) {
			t.Helper()
			out := d.ok("GetUsers", anna, &api.GetUsersRequest{Ids: ids, Usernames: usernames, FacebookIds: facebook})
			var got []string
			for _, u := range out.(*api.Users).Users {
				got = append(got, u.Username)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%v %v %v found %q, want %q", ids, usernames, facebook, got, want)
			}
		}
		f(nil, nil, nil)
		f([]string{anna.String()}, nil, nil, "anna")
		f([]string{anna.String(), anna.String(), ben.String()}, []string{"anna", "cleo"}, []string{"fb-cleo"}, "anna", "ben", "cleo")
		f([]string{gone.String()}, []string{"nobody", "ANNA"}, []string{"nobody", ""})
		f([]string{strings.ToUpper(ben.String()), strings.ReplaceAll(cleo.String(), "-", "")}, nil, nil, "ben", "cleo")
		f([]string{id.UUID{}.String()}, nil, nil, "")
		f(nil, []string{""}, nil, "")
		d.refuse(3, "ID '' is not a valid system ID.", "GetUsers", anna, &api.GetUsersRequest{Ids: []string{""}})
		d.refuse(3, "ID 'x' is not a valid system ID.", "GetUsers", anna, &api.GetUsersRequest{Ids: []string{anna.String(), "x"}})
		d.refuse(3, ErrLookup.Message, "GetUsers", anna, &api.GetUsersRequest{Usernames: []string{"a\x00"}})
		d.refuse(3, ErrLookup.Message, "GetUsers", anna, &api.GetUsersRequest{FacebookIds: []string{"\x00"}})

		out := d.ok("GetUsers", gone, &api.GetUsersRequest{Usernames: []string{"ben", "anna"}}).(*api.Users)
		for _, u := range out.Users {
			if u.Online != (u.Username == "ben") || u.Id == "" || u.CreateTime.Nanos != 0 {
				t.Errorf("%s", jsonOf(t, u))
			}
		}
	})
}

func TestUpdateAccount(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		long := strings.Repeat
		refuse := func(code errs.Code, text string, in *api.UpdateAccountRequest) {
			t.Helper()
			before := d.user(anna)
			d.refuse(code, text, "UpdateAccount", anna, in)
			if after := d.user(anna); printed(before) != printed(after) {
				t.Errorf("%v was refused and changed the row to %+v", in, after)
			}
		}
		d.clock.Advance(time.Minute)
		refuse(3, "No fields to update.", &api.UpdateAccountRequest{})
		refuse(3, "Username invalid, must be 1-128 bytes.", &api.UpdateAccountRequest{Username: str(""), Location: str("Rom")})
		refuse(3, "Username invalid, must be 1-128 bytes.", &api.UpdateAccountRequest{Username: str(long("é", 65))})
		refuse(3, "Username invalid, no spaces or control characters allowed.", &api.UpdateAccountRequest{Username: str("a\tb")})
		refuse(3, "Username invalid, no spaces or control characters allowed.", &api.UpdateAccountRequest{Username: str("a\x00")})
		refuse(3, "rpc error: code = AlreadyExists desc = Username is already in use.", &api.UpdateAccountRequest{Username: str("ben"), Location: str("Rom")})
		refuse(3, "Language tag must not be empty.", &api.UpdateAccountRequest{LangTag: str(""), Location: str("Rom")})
		refuse(3, "Display name invalid, must be at most 255 characters.", &api.UpdateAccountRequest{DisplayName: str(long("é", 256))})
		refuse(3, "Timezone invalid, must be at most 255 characters.", &api.UpdateAccountRequest{Timezone: str(long("t", 256))})
		refuse(3, "Location invalid, must be at most 255 characters.", &api.UpdateAccountRequest{Location: str(long("t", 256))})
		refuse(3, "Avatar URL invalid, must be at most 512 characters.", &api.UpdateAccountRequest{AvatarUrl: str(long("t", 513))})
		refuse(3, "Language tag invalid, must be at most 18 characters.", &api.UpdateAccountRequest{LangTag: str(long("t", 19))})
		refuse(3, "Location invalid, no NUL characters allowed.", &api.UpdateAccountRequest{Location: str("a\x00b"), Timezone: str("CET")})

		f := func(in *api.UpdateAccountRequest, moved bool, want string) {
			t.Helper()
			before := d.user(anna).UpdateTime
			d.clock.Advance(time.Second)
			d.ok("UpdateAccount", anna, in)
			u := d.account(anna).User
			got := strings.Join([]string{u.Username, u.DisplayName, u.AvatarUrl, u.LangTag, u.Location, u.Timezone}, "|")
			if got != want {
				t.Errorf("%v made it %s, want %s", in, got, want)
			}
			if at := d.user(anna).UpdateTime; moved != (at == d.clock.Now()) || !moved && at != before {
				t.Errorf("%v: update time %v, moved should be %v", in, at, moved)
			}
		}
		f(&api.UpdateAccountRequest{Username: str("Anna Ä")}, true, "Anna Ä|||en||")
		f(&api.UpdateAccountRequest{DisplayName: str(""), Location: str("")}, false, "Anna Ä|||en||")
		all := &api.UpdateAccountRequest{Username: str("anna2"), DisplayName: str("Anna"), AvatarUrl: str("u"), LangTag: str("it"), Location: str("Rom"), Timezone: str("CET")}
		f(all, true, "anna2|Anna|u|it|Rom|CET")
		f(all, false, "anna2|Anna|u|it|Rom|CET")
		f(&api.UpdateAccountRequest{AvatarUrl: str(""), Timezone: str("")}, true, "anna2|Anna||it|Rom|")
		f(&api.UpdateAccountRequest{Username: str("ANNA2")}, true, "ANNA2|Anna||it|Rom|")
		f(&api.UpdateAccountRequest{DisplayName: str(long("é", 255)), Location: str("")}, true, "ANNA2|"+long("é", 255)+"||it||")
		if row := d.user(anna); row.Timezone != nil || row.AvatarURL != nil {
			t.Error("a cleared field is empty text, not NULL")
		}
		d.refuse(5, "Account not found.", "UpdateAccount", gone, &api.UpdateAccountRequest{Location: str("x")})

		metadata := store.JSON(`{"b":1, "a":2}`)
		for _, moved := range []bool{true, false} {
			d.clock.Advance(time.Second)
			if err := d.s.Update(t.Context(), ben, Update{Metadata: &metadata}); err != nil {
				t.Fatal(err)
			}
			if row := d.user(ben); row.Metadata != `{"a": 2, "b": 1}` || moved != (row.UpdateTime == d.clock.Now()) {
				t.Errorf("metadata %s at %v, moved should be %v", row.Metadata, row.UpdateTime, moved)
			}
		}
	})
}

// printed shows what pointers point to.
func printed(u *schema.User) string {
	return fmt.Sprint(u.ID, u.Username, text(u.DisplayName), text(u.AvatarURL), u.LangTag, text(u.Location), text(u.Timezone), u.Metadata, u.Wallet,
		text(u.Email), string(u.Password), text(u.CustomID), u.EdgeCount, u.CreateTime, u.UpdateTime, u.DisableTime)
}

// race runs f for each of n callers at once and counts the successes; every failure must be the refusal.
func race(t *testing.T, n int, refusal *errs.Error, f func(i int) error) (won int) {
	t.Helper()
	var wg sync.WaitGroup
	start, results := make(chan struct{}), make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			results[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	for _, err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, refusal) {
			t.Errorf("a loser is told %v", err)
		}
	}
	return won
}

func TestRaces(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		users := []id.UUID{anna, ben, cleo}
		for round := range 20 {
			device, custom, name := fmt.Sprintf("race-device-%d", round), fmt.Sprintf("race-custom-%d", round), fmt.Sprintf("race-name-%d", round)
			if won := race(t, 6, ErrDeviceInUse, func(i int) error {
				_, err := d.call("LinkDevice", users[i%3], &api.AccountDevice{Id: device})
				return err
			}); won != 2 { // each user asks twice: the second time it is linked already
				t.Errorf("round %d: %d of 6 linked one device", round, won)
			}
			if won := race(t, 6, Custom.InUse, func(i int) error {
				_, err := d.call("LinkCustom", users[i%3], &api.AccountCustom{Id: custom})
				return err
			}); won != 2 {
				t.Errorf("round %d: %d of 6 linked one custom id", round, won)
			}
			if won := race(t, 3, errUpdateUsername, func(i int) error {
				_, err := d.call("UpdateAccount", users[i], &api.UpdateAccountRequest{Username: str(name)})
				return err
			}); won != 1 {
				t.Errorf("round %d: %d users took one name", round, won)
			}
		}
	})
}

// TestUnlinkRace: two identifiers that are taken away at once leave one.
func TestUnlinkRace(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		for range 10 {
			d.ok("LinkCustom", anna, &api.AccountCustom{Id: "custom-anna"})
			if won := race(t, 2, ErrLastLink, func(i int) error {
				var err error
				if i == 0 {
					_, err = d.call("UnlinkCustom", anna, &api.AccountCustom{})
				} else {
					_, err = d.call("UnlinkDevice", anna, &api.AccountDevice{Id: "device-of-anna"})
				}
				return err
			}); won != 1 {
				t.Fatalf("%d of 2 identifiers were taken from an account", won)
			}
			d.ok("LinkDevice", anna, &api.AccountDevice{Id: "device-of-anna"})
		}
	})
}

func TestLinkDevice(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		f := func(code errs.Code, text, device string) {
			t.Helper()
			d.refuse(code, text, "LinkDevice", anna, &api.AccountDevice{Id: device})
		}
		f(3, "Device ID is required.", "")
		f(3, "Device ID invalid, no spaces or control characters allowed.", "device with spaces")
		f(3, "Device ID invalid, no spaces or control characters allowed.", "short\n")
		f(3, "Device ID invalid, no spaces or control characters allowed.", "device\x00device")
		f(3, "Device ID invalid, must be 10-128 bytes.", "ninebytes")
		f(3, "Device ID invalid, must be 10-128 bytes.", strings.Repeat("d", 129))
		f(6, "Device ID already in use.", "device-of-ben")

		d.clock.Advance(time.Second)
		d.ok("LinkDevice", anna, &api.AccountDevice{Id: "éééééé"}) // 12 bytes
		d.ok("LinkDevice", anna, &api.AccountDevice{Id: strings.Repeat("d", 128)})
		if n := len(d.account(anna).Devices); n != 3 || d.user(anna).UpdateTime != d.clock.Now() {
			t.Errorf("%d devices, updated %v", n, d.user(anna).UpdateTime)
		}
		d.clock.Advance(time.Second)
		d.ok("LinkDevice", anna, &api.AccountDevice{Id: "device-of-anna"})
		if n := len(d.account(anna).Devices); n != 3 || d.user(anna).UpdateTime != d.clock.Now() {
			t.Errorf("linked again: %d devices, updated %v", n, d.user(anna).UpdateTime)
		}
		d.refuse(5, "Account not found.", "LinkDevice", gone, &api.AccountDevice{Id: "device-of-gone"})

		d.refuse(3, "A device ID must be supplied.", "UnlinkDevice", anna, &api.AccountDevice{})
		d.refuse(3, ErrNUL.Message, "UnlinkDevice", anna, &api.AccountDevice{Id: "device-of-anna\x00"})
		d.refuse(7, ErrLastLink.Message, "UnlinkDevice", anna, &api.AccountDevice{Id: "device-of-ben"})
		d.refuse(7, ErrLastLink.Message, "UnlinkDevice", anna, &api.AccountDevice{Id: "unknown-device"})
		d.ok("UnlinkDevice", anna, &api.AccountDevice{Id: "device-of-anna"})
		d.ok("UnlinkDevice", anna, &api.AccountDevice{Id: "éééééé"})
		d.refuse(7, "Cannot unlink last account identifier. Check profile exists and is not last link.", "UnlinkDevice", anna,
			&api.AccountDevice{Id: strings.Repeat("d", 128)})
		d.ok("LinkDevice", ben, &api.AccountDevice{Id: "device-of-anna"}) // it is free now
		d.refuse(5, "Account not found.", "UnlinkDevice", gone, &api.AccountDevice{Id: "device-of-gone"})
	})
}

func TestLinkCustom(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		f := func(code errs.Code, text, custom string) {
			t.Helper()
			d.refuse(code, text, "LinkCustom", anna, &api.AccountCustom{Id: custom})
		}
		d.ok("LinkCustom", ben, &api.AccountCustom{Id: "custom-ben"})
		f(3, "Custom ID is required.", "")
		f(3, "Invalid custom ID, no spaces or control characters allowed.", "custom id")
		f(3, "Invalid custom ID, must be 6-128 bytes.", "five5")
		f(3, "Invalid custom ID, must be 6-128 bytes.", strings.Repeat("c", 129))
		f(6, "Custom ID is already in use.", "custom-ben")
		d.ok("LinkCustom", anna, &api.AccountCustom{Id: "custom-anna"})
		d.ok("LinkCustom", anna, &api.AccountCustom{Id: "Custom-ben"}) // replaces, and case counts
		d.clock.Advance(time.Second)
		d.ok("LinkCustom", anna, &api.AccountCustom{Id: "Custom-ben"})
		if got := d.account(anna); got.CustomId != "Custom-ben" || d.user(anna).UpdateTime != d.clock.Now() {
			t.Errorf("custom id %s, updated %v", got.CustomId, d.user(anna).UpdateTime)
		}
		d.ok("LinkCustom", cleo, &api.AccountCustom{Id: "custom-anna"}) // it is free again
		d.refuse(5, "Account not found.", "LinkCustom", gone, &api.AccountCustom{Id: "custom-gone"})

		d.refuse(7, ErrLastLink.Message, "UnlinkCustom", anna, &api.AccountCustom{Id: "custom-anna"})
		d.refuse(3, ErrNUL.Message, "UnlinkCustom", anna, &api.AccountCustom{Id: "\x00"})
		d.ok("UnlinkCustom", anna, &api.AccountCustom{Id: "Custom-ben"})
		d.ok("UnlinkCustom", anna, &api.AccountCustom{}) // nothing is linked any more, yet the device is
		d.refuse(7, ErrLastLink.Message, "UnlinkCustom", anna, &api.AccountCustom{Id: "Custom-ben"})
		d.ok("UnlinkDevice", ben, &api.AccountDevice{Id: "device-of-ben"})
		d.refuse(7, ErrLastLink.Message, "UnlinkCustom", ben, &api.AccountCustom{})
		if got := d.account(ben); got.CustomId != "custom-ben" {
			t.Error("a refused unlink took the id")
		}
		d.refuse(5, "Account not found.", "UnlinkCustom", gone, &api.AccountCustom{})
	})
}

func TestLinkEmail(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		link := func(address, password string) *api.AccountEmail {
			return &api.AccountEmail{Email: address, Password: password}
		}
		f := func(code errs.Code, text, address, password string) {
			t.Helper()
			d.refuse(code, text, "LinkEmail", anna, link(address, password))
		}
		d.ok("LinkEmail", ben, link("Ben@Example.com", "password-b"))
		f(3, "Email address and password is required.", "", "password")
		f(3, "Email address and password is required.", "a@example.com", "")
		f(3, "Invalid email address, no spaces or control characters allowed.", "a b", "x")
		f(3, "Password must be at least 8 characters long.", "nonsense", "7 bytes")
		f(3, "Invalid email address format.", "nonsense", "8 bytes!")
		f(3, "Invalid email address format.", "@example.com", "8 bytes!")
		f(3, "Invalid email address format.", "anna@.com", "8 bytes!")
		f(3, "Invalid email address format.", "anna@examplecom.", "8 bytes!")
		f(3, "Invalid email address, must be 10-255 bytes.", "a@b.c", "8 bytes!")
		f(3, "Invalid email address, must be 10-255 bytes.", strings.Repeat("a", 244)+"@example.com", "8 bytes!")
		f(6, "Email is already in use.", "BEN@example.com", "password-a")
		f(3, "Password must be at most 72 bytes long.", "anna@example.com", strings.Repeat("p", 73))
		if row := d.user(anna); row.Email != nil || row.Password != nil {
			t.Error("a refused link left an address or a password")
		}
		d.ok("LinkEmail", anna, link("Anna@Example.COM", "password-a"))
		matches := func(password string) bool {
			t.Helper()
			ok, err := d.s.c.Passwords.Match(t.Context(), d.user(anna).Password, password)
			return err == nil && ok
		}
		if d.account(anna).Email != "anna@example.com" || !matches("password-a") {
			t.Errorf("linked %q", d.account(anna).Email)
		}
		d.ok("LinkEmail", anna, link("anna@example.com", "password-c"))
		if matches("password-a") || !matches("password-c") {
			t.Error("linking again does not change the password")
		}
		d.refuse(5, "Account not found.", "LinkEmail", gone, link("gone@example.com", "password-g"))

		d.refuse(7, ErrLastLink.Message, "UnlinkEmail", anna, link("ben@example.com", ""))
		d.ok("UnlinkEmail", anna, link("ANNA@example.com", "ignored"))
		if row := d.user(anna); row.Email != nil || row.Password != nil {
			t.Error("the address or the password is left")
		}
		d.ok("UnlinkDevice", ben, &api.AccountDevice{Id: "device-of-ben"})
		d.refuse(7, ErrLastLink.Message, "UnlinkEmail", ben, &api.AccountEmail{})
	})
}

// TestEveryIdentifierCounts: any one of them is enough to give up the device.
func TestEveryIdentifierCounts(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		for n, i := range identifiers {
			value := fmt.Sprintf("value-%d", n)
			if err := d.s.Link(t.Context(), anna, i, value, nil); err != nil {
				t.Fatal(err)
			}
			if err := d.s.Link(t.Context(), ben, i, value, nil); !errors.Is(err, i.InUse) {
				t.Errorf("%s: a second account got it: %v", i.InUse.Message, err)
			}
			d.ok("UnlinkDevice", anna, &api.AccountDevice{Id: "device-of-anna"})
			if err := d.s.Unlink(t.Context(), anna, i, value, nil); !errors.Is(err, ErrLastLink) {
				t.Errorf("%s: the last identifier goes: %v", i.InUse.Message, err)
			}
			d.ok("LinkDevice", anna, &api.AccountDevice{Id: "device-of-anna"})
			if err := d.s.Unlink(t.Context(), anna, i, "", nil); err != nil {
				t.Errorf("%s: %v", i.InUse.Message, err)
			}
		}
	})
}

// TestTroubleIsTold: what fails below is Internal with the operation's own sentence, and the log still sees the cause.
func TestTroubleIsTold(t *testing.T) {
	clock := each.NewClock()
	d := newDesk(t, each.Bunt(t, clock), clock)
	cause := errors.New("disk on fire")
	d.s.c.DB = broken{d.db, cause}
	f := func(text, name string, in proto.Message) {
		t.Helper()
		d.refuse(13, text, name, anna, in)
		if _, err := d.call(name, anna, in); !errors.Is(err, cause) {
			t.Errorf("%s hides the cause: %v", name, err)
		}
	}
	f("Error retrieving user account.", "GetAccount", &emptypb.Empty{})
	f("Error retrieving user accounts.", "GetUsers", &api.GetUsersRequest{Usernames: []string{"x"}})
	f("Error while trying to update account.", "UpdateAccount", &api.UpdateAccountRequest{Location: str("x")})
	f("Error deleting user account.", "DeleteAccount", &emptypb.Empty{})
	f("Error while trying to link Custom ID.", "LinkCustom", &api.AccountCustom{Id: "custom-anna"})
	f("Error linking Device ID.", "LinkDevice", &api.AccountDevice{Id: "device-of-anna"})
	f("Error while trying to link email.", "LinkEmail", &api.AccountEmail{Email: "a@example.com", Password: "password"})
	f("Error while trying to unlink custom ID.", "UnlinkCustom", &api.AccountCustom{})
	f("Could not unlink device ID.", "UnlinkDevice", &api.AccountDevice{Id: "x"})
	f("Error while trying to unlink email.", "UnlinkEmail", &api.AccountEmail{})
}

// broken is a store that fails.
type broken struct {
	store.DB
	err error
}

func (b broken) Load(context.Context, *store.IndexDef, [][]any) ([]any, error)     { return nil, b.err }
func (b broken) Page(context.Context, *store.IndexDef, store.Range) ([]any, error) { return nil, b.err }
func (b broken) Read(context.Context, func(store.Reader) error) error              { return b.err }
func (b broken) Write(context.Context, []store.Ref, func(store.Tx) error) error    { return b.err }
func (b broken) Update(context.Context, func(store.Tx) error) error                { return b.err }

// TestPasswordsAreFewAtATime: with the only slot taken, as many wait as may, one more is refused, equal ones share.
func TestPasswordsAreFewAtATime(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("password"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		p := NewPasswords(1, bcrypt.MinCost)
		p.slots <- struct{}{}
		var wg sync.WaitGroup
		ask := func(password string) {
			wg.Go(func() {
				if ok, err := p.Match(t.Context(), hash, password); err != nil || ok != (password == "password") {
					t.Errorf("%s: %v, %v", password, ok, err)
				}
			})
		}
		for n := range waitPerSlot {
			ask(fmt.Sprint("wrong", n))
		}
		for range 50 {
			ask("password")
		}
		synctest.Wait()
		if _, err := p.Match(t.Context(), hash, "one more"); !errors.Is(err, ErrBusy) {
			t.Errorf("one more is told %v", err)
		}
		if _, err := p.Hash(t.Context(), "anna", "one more"); !errors.Is(err, ErrBusy) {
			t.Errorf("one more is told %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := p.Match(ctx, hash, "password"); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who has gone is told %v", err)
		}
		if n := p.bcrypts.Load(); n != 0 {
			t.Errorf("%d computed without a slot", n)
		}
		<-p.slots
		wg.Wait()
		if n := p.bcrypts.Load(); n != waitPerSlot+1 {
			t.Errorf("%d computed for %d different questions", n, waitPerSlot+1)
		}
		if n := p.waiting.Load(); n != 0 {
			t.Errorf("%d still counted as waiting", n)
		}
	})
}

func TestPasswordCost(t *testing.T) {
	hash, err := NewPasswords(0, 0).Hash(t.Context(), "anna", "password")
	if err != nil {
		t.Fatal(err)
	}
	if cost, err := bcrypt.Cost(hash); err != nil || cost != 13 {
		t.Errorf("cost %d, %v", cost, err)
	}
	if ok, err := NewPasswords(1, 4).Match(t.Context(), []byte("no hash"), "password"); ok || err != nil {
		t.Errorf("a hash that is none: %v, %v", ok, err)
	}
}

func BenchmarkPassword(b *testing.B) {
	p := NewPasswords(1, 0)
	for b.Loop() {
		if _, err := p.Hash(b.Context(), "anna", "password"); err != nil {
			b.Fatal(err)
		}
	}
}
