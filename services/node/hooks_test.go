package node

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/services/runtime"
)

// What hookModules put around every operation: hooks that note that they ran, and give back what they got. NAMES are those
// of operations, MESSAGES those of realtime messages; the function fired answers what ran.
var hookModules = map[string]string{
	"main.lua": `
local nk = require("nakama")
local fired = {}
local function note(what, name)
	return function(context, first)
		if context.execution_mode ~= what then error("a context of " .. tostring(context.execution_mode)) end
		fired[what .. " " .. name] = true
		if what == "before" then return first end
	end
end
for _, name in ipairs(nk.json_decode('NAMES')) do
	nk.register_req_before(note("before", name), name)
	nk.register_req_after(note("after", name), string.upper(name))
end
for _, name in ipairs(nk.json_decode('MESSAGES')) do
	nk.register_rt_before(note("before", name), string.lower(name))
	nk.register_rt_after(note("after", name), name)
end
nk.register_rpc(function()
	local names = {}
	for name in pairs(fired) do names[#names + 1] = name end
	return nk.json_encode(names)
end, "fired")
`,
	"index.js": `
function InitModule(ctx, logger, nk, initializer) {
	const fired = new Set();
	const note = (what, name) => (ctx, logger, nk, first) => {
		if (ctx.executionMode !== what) throw new Error("a context of " + ctx.executionMode);
		fired.add(what + " " + name);
		return what === "before" ? first : undefined;
	};
	for (const name of JSON.parse('NAMES')) {
		if (!initializer["registerBefore" + name]) continue; // not one of Nakama's
		initializer["registerBefore" + name](note("before", name));
		initializer["registerAfter" + name](note("after", name));
	}
	for (const name of JSON.parse('MESSAGES')) {
		initializer.registerRtBefore(name.toLowerCase(), note("before", name));
		initializer.registerRtAfter(name, note("after", name));
	}
	initializer.registerRpc("fired", () => JSON.stringify([...fired]));
}
`,
}

// nakamaHooks are the operations that Nakama has hooks for, and the realtime messages.
const (
	nakamaHooks = "AddFriends AddGroupUsers AuthenticateApple AuthenticateCustom AuthenticateDevice AuthenticateEmail AuthenticateFacebook " +
		"AuthenticateFacebookInstantGame AuthenticateGameCenter AuthenticateGoogle AuthenticateSteam BanGroupUsers BlockFriends CreateGroup " +
		"DeleteAccount DeleteFriends DeleteGroup DeleteLeaderboardRecord DeleteNotifications DeleteStorageObjects DeleteTournamentRecord " +
		"DemoteGroupUsers Event GetAccount GetMatchmakerStats GetSubscription GetUsers ImportFacebookFriends ImportSteamFriends JoinGroup " +
		"JoinTournament KickGroupUsers LeaveGroup LinkApple UnlinkApple LinkCustom UnlinkCustom LinkDevice UnlinkDevice LinkEmail UnlinkEmail " +
		"LinkFacebook UnlinkFacebook LinkFacebookInstantGame UnlinkFacebookInstantGame LinkGameCenter UnlinkGameCenter LinkGoogle UnlinkGoogle " +
		"LinkSteam UnlinkSteam ListChannelMessages ListFriends ListFriendsOfFriends ListGroupUsers ListGroups ListLeaderboardRecords " +
		"ListLeaderboardRecordsAroundOwner ListMatches ListNotifications ListParties ListStorageObjects ListSubscriptions ListTournamentRecords " +
		"ListTournamentRecordsAroundOwner ListTournaments ListUserGroups PromoteGroupUsers ReadStorageObjects SessionLogout SessionRefresh " +
		"UpdateAccount UpdateGroup ValidatePurchaseApple ValidatePurchaseFacebookInstant ValidatePurchaseGoogle ValidatePurchaseHuawei " +
		"ValidatePurchaseSamsung ValidateSubscriptionApple ValidateSubscriptionGoogle WriteLeaderboardRecord WriteStorageObjects WriteTournamentRecord"
	nakamaMessages = "ChannelJoin ChannelLeave ChannelMessageSend ChannelMessageUpdate ChannelMessageRemove MatchCreate MatchDataSend MatchJoin " +
		"MatchLeave MatchmakerAdd MatchmakerRemove PartyCreate PartyJoin PartyLeave PartyPromote PartyAccept PartyRemove PartyClose " +
		"PartyJoinRequestList PartyMatchmakerAdd PartyMatchmakerRemove PartyDataSend PartyUpdate Ping Pong StatusFollow StatusUnfollow StatusUpdate"
)

// TestEveryHookFires plays ops.txt with hooks around everything, in each language. The answers must be what they are
// without, so that no message is lost or changed on its way into a script and back; every hook must have run.
func TestEveryHookFires(t *testing.T) {
	steps := readSteps(t, "../gateway/testdata/ops.txt")
	for file, text := range hookModules {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			names, messages := hookable(t)
			for _, name := range strings.Fields(nakamaHooks) {
				if !slices.Contains(names, name) {
					t.Errorf("there is no operation %s", name)
				}
			}
			for _, name := range strings.Fields(nakamaMessages) {
				if !slices.Contains(messages, name) {
					t.Errorf("there is no message %s", name)
				}
			}
			root := t.TempDir()
			text := strings.NewReplacer("NAMES", listOf(t, names), "MESSAGES", listOf(t, messages)).Replace(text)
			if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			n := startOn(t, "embedded", "--runtime.path="+root, "--runtime.js_min_count=1", "--runtime.js_max_count=1") // one machine, which sees them all
			p := player{n: n, door: newSocketDoor(codec.JSON)(t, n), rest: newRESTDoor(t, n), held: map[string]string{}}
			want := map[string]bool{}
			for _, s := range steps {
				p.play(t, s)
				if slices.Contains(strings.Fields(nakamaHooks+" "+nakamaMessages), s.name) {
					want["before "+s.name] = true
					if s.answer != "" {
						want["after "+s.name] = true
					}
				}
			}
			asker := signIn(t, n, "asker")
			var fired []string
			if err := json.Unmarshal([]byte(asker.ask("RpcFunc", asker.token, &api.Rpc{Id: "fired"}).(*api.Rpc).Payload), &fired); err != nil {
				t.Fatal(err)
			}
			for name := range want {
				if !slices.Contains(fired, name) {
					t.Errorf("the hook %s did not run", name)
				}
			}
		})
	}
}

// hookable are the operations that hooks may be put around, and the realtime messages.
func hookable(t *testing.T) (names, messages []string) {
	t.Helper()
	for _, e := range startOn(t, "embedded").Registry().Entries() {
		switch message, envelope := runtime.Hookable(e); {
		case message:
			names = append(names, e.Spec.Name)
		case envelope:
			messages = append(messages, e.Spec.Name)
		}
	}
	return names, messages
}

func listOf(t *testing.T, names []string) string {
	t.Helper()
	text, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
