package suite

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/heroiclabs/nakama-common/api"
	nakama "github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/services/config"
	"github.com/skirmishgg/skirmish/services/runtime"
	"github.com/skirmishgg/skirmish/services/runtime/js"
	"github.com/skirmishgg/skirmish/services/runtime/lua"
)

// singles are modules with the hooks of which there is one each. They keep what they get, for seen to answer, with the mode
// they were called in.
var singles = map[string]string{
	"lua": `
local nk = require("nakama")
local seen
local function keep(context, ...) seen = nk.json_encode({ context.execution_mode, ... }) end
nk.register_matchmaker_matched(function(context, entries)
	keep(context, entries)
	if entries[1].properties.result == "number" then return 5 end
	if entries[1].properties.result == "none" then return nil end
	return "a match id"
end)
nk.register_tournament_end(keep)
nk.register_tournament_reset(function(context, ...) keep(context, ...) return "something" end)
nk.register_leaderboard_reset(keep)
nk.register_shutdown(keep)
nk.register_storage_index("Scores", "saves", "", { "score", "name" }, { "score" }, 100)
nk.register_storage_index("one", "saves", "key", { "score" }, {}, 10, true)
nk.register_storage_index_filter("Scores", function(context, write)
	keep(context, write)
	return write.value.result
end)
local _, unsorted = pcall(nk.register_storage_index, "x", "saves", "", { "score" }, { "name" }, 10)
local _, keyless = pcall(function() nk.register_storage_index("x", "saves", nil, { "score" }, {}, 10) end)
nk.register_rpc(function() return seen end, "seen")
nk.register_rpc(function() return string.match(unsorted, "failed.*") .. "\n" .. string.match(keyless, "bad.*") end, "wrong")
`,
	"js": `
function InitModule(ctx, logger, nk, initializer) {
	let seen;
	const keep = (ctx, logger, nk, ...args) => { seen = JSON.stringify([ctx.executionMode, ...args]); };
	initializer.registerMatchmakerMatched((ctx, logger, nk, entries) => {
		keep(ctx, logger, nk, entries);
		return { number: 5, none: null }[entries[0].properties.result] ?? (entries[0].properties.result === "none" ? null : "a match id");
	});
	initializer.registerTournamentEnd(keep);
	initializer.registerTournamentReset((...args) => { keep(...args); return "something"; });
	initializer.registerLeaderboardReset(keep);
	initializer.registerShutdown(keep);
	initializer.registerPurchaseNotificationApple(keep);
	initializer.registerSubscriptionNotificationApple(keep);
	initializer.registerPurchaseNotificationGoogle(keep);
	initializer.registerSubscriptionNotificationGoogle(keep);
	initializer.registerStorageIndex("Scores", "saves", "", ["score", "name"], ["score"], 100);
	initializer.registerStorageIndex("one", "saves", "key", ["score"], [], 10, true);
	initializer.registerStorageIndexFilter("Scores", (ctx, logger, nk, write) => { keep(ctx, logger, nk, write); return write.value.result; });
	let wrong = "";
	try {
		initializer.registerStorageIndex("x", "saves", null, ["score"], ["name"], 10);
	} catch (e) {
		wrong = String(e);
	}
	initializer.registerRpc("seen", () => seen);
	initializer.registerRpc("wrong", () => wrong);
}
`,
}

// stage is a language with the modules of singles.
type stage struct {
	*testing.T
	host     *runtime.Host
	language string
	*runtime.Builder
}

func eachSingle(t *testing.T, test func(s *stage)) {
	for language, text := range singles {
		t.Run(language, func(t *testing.T) {
			settings := &config.Config{}
			settings.Runtime.JSMaxCount, settings.Runtime.LuaReadOnlyGlobals, settings.Runtime.ReadOnlyGlobals = 1, true, true
			s := &stage{T: t, language: language, Builder: runtime.NewBuilder(), host: &runtime.Host{
				Log: slog.New(slog.DiscardHandler), Settings: settings, Node: "n1", Root: t.TempDir(),
			}}
			l, name := runtime.Language(lua.New()), "main.lua"
			if language == "js" {
				l, name = js.New(), "index.js"
			}
			if err := os.WriteFile(filepath.Join(s.host.Root, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := l.Load(t.Context(), s.host, []runtime.File{{Root: s.host.Root, Name: name}}, s.Builder); err != nil {
				t.Fatal(err)
			}
			test(s)
		})
	}
}

func (s *stage) in(mode string) context.Context { return s.host.Context(s.Context(), mode) }

// answers asserts what a function answers, in each language.
func (s *stage) answers(id, inLua, inJS string) {
	s.Helper()
	want := map[string]string{"lua": inLua, "js": inJS}[s.language]
	if got, err := s.Registered().RPC[id](s.in(runtime.ModeRPC), ""); err != nil || got != want {
		s.Errorf("%s answers %s, %v; want %s", id, got, err, want)
	}
}

// saw asserts what the hook called last got.
func (s *stage) saw(err error, inLua, inJS string) {
	s.Helper()
	if err != nil {
		s.Error(err)
	}
	s.answers("seen", inLua, inJS)
}

// entry is somebody whom the matchmaker has matched.
type entry struct {
	nakama.MatchmakerEntry
	result string
}

func (e entry) GetPresence() nakama.Presence { return somebody{} }
func (e entry) GetPartyId() string           { return "p1" }
func (e entry) GetProperties() map[string]any {
	return map[string]any{"skill": 5.0, "result": e.result}
}

type somebody struct{ nakama.Presence }

func (somebody) GetUserId() string    { return "u1" }
func (somebody) GetSessionId() string { return "s1" }
func (somebody) GetUsername() string  { return "ann" }
func (somebody) GetNodeId() string    { return "n1" }

func TestMatchmakerMatched(t *testing.T) {
	eachSingle(t, func(s *stage) {
		f := func(result, id, wrong string) {
			s.Helper()
			got, err := s.MatchmakerMatched(s.in(runtime.ModeMatchmaker), []nakama.MatchmakerEntry{entry{result: result}})
			if got != id || (err == nil) != (wrong == "") || err != nil && err.Error() != wrong {
				s.Errorf("%s: %q %v, want %q %s", result, got, err, id, wrong)
			}
		}
		f("id", "a match id", "")
		s.saw(nil, `["matchmaker",[{"party_id":"p1","presence":{"node":"n1","session_id":"s1","user_id":"u1","username":"ann"},"properties":{"result":"id","skill":5}}]]`,
			`["matchmaker",[{"presence":{"userId":"u1","sessionId":"s1","username":"ann","node":"n1"},"properties":{"result":"id","skill":5},"partyId":"p1"}]]`)
		f("none", "", "")
		f("number", "", "Invalid return value from runtime Matchmaker Matched hook, not a valid match ID.")
	})
}

func TestBoardHooks(t *testing.T) {
	cup := &api.Tournament{
		Id: "cup", Title: "Cup", SortOrder: 1, MaxSize: 2, MaxNumScore: 3, Duration: 60, NextReset: 200, PrevReset: 100, Metadata: `{"a":1}`,
		CreateTime: &timestamppb.Timestamp{Seconds: 50}, StartTime: &timestamppb.Timestamp{Seconds: 40}, Operator: api.Operator_BEST,
	}
	inLua := `{"can_enter":false,"category":0,"create_time":50,"description":"","duration":60,"end_active":0,"id":"cup","join_required":false,"max_num_score":3,` +
		`"max_size":2,"metadata":{"a":1},"next_reset":200,"operator":"best","prev_reset":100,"size":0,"sort_order":"1","start_active":0,"start_time":40,"title":"Cup"}`
	inJS := `{"id":"cup","title":"Cup","description":"","category":0,"sortOrder":1,"size":0,"maxSize":2,"maxNumScore":3,"duration":60,"startActive":0,` +
		`"endActive":0,"canEnter":false,"nextReset":200,"prevReset":100,"metadata":{"a":1},"createTime":50,"startTime":40,"endTime":null,"operator":"best","joinRequired":false}`
	eachSingle(t, func(s *stage) {
		s.saw(s.TournamentEnd(s.in(runtime.ModeTournamentEnd), cup, 150, 200), `["tournament_end",`+inLua+`,150,200]`, `["tournament_end",`+inJS+`,150,200]`)
		if err := s.TournamentReset(s.in(runtime.ModeTournamentReset), cup, 150, 200); err == nil {
			s.Error("a reset hook may return something")
		}
		s.saw(nil, `["tournament_reset",`+inLua+`,150,200]`, `["tournament_reset",`+inJS+`,150,200]`)
		board := &api.Leaderboard{Id: "board", Authoritative: true, Operator: api.Operator_SET, PrevReset: 100, NextReset: 200, CreateTime: cup.CreateTime}
		s.saw(s.LeaderboardReset(s.in(runtime.ModeLeaderboardReset), board, 200), // texts, in Lua
			`["leaderboard_reset",{"authoritative":true,"create_time":50,"id":"board","metadata":{},"next_reset":"200","operator":"set","prev_reset":"100","sort_order":"0"},200]`,
			`["leaderboard_reset",{"id":"board","authoritative":true,"operator":"set","sortOrder":0,"metadata":{},"createTime":50,"nextReset":200,"prevReset":100},200]`)
		s.Shutdown(s.in(runtime.ModeShutdown))
		s.saw(nil, `["shutdown"]`, `["shutdown"]`)
	})
}

func TestStoreNotifications(t *testing.T) {
	purchase := &api.ValidatedPurchase{UserId: "u1", ProductId: "p1", TransactionId: "t1", PurchaseTime: &timestamppb.Timestamp{Seconds: 50}, Store: api.StoreProvider_GOOGLE_PLAY_STORE}
	subscription := &api.ValidatedSubscription{UserId: "u1", ProductId: "p1", OriginalTransactionId: "t1", PurchaseTime: purchase.PurchaseTime, Environment: api.StoreEnvironment_SANDBOX}
	eachSingle(t, func(s *stage) {
		if s.language == "lua" {
			if s.PurchaseApple != nil || s.SubscriptionGoogle != nil {
				s.Error("Lua has these hooks after all")
			}
			return
		}
		ctx := s.in(runtime.ModePurchaseApple)
		for want, err := range map[string]error{
			"REFUNDED":   s.PurchaseApple(ctx, nakama.IAPNotificationRefunded, purchase, &nakama.AppleNotificationData{}),
			"RENEWED":    s.SubscriptionApple(ctx, nakama.IAPNotificationRenewed, subscription, &nakama.AppleNotificationData{}),
			"SUBSCRIBED": s.SubscriptionGoogle(ctx, nakama.IAPNotificationSubscribed, subscription, &nakama.SubscriptionV2GoogleResponse{}),
		} {
			if err != nil {
				s.Errorf("%s: %v", want, err)
			}
		}
		err := s.PurchaseGoogle(s.in(runtime.ModePurchaseGoogle), nakama.IAPNotificationCancelled, purchase, nil)
		s.saw(err, "", `["purchase_notification_google",{"userId":"u1","productId":"p1","transactionId":"t1","store":"GOOGLE_PLAY_STORE","providerResponse":"",`+
			`"purchaseTime":50,"environment":"UNKNOWN","seenBefore":false},"null","CANCELLED"]`)
		err = s.SubscriptionApple(s.in(runtime.ModeSubscriptionApple), nakama.IAPNotificationExpired, subscription, nil)
		s.saw(err, "", `["subscription_notification_apple",{"userId":"u1","productId":"p1","originalTransactionId":"t1","store":"APPLE_APP_STORE","purchaseTime":50,`+
			`"expiryTime":0,"environment":"SANDBOX","active":false,"providerResponse":"","providerNotification":""},"null","EXPIRED"]`)
	})
}

func TestStorageIndexes(t *testing.T) {
	eachSingle(t, func(s *stage) {
		s.answers("wrong", "failed to create storage index: sortable field 'name' is not one of the index's fields\nbad argument #3 to register_storage_index (string expected, got nil)",
			"GoError: failed to create storage index: sortable field 'name' is not one of the index's fields")
		indexes := s.Registered().Indexes
		if len(indexes) != 2 || indexes[0].Name != "Scores" || indexes[0].Key != "" || indexes[0].MaxEntries != 100 || indexes[0].IndexOnly || !indexes[1].IndexOnly || indexes[1].Key != "key" {
			s.Fatalf("%+v", indexes)
		}
		name := map[string]string{"lua": "Scores", "js": "scores"}[s.language] // JavaScript lower-cases it here
		filter := s.Registered().IndexFilter[name]
		write := &nakama.StorageWrite{Collection: "saves", Key: "k", Value: `{"result":true}`, PermissionRead: 1}
		keep, err := filter(s.in(runtime.ModeIndexFilter), write)
		if !keep {
			s.Error("the filter's answer is lost")
		}
		s.saw(err, `["storage_index_filter",{"collection":"saves","key":"k","permission_read":1,"permission_write":0,"value":{"result":true},"version":""}]`,
			`["storage_index_filter",{"collection":"saves","key":"k","userId":null,"value":{"result":true},"version":"","permissionRead":1,"permissionWrite":0}]`)
		write.Value = `{"result":"yes"}`
		if _, err := filter(s.in(runtime.ModeIndexFilter), write); err == nil || err.Error() != "Invalid return type for Storage Index Filter function: bool expected" {
			s.Errorf("%v", err)
		}
	})
}
