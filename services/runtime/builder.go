package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	nakama "github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/services/match"
)

// Functions that modules register. See the package's doc for what they must keep to.
type (
	// RPC is a function that clients call by name. Headers and query are in the context.
	RPC func(ctx context.Context, payload string) (string, error)

	Before         func(ctx context.Context, in proto.Message) (proto.Message, error)
	After          func(ctx context.Context, out, in proto.Message) error
	BeforeEnvelope func(ctx context.Context, in *rtapi.Envelope) (*rtapi.Envelope, error)
	AfterEnvelope  func(ctx context.Context, out, in *rtapi.Envelope) error

	Event       func(ctx context.Context, e *api.Event)
	IndexFilter func(ctx context.Context, w *nakama.StorageWrite) (bool, error)
)

// Single are the hooks of which there is one each. nil: nobody registered it.
type Single struct {
	MatchmakerMatched   func(ctx context.Context, entries []nakama.MatchmakerEntry) (matchID string, err error)
	MatchmakerOverride  func(ctx context.Context, candidates [][]nakama.MatchmakerEntry) (matches [][]nakama.MatchmakerEntry, err error)
	MatchmakerProcessor func(ctx context.Context, entries []nakama.MatchmakerEntry) (matches [][]nakama.MatchmakerEntry, err error)

	TournamentEnd    func(ctx context.Context, t *api.Tournament, end, reset int64) error
	TournamentReset  func(ctx context.Context, t *api.Tournament, end, reset int64) error
	LeaderboardReset func(ctx context.Context, l *api.Leaderboard, reset int64) error

	PurchaseApple      func(ctx context.Context, t nakama.NotificationType, p *api.ValidatedPurchase, data *nakama.AppleNotificationData) error
	SubscriptionApple  func(ctx context.Context, t nakama.NotificationType, s *api.ValidatedSubscription, data *nakama.AppleNotificationData) error
	PurchaseGoogle     func(ctx context.Context, t nakama.NotificationType, p *api.ValidatedPurchase, data *nakama.PurchaseV2GoogleResponse) error
	SubscriptionGoogle func(ctx context.Context, t nakama.NotificationType, s *api.ValidatedSubscription, data *nakama.SubscriptionV2GoogleResponse) error

	Shutdown func(ctx context.Context)

	Fleet nakama.FleetManager
}

// StorageIndex is a search index that a module wants over a collection.
type StorageIndex struct {
	Name, Collection string
	Key              string // "": every key of the collection
	Fields, Sortable []string
	MaxEntries       int
	IndexOnly        bool // searches answer what is in the index, without reading the objects
}

// Route is an HTTP handler of a module. Pattern is in the syntax of gorilla/mux.
type Route struct {
	Pattern string
	Handler http.HandlerFunc
	Methods []string // none: all
}

// Builder collects what the modules of one language register. Of two registrations of one thing the later one counts;
// names mean the same in any case of letters. Owned by the goroutine that loads.
type Builder struct {
	Single
	HTTP     []Route // on the API's port
	Console  []Route // on the console's
	Events   []Event // custom ones
	Started  []Event // of a realtime session
	Ended    []Event
	Replaced []func() // called once a newer Set serves; calls and matches of this one may still run

	indexes        []StorageIndex
	rpcs           map[string]RPC
	before         map[string]Before
	after          map[string]After
	beforeEnvelope map[string]BeforeEnvelope
	afterEnvelope  map[string]AfterEnvelope
	matches        map[string]func() match.Handler
	filters        map[string]IndexFilter
}

// NewBuilder has nothing yet.
func NewBuilder() *Builder {
	return &Builder{
		rpcs: map[string]RPC{}, before: map[string]Before{}, after: map[string]After{},
		beforeEnvelope: map[string]BeforeEnvelope{}, afterEnvelope: map[string]AfterEnvelope{},
		matches: map[string]func() match.Handler{}, filters: map[string]IndexFilter{},
	}
}

// RPC offers a function to clients.
func (b *Builder) RPC(id string, f RPC) { b.rpcs[strings.ToLower(id)] = f }

// Before and After put a function around the operation of this name ("WriteStorageObjects"). A name that no operation
// has is told of in the log and otherwise passed over.
func (b *Builder) Before(operation string, f Before) { b.before[strings.ToLower(operation)] = f }
func (b *Builder) After(operation string, f After)   { b.after[strings.ToLower(operation)] = f }

// BeforeEnvelope and AfterEnvelope do so for a realtime message ("ChannelJoin").
func (b *Builder) BeforeEnvelope(message string, f BeforeEnvelope) {
	b.beforeEnvelope[strings.ToLower(message)] = f
}

func (b *Builder) AfterEnvelope(message string, f AfterEnvelope) {
	b.afterEnvelope[strings.ToLower(message)] = f
}

// Match offers matches under a handler name, which means what it says in this case of letters only. make is called for
// each new match and must not block: what may fail or take its time belongs into Init.
func (b *Builder) Match(name string, make func() match.Handler) { b.matches[name] = make }

// Index wants a storage index. Errors: it makes no sense; the words are Nakama's.
func (b *Builder) Index(x StorageIndex) error {
	wrong := ""
	switch {
	case x.Name == "":
		wrong = "storage index 'name' must be set"
	case x.Collection == "":
		wrong = "storage index 'collection' must be set"
	case x.MaxEntries < 1:
		wrong = "storage 'maxEntries' must be > 0"
	case len(x.Fields) == 0:
		wrong = "storage index 'fields' must contain at least one top level key"
	}
	for _, field := range x.Sortable {
		if wrong == "" && !slices.Contains(x.Fields, field) {
			wrong = fmt.Sprintf("sortable field '%s' is not one of the index's fields", field)
		}
	}
	if wrong != "" {
		return errors.New("failed to create storage index: " + wrong)
	}
	b.indexes = append(b.indexes, x)
	return nil
}

// IndexFilter decides which objects go into a storage index.
func (b *Builder) IndexFilter(index string, f IndexFilter) { b.filters[index] = f }

// Add takes over what another Builder has, as if it were registered here and now.
func (b *Builder) Add(other *Builder) {
	maps.Copy(b.rpcs, other.rpcs)
	maps.Copy(b.before, other.before)
	maps.Copy(b.after, other.after)
	maps.Copy(b.beforeEnvelope, other.beforeEnvelope)
	maps.Copy(b.afterEnvelope, other.afterEnvelope)
	maps.Copy(b.matches, other.matches)
	maps.Copy(b.filters, other.filters)
	b.indexes = append(b.indexes, other.indexes...)
	b.HTTP = append(b.HTTP, other.HTTP...)
	b.Console = append(b.Console, other.Console...)
	b.Events = append(b.Events, other.Events...)
	b.Started = append(b.Started, other.Started...)
	b.Ended = append(b.Ended, other.Ended...)
	b.Replaced = append(b.Replaced, other.Replaced...)
	b.Single.add(other.Single)
}

// add takes over the hooks that other has.
func (s *Single) add(other Single) {
	take(&s.MatchmakerMatched, other.MatchmakerMatched, other.MatchmakerMatched != nil)
	take(&s.MatchmakerOverride, other.MatchmakerOverride, other.MatchmakerOverride != nil)
	take(&s.MatchmakerProcessor, other.MatchmakerProcessor, other.MatchmakerProcessor != nil)
	take(&s.TournamentEnd, other.TournamentEnd, other.TournamentEnd != nil)
	take(&s.TournamentReset, other.TournamentReset, other.TournamentReset != nil)
	take(&s.LeaderboardReset, other.LeaderboardReset, other.LeaderboardReset != nil)
	take(&s.PurchaseApple, other.PurchaseApple, other.PurchaseApple != nil)
	take(&s.SubscriptionApple, other.SubscriptionApple, other.SubscriptionApple != nil)
	take(&s.PurchaseGoogle, other.PurchaseGoogle, other.PurchaseGoogle != nil)
	take(&s.SubscriptionGoogle, other.SubscriptionGoogle, other.SubscriptionGoogle != nil)
	take(&s.Shutdown, other.Shutdown, other.Shutdown != nil)
	take(&s.Fleet, other.Fleet, other.Fleet != nil)
}

func take[T any](to *T, from T, given bool) {
	if given {
		*to = from
	}
}
