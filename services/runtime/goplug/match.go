package goplug

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	nakama "github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/runtime"
)

// handler runs a module's Match. Its state goes through the match's calls and is nil once the match is over.
type handler struct {
	host   *runtime.Host
	logger nakama.Logger
	make   func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule) (nakama.Match, error)
	match  nakama.Match
	state  any
}

var (
	errNoMatch = errors.New("the module made no match")
	errNoState = errs.New(errs.Internal, "Match initial state must not be nil") // the words are Nakama's
)

// Init makes the Match: what may fail is not the business of who asked for it.
func (h *handler) Init(ctx context.Context, params map[string]any) (rate int, label string, err error) {
	h.match, err = h.make(h.host.Context(ctx, runtime.ModeMatchCreate), h.logger, h.host.DB, h.host.NK)
	if err != nil {
		return 0, "", err
	}
	if h.match == nil {
		return 0, "", errNoMatch
	}
	h.state, rate, label = h.match.MatchInit(h.host.MatchContext(ctx), h.logger, h.host.DB, h.host.NK, params)
	switch {
	case h.state == nil:
		return 0, "", errNoState
	case rate < match.RateMin || rate > match.RateMax:
		return 0, "", fmt.Errorf("MatchInit returned invalid tick rate, must be between %d and %d", match.RateMin, match.RateMax)
	}
	return rate, label, nil
}

func (h *handler) JoinAttempt(ctx context.Context, d match.Dispatcher, tick int64, p *match.Presence, metadata map[string]string) (goOn, accept bool, reason string, err error) {
	h.state, accept, reason = h.match.MatchJoinAttempt(h.host.MatchContext(ctx), h.logger, h.host.DB, h.host.NK, dispatcher{d}, tick, h.state, p, metadata)
	return h.state != nil, accept, reason, nil
}

func (h *handler) Join(ctx context.Context, d match.Dispatcher, tick int64, joins []*match.Presence) (goOn bool, err error) {
	h.state = h.match.MatchJoin(h.host.MatchContext(ctx), h.logger, h.host.DB, h.host.NK, dispatcher{d}, tick, h.state, presences(joins))
	return h.state != nil, nil
}

func (h *handler) Leave(ctx context.Context, d match.Dispatcher, tick int64, leaves []*match.Presence) (goOn bool, err error) {
	h.state = h.match.MatchLeave(h.host.MatchContext(ctx), h.logger, h.host.DB, h.host.NK, dispatcher{d}, tick, h.state, presences(leaves))
	return h.state != nil, nil
}

func (h *handler) Loop(ctx context.Context, d match.Dispatcher, tick int64, messages []*match.Message) (goOn bool, err error) {
	data := make([]nakama.MatchData, len(messages))
	for i, m := range messages {
		data[i] = m
	}
	h.state = h.match.MatchLoop(h.host.MatchContext(ctx), h.logger, h.host.DB, h.host.NK, dispatcher{d}, tick, h.state, data)
	return h.state != nil, nil
}

func (h *handler) Terminate(ctx context.Context, d match.Dispatcher, tick int64, graceSeconds int) (goOn bool, err error) {
	h.state = h.match.MatchTerminate(h.host.MatchContext(ctx), h.logger, h.host.DB, h.host.NK, dispatcher{d}, tick, h.state, graceSeconds)
	return h.state != nil, nil
}

func (h *handler) Signal(ctx context.Context, d match.Dispatcher, tick int64, data string) (answer string, goOn bool, err error) {
	h.state, answer = h.match.MatchSignal(h.host.MatchContext(ctx), h.logger, h.host.DB, h.host.NK, dispatcher{d}, tick, h.state, data)
	return answer, h.state != nil, nil
}

func (h *handler) State() any { return h.state }

func presences(list []*match.Presence) []nakama.Presence {
	out := make([]nakama.Presence, len(list))
	for i, p := range list {
		out[i] = p
	}
	return out
}

// dispatcher is a match's Dispatcher as modules see it.
type dispatcher struct{ d match.Dispatcher }

func (d dispatcher) BroadcastMessage(opCode int64, data []byte, to []nakama.Presence, sender nakama.Presence, reliable bool) error {
	list, from, err := ours(to, sender)
	if err != nil {
		return err
	}
	return d.d.Broadcast(opCode, data, list, from, reliable)
}

func (d dispatcher) BroadcastMessageDeferred(opCode int64, data []byte, to []nakama.Presence, sender nakama.Presence, reliable bool) error {
	list, from, err := ours(to, sender)
	if err != nil {
		return err
	}
	return d.d.BroadcastDeferred(opCode, data, list, from, reliable)
}

func (d dispatcher) MatchKick(list []nakama.Presence) error {
	kicked, _, err := ours(list, nil)
	if err != nil {
		return err
	}
	return d.d.Kick(kicked)
}

func (d dispatcher) MatchLabelUpdate(label string) error { return d.d.UpdateLabel(label) }

// ours are presences as the match knows them. nil stays nil: it means everybody.
func ours(list []nakama.Presence, sender nakama.Presence) (to []*match.Presence, from *match.Presence, err error) {
	if list != nil {
		to = make([]*match.Presence, len(list))
	}
	for i, p := range list {
		if to[i], err = presence(p); err != nil {
			return nil, nil, err
		}
	}
	if sender != nil {
		from, err = presence(sender)
	}
	return to, from, err
}

func presence(p nakama.Presence) (*match.Presence, error) {
	switch p := p.(type) {
	case *match.Presence:
		return p, nil
	case *match.Message:
		return p.Presence, nil
	case nil:
		return nil, errors.New("a presence is nil")
	}
	session, err := id.Parse(p.GetSessionId())
	if err != nil {
		return nil, errs.New(errs.InvalidArgument, "Presence contains an invalid Session ID")
	}
	user, err := id.Parse(p.GetUserId())
	if err != nil && p.GetUserId() != "" { // who is sent to need not say
		return nil, errs.New(errs.InvalidArgument, "Presence contains an invalid User ID")
	}
	if p.GetNodeId() == "" {
		return nil, errs.New(errs.InvalidArgument, "Presence must contain a Node ID")
	}
	return &match.Presence{UserID: user, SessionID: session, Username: p.GetUsername(), Node: p.GetNodeId()}, nil
}
