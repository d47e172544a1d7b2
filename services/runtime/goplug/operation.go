package goplug

import (
	"github.com/heroiclabs/nakama-common/api"
)

// The hooks of single operations, in the order of nakama's Initializer. Each says which messages its function takes; the
// compiler sees to it that none is missing.

func (i *initializer) RegisterBeforeGetAccount(f beforeNothingFunc) error {
	return beforeNothing(i, "GetAccount", f)
}

func (i *initializer) RegisterAfterGetAccount(f afterAnswerFunc[api.Account]) error {
	return afterAnswer(i, "GetAccount", f)
}

func (i *initializer) RegisterBeforeUpdateAccount(f beforeFunc[api.UpdateAccountRequest]) error {
	return before(i, "UpdateAccount", f)
}

func (i *initializer) RegisterAfterUpdateAccount(f afterRequestFunc[api.UpdateAccountRequest]) error {
	return afterRequest(i, "UpdateAccount", f)
}

func (i *initializer) RegisterBeforeDeleteAccount(f beforeNothingFunc) error {
	return beforeNothing(i, "DeleteAccount", f)
}

func (i *initializer) RegisterAfterDeleteAccount(f afterNothingFunc) error {
	return afterNothing(i, "DeleteAccount", f)
}

func (i *initializer) RegisterBeforeSessionRefresh(f beforeFunc[api.SessionRefreshRequest]) error {
	return before(i, "SessionRefresh", f)
}

func (i *initializer) RegisterAfterSessionRefresh(f afterFunc[api.Session, api.SessionRefreshRequest]) error {
	return after(i, "SessionRefresh", f)
}

func (i *initializer) RegisterBeforeSessionLogout(f beforeFunc[api.SessionLogoutRequest]) error {
	return before(i, "SessionLogout", f)
}

func (i *initializer) RegisterAfterSessionLogout(f afterRequestFunc[api.SessionLogoutRequest]) error {
	return afterRequest(i, "SessionLogout", f)
}

func (i *initializer) RegisterBeforeAuthenticateApple(f beforeFunc[api.AuthenticateAppleRequest]) error {
	return before(i, "AuthenticateApple", f)
}

func (i *initializer) RegisterAfterAuthenticateApple(f afterFunc[api.Session, api.AuthenticateAppleRequest]) error {
	return after(i, "AuthenticateApple", f)
}

func (i *initializer) RegisterBeforeAuthenticateCustom(f beforeFunc[api.AuthenticateCustomRequest]) error {
	return before(i, "AuthenticateCustom", f)
}

func (i *initializer) RegisterAfterAuthenticateCustom(f afterFunc[api.Session, api.AuthenticateCustomRequest]) error {
	return after(i, "AuthenticateCustom", f)
}

func (i *initializer) RegisterBeforeAuthenticateDevice(f beforeFunc[api.AuthenticateDeviceRequest]) error {
	return before(i, "AuthenticateDevice", f)
}

func (i *initializer) RegisterAfterAuthenticateDevice(f afterFunc[api.Session, api.AuthenticateDeviceRequest]) error {
	return after(i, "AuthenticateDevice", f)
}

func (i *initializer) RegisterBeforeAuthenticateEmail(f beforeFunc[api.AuthenticateEmailRequest]) error {
	return before(i, "AuthenticateEmail", f)
}

func (i *initializer) RegisterAfterAuthenticateEmail(f afterFunc[api.Session, api.AuthenticateEmailRequest]) error {
	return after(i, "AuthenticateEmail", f)
}

func (i *initializer) RegisterBeforeAuthenticateFacebook(f beforeFunc[api.AuthenticateFacebookRequest]) error {
	return before(i, "AuthenticateFacebook", f)
}

func (i *initializer) RegisterAfterAuthenticateFacebook(f afterFunc[api.Session, api.AuthenticateFacebookRequest]) error {
	return after(i, "AuthenticateFacebook", f)
}

func (i *initializer) RegisterBeforeAuthenticateFacebookInstantGame(f beforeFunc[api.AuthenticateFacebookInstantGameRequest]) error {
	return before(i, "AuthenticateFacebookInstantGame", f)
}

func (i *initializer) RegisterAfterAuthenticateFacebookInstantGame(f afterFunc[api.Session, api.AuthenticateFacebookInstantGameRequest]) error {
	return after(i, "AuthenticateFacebookInstantGame", f)
}

func (i *initializer) RegisterBeforeAuthenticateGameCenter(f beforeFunc[api.AuthenticateGameCenterRequest]) error {
	return before(i, "AuthenticateGameCenter", f)
}

func (i *initializer) RegisterAfterAuthenticateGameCenter(f afterFunc[api.Session, api.AuthenticateGameCenterRequest]) error {
	return after(i, "AuthenticateGameCenter", f)
}

func (i *initializer) RegisterBeforeAuthenticateGoogle(f beforeFunc[api.AuthenticateGoogleRequest]) error {
	return before(i, "AuthenticateGoogle", f)
}

func (i *initializer) RegisterAfterAuthenticateGoogle(f afterFunc[api.Session, api.AuthenticateGoogleRequest]) error {
	return after(i, "AuthenticateGoogle", f)
}

func (i *initializer) RegisterBeforeAuthenticateSteam(f beforeFunc[api.AuthenticateSteamRequest]) error {
	return before(i, "AuthenticateSteam", f)
}

func (i *initializer) RegisterAfterAuthenticateSteam(f afterFunc[api.Session, api.AuthenticateSteamRequest]) error {
	return after(i, "AuthenticateSteam", f)
}

func (i *initializer) RegisterBeforeListChannelMessages(f beforeFunc[api.ListChannelMessagesRequest]) error {
	return before(i, "ListChannelMessages", f)
}

func (i *initializer) RegisterAfterListChannelMessages(f afterFunc[api.ChannelMessageList, api.ListChannelMessagesRequest]) error {
	return after(i, "ListChannelMessages", f)
}

func (i *initializer) RegisterBeforeListFriends(f beforeFunc[api.ListFriendsRequest]) error {
	return before(i, "ListFriends", f)
}

func (i *initializer) RegisterAfterListFriends(f afterAnswerFunc[api.FriendList]) error {
	return afterAnswer(i, "ListFriends", f)
}

func (i *initializer) RegisterBeforeListFriendsOfFriends(f beforeFunc[api.ListFriendsOfFriendsRequest]) error {
	return before(i, "ListFriendsOfFriends", f)
}

func (i *initializer) RegisterAfterListFriendsOfFriends(f afterAnswerFunc[api.FriendsOfFriendsList]) error {
	return afterAnswer(i, "ListFriendsOfFriends", f)
}

func (i *initializer) RegisterBeforeAddFriends(f beforeFunc[api.AddFriendsRequest]) error {
	return before(i, "AddFriends", f)
}

func (i *initializer) RegisterAfterAddFriends(f afterRequestFunc[api.AddFriendsRequest]) error {
	return afterRequest(i, "AddFriends", f)
}

func (i *initializer) RegisterBeforeDeleteFriends(f beforeFunc[api.DeleteFriendsRequest]) error {
	return before(i, "DeleteFriends", f)
}

func (i *initializer) RegisterAfterDeleteFriends(f afterRequestFunc[api.DeleteFriendsRequest]) error {
	return afterRequest(i, "DeleteFriends", f)
}

func (i *initializer) RegisterBeforeBlockFriends(f beforeFunc[api.BlockFriendsRequest]) error {
	return before(i, "BlockFriends", f)
}

func (i *initializer) RegisterAfterBlockFriends(f afterRequestFunc[api.BlockFriendsRequest]) error {
	return afterRequest(i, "BlockFriends", f)
}

func (i *initializer) RegisterBeforeImportFacebookFriends(f beforeFunc[api.ImportFacebookFriendsRequest]) error {
	return before(i, "ImportFacebookFriends", f)
}

func (i *initializer) RegisterAfterImportFacebookFriends(f afterRequestFunc[api.ImportFacebookFriendsRequest]) error {
	return afterRequest(i, "ImportFacebookFriends", f)
}

func (i *initializer) RegisterBeforeImportSteamFriends(f beforeFunc[api.ImportSteamFriendsRequest]) error {
	return before(i, "ImportSteamFriends", f)
}

func (i *initializer) RegisterAfterImportSteamFriends(f afterRequestFunc[api.ImportSteamFriendsRequest]) error {
	return afterRequest(i, "ImportSteamFriends", f)
}

func (i *initializer) RegisterBeforeCreateGroup(f beforeFunc[api.CreateGroupRequest]) error {
	return before(i, "CreateGroup", f)
}

func (i *initializer) RegisterAfterCreateGroup(f afterFunc[api.Group, api.CreateGroupRequest]) error {
	return after(i, "CreateGroup", f)
}

func (i *initializer) RegisterBeforeUpdateGroup(f beforeFunc[api.UpdateGroupRequest]) error {
	return before(i, "UpdateGroup", f)
}

func (i *initializer) RegisterAfterUpdateGroup(f afterRequestFunc[api.UpdateGroupRequest]) error {
	return afterRequest(i, "UpdateGroup", f)
}

func (i *initializer) RegisterBeforeDeleteGroup(f beforeFunc[api.DeleteGroupRequest]) error {
	return before(i, "DeleteGroup", f)
}

func (i *initializer) RegisterAfterDeleteGroup(f afterRequestFunc[api.DeleteGroupRequest]) error {
	return afterRequest(i, "DeleteGroup", f)
}

func (i *initializer) RegisterBeforeJoinGroup(f beforeFunc[api.JoinGroupRequest]) error {
	return before(i, "JoinGroup", f)
}

func (i *initializer) RegisterAfterJoinGroup(f afterRequestFunc[api.JoinGroupRequest]) error {
	return afterRequest(i, "JoinGroup", f)
}

func (i *initializer) RegisterBeforeLeaveGroup(f beforeFunc[api.LeaveGroupRequest]) error {
	return before(i, "LeaveGroup", f)
}

func (i *initializer) RegisterAfterLeaveGroup(f afterRequestFunc[api.LeaveGroupRequest]) error {
	return afterRequest(i, "LeaveGroup", f)
}

func (i *initializer) RegisterBeforeAddGroupUsers(f beforeFunc[api.AddGroupUsersRequest]) error {
	return before(i, "AddGroupUsers", f)
}

func (i *initializer) RegisterAfterAddGroupUsers(f afterRequestFunc[api.AddGroupUsersRequest]) error {
	return afterRequest(i, "AddGroupUsers", f)
}

func (i *initializer) RegisterBeforeBanGroupUsers(f beforeFunc[api.BanGroupUsersRequest]) error {
	return before(i, "BanGroupUsers", f)
}

func (i *initializer) RegisterAfterBanGroupUsers(f afterRequestFunc[api.BanGroupUsersRequest]) error {
	return afterRequest(i, "BanGroupUsers", f)
}

func (i *initializer) RegisterBeforeKickGroupUsers(f beforeFunc[api.KickGroupUsersRequest]) error {
	return before(i, "KickGroupUsers", f)
}

func (i *initializer) RegisterAfterKickGroupUsers(f afterRequestFunc[api.KickGroupUsersRequest]) error {
	return afterRequest(i, "KickGroupUsers", f)
}

func (i *initializer) RegisterBeforePromoteGroupUsers(f beforeFunc[api.PromoteGroupUsersRequest]) error {
	return before(i, "PromoteGroupUsers", f)
}

func (i *initializer) RegisterAfterPromoteGroupUsers(f afterRequestFunc[api.PromoteGroupUsersRequest]) error {
	return afterRequest(i, "PromoteGroupUsers", f)
}

func (i *initializer) RegisterBeforeDemoteGroupUsers(f beforeFunc[api.DemoteGroupUsersRequest]) error {
	return before(i, "DemoteGroupUsers", f)
}

func (i *initializer) RegisterAfterDemoteGroupUsers(f afterRequestFunc[api.DemoteGroupUsersRequest]) error {
	return afterRequest(i, "DemoteGroupUsers", f)
}

func (i *initializer) RegisterBeforeListGroupUsers(f beforeFunc[api.ListGroupUsersRequest]) error {
	return before(i, "ListGroupUsers", f)
}

func (i *initializer) RegisterAfterListGroupUsers(f afterFunc[api.GroupUserList, api.ListGroupUsersRequest]) error {
	return after(i, "ListGroupUsers", f)
}

func (i *initializer) RegisterBeforeListUserGroups(f beforeFunc[api.ListUserGroupsRequest]) error {
	return before(i, "ListUserGroups", f)
}

func (i *initializer) RegisterAfterListUserGroups(f afterFunc[api.UserGroupList, api.ListUserGroupsRequest]) error {
	return after(i, "ListUserGroups", f)
}

func (i *initializer) RegisterBeforeListGroups(f beforeFunc[api.ListGroupsRequest]) error {
	return before(i, "ListGroups", f)
}

func (i *initializer) RegisterAfterListGroups(f afterFunc[api.GroupList, api.ListGroupsRequest]) error {
	return after(i, "ListGroups", f)
}

func (i *initializer) RegisterBeforeDeleteLeaderboardRecord(f beforeFunc[api.DeleteLeaderboardRecordRequest]) error {
	return before(i, "DeleteLeaderboardRecord", f)
}

func (i *initializer) RegisterAfterDeleteLeaderboardRecord(f afterRequestFunc[api.DeleteLeaderboardRecordRequest]) error {
	return afterRequest(i, "DeleteLeaderboardRecord", f)
}

func (i *initializer) RegisterBeforeDeleteTournamentRecord(f beforeFunc[api.DeleteTournamentRecordRequest]) error {
	return before(i, "DeleteTournamentRecord", f)
}

func (i *initializer) RegisterAfterDeleteTournamentRecord(f afterRequestFunc[api.DeleteTournamentRecordRequest]) error {
	return afterRequest(i, "DeleteTournamentRecord", f)
}

func (i *initializer) RegisterBeforeListLeaderboardRecords(f beforeFunc[api.ListLeaderboardRecordsRequest]) error {
	return before(i, "ListLeaderboardRecords", f)
}

func (i *initializer) RegisterAfterListLeaderboardRecords(f afterFunc[api.LeaderboardRecordList, api.ListLeaderboardRecordsRequest]) error {
	return after(i, "ListLeaderboardRecords", f)
}

func (i *initializer) RegisterBeforeWriteLeaderboardRecord(f beforeFunc[api.WriteLeaderboardRecordRequest]) error {
	return before(i, "WriteLeaderboardRecord", f)
}

func (i *initializer) RegisterAfterWriteLeaderboardRecord(f afterFunc[api.LeaderboardRecord, api.WriteLeaderboardRecordRequest]) error {
	return after(i, "WriteLeaderboardRecord", f)
}

func (i *initializer) RegisterBeforeListLeaderboardRecordsAroundOwner(f beforeFunc[api.ListLeaderboardRecordsAroundOwnerRequest]) error {
	return before(i, "ListLeaderboardRecordsAroundOwner", f)
}

func (i *initializer) RegisterAfterListLeaderboardRecordsAroundOwner(f afterFunc[api.LeaderboardRecordList, api.ListLeaderboardRecordsAroundOwnerRequest]) error {
	return after(i, "ListLeaderboardRecordsAroundOwner", f)
}

func (i *initializer) RegisterBeforeLinkApple(f beforeFunc[api.AccountApple]) error {
	return before(i, "LinkApple", f)
}

func (i *initializer) RegisterAfterLinkApple(f afterRequestFunc[api.AccountApple]) error {
	return afterRequest(i, "LinkApple", f)
}

func (i *initializer) RegisterBeforeLinkCustom(f beforeFunc[api.AccountCustom]) error {
	return before(i, "LinkCustom", f)
}

func (i *initializer) RegisterAfterLinkCustom(f afterRequestFunc[api.AccountCustom]) error {
	return afterRequest(i, "LinkCustom", f)
}

func (i *initializer) RegisterBeforeLinkDevice(f beforeFunc[api.AccountDevice]) error {
	return before(i, "LinkDevice", f)
}

func (i *initializer) RegisterAfterLinkDevice(f afterRequestFunc[api.AccountDevice]) error {
	return afterRequest(i, "LinkDevice", f)
}

func (i *initializer) RegisterBeforeLinkEmail(f beforeFunc[api.AccountEmail]) error {
	return before(i, "LinkEmail", f)
}

func (i *initializer) RegisterAfterLinkEmail(f afterRequestFunc[api.AccountEmail]) error {
	return afterRequest(i, "LinkEmail", f)
}

func (i *initializer) RegisterBeforeLinkFacebook(f beforeFunc[api.LinkFacebookRequest]) error {
	return before(i, "LinkFacebook", f)
}

func (i *initializer) RegisterAfterLinkFacebook(f afterRequestFunc[api.LinkFacebookRequest]) error {
	return afterRequest(i, "LinkFacebook", f)
}

func (i *initializer) RegisterBeforeLinkFacebookInstantGame(f beforeFunc[api.AccountFacebookInstantGame]) error {
	return before(i, "LinkFacebookInstantGame", f)
}

func (i *initializer) RegisterAfterLinkFacebookInstantGame(f afterRequestFunc[api.AccountFacebookInstantGame]) error {
	return afterRequest(i, "LinkFacebookInstantGame", f)
}

func (i *initializer) RegisterBeforeLinkGameCenter(f beforeFunc[api.AccountGameCenter]) error {
	return before(i, "LinkGameCenter", f)
}

func (i *initializer) RegisterAfterLinkGameCenter(f afterRequestFunc[api.AccountGameCenter]) error {
	return afterRequest(i, "LinkGameCenter", f)
}

func (i *initializer) RegisterBeforeLinkGoogle(f beforeFunc[api.AccountGoogle]) error {
	return before(i, "LinkGoogle", f)
}

func (i *initializer) RegisterAfterLinkGoogle(f afterRequestFunc[api.AccountGoogle]) error {
	return afterRequest(i, "LinkGoogle", f)
}

func (i *initializer) RegisterBeforeLinkSteam(f beforeFunc[api.LinkSteamRequest]) error {
	return before(i, "LinkSteam", f)
}

func (i *initializer) RegisterAfterLinkSteam(f afterRequestFunc[api.LinkSteamRequest]) error {
	return afterRequest(i, "LinkSteam", f)
}

func (i *initializer) RegisterBeforeListMatches(f beforeFunc[api.ListMatchesRequest]) error {
	return before(i, "ListMatches", f)
}

func (i *initializer) RegisterAfterListMatches(f afterFunc[api.MatchList, api.ListMatchesRequest]) error {
	return after(i, "ListMatches", f)
}

func (i *initializer) RegisterBeforeGetMatchmakerStats(f beforeNothingFunc) error {
	return beforeNothing(i, "GetMatchmakerStats", f)
}

func (i *initializer) RegisterAfterGetMatchmakerStats(f afterAnswerFunc[api.MatchmakerStats]) error {
	return afterAnswer(i, "GetMatchmakerStats", f)
}

func (i *initializer) RegisterBeforeListNotifications(f beforeFunc[api.ListNotificationsRequest]) error {
	return before(i, "ListNotifications", f)
}

func (i *initializer) RegisterAfterListNotifications(f afterFunc[api.NotificationList, api.ListNotificationsRequest]) error {
	return after(i, "ListNotifications", f)
}

func (i *initializer) RegisterBeforeDeleteNotifications(f beforeFunc[api.DeleteNotificationsRequest]) error {
	return before(i, "DeleteNotifications", f)
}

func (i *initializer) RegisterAfterDeleteNotifications(f afterRequestFunc[api.DeleteNotificationsRequest]) error {
	return afterRequest(i, "DeleteNotifications", f)
}

func (i *initializer) RegisterBeforeListStorageObjects(f beforeFunc[api.ListStorageObjectsRequest]) error {
	return before(i, "ListStorageObjects", f)
}

func (i *initializer) RegisterAfterListStorageObjects(f afterFunc[api.StorageObjectList, api.ListStorageObjectsRequest]) error {
	return after(i, "ListStorageObjects", f)
}

func (i *initializer) RegisterBeforeReadStorageObjects(f beforeFunc[api.ReadStorageObjectsRequest]) error {
	return before(i, "ReadStorageObjects", f)
}

func (i *initializer) RegisterAfterReadStorageObjects(f afterFunc[api.StorageObjects, api.ReadStorageObjectsRequest]) error {
	return after(i, "ReadStorageObjects", f)
}

func (i *initializer) RegisterBeforeWriteStorageObjects(f beforeFunc[api.WriteStorageObjectsRequest]) error {
	return before(i, "WriteStorageObjects", f)
}

func (i *initializer) RegisterAfterWriteStorageObjects(f afterFunc[api.StorageObjectAcks, api.WriteStorageObjectsRequest]) error {
	return after(i, "WriteStorageObjects", f)
}

func (i *initializer) RegisterBeforeDeleteStorageObjects(f beforeFunc[api.DeleteStorageObjectsRequest]) error {
	return before(i, "DeleteStorageObjects", f)
}

func (i *initializer) RegisterAfterDeleteStorageObjects(f afterRequestFunc[api.DeleteStorageObjectsRequest]) error {
	return afterRequest(i, "DeleteStorageObjects", f)
}

func (i *initializer) RegisterBeforeJoinTournament(f beforeFunc[api.JoinTournamentRequest]) error {
	return before(i, "JoinTournament", f)
}

func (i *initializer) RegisterAfterJoinTournament(f afterRequestFunc[api.JoinTournamentRequest]) error {
	return afterRequest(i, "JoinTournament", f)
}

func (i *initializer) RegisterBeforeListTournamentRecords(f beforeFunc[api.ListTournamentRecordsRequest]) error {
	return before(i, "ListTournamentRecords", f)
}

func (i *initializer) RegisterAfterListTournamentRecords(f afterFunc[api.TournamentRecordList, api.ListTournamentRecordsRequest]) error {
	return after(i, "ListTournamentRecords", f)
}

func (i *initializer) RegisterBeforeListTournaments(f beforeFunc[api.ListTournamentsRequest]) error {
	return before(i, "ListTournaments", f)
}

func (i *initializer) RegisterAfterListTournaments(f afterFunc[api.TournamentList, api.ListTournamentsRequest]) error {
	return after(i, "ListTournaments", f)
}

func (i *initializer) RegisterBeforeWriteTournamentRecord(f beforeFunc[api.WriteTournamentRecordRequest]) error {
	return before(i, "WriteTournamentRecord", f)
}

func (i *initializer) RegisterAfterWriteTournamentRecord(f afterFunc[api.LeaderboardRecord, api.WriteTournamentRecordRequest]) error {
	return after(i, "WriteTournamentRecord", f)
}

func (i *initializer) RegisterBeforeListTournamentRecordsAroundOwner(f beforeFunc[api.ListTournamentRecordsAroundOwnerRequest]) error {
	return before(i, "ListTournamentRecordsAroundOwner", f)
}

func (i *initializer) RegisterAfterListTournamentRecordsAroundOwner(f afterFunc[api.TournamentRecordList, api.ListTournamentRecordsAroundOwnerRequest]) error {
	return after(i, "ListTournamentRecordsAroundOwner", f)
}

func (i *initializer) RegisterBeforeValidatePurchaseApple(f beforeFunc[api.ValidatePurchaseAppleRequest]) error {
	return before(i, "ValidatePurchaseApple", f)
}

func (i *initializer) RegisterAfterValidatePurchaseApple(f afterFunc[api.ValidatePurchaseResponse, api.ValidatePurchaseAppleRequest]) error {
	return after(i, "ValidatePurchaseApple", f)
}

func (i *initializer) RegisterBeforeValidateSubscriptionApple(f beforeFunc[api.ValidateSubscriptionAppleRequest]) error {
	return before(i, "ValidateSubscriptionApple", f)
}

func (i *initializer) RegisterAfterValidateSubscriptionApple(f afterFunc[api.ValidateSubscriptionResponse, api.ValidateSubscriptionAppleRequest]) error {
	return after(i, "ValidateSubscriptionApple", f)
}

func (i *initializer) RegisterBeforeValidatePurchaseGoogle(f beforeFunc[api.ValidatePurchaseGoogleRequest]) error {
	return before(i, "ValidatePurchaseGoogle", f)
}

func (i *initializer) RegisterAfterValidatePurchaseGoogle(f afterFunc[api.ValidatePurchaseResponse, api.ValidatePurchaseGoogleRequest]) error {
	return after(i, "ValidatePurchaseGoogle", f)
}

func (i *initializer) RegisterBeforeValidateSubscriptionGoogle(f beforeFunc[api.ValidateSubscriptionGoogleRequest]) error {
	return before(i, "ValidateSubscriptionGoogle", f)
}

func (i *initializer) RegisterAfterValidateSubscriptionGoogle(f afterFunc[api.ValidateSubscriptionResponse, api.ValidateSubscriptionGoogleRequest]) error {
	return after(i, "ValidateSubscriptionGoogle", f)
}

func (i *initializer) RegisterBeforeValidatePurchaseHuawei(f beforeFunc[api.ValidatePurchaseHuaweiRequest]) error {
	return before(i, "ValidatePurchaseHuawei", f)
}

func (i *initializer) RegisterAfterValidatePurchaseHuawei(f afterFunc[api.ValidatePurchaseResponse, api.ValidatePurchaseHuaweiRequest]) error {
	return after(i, "ValidatePurchaseHuawei", f)
}

func (i *initializer) RegisterBeforeValidatePurchaseFacebookInstant(f beforeFunc[api.ValidatePurchaseFacebookInstantRequest]) error {
	return before(i, "ValidatePurchaseFacebookInstant", f)
}

func (i *initializer) RegisterAfterValidatePurchaseFacebookInstant(f afterFunc[api.ValidatePurchaseResponse, api.ValidatePurchaseFacebookInstantRequest]) error {
	return after(i, "ValidatePurchaseFacebookInstant", f)
}

func (i *initializer) RegisterBeforeValidatePurchaseSamsung(f beforeFunc[api.ValidatePurchaseSamsungRequest]) error {
	return before(i, "ValidatePurchaseSamsung", f)
}

func (i *initializer) RegisterAfterValidatePurchaseSamsung(f afterFunc[api.ValidatePurchaseResponse, api.ValidatePurchaseSamsungRequest]) error {
	return after(i, "ValidatePurchaseSamsung", f)
}

func (i *initializer) RegisterBeforeListSubscriptions(f beforeFunc[api.ListSubscriptionsRequest]) error {
	return before(i, "ListSubscriptions", f)
}

func (i *initializer) RegisterAfterListSubscriptions(f afterFunc[api.SubscriptionList, api.ListSubscriptionsRequest]) error {
	return after(i, "ListSubscriptions", f)
}

func (i *initializer) RegisterBeforeGetSubscription(f beforeFunc[api.GetSubscriptionRequest]) error {
	return before(i, "GetSubscription", f)
}

func (i *initializer) RegisterAfterGetSubscription(f afterFunc[api.ValidatedSubscription, api.GetSubscriptionRequest]) error {
	return after(i, "GetSubscription", f)
}

func (i *initializer) RegisterBeforeUnlinkApple(f beforeFunc[api.AccountApple]) error {
	return before(i, "UnlinkApple", f)
}

func (i *initializer) RegisterAfterUnlinkApple(f afterRequestFunc[api.AccountApple]) error {
	return afterRequest(i, "UnlinkApple", f)
}

func (i *initializer) RegisterBeforeUnlinkCustom(f beforeFunc[api.AccountCustom]) error {
	return before(i, "UnlinkCustom", f)
}

func (i *initializer) RegisterAfterUnlinkCustom(f afterRequestFunc[api.AccountCustom]) error {
	return afterRequest(i, "UnlinkCustom", f)
}

func (i *initializer) RegisterBeforeUnlinkDevice(f beforeFunc[api.AccountDevice]) error {
	return before(i, "UnlinkDevice", f)
}

func (i *initializer) RegisterAfterUnlinkDevice(f afterRequestFunc[api.AccountDevice]) error {
	return afterRequest(i, "UnlinkDevice", f)
}

func (i *initializer) RegisterBeforeUnlinkEmail(f beforeFunc[api.AccountEmail]) error {
	return before(i, "UnlinkEmail", f)
}

func (i *initializer) RegisterAfterUnlinkEmail(f afterRequestFunc[api.AccountEmail]) error {
	return afterRequest(i, "UnlinkEmail", f)
}

func (i *initializer) RegisterBeforeUnlinkFacebook(f beforeFunc[api.AccountFacebook]) error {
	return before(i, "UnlinkFacebook", f)
}

func (i *initializer) RegisterAfterUnlinkFacebook(f afterRequestFunc[api.AccountFacebook]) error {
	return afterRequest(i, "UnlinkFacebook", f)
}

func (i *initializer) RegisterBeforeUnlinkFacebookInstantGame(f beforeFunc[api.AccountFacebookInstantGame]) error {
	return before(i, "UnlinkFacebookInstantGame", f)
}

func (i *initializer) RegisterAfterUnlinkFacebookInstantGame(f afterRequestFunc[api.AccountFacebookInstantGame]) error {
	return afterRequest(i, "UnlinkFacebookInstantGame", f)
}

func (i *initializer) RegisterBeforeUnlinkGameCenter(f beforeFunc[api.AccountGameCenter]) error {
	return before(i, "UnlinkGameCenter", f)
}

func (i *initializer) RegisterAfterUnlinkGameCenter(f afterRequestFunc[api.AccountGameCenter]) error {
	return afterRequest(i, "UnlinkGameCenter", f)
}

func (i *initializer) RegisterBeforeUnlinkGoogle(f beforeFunc[api.AccountGoogle]) error {
	return before(i, "UnlinkGoogle", f)
}

func (i *initializer) RegisterAfterUnlinkGoogle(f afterRequestFunc[api.AccountGoogle]) error {
	return afterRequest(i, "UnlinkGoogle", f)
}

func (i *initializer) RegisterBeforeUnlinkSteam(f beforeFunc[api.AccountSteam]) error {
	return before(i, "UnlinkSteam", f)
}

func (i *initializer) RegisterAfterUnlinkSteam(f afterRequestFunc[api.AccountSteam]) error {
	return afterRequest(i, "UnlinkSteam", f)
}

func (i *initializer) RegisterBeforeGetUsers(f beforeFunc[api.GetUsersRequest]) error {
	return before(i, "GetUsers", f)
}

func (i *initializer) RegisterAfterGetUsers(f afterFunc[api.Users, api.GetUsersRequest]) error {
	return after(i, "GetUsers", f)
}

func (i *initializer) RegisterBeforeListParties(f beforeFunc[api.ListPartiesRequest]) error {
	return before(i, "ListParties", f)
}

func (i *initializer) RegisterAfterListParties(f afterFunc[api.PartyList, api.ListPartiesRequest]) error {
	return after(i, "ListParties", f)
}
