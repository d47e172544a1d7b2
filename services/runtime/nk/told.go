package nk

import (
	"errors"
	"fmt"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/auth"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/friend"
	"github.com/skirmishgg/skirmish/services/group"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/storage"
	"github.com/skirmishgg/skirmish/services/tournament"
	"github.com/skirmishgg/skirmish/services/wallet"
)

// Errors that modules know by their text.
var (
	errAccount  = errors.New("account not found")
	errUser     = errors.New("user not found")
	errNoTie    = errors.New("friend not found")
	errMessage  = sentence("Invalid message identifier")
	errNoneSuch = errors.New("channel message not found")
)

// sentence is an error in words that modules know, capitals and full stops included.
func sentence(text string) error { return errors.New(text) }

// words are the refusals of features in the words of server code: its own errors where nakama-common has one, so that Go
// modules may compare them.
var words = map[*errs.Error]error{
	account.ErrNotFound:       errAccount,
	account.ErrUsernameChars:  errors.New("expects username to be valid, no spaces or control characters allowed"),
	account.ErrUsernameLength: errors.New("expects id to be valid, must be 1-128 bytes"),
	account.ErrEmailChars:     errors.New("expects email to be valid, no spaces or control characters allowed"),
	account.ErrEmailFormat:    errors.New("expects email to be valid, invalid email address format"),
	account.ErrEmailLength:    errors.New("expects email to be valid, must be 10-255 bytes"),
	account.ErrPasswordShort:  errors.New("expects password to be valid, must be longer than 8 characters"),
	auth.ErrUsernameRequired:  errors.New("expects username string when email is not supplied"),

	session.ErrSessionInvalid: errors.New("session token invalid"),
	session.ErrRefreshInvalid: errors.New("refresh token invalid"),

	friend.ErrAddSelf:    errors.New("cannot add self as friend"),
	friend.ErrDeleteSelf: errors.New("cannot delete self"),
	friend.ErrBlockSelf:  errors.New("cannot block self"),
	friend.ErrNobody:     errors.New("no valid ID or username was provided"),
	friend.ErrCursor:     runtime.ErrFriendInvalidCursor,
	friend.ErrNoTie:      errNoTie,

	group.ErrNameTaken:   runtime.ErrGroupNameInUse,
	group.ErrNameInUse:   runtime.ErrGroupNameInUse,
	group.ErrUpdate:      runtime.ErrGroupPermissionDenied,
	group.ErrNoFields:    runtime.ErrGroupNoUpdateOps,
	group.ErrNotUpdated:  runtime.ErrGroupNotUpdated,
	group.ErrDelete:      runtime.ErrGroupNotFound, // of a caller that nothing is denied to
	group.ErrNotFound:    runtime.ErrGroupNotFound,
	group.ErrFull:        runtime.ErrGroupFull,
	group.ErrLastOwner:   runtime.ErrGroupLastSuperadmin,
	group.ErrPermission:  runtime.ErrGroupPermissionDenied,
	group.ErrUserMissing: runtime.ErrGroupUserNotFound,
	group.ErrMaxCount:    errors.New("expects max_count to be >= 1"),

	storage.ErrVersion:    runtime.ErrStorageRejectedVersion,
	storage.ErrPermission: runtime.ErrStorageRejectedPermission,

	wallet.ErrCursor: runtime.ErrWalletLedgerInvalidCursor,

	chat.ErrCursor:      runtime.ErrChannelCursorInvalid,
	chat.ErrType:        errors.New("invalid channel type: expects value 1-3"),
	chat.ErrTarget:      runtime.ErrInvalidChannelTarget,
	chat.ErrNoGroup:     runtime.ErrChannelGroupNotFound,
	chat.ErrRoomLength:  target("Channel name is required and must be 1-64 chars"),
	chat.ErrRoomControl: target("Channel name must not contain control chars"),
	chat.ErrRoomText:    target("Channel name must only contain valid UTF-8 bytes"),
	chat.ErrDirectID:    target("Invalid user ID in direct message join"),
	chat.ErrGroupID:     target("Invalid group ID in group channel join"),
	chat.ErrNoUser:      target("User ID not found"),
	chat.ErrUpdateNone:  errNoneSuch,
	chat.ErrRemoveNone:  errNoneSuch,

	notify.ErrRecipient: errUser,

	leaderboard.ErrNotFound: runtime.ErrLeaderboardNotFound,
	leaderboard.ErrSchedule: errors.New("expects reset schedule to be a valid CRON expression"),
	leaderboard.ErrCursor:   errors.New("leaderboard cursor invalid"),
	leaderboard.ErrOperator: errOverride,
	leaderboard.ErrWrite:    errors.New("leaderboard only allows authoritative submissions"),

	tournament.ErrNotFound:      runtime.ErrTournamentNotFound,
	tournament.ErrEnded:         runtime.ErrTournamentNotFound,
	tournament.ErrOver:          runtime.ErrTournamentOutsideDuration,
	tournament.ErrInactive:      runtime.ErrTournamentOutsideDuration,
	tournament.ErrJoinInactive:  runtime.ErrTournamentOutsideDuration,
	tournament.ErrJoinFull:      runtime.ErrTournamentMaxSizeReached,
	tournament.ErrFull:          runtime.ErrTournamentMaxSizeReached,
	tournament.ErrAttempts:      runtime.ErrTournamentWriteMaxNumScoreReached,
	tournament.ErrJoinFirst:     runtime.ErrTournamentWriteJoinRequired,
	tournament.ErrAuthoritative: runtime.ErrTournamentAuthoritative,
}

func target(text string) error { return fmt.Errorf("%s: %w", text, runtime.ErrInvalidChannelTarget) }

// told is an error of a feature as modules know it.
func told(err error) error {
	var refusal *errs.Error
	var negative *wallet.NegativeError
	switch {
	case errors.As(err, &negative):
		return &runtime.WalletNegativeError{
			UserID: negative.UserID.String(), Path: negative.Key, Current: negative.Current, Amount: negative.Amount,
		}
	case errors.As(err, &refusal):
		if known := words[refusal]; known != nil {
			return known
		}
	}
	return err
}

// toldStatus is an error of what modules know the refusals of in the words of gRPC's status: of linking, and of signing in.
func toldStatus(err error) error {
	var refusal *errs.Error
	if errors.As(err, &refusal) {
		return &statusError{refusal}
	}
	return err
}

// toldSignIn is toldStatus but for what is wrong with the credentials themselves.
func toldSignIn(err error) error {
	var refusal *errs.Error
	if errors.As(err, &refusal) && words[refusal] != nil {
		return words[refusal]
	}
	return toldStatus(err)
}

// toldAccount is told for changes of a profile: a taken name is known by gRPC's words.
func toldAccount(err error) error {
	if errors.Is(err, account.ErrUsernameInUse) {
		return toldStatus(err)
	}
	return told(err)
}

// statusError words a refusal as gRPC does.
type statusError struct{ refusal *errs.Error }

func (s *statusError) Error() string {
	return "rpc error: code = " + codeNames[s.refusal.Code] + " desc = " + s.refusal.Message
}

func (s *statusError) Unwrap() error { return s.refusal }

// codeNames are gRPC's.
var codeNames = map[errs.Code]string{
	errs.InvalidArgument: "InvalidArgument", errs.NotFound: "NotFound", errs.AlreadyExists: "AlreadyExists",
	errs.PermissionDenied: "PermissionDenied", errs.ResourceExhausted: "ResourceExhausted", errs.FailedPrecondition: "FailedPrecondition",
	errs.Aborted: "Aborted", errs.Internal: "Internal", errs.Unavailable: "Unavailable", errs.Unauthenticated: "Unauthenticated",
}
