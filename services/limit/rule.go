package limit

import (
	"cmp"
	"slices"

	"github.com/skirmishgg/skirmish/protocol/op"
)

// Kinds of limits.
type kind uint8

const (
	unlimited kind = iota
	perUser
	perAddress
)

// Special is an operation with a rule of its own.
type Special struct {
	Operation string
	Rule
	Why string
}

// playersPerAddress is how many players a school, a café or a carrier may have behind one address.
const playersPerAddress = 200

// The table. Operations with a session are counted per user, the others per address.
var (
	// UserRule is for every operation of a signed-in user that UserSpecials does not name.
	UserRule = Rule{Rate: 20, Burst: 60}
	// AddressRule is for operations without a session: all players behind one address start at the same moment and
	// need three calls each (sign in, refresh, one retry); after that the whole address signs in anew every ten seconds.
	AddressRule = Rule{Rate: playersPerAddress / 10, Burst: 3 * playersPerAddress}

	// AddressSpecials and UserSpecials are sorted by name.
	AddressSpecials = []Special{
		{"AuthenticateEmail", Rule{Rate: 10, Burst: 2 * playersPerAddress}, "each costs a password hash"},
	}
	UserSpecials = []Special{
		{"ChannelMessageRemove", Rule{Rate: 5, Burst: 30}, "sent to everybody in the channel"},
		{"ChannelMessageSend", Rule{Rate: 5, Burst: 30}, "sent to everybody in the channel"},
		{"ChannelMessageUpdate", Rule{Rate: 5, Burst: 30}, "sent to everybody in the channel"},
		{"CreateConnectToken", Rule{Rate: 2, Burst: 20}, "each opens a place for a connection"},
		{"CreateGroup", Rule{Rate: 1, Burst: 10}, "a group stays"},
		{"DeleteAccount", Rule{Rate: 0.2, Burst: 3}, "touches everything a user has"},
		{"ExplainMatchmakerTicket", Rule{Rate: 0.5, Burst: 5}, "looks at all tickets"},
		{"ImportFacebookFriends", Rule{Rate: 0.2, Burst: 5}, "asks another service"},
		{"ImportSteamFriends", Rule{Rate: 0.2, Burst: 5}, "asks another service"},
		{"LinkEmail", Rule{Rate: 1, Burst: 10}, "each costs a password hash"},
		{"ListGroups", Rule{Rate: 5, Burst: 30}, "searches"},
		{"MatchDataSend", Rule{Rate: 300, Burst: 600}, "a 128 Hz game that sends twice a tick"},
		{"MatchmakerAdd", Rule{Rate: 2, Burst: 20}, "each ticket is matched against all others"},
		{"PartyDataSend", Rule{Rate: 60, Burst: 120}, "a lobby that mirrors a cursor"},
		{"Ping", Rule{Rate: 5, Burst: 20}, "one a second is plenty"},
		{"RpcFunc", Rule{Rate: 50, Burst: 200}, "all of a game's own functions share it"},
		{"UpdateAccount", Rule{Rate: 2, Burst: 20}, "a profile is edited by hand"},
		{"ValidatePurchaseApple", Rule{Rate: 1, Burst: 20}, "asks another service"},
		{"ValidatePurchaseFacebookInstant", Rule{Rate: 1, Burst: 20}, "asks another service"},
		{"ValidatePurchaseGoogle", Rule{Rate: 1, Burst: 20}, "asks another service"},
		{"ValidatePurchaseHuawei", Rule{Rate: 1, Burst: 20}, "asks another service"},
		{"ValidateSubscriptionApple", Rule{Rate: 1, Burst: 20}, "asks another service"},
		{"ValidateSubscriptionGoogle", Rule{Rate: 1, Burst: 20}, "asks another service"},
		{"WriteStorageObjects", Rule{Rate: 10, Burst: 60}, "a batch holds many objects; save in batches"},
	}

	// HandshakeRule is for datagrams that ask for a connection: 200 players start one with three tries each.
	HandshakeRule = Rule{Rate: 2 * playersPerAddress, Burst: 3 * playersPerAddress}
	// QueryRule is for datagrams that ask what the server is: a server browser asks once a second or two.
	QueryRule = Rule{Rate: playersPerAddress, Burst: 2 * playersPerAddress}
)

// ruleOf is the limit of an operation.
func ruleOf(s op.Spec) (Rule, kind) {
	switch s.Auth {
	case op.Console:
		return Rule{}, unlimited // the console has its own lockout
	case op.None, op.ServerKey:
		return find(AddressSpecials, s.Name, AddressRule), perAddress
	}
	return find(UserSpecials, s.Name, UserRule), perUser
}

func find(in []Special, name string, other Rule) Rule {
	n, found := slices.BinarySearchFunc(in, name, func(s Special, name string) int { return cmp.Compare(s.Operation, name) })
	if found {
		return in[n].Rule
	}
	return other
}
