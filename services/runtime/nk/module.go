package nk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/auth"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/event"
	"github.com/skirmishgg/skirmish/services/friend"
	"github.com/skirmishgg/skirmish/services/group"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/match"
	"github.com/skirmishgg/skirmish/services/metric"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/party"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/session"
	"github.com/skirmishgg/skirmish/services/status"
	"github.com/skirmishgg/skirmish/services/storage"
	"github.com/skirmishgg/skirmish/services/storage/index"
	"github.com/skirmishgg/skirmish/services/tournament"
	"github.com/skirmishgg/skirmish/services/transfer"
	"github.com/skirmishgg/skirmish/services/unit"
	"github.com/skirmishgg/skirmish/services/wallet"
)

// Config is the features that server code can use.
type Config struct {
	Node string
	Root string // of the modules: runtime.path

	Sessions   *session.Service
	Live       *session.Live
	Presence   *presence.Service
	Account    *account.Service
	Auth       *auth.Service
	Board      *leaderboard.Service
	Chat       *chat.Service
	Event      *event.Service
	Friend     *friend.Service
	Group      *group.Service
	Match      *match.Service
	Metrics    *metric.Metrics
	Notify     *notify.Service
	Party      *party.Service
	Status     *status.Service
	Storage    *storage.Service
	Tournament *tournament.Service
	Transfer   *transfer.Service
	Unit       *unit.Service
	Wallet     *wallet.Service

	Now func() time.Time // nil: time.Now

	// Fleet is the fleet manager that a module registered; nil: none.
	Fleet func() runtime.FleetManager
	// Index has the storage indexes that modules registered.
	Index *index.Service
}

// Module is what server code calls. It acts as the server itself: nobody's permissions bind it. Any goroutine may use it,
// but no tick.
type Module struct{ c Config }

var _ runtime.NakamaModule = (*Module)(nil)

// New is a module over these features.
func New(c Config) *Module {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Module{c}
}

// server is the caller of everything that a module does.
var server = op.Caller{Trusted: true}

// parse reads an id that a module gives; what is what it is of.
func parse(text, what string) (id.UUID, error) {
	u, err := id.Parse(text)
	if err != nil {
		return u, fmt.Errorf("expects %s to be a valid identifier", what)
	}
	return u, nil
}

func parseUser(text string) (id.UUID, error) { return parse(text, "user id") }

// parseOptional is parse where "" is the zero id: the system's, or nobody's.
func parseOptional(text, what string) (id.UUID, error) {
	if text == "" {
		return id.UUID{}, nil
	}
	u, err := id.Parse(text)
	if err != nil {
		return u, fmt.Errorf("expects an empty or valid %s", what)
	}
	return u, nil
}

func parseUsers(texts []string) ([]id.UUID, error) {
	users := make([]id.UUID, len(texts))
	for i, text := range texts {
		var err error
		if users[i], err = parse(text, "each user id"); err != nil {
			return nil, err
		}
	}
	return users, nil
}

// jsonOf is an object that a module gives; nil: an empty one.
func jsonOf(m map[string]any, what string) (store.JSON, error) {
	if m == nil {
		return "{}", nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("failed to convert %s: %w", what, err)
	}
	return store.JSON(text), nil
}

// given is a text that a module wants to be set; nil for "", which leaves it as it is.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// stateOf is a state that a listing is of; nil: any.
func stateOf(state *int, most int) (*int16, error) {
	if state == nil {
		return nil, nil
	}
	if *state < 0 || *state > most {
		return nil, fmt.Errorf("expects state to be 0-%d", most)
	}
	s := int16(*state)
	return &s, nil
}

// limited refuses a limit that is out of range.
func limited(limit, least, most int) error {
	if limit < least || limit > most {
		return fmt.Errorf("expects limit to be %d-%d", least, most)
	}
	return nil
}

var errCount = errors.New("count must be 0-1000")

func counted(count int) error {
	if count < 0 || count > 1000 {
		return errCount
	}
	return nil
}

// callerOf is on whose behalf a module runs, as far as its context knows.
func callerOf(ctx context.Context) (c op.Caller) {
	text := func(key string) string { s, _ := ctx.Value(key).(string); return s }
	c.UserID, _ = id.Parse(text(runtime.RUNTIME_CTX_USER_ID))
	c.Username, c.SessionID, c.Lang = text(runtime.RUNTIME_CTX_USERNAME), text(runtime.RUNTIME_CTX_SESSION_ID), text(runtime.RUNTIME_CTX_LANG)
	c.ClientIP, c.ClientPort = text(runtime.RUNTIME_CTX_CLIENT_IP), text(runtime.RUNTIME_CTX_CLIENT_PORT)
	c.Vars, _ = ctx.Value(runtime.RUNTIME_CTX_VARS).(map[string]string)
	c.Expires, _ = ctx.Value(runtime.RUNTIME_CTX_USER_SESSION_EXP).(int64)
	return c
}
