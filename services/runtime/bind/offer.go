package bind

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	nakama "github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/services/runtime"
)

// Script is a registered function of a script as the runtime calls it. The language puts its own first arguments before
// args. Results are plain values, or json.RawMessage for an object; JavaScript has one at most.
type Script func(ctx context.Context, args ...any) (results []any, err error)

// Offers gives the runtime what scripts register: what the functions get, and what their results mean, is the same in each
// language, but for some words.
type Offers struct {
	Builder *runtime.Builder
	Lang    Lang
}

const (
	errFilterResult = Text("Invalid return type for Storage Index Filter function: bool expected")
	errMatchID      = Text("Invalid return value from runtime Matchmaker Matched hook, not a valid match ID.")
)

var errNoObject = errors.New("runtime function returned no object")

// in picks the words of a language.
func (o Offers) in(lua, js Text) error {
	if o.Lang == Lua {
		return lua
	}
	return js
}

// first is the first result, nil when there is none.
func first(results []any) any {
	if len(results) == 0 {
		return nil
	}
	return results[0]
}

// RPC offers a function to clients. Of several results the last counts.
func (o Offers) RPC(id string, f Script) {
	o.Builder.RPC(id, func(ctx context.Context, payload string) (string, error) {
		results, err := f(ctx, payload)
		if err != nil || len(results) == 0 || results[len(results)-1] == nil {
			return "", err
		}
		text, ok := results[len(results)-1].(string)
		if !ok {
			return "", o.in("Runtime function returned invalid data - only allowed one return value of type String/Byte.",
				"Runtime function returned invalid data - only allowed one return value of type string.")
		}
		return text, nil
	})
}

// message is a message as an argument; nil for none, and for those without fields.
func (o Offers) message(m proto.Message) (any, error) {
	if _, empty := m.(*emptypb.Empty); m == nil || empty || !m.ProtoReflect().IsValid() {
		return nil, nil
	}
	return ToValue(m, o.Lang)
}

// changed reads the message that a function returned; ok is false when it returned nothing.
func changed(results []any, into proto.Message) (ok bool, err error) {
	switch v := first(results).(type) {
	case nil:
		return false, nil
	case json.RawMessage:
		return true, FromJSON(v, into)
	case map[string]any:
		return true, FromValue(v, into)
	}
	return false, errNoObject
}

// Before puts a function before an operation. For one without fields it gets nothing, and what it returns is not looked at.
func (o Offers) Before(operation string, f Script) {
	o.Builder.Before(operation, func(ctx context.Context, in proto.Message) (proto.Message, error) {
		if _, empty := in.(*emptypb.Empty); empty {
			_, err := f(ctx)
			return in, err
		}
		v, err := o.message(in)
		if err != nil {
			return nil, err
		}
		results, err := f(ctx, v)
		if err != nil {
			return nil, err
		}
		out := in.ProtoReflect().New().Interface()
		if ok, err := changed(results, out); !ok || err != nil {
			return nil, err
		}
		return out, nil
	})
}

// After puts a function after an operation.
func (o Offers) After(operation string, f Script) {
	o.Builder.After(operation, func(ctx context.Context, out, in proto.Message) error { return o.after(ctx, f, out, in) })
}

func (o Offers) after(ctx context.Context, f Script, out, in proto.Message) error {
	answer, err := o.message(out)
	if err != nil {
		return err
	}
	request, err := o.message(in)
	if err != nil {
		return err
	}
	_, err = f(ctx, answer, request)
	return err
}

// BeforeEnvelope and AfterEnvelope do so for a realtime message.
func (o Offers) BeforeEnvelope(message string, f Script) {
	o.Builder.BeforeEnvelope(message, func(ctx context.Context, in *rtapi.Envelope) (*rtapi.Envelope, error) {
		v, err := o.message(in)
		if err != nil {
			return nil, err
		}
		results, err := f(ctx, v)
		if err != nil {
			return nil, err
		}
		out := &rtapi.Envelope{}
		ok, err := changed(results, out)
		switch {
		case err != nil:
			return nil, runtime.ErrBeforeEnvelope
		case !ok:
			return nil, nil
		}
		return out, nil
	})
}

func (o Offers) AfterEnvelope(message string, f Script) {
	o.Builder.AfterEnvelope(message, func(ctx context.Context, out, in *rtapi.Envelope) error { return o.after(ctx, f, out, in) })
}

// MatchmakerMatched may make the match of a group.
func (o Offers) MatchmakerMatched(f Script) {
	o.Builder.MatchmakerMatched = func(ctx context.Context, entries []nakama.MatchmakerEntry) (string, error) {
		results, err := f(ctx, matchmakerEntries(entries))
		if err != nil || first(results) == nil {
			return "", err
		}
		id, ok := results[0].(string)
		if !ok {
			return "", errMatchID
		}
		return id, nil
	}
}

// told runs a function that should return nothing.
func (o Offers) told(ctx context.Context, f Script, args ...any) error {
	results, err := f(ctx, args...)
	if err == nil && first(results) != nil {
		err = o.in("Unexpected return type from runtime hook, must be nil", "Unexpected return type from runtime hook, must be null or undefined")
	}
	return err
}

// TournamentEnd, TournamentReset and LeaderboardReset hear of the ends of periods.
func (o Offers) TournamentEnd(f Script)   { o.Builder.TournamentEnd = o.tournament(f) }
func (o Offers) TournamentReset(f Script) { o.Builder.TournamentReset = o.tournament(f) }

func (o Offers) tournament(f Script) func(context.Context, *api.Tournament, int64, int64) error {
	return func(ctx context.Context, t *api.Tournament, end, reset int64) error {
		return o.told(ctx, f, (&Call{Lang: o.Lang}).tournament(t), end, reset)
	}
}

func (o Offers) LeaderboardReset(f Script) {
	o.Builder.LeaderboardReset = func(ctx context.Context, b *api.Leaderboard, reset int64) error {
		return o.told(ctx, f, (&Call{Lang: o.Lang}).leaderboardAtReset(b), reset)
	}
}

// Shutdown hears that the server stops.
func (o Offers) Shutdown(f Script, failed func(error)) {
	o.Builder.Shutdown = func(ctx context.Context) {
		if _, err := f(ctx); err != nil {
			failed(err)
		}
	}
}

// PurchaseApple and the rest hear of the stores' notifications: what it is about, its text, and its kind.
func (o Offers) PurchaseApple(f Script) {
	o.Builder.PurchaseApple = func(ctx context.Context, t nakama.NotificationType, p *api.ValidatedPurchase, data *nakama.AppleNotificationData) error {
		return o.notified(ctx, f, purchase(p), data, t)
	}
}

func (o Offers) SubscriptionApple(f Script) {
	o.Builder.SubscriptionApple = func(ctx context.Context, t nakama.NotificationType, s *api.ValidatedSubscription, data *nakama.AppleNotificationData) error {
		return o.notified(ctx, f, subscription(s), data, t)
	}
}

func (o Offers) PurchaseGoogle(f Script) {
	o.Builder.PurchaseGoogle = func(ctx context.Context, t nakama.NotificationType, p *api.ValidatedPurchase, data *nakama.PurchaseV2GoogleResponse) error {
		return o.notified(ctx, f, purchase(p), data, t)
	}
}

func (o Offers) SubscriptionGoogle(f Script) {
	o.Builder.SubscriptionGoogle = func(ctx context.Context, t nakama.NotificationType, s *api.ValidatedSubscription, data *nakama.SubscriptionV2GoogleResponse) error {
		return o.notified(ctx, f, subscription(s), data, t)
	}
}

var notificationNames = map[nakama.NotificationType]string{
	nakama.IAPNotificationSubscribed: "SUBSCRIBED", nakama.IAPNotificationRenewed: "RENEWED", nakama.IAPNotificationExpired: "EXPIRED",
	nakama.IAPNotificationCancelled: "CANCELLED", nakama.IAPNotificationRefunded: "REFUNDED",
}

func (o Offers) notified(ctx context.Context, f Script, about *Object, data any, t nakama.NotificationType) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return o.told(ctx, f, about, string(text), notificationNames[t])
}

// IndexFilter decides which objects go into a storage index. JavaScript's names are in lower case.
func (o Offers) IndexFilter(index string, f Script) {
	if o.Lang == JavaScript {
		index = strings.ToLower(index)
	}
	o.Builder.IndexFilter(index, func(ctx context.Context, w *nakama.StorageWrite) (bool, error) {
		object, err := storageWrite(w)
		if err != nil {
			return false, err
		}
		results, err := f(ctx, object)
		if err != nil {
			return false, err
		}
		keep, ok := first(results).(bool)
		if !ok {
			return false, errFilterResult
		}
		return keep, nil
	})
}

// matchmakerEntries are those whom the matchmaker has matched.
func matchmakerEntries(entries []nakama.MatchmakerEntry) []any {
	return list(entries, func(e nakama.MatchmakerEntry) *Object {
		p := e.GetPresence()
		o := new(Object).Add("presence", new(Object).Add("user_id", p.GetUserId()).Add("session_id", p.GetSessionId()).
			Add("username", p.GetUsername()).Add("node", p.GetNodeId()))
		return o.Add("properties", e.GetProperties()).AddIf("party_id", e.GetPartyId())
	})
}

// storageWrite is an object that is about to be stored.
func storageWrite(w *nakama.StorageWrite) (*Object, error) {
	var value any
	if err := json.Unmarshal([]byte(w.Value), &value); err != nil {
		return nil, err
	}
	var userID any
	if w.UserID != "" {
		userID = w.UserID
	}
	return new(Object).Add("collection", w.Collection).Add("key", w.Key).Add("user_id", userID).Add("value", value).
		Add("version", w.Version).Add("permission_read", int64(w.PermissionRead)).Add("permission_write", int64(w.PermissionWrite)), nil
}
