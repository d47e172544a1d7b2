package index

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/storage"
)

// Config is what a Service is made of.
type Config struct {
	DB  store.DB
	Log *slog.Logger
}

// Filter tells whether an object belongs into an index. When it fails, the object does not.
type Filter func(ctx context.Context, o *storage.Object) (bool, error)

// Spec is an index that somebody wants.
type Spec struct {
	Name, Collection string
	Key              string   // "": every key of the collection
	Fields           []string // at the top level of the value
	Sortable         []string // of Fields
	EntriesMax       int
	IndexOnly        bool   // searches answer what the index holds, which is the fields and no more, without a read
	Filter           Filter // nil: all objects
}

// same tells whether an index of the one has what an index of the other would have. Nobody knows of a filter.
func (s *Spec) same(o *Spec) bool {
	return s.Name == o.Name && s.Collection == o.Collection && s.Key == o.Key && s.EntriesMax == o.EntriesMax && s.IndexOnly == o.IndexOnly &&
		s.Filter == nil && o.Filter == nil && slices.Equal(s.Fields, o.Fields) && slices.Equal(s.Sortable, o.Sortable)
}

// Service has the indexes. Any goroutine may use it.
type Service struct {
	c       Config
	running sync.WaitGroup // the indexes' goroutines

	changing sync.Mutex // held while the set is replaced
	set      atomic.Pointer[set]
}

// set is the indexes of one moment. Immutable.
type set struct {
	byName       map[string]*index
	byCollection map[string][]*index
}

// New has no indexes yet.
func New(c Config) *Service {
	s := &Service{c: c}
	s.set.Store(&set{})
	return s
}

// Replace puts these indexes in place of those before; of two with one name the later counts. One that is the same and has
// no filter stays as it is. The others are filled from the store meanwhile, and searches wait for that.
func (s *Service) Replace(specs []Spec) {
	s.changing.Lock()
	defer s.changing.Unlock()
	old := s.set.Load()
	next := &set{byName: map[string]*index{}, byCollection: map[string][]*index{}}
	var begun []*index
	for i := range specs {
		spec := &specs[i]
		if slices.ContainsFunc(specs[i+1:], func(later Spec) bool { return later.Name == spec.Name }) {
			continue
		}
		x := old.byName[spec.Name]
		if x == nil || !x.spec.same(spec) {
			x = newIndex(s.c, *spec)
			begun = append(begun, x)
		}
		next.byName[spec.Name] = x
		next.byCollection[spec.Collection] = append(next.byCollection[spec.Collection], x)
	}
	s.set.Store(next) // from here on they are told of commits: what was committed before, they find in the store
	for _, x := range begun {
		s.running.Go(x.run) // ended by the end of the index; Stop waits
	}
	for name, x := range old.byName {
		if next.byName[name] != x {
			x.end()
		}
	}
}

// Stop ends all indexes.
func (s *Service) Stop() {
	s.Replace(nil)
	s.running.Wait()
}

// Changed tells that a commit has written or deleted an object. It does not wait.
func (s *Service) Changed(o storage.ID) {
	for _, x := range s.set.Load().byCollection[o.Collection] {
		if x.spec.Key == "" || x.spec.Key == o.Key {
			x.changed(key{o.Key, o.UserID})
		}
	}
}

// Removed tells that a commit has deleted an account and all it owned. It does not wait.
func (s *Service) Removed(user id.UUID) {
	for _, x := range s.set.Load().byName {
		x.removed(user)
	}
}

// Sizes calls yield with how many entries each index has.
func (s *Service) Sizes(yield func(index string, entries int)) {
	for name, x := range s.set.Load().byName {
		yield(name, x.size())
	}
}
