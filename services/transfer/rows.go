package transfer

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/wallet"
)

// rows are a document as the store keeps it. They are made outside of the transaction, which may run again.
type rows struct {
	user             id.UUID
	profile          *schema.User // of a new account; nil: it exists
	metadata, wallet store.JSON   // "": the document has none
	devices          []*schema.UserDevice

	objects []*schema.StorageObject

	// history, of a document that is the account's own
	friends       []*schema.UserEdge // the account's edges; Position is when they came to be
	messages      []*schema.Message
	records       []*schema.LeaderboardRecord
	notifications []*schema.Notification
	ledger        []*schema.LedgerItem
}

// rowsOf are the rows of a document for a user; zero: for a new one with the document's id.
// Errors: refusals that name an item, those of account.CheckUsername.
func rowsOf(user id.UUID, d *Document, now time.Time) (r *rows, err error) {
	r = &rows{user: user}
	own, err := id.Parse(d.Account.User.Id)
	if err != nil && user.IsZero() {
		return nil, invalid("account", errID)
	}
	if user.IsZero() {
		r.user = own
		if err := r.newAccount(d.Account, now); err != nil {
			return nil, err
		}
	}
	if r.metadata, err = object(d.Account.User.Metadata, ""); err != nil {
		return nil, invalid("account.user.metadata", err)
	}
	if r.wallet, err = amounts(d.Account.Wallet); err != nil {
		return nil, invalid("account.wallet", err)
	}
	m := maker{user: r.user, now: now}
	if r.objects, err = rowsIn("objects", d.Objects, m.object); err != nil || r.user != own {
		return r, err
	}
	if r.friends, err = rowsIn("friends", d.Friends, m.friend); err != nil {
		return nil, err
	}
	if r.messages, err = rowsIn("messages", d.Messages, m.message); err != nil {
		return nil, err
	}
	if r.records, err = rowsIn("leaderboard_records", d.Records, m.record); err != nil {
		return nil, err
	}
	if r.notifications, err = rowsIn("notifications", d.Notifications, m.notification); err != nil {
		return nil, err
	}
	r.ledger, err = rowsIn("wallet_ledgers", d.Ledger, m.line)
	return r, err
}

// What may be wrong with an item.
var (
	errID      = errs.New(errs.InvalidArgument, "the identifier is not valid")
	errTime    = errs.New(errs.InvalidArgument, "times must be of the years 1970 to 9999")
	errRange   = errs.New(errs.InvalidArgument, "a number is out of range")
	errObject  = errs.New(errs.InvalidArgument, "must be a JSON object that can be stored")
	errValue   = errs.New(errs.InvalidArgument, "must be JSON that can be stored")
	errAmounts = errs.New(errs.InvalidArgument, "must be an object of whole numbers that are not negative")
	errName    = errs.New(errs.InvalidArgument, "a name is missing")
	errState   = errs.New(errs.InvalidArgument, "the state must be 0-3")
	errChannel = errs.New(errs.InvalidArgument, "the channel is not valid")
)

func invalid(what string, why error) error {
	return errs.Newf(errs.InvalidArgument, "%s: %s", what, why)
}

// rowsIn makes the rows of a section.
func rowsIn[M, R any](section string, items []M, row func(M) (*R, error)) ([]*R, error) {
	list := make([]*R, len(items))
	for i, item := range items {
		var err error
		if list[i], err = row(item); err != nil {
			return nil, invalid(sectionItem(section, i), err)
		}
	}
	return list, nil
}

func sectionItem(section string, i int) string { return fmt.Sprintf("%s[%d]", section, i) }

// newAccount has everything but the password, which no document has.
func (r *rows) newAccount(a *api.Account, now time.Time) error {
	u := a.User
	if err := account.CheckUsername(u.Username); err != nil {
		return err
	}
	row := account.NewRow(r.user, u.Username, now)
	if u.LangTag != "" {
		row.LangTag = u.LangTag
	}
	for to, text := range map[**string]string{
		&row.DisplayName: u.DisplayName, &row.AvatarURL: u.AvatarUrl, &row.Location: u.Location, &row.Timezone: u.Timezone,
		&row.Email: a.Email, &row.CustomID: a.CustomId, &row.AppleID: u.AppleId, &row.FacebookID: u.FacebookId,
		&row.FacebookInstantGameID: u.FacebookInstantGameId, &row.GameCenterID: u.GamecenterId, &row.GoogleID: u.GoogleId, &row.SteamID: u.SteamId,
	} {
		*to = given(text)
	}
	if err := times(
		timed{&row.CreateTime, u.CreateTime, now}, timed{&row.UpdateTime, u.UpdateTime, now},
		timed{&row.VerifyTime, a.VerifyTime, schema.Epoch}, timed{&row.DisableTime, a.DisableTime, schema.Epoch},
	); err != nil {
		return invalid("account", err)
	}
	for _, device := range a.Devices {
		if device.Id == "" {
			return invalid("account.devices", errName)
		}
		r.devices = append(r.devices, account.DeviceRow(device.Id, r.user))
	}
	r.profile = row
	return nil
}

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// maker makes the rows of one account.
type maker struct {
	user id.UUID
	now  time.Time // of what has no time
}

func (m maker) object(o *api.StorageObject) (*schema.StorageObject, error) {
	row := &schema.StorageObject{Collection: o.Collection, Key: o.Key, UserID: m.user, Version: o.Version}
	if o.Collection == "" || o.Key == "" {
		return nil, errName
	}
	if row.Version == "" {
		sum := md5.Sum([]byte(o.Value))
		row.Version = hex.EncodeToString(sum[:])
	}
	var err error
	if row.Value, err = object(o.Value, ""); err == nil && row.Value == "" {
		err = errObject
	}
	if err != nil {
		return nil, err
	}
	if err := smalls(small{&row.Read, o.PermissionRead}, small{&row.Write, o.PermissionWrite}); err != nil {
		return nil, err
	}
	return row, times(timed{&row.CreateTime, o.CreateTime, m.now}, timed{&row.UpdateTime, o.UpdateTime, m.now})
}

func (m maker) friend(f *api.Friend) (*schema.UserEdge, error) {
	friend, err := id.Parse(f.GetUser().GetId())
	if err != nil || friend.IsZero() {
		return nil, errID
	}
	row := &schema.UserEdge{SourceID: m.user, DestinationID: friend, State: int16(f.GetState().GetValue())}
	if s := f.GetState().GetValue(); s < int32(schema.EdgeFriend) || s > int32(schema.EdgeBlocked) {
		return nil, errState
	}
	if row.Metadata, err = object(f.Metadata, "{}"); err != nil {
		return nil, err
	}
	if err := times(timed{&row.UpdateTime, f.UpdateTime, m.now}); err != nil {
		return nil, err
	}
	row.Position = position(row.UpdateTime)
	return row, nil
}

// position is the nanoseconds since 1970 that lists sort by, as far as they can be counted.
func position(t time.Time) int64 {
	if t.Year() > 2200 { // an int64 ends in 2262
		t = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t.UnixNano()
}

func (m maker) message(c *api.ChannelMessage) (*schema.Message, error) {
	u, err := parseID(c.MessageId)
	if err != nil {
		return nil, err
	}
	channel, ok := chat.Parse(c.ChannelId)
	if !ok {
		return nil, errChannel
	}
	row := &schema.Message{
		ID: u, SenderID: m.user, Username: c.Username,
		StreamMode: int16(channel.Mode), StreamSubject: channel.Subject, StreamDescriptor: channel.Subcontext, StreamLabel: channel.Label,
	}
	if row.Content, err = object(c.Content, "{}"); err != nil {
		return nil, err
	}
	if err := smalls(small{&row.Code, c.GetCode().GetValue()}); err != nil {
		return nil, err
	}
	return row, times(timed{&row.CreateTime, c.CreateTime, m.now}, timed{&row.UpdateTime, c.UpdateTime, m.now})
}

func (m maker) record(r *api.LeaderboardRecord) (*schema.LeaderboardRecord, error) {
	row := &schema.LeaderboardRecord{
		LeaderboardID: r.LeaderboardId, OwnerID: m.user, Score: r.Score, Subscore: r.Subscore, NumScore: r.NumScore,
		MaxNumScore: leaderboard.MaxNumScore,
	}
	if r.LeaderboardId == "" {
		return nil, errName
	}
	if r.Username != nil {
		row.Username = &r.Username.Value
	}
	if r.MaxNumScore > math.MaxInt32 {
		return nil, errRange
	}
	if r.MaxNumScore > 0 {
		row.MaxNumScore = int32(r.MaxNumScore)
	}
	var err error
	if row.Metadata, err = object(r.Metadata, "{}"); err != nil {
		return nil, err
	}
	err = times(
		timed{&row.CreateTime, r.CreateTime, m.now}, timed{&row.UpdateTime, r.UpdateTime, m.now}, timed{&row.ExpiryTime, r.ExpiryTime, schema.Epoch},
	)
	row.ExpiryTime = row.ExpiryTime.Truncate(time.Second) // as all periods end
	return row, err
}

func (m maker) notification(n *api.Notification) (*schema.Notification, error) {
	u, err := parseID(n.Id)
	if err != nil {
		return nil, err
	}
	row := &schema.Notification{ID: u, UserID: m.user, Subject: n.Subject, Content: "{}"}
	if n.SenderId != "" {
		if row.SenderID, err = id.Parse(n.SenderId); err != nil {
			return nil, errID
		}
	}
	if n.Content != "" {
		if row.Content, err = store.Normalise(store.JSON(n.Content)); err != nil {
			return nil, errValue
		}
	}
	if err := smalls(small{&row.Code, n.Code}); err != nil {
		return nil, err
	}
	return row, times(timed{&row.CreateTime, n.CreateTime, m.now})
}

func (m maker) line(l *ledgerLine) (*schema.LedgerItem, error) {
	u, err := parseID(l.ID)
	if err != nil {
		return nil, err
	}
	row := &schema.LedgerItem{ID: u, UserID: m.user}
	if row.Changeset, err = object(l.Changeset, "{}"); err != nil {
		return nil, err
	}
	if row.Metadata, err = object(l.Metadata, "{}"); err != nil {
		return nil, err
	}
	return row, times(timed{&row.CreateTime, l.CreateTime.stamp(), m.now}, timed{&row.UpdateTime, l.UpdateTime.stamp(), m.now})
}

func (m *moment) stamp() *timestamppb.Timestamp {
	if m == nil {
		return nil
	}
	return timestamppb.New(m.Time)
}

func parseID(text string) (id.UUID, error) {
	u, err := id.Parse(text)
	if err != nil {
		return u, errID
	}
	return u, nil
}

// object is a JSON object in normal form; unset for "".
func object(text string, unset store.JSON) (store.JSON, error) {
	if text == "" {
		return unset, nil
	}
	kept, err := store.Normalise(store.JSON(text))
	if err != nil || !kept.IsObject() {
		return "", errObject
	}
	return kept, nil
}

// amounts is a wallet; "" for "".
func amounts(text string) (store.JSON, error) {
	kept, err := object(text, "")
	if err != nil || kept == "" {
		return kept, err
	}
	var held wallet.Amounts
	if err := json.Unmarshal([]byte(kept), &held); err != nil {
		return "", errAmounts
	}
	for _, amount := range held {
		if amount < 0 {
			return "", errAmounts
		}
	}
	return kept, nil
}

// small is a number and the column of 16 bits that it goes to.
type small struct {
	to   *int16
	from int32
}

func smalls(list ...small) error {
	for _, s := range list {
		if s.from < math.MinInt16 || s.from > math.MaxInt16 {
			return errRange
		}
		*s.to = int16(s.from)
	}
	return nil
}

// timed is a time of a document and where it goes, or what is there when the document has none.
type timed struct {
	to    *time.Time
	from  *timestamppb.Timestamp
	unset time.Time
}

var (
	timeMin = schema.Epoch
	timeMax = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) // beyond which a database need not know a time
)

func times(list ...timed) error {
	for _, t := range list {
		if *t.to = t.unset; t.from == nil {
			continue
		}
		at := t.from.AsTime()
		if t.from.CheckValid() != nil || at.Before(timeMin) || at.After(timeMax) {
			return errTime
		}
		*t.to = at.Truncate(time.Microsecond)
	}
	return nil
}
