package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/session/sessiontest"
	"github.com/skirmishgg/skirmish/services/storage"
)

func TestMain(m *testing.M) { each.Main(m) }

var (
	anna = id.UUID{0: 0xa, 15: 1}
	ben  = id.UUID{0: 0xb, 15: 1}
	cleo = id.UUID{0: 0xc, 15: 1}
	dora = id.UUID{0: 0xd, 15: 1}
	gone = id.UUID{0: 0xe, 15: 1} // has no account
	crew = id.UUID{0: 0xf, 15: 2} // a group
	none = id.UUID{}
)

// desk is the accounts of one store.
type desk struct {
	*Service
	t       *testing.T
	db      store.DB
	clock   *each.Clock
	account *account.Service
	boards  *leaderboard.Service

	mu      sync.Mutex
	changed []string
}

func onEach(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	each.Store(t, func(t *testing.T, db store.DB, clock *each.Clock) { test(t, newDesk(t, db, clock)) })
}

func newDesk(t *testing.T, db store.DB, clock *each.Clock) *desk {
	d := &desk{t: t, db: db, clock: clock}
	sessions, err := session.New(t.Context(), session.Config{
		EncryptionKey: "one", TokenExpiry: time.Minute, RefreshEncryptionKey: "two", RefreshExpiry: time.Hour, DB: db, Now: clock.Now,
	})
	must(t, err)
	d.boards, err = leaderboard.New(t.Context(), leaderboard.Config{DB: db, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(d.boards.Stop)
	d.account = account.New(account.Config{
		DB: db, Sessions: sessions, Live: session.NewLive(), RecordRemoved: func(tx store.Tx, r *schema.LeaderboardRecord) error { d.boards.Forget(tx, r); return nil }, Online: func(id.UUID) bool { return true },
	})
	d.Service = New(Config{DB: db, Account: d.account, Boards: d.boards, Now: clock.Now, Changed: func(o storage.ID) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.changed = append(d.changed, o.Collection+"/"+o.Key)
	}})
	sessiontest.PutUsers(t, db, map[id.UUID]string{anna: "anna", ben: "ben", cleo: "cleo", dora: "dora"})
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) put(f func(tx store.Tx) error) {
	d.t.Helper()
	must(d.t, d.db.Update(d.t.Context(), f))
}

// all puts rows.
func all[R any](tx store.Tx, table *store.Table[R], rows ...*R) error {
	for _, row := range rows {
		if err := store.Put(tx, table, row); err != nil {
			return err
		}
	}
	return nil
}

func nth(kind, n int) id.UUID {
	return id.UUID{0: byte(kind), 6: 0x40, 8: 0x80, 14: byte(n >> 8), 15: byte(n)}
}

// live gives anna something of everything.
func (d *desk) live() {
	d.t.Helper()
	_, _, err := d.boards.Create(d.t.Context(), leaderboard.Definition{ID: "cup", EnableRanks: true})
	must(d.t, err)
	at := each.Start.Add(-time.Hour)
	text := func(s string) *string { return &s }
	d.put(func(tx store.Tx) error {
		u, _, err := store.Get(tx, schema.Users, anna)
		if err != nil {
			return err
		}
		u.DisplayName, u.AvatarURL, u.Location, u.Timezone, u.LangTag = text("Anna A"), text("http://a/b"), text("Rome"), text("UTC"), "it"
		u.Email, u.CustomID, u.AppleID, u.FacebookInstantGameID = text("anna@example.com"), text("custom-anna"), text("apple"), text("instant")
		u.Metadata, u.Wallet, u.EdgeCount, u.VerifyTime = `{"level": 3}`, `{"gold": 9007199254740993}`, 3, at
		u.CreateTime, u.UpdateTime = at, at
		friends := []*schema.UserEdge{
			{SourceID: anna, DestinationID: ben, State: schema.EdgeFriend, Position: 5, UpdateTime: at, Metadata: `{"met": "here"}`},
			{SourceID: ben, DestinationID: anna, State: schema.EdgeFriend, Position: 5, UpdateTime: at, Metadata: "{}"},
			{SourceID: anna, DestinationID: cleo, State: schema.EdgeSent, Position: 6, UpdateTime: at, Metadata: "{}"},
			{SourceID: cleo, DestinationID: anna, State: schema.EdgeReceived, Position: 6, UpdateTime: at, Metadata: "{}"},
			{SourceID: anna, DestinationID: dora, State: schema.EdgeBlocked, Position: 7, UpdateTime: at, Metadata: "{}"},
		}
		for user, count := range map[id.UUID]int32{ben: 1, cleo: 1} {
			row, _, err := store.Get(tx, schema.Users, user)
			if err != nil {
				return err
			}
			row.EdgeCount = count
			if err := store.Put(tx, schema.Users, row); err != nil {
				return err
			}
		}
		return errors.Join(
			all(tx, schema.Users, u),
			all(tx, schema.UserDevices, account.DeviceRow("device-of-anna", anna)),
			all(tx, schema.UserEdges, friends...),
			all(tx, schema.Groups, &schema.Group{
				ID: crew, CreatorID: ben, Name: "crew", LangTag: "en", Metadata: "{}", EdgeCount: 2, MaxCount: 10, CreateTime: at, UpdateTime: at, DisableTime: schema.Epoch,
			}),
			all(tx, schema.GroupEdges,
				&schema.GroupEdge{SourceID: crew, DestinationID: ben, UpdateTime: at}, &schema.GroupEdge{SourceID: ben, DestinationID: crew, UpdateTime: at},
				&schema.GroupEdge{SourceID: crew, DestinationID: anna, State: 2, UpdateTime: at}, &schema.GroupEdge{SourceID: anna, DestinationID: crew, State: 2, UpdateTime: at}),
			all(tx, schema.Storage,
				&schema.StorageObject{Collection: "save", Key: "1", UserID: anna, Value: `{"hp": 1}`, Version: strings.Repeat("ab", 16), Read: 1, Write: 1, CreateTime: at, UpdateTime: at},
				&schema.StorageObject{Collection: "save", Key: "2", UserID: anna, Value: `{}`, Version: "v", CreateTime: at, UpdateTime: at}),
			all(tx, schema.Messages,
				&schema.Message{ID: nth(1, 1), SenderID: anna, Username: "anna", StreamMode: 2, StreamLabel: "lobby", Content: `{"say": "hi"}`, CreateTime: at, UpdateTime: at},
				&schema.Message{ID: nth(1, 2), Code: 1, SenderID: anna, Username: "anna", StreamMode: 4, StreamSubject: anna, StreamDescriptor: ben, Content: `{}`, CreateTime: at, UpdateTime: at},
				&schema.Message{ID: nth(1, 3), SenderID: anna, Username: "anna", StreamMode: 3, StreamSubject: crew, Content: `{}`, CreateTime: at, UpdateTime: at}),
			all(tx, schema.Notifications,
				&schema.Notification{ID: nth(2, 1), UserID: anna, Subject: "hello", Content: `{"a": [1]}`, Code: 7, SenderID: ben, CreateTime: at},
				&schema.Notification{ID: nth(2, 2), UserID: anna, Subject: "from nobody", Content: `{}`, Code: -2, CreateTime: at}),
			all(tx, schema.Ledger,
				&schema.LedgerItem{ID: nth(3, 1), UserID: anna, Changeset: `{"gold": 3}`, Metadata: `{"why": "gift"}`, CreateTime: at, UpdateTime: at}),
		)
	})
	for owner, score := range map[id.UUID]int64{anna: 9007199254740993, ben: 2, cleo: 1 << 60} {
		b, _ := d.boards.Get("cup")
		must(d.t, d.boards.Write(d.t.Context(), b, nil, func(tx *leaderboard.Tx) error {
			return tx.PutRecord(&schema.LeaderboardRecord{
				LeaderboardID: "cup", OwnerID: owner, Username: text("anna"), Score: score, Subscore: 4, NumScore: 2, Metadata: `{"m": 1}`,
				CreateTime: at, UpdateTime: at, ExpiryTime: schema.Epoch, MaxNumScore: 5,
			})
		}))
	}
}

func (d *desk) export(user id.UUID) string {
	d.t.Helper()
	var b strings.Builder
	must(d.t, d.Export(d.t.Context(), user, &b))
	return b.String()
}

func (d *desk) load(user id.UUID, text string) error {
	doc, err := Parse([]byte(text))
	if err == nil {
		_, err = d.Import(context.Background(), user, doc)
	}
	return err
}

func (d *desk) rank(user id.UUID) int {
	b, _ := d.boards.Get("cup")
	return d.boards.Rank(b, user, schema.Epoch)
}

func (d *desk) edges(user id.UUID) string {
	d.t.Helper()
	rows, err := store.List(d.t.Context(), d.db, friendsOf, store.Range{Prefix: []any{user}})
	must(d.t, err)
	users, err := store.GetMany(d.t.Context(), d.db, schema.Users, []any{user})
	must(d.t, err)
	text := fmt.Sprint(users[0].EdgeCount, ":")
	for _, e := range rows {
		text += fmt.Sprintf(" %d:%x", e.State, e.DestinationID[0])
	}
	return text
}

// without is a document without one of its sections.
func without(t *testing.T, text, section string) string {
	t.Helper()
	var members map[string]json.RawMessage
	must(t, json.Unmarshal([]byte(text), &members))
	delete(members, section)
	out, err := json.Marshal(members)
	must(t, err)
	return string(out)
}

// TestExport shows the whole document: its keys, and the form of each kind of value.
func TestExport(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.live()
		want := strings.NewReplacer("\n", "", "\t", "", "ANNA", anna.String(), "BEN", ben.String(), "CLEO", cleo.String(), "DORA", dora.String(), "CREW", crew.String(),
			"M1", nth(1, 1).String(), "M2", nth(1, 2).String(), "M3", nth(1, 3).String(), "N1", nth(2, 1).String(), "N2", nth(2, 2).String(), "L1", nth(3, 1).String(),
			"AT", `"create_time":"2026-03-01T11:00:00Z","update_time":"2026-03-01T11:00:00Z"`, "SAID", `"create_time":"2026-03-01T11:00:00.345678Z","update_time":"2026-03-01T11:00:00.345678Z"`,
		).Replace(`{"account":{"user":{"id":"ANNA","username":"anna","display_name":"Anna A","avatar_url":"http://a/b","lang_tag":"it","location":"Rome","timezone":"UTC",
			"metadata":"{\"level\": 3}","edge_count":3,AT,"facebook_instant_game_id":"instant","apple_id":"apple"},
			"wallet":"{\"gold\": 9007199254740993}","email":"anna@example.com","devices":[{"id":"device-of-anna"}],"custom_id":"custom-anna","verify_time":"2026-03-01T11:00:00Z"},
			"objects":[{"collection":"save","key":"1","user_id":"ANNA","value":"{\"hp\": 1}","version":"abababababababababababababababab","permission_read":1,"permission_write":1,AT},
			{"collection":"save","key":"2","user_id":"ANNA","value":"{}","version":"v",AT}],
			"friends":[{"user":{"id":"BEN"},"state":0,"update_time":"2026-03-01T11:00:00Z","metadata":"{\"met\": \"here\"}"},
			{"user":{"id":"CLEO"},"state":1,"update_time":"2026-03-01T11:00:00Z","metadata":"{}"},{"user":{"id":"DORA"},"state":3,"update_time":"2026-03-01T11:00:00Z","metadata":"{}"}],
			"groups":[{"id":"CREW","creator_id":"BEN","name":"crew","lang_tag":"en","metadata":"{}","open":true,"edge_count":2,"max_count":10,AT}],
			"messages":[{"channel_id":"2...lobby","message_id":"M1","code":0,"sender_id":"ANNA","username":"anna","content":"{\"say\": \"hi\"}",SAID,"persistent":true,"room_name":"lobby"},
			{"channel_id":"4.ANNA.BEN.","message_id":"M2","code":1,"sender_id":"ANNA","username":"anna","content":"{}",SAID,"persistent":true,"user_id_one":"ANNA","user_id_two":"BEN"},
			{"channel_id":"3.CREW..","message_id":"M3","code":0,"sender_id":"ANNA","username":"anna","content":"{}",SAID,"persistent":true,"group_id":"CREW"}],
			"leaderboard_records":[{"leaderboard_id":"cup","owner_id":"ANNA","username":"anna","score":"9007199254740993","subscore":"4","num_score":2,"metadata":"{\"m\": 1}",AT,"max_num_score":5}],
			"notifications":[{"id":"N1","subject":"hello","content":"{\"a\": [1]}","code":7,"sender_id":"BEN","create_time":"2026-03-01T11:00:00Z","persistent":true},
			{"id":"N2","subject":"from nobody","content":"{}","code":-2,"create_time":"2026-03-01T11:00:00Z","persistent":true}],
			"wallet_ledgers":[{"id":"L1","user_id":"ANNA","changeset":"{\"gold\": 3}","metadata":"{\"why\": \"gift\"}",AT}]}`)
		if got := d.export(anna); got != want {
			t.Errorf("exported\n%s\nwant\n%s", got, want)
		}
		if text := d.export(dora); strings.Count(text, "[") != 0 || !json.Valid([]byte(text)) {
			t.Errorf("an account of nothing is %s", text)
		}
		for user, want := range map[id.UUID]error{none: ErrSystemUser, gone: account.ErrNotFound} {
			var b bytes.Buffer
			if err := d.Export(t.Context(), user, &b); !errors.Is(err, want) || b.Len() > 0 {
				t.Errorf("export of %s: %v, %q; want %v", user, err, b.String(), want)
			}
		}
	})
}

// TestReturn deletes an account and makes it anew: everything but the groups is there again, also for the others.
func TestReturn(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.live()
		before := d.export(anna)
		others := [...]string{d.edges(ben), d.edges(cleo), d.edges(dora)}
		must(t, d.account.Delete(t.Context(), anna, false))
		if d.rank(anna) != 0 {
			t.Fatal("a deleted account has a rank")
		}
		if err := d.load(anna, before); !errors.Is(err, ErrNoUser) {
			t.Errorf("import into an account that is gone: %v", err)
		}
		for _, user := range []id.UUID{none, anna} { // the second time changes nothing
			must(t, d.load(user, before))
			if got, want := without(t, d.export(anna), "groups"), without(t, before, "groups"); got != want {
				t.Errorf("imported\n%s\nwant\n%s", got, want)
			}
			if d.rank(anna) != 2 || d.rank(cleo) != 1 || d.rank(ben) != 3 {
				t.Errorf("ranks %d, %d, %d", d.rank(anna), d.rank(cleo), d.rank(ben))
			}
			for i, user := range []id.UUID{ben, cleo, dora} {
				// Deleting took the friends' edges and left their counts, which count them again.
				_, got, _ := strings.Cut(d.edges(user), ":")
				if _, want, _ := strings.Cut(others[i], ":"); got != want {
					t.Errorf("%s has the edges%s, want%s", user, got, want)
				}
			}
		}
		if slices.Sort(d.changed); strings.Join(d.changed, " ") != "save/1 save/1 save/2 save/2" {
			t.Errorf("told of %v", d.changed)
		}
		if err := d.load(none, before); !errors.Is(err, ErrUserExists) {
			t.Errorf("import of a new account that is there: %v", err)
		}
	})
}

// TestRollBack loads an older document into its account: what it has replaces, what came later of history stays.
func TestRollBack(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.live()
		before := d.export(anna)
		d.put(func(tx store.Tx) error {
			u, _, err := store.Get(tx, schema.Users, anna)
			if err != nil {
				return err
			}
			u.Metadata, u.Wallet, u.Location = "{}", `{"gold": 1}`, nil
			return errors.Join(
				all(tx, schema.Users, u),
				store.Delete(tx, schema.Storage, "save", "1", anna),
				all(tx, schema.Storage, &schema.StorageObject{Collection: "save", Key: "3", UserID: anna, Value: "{}", Version: "w", CreateTime: tx.Now(), UpdateTime: tx.Now()}),
				store.Delete(tx, schema.Notifications, nth(2, 1)),
				all(tx, schema.Notifications, &schema.Notification{ID: nth(2, 9), UserID: anna, Subject: "new", Content: "{}", CreateTime: tx.Now()}),
			)
		})
		must(t, d.load(anna, before))
		after, err := Parse([]byte(d.export(anna)))
		must(t, err)
		if u := after.Account; u.Wallet != `{"gold": 9007199254740993}` || u.User.Metadata != `{"level": 3}` || u.User.Location != "" {
			t.Errorf("the account is %v", u)
		}
		if len(after.Objects) != 2 || after.Objects[0].Key != "1" || after.Objects[1].Key != "2" || len(after.Notifications) != 3 {
			t.Errorf("objects %v, notifications %v", after.Objects, after.Notifications)
		}
		if slices.Sort(d.changed); strings.Join(d.changed, " ") != "save/1 save/2 save/3" {
			t.Errorf("told of %v", d.changed)
		}
	})
}

// TestCopy loads somebody's document into another's account: the save comes over, the history stays whose it is.
func TestCopy(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.live()
		before, edges := d.export(anna), d.edges(cleo)
		must(t, d.load(cleo, before))
		copied, err := Parse([]byte(d.export(cleo)))
		must(t, err)
		if a := copied.Account; a.User.Username != "cleo" || a.Email != "" || a.Devices != nil || a.Wallet != `{"gold": 9007199254740993}` || a.User.Metadata != `{"level": 3}` {
			t.Errorf("the account is %v", a)
		}
		if len(copied.Objects) != 2 || copied.Objects[0].UserId != cleo.String() || copied.Messages != nil || copied.Notifications != nil || copied.Ledger != nil ||
			copied.Records[0].Score != 1<<60 || d.edges(cleo) != edges {
			t.Errorf("the copy is %+v", copied)
		}
		if after := d.export(anna); after != before {
			t.Errorf("who was copied is now\n%s\nwas\n%s", after, before)
		}
	})
}

// TestFriends ties only those who are nothing to each other.
func TestFriends(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.put(func(tx store.Tx) error {
			return all(tx, schema.UserEdges, &schema.UserEdge{SourceID: dora, DestinationID: anna, State: schema.EdgeBlocked, Position: 1, UpdateTime: tx.Now(), Metadata: "{}"})
		})
		friend := func(u id.UUID, state int) string {
			return fmt.Sprintf(`{"user":{"id":"%s"},"state":%d,"update_time":{"seconds":1}}`, u, state)
		}
		document := func(friends ...string) string {
			return fmt.Sprintf(`{"account":{"user":{"id":"%s"}},"friends":[%s]}`, anna, strings.Join(friends, ","))
		}
		f := func(want string, friends ...string) {
			t.Helper()
			must(t, d.load(anna, document(friends...)))
			if got := d.edges(anna); got != want {
				t.Errorf("edges %s, want %s", got, want)
			}
		}
		f("0:", friend(anna, 0), friend(gone, 0), friend(dora, 0))
		f("2: 0:b 0:c", friend(ben, 0), friend(cleo, 0), friend(ben, 1)) // at one time: each in a place of its own
		f("2: 0:b 0:c", friend(ben, 3))
		f("3: 0:b 0:c 3:d", friend(dora, 3), friend(dora, 0))
		if d.edges(ben) != "1: 0:a" || d.edges(dora) != "0: 3:a" {
			t.Errorf("the others have %s and %s", d.edges(ben), d.edges(dora))
		}
	})
}

// TestRefusals: nothing of a document that is refused is in the store.
func TestRefusals(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.live()
		f := func(user id.UUID, want, document string) {
			t.Helper()
			document = strings.NewReplacer("ANNA", anna.String(), "BEN", ben.String(), "NEW", gone.String(), "M1", nth(1, 1).String(), "N1", nth(2, 1).String(), "L1", nth(3, 1).String()).Replace(document)
			err := d.load(user, document)
			var refusal *errs.Error
			if !errors.As(err, &refusal) || refusal.Message != want {
				t.Errorf("%s: %v, want %s", document, err, want)
			}
		}
		item := func(section, text string) string {
			return `{"account":{"user":{"id":"BEN","metadata":"{\"leaked\":1}"}},"` + section + `":[` + text + `]}`
		}
		before := d.export(ben)
		f(ben, "account.user.metadata: must be a JSON object that can be stored", `{"account":{"user":{"metadata":"[]"}}}`)
		f(ben, "account.wallet: must be a JSON object that can be stored", `{"account":{"user":{},"wallet":"x"}}`)
		for _, wallet := range []string{`{\"gold\":-1}`, `{\"gold\":1.5}`, `{\"gold\":\"1\"}`, `{\"gold\":9223372036854775808}`} {
			f(ben, "account.wallet: must be an object of whole numbers that are not negative", `{"account":{"user":{},"wallet":"`+wallet+`"}}`)
		}
		f(ben, "objects[0]: a name is missing", item("objects", `{"key":"a","value":"{}"}`))
		f(ben, "objects[1]: must be a JSON object that can be stored", item("objects", `{"collection":"a","key":"a","value":"{}"},{"collection":"a","key":"a"}`))
		f(ben, "objects[0]: a number is out of range", item("objects", `{"collection":"a","key":"a","value":"{}","permission_read":32768}`))
		f(ben, "objects[0]: value cannot be stored: storage: want read >= 0", item("objects", `{"collection":"a","key":"a","value":"{}","permission_read":-1}`))
		f(ben, "objects[0]: value cannot be stored: storage.key has a NUL byte", item("objects", `{"collection":"a","key":"\u0000","value":"{}"}`))
		f(ben, "objects[0]: times must be of the years 1970 to 9999", item("objects", `{"collection":"a","key":"a","value":"{}","create_time":"1969-12-31T23:59:59Z"}`))
		f(ben, "friends[0]: the identifier is not valid", item("friends", `{}`))
		f(ben, "friends[0]: the state must be 0-3", item("friends", `{"user":{"id":"ANNA"},"state":4}`))
		f(ben, "messages[0]: the identifier is not valid", item("messages", `{}`))
		f(ben, "messages[0]: the channel is not valid", item("messages", `{"message_id":"M1","channel_id":"9..."}`))
		f(ben, "messages[0]: the identifier is of another account's", item("messages", `{"message_id":"M1","channel_id":"2...lobby"}`))
		f(ben, "leaderboard_records[0]: a name is missing", item("leaderboard_records", `{}`))
		f(ben, "leaderboard_records[0]: a number is out of range", item("leaderboard_records", `{"leaderboard_id":"cup","max_num_score":4294967295}`))
		f(ben, "leaderboard_records[0]: value cannot be stored: leaderboard_record: want score >= 0", item("leaderboard_records", `{"leaderboard_id":"cup","score":-1}`))
		f(ben, "notifications[0]: must be JSON that can be stored", item("notifications", `{"id":"N1","content":"x"}`))
		f(ben, "notifications[0]: the identifier is not valid", item("notifications", `{"id":"N1","sender_id":"x"}`))
		f(ben, "notifications[0]: the identifier is of another account's", item("notifications", `{"id":"N1"}`))
		f(ben, "wallet_ledgers[0]: must be a JSON object that can be stored", item("wallet_ledgers", `{"id":"L1","changeset":"1"}`))
		f(ben, "wallet_ledgers[0]: the identifier is of another account's", item("wallet_ledgers", `{"id":"L1","user_id":"BEN"}`))
		if after := d.export(ben); after != before {
			t.Errorf("refused documents left\n%s\nfor\n%s", after, before)
		}
		f(gone, "Error updating user account during import.", `{"account":{"user":{}}}`)

		fresh := func(user, rest string) string { return `{"account":{"user":{` + user + `}` + rest + `}}` }
		f(none, "account: the identifier is not valid", fresh(`"username":"new"`, ``))
		f(none, "User identifier already exists.", fresh(`"id":"ANNA","username":"new"`, ``))
		f(none, "User identifier already exists.", fresh(`"id":"00000000-0000-0000-0000-000000000000","username":"new"`, ``))
		f(none, "Username already in use.", fresh(`"id":"NEW","username":"anna"`, ``))
		f(none, "Username invalid, must be 1-128 bytes.", fresh(`"id":"NEW"`, ``))
		f(none, "account: email already in use", fresh(`"id":"NEW","username":"new"`, `,"email":"anna@example.com"`))
		f(none, "account: apple_id already in use", fresh(`"id":"NEW","username":"new","apple_id":"apple"`, ``))
		f(none, "Device ID already in use.", fresh(`"id":"NEW","username":"new"`, `,"devices":[{"id":"device-of-anna"}]`))
		f(none, "account.devices: a name is missing", fresh(`"id":"NEW","username":"new"`, `,"devices":[{}]`))
		f(none, "account: value cannot be stored: users.lang_tag is longer than 18 characters", fresh(`"id":"NEW","username":"new","lang_tag":"`+strings.Repeat("x", 19)+`"`, ``))
		if err := d.Export(t.Context(), gone, &bytes.Buffer{}); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("a refused account is there: %v", err)
		}
		must(t, d.load(none, strings.ReplaceAll(fresh(`"id":"NEW","username":"new"`, `,"disable_time":{"seconds":9},"devices":[{"id":"device-of-new"}]`), "NEW", gone.String())))
		if text := d.export(gone); !strings.Contains(text, `"disable_time":"1970-01-01T00:00:09Z"`) || !strings.Contains(text, "device-of-new") {
			t.Errorf("the new account is %s", text)
		}
	})
}

// TestBoardGone passes over the records of boards that are not there.
func TestBoardGone(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.live()
		before := d.export(anna)
		must(t, d.boards.Delete(t.Context(), "cup"))
		must(t, d.load(anna, before))
		if got, want := d.export(anna), without(t, before, "leaderboard_records"); without(t, got, "leaderboard_records") != want || strings.Contains(got, "leaderboard_records") {
			t.Errorf("imported\n%s", got)
		}
	})
}

// pager counts the reads of pages.
type pager struct {
	store.DB
	pages, rowsMax int
	before         func()
}

func (p *pager) Page(ctx context.Context, ix *store.IndexDef, rng store.Range) ([]any, error) {
	p.before()
	rows, err := p.DB.Page(ctx, ix, rng)
	p.pages, p.rowsMax = p.pages+1, max(p.rowsMax, len(rows))
	return rows, err
}

// TestLarge takes an account of many pages out and in: what has been read is written before the next page comes.
func TestLarge(t *testing.T) {
	const objects, lines = 1000, 257
	onEach(t, func(t *testing.T, d *desk) {
		d.put(func(tx store.Tx) error {
			for i := range objects {
				if err := all(tx, schema.Storage, &schema.StorageObject{
					Collection: "save", Key: fmt.Sprintf("%04d", i), UserID: anna, Value: store.JSON(`{"pad": "` + strings.Repeat("x", 100) + `"}`), Version: "v",
					CreateTime: tx.Now(), UpdateTime: tx.Now(),
				}); err != nil {
					return err
				}
			}
			for i := range lines { // of one time: a page ends between them
				if err := all(tx, schema.Ledger, &schema.LedgerItem{ID: nth(3, i), UserID: anna, Changeset: "{}", Metadata: "{}", CreateTime: tx.Now(), UpdateTime: tx.Now()}); err != nil {
					return err
				}
			}
			return nil
		})
		var b bytes.Buffer
		paged := &pager{DB: d.db}
		half := 0 // bytes that were written before the tenth page
		paged.before = func() {
			if paged.pages == 10 {
				half = b.Len()
			}
		}
		must(t, New(Config{DB: paged, Account: d.account, Boards: d.boards}).Export(t.Context(), anna, &b))
		doc, err := Parse(b.Bytes())
		must(t, err)
		if len(doc.Objects) != objects || len(doc.Ledger) != lines || paged.rowsMax != pageRows || half < 900*100 {
			t.Errorf("%d objects, %d lines, pages of up to %d rows, %d bytes before the tenth", len(doc.Objects), len(doc.Ledger), paged.rowsMax, half)
		}
		must(t, d.account.Delete(t.Context(), anna, false))
		must(t, d.load(none, b.String()))
		if d.export(anna) != b.String() {
			t.Error("it is another account now")
		}
	})
}

// failing is a writer that has room for some bytes.
type failing int

func (f *failing) Write(b []byte) (int, error) {
	if *f -= failing(len(b)); *f < 0 {
		return 0, errors.New("full")
	}
	return len(b), nil
}

func TestWriterFails(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		d.live()
		for room := failing(0); int(room) < len(d.export(anna)); room += 512 {
			w := room
			if err := d.Export(t.Context(), anna, &w); err == nil || err.Error() != "full" {
				t.Errorf("room for %d: %v", room, err)
			}
		}
	})
}
