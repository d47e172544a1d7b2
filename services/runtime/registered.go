package runtime

import "github.com/skirmishgg/skirmish/services/match"

// Registered is what a Builder holds by name, for tests of languages: names in lower case but for matches and filters.
type Registered struct {
	RPC            map[string]RPC
	Before         map[string]Before
	After          map[string]After
	BeforeEnvelope map[string]BeforeEnvelope
	AfterEnvelope  map[string]AfterEnvelope
	Match          map[string]func() match.Handler
	IndexFilter    map[string]IndexFilter
	Indexes        []StorageIndex
}

// Registered is what was registered until now.
func (b *Builder) Registered() Registered {
	return Registered{b.rpcs, b.before, b.after, b.beforeEnvelope, b.afterEnvelope, b.matches, b.filters, b.indexes}
}
