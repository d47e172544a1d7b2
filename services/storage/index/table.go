package index

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/json"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/query"
	"github.com/skirmishgg/skirmish/services/storage"
)

// table is the entries of an index. No lock of its own: one goroutine may change it, or any number search.
type table struct {
	max       int
	slots     map[key]*slot
	documents *query.Index[*slot]
	oldest    oldest
}

// slot is a key's place; its entry is replaced whole.
type slot struct {
	*entry
	at int // in oldest
}

// entry is an object as the index knows it. Immutable.
type entry struct {
	object   storage.Object // its value is that of the index's fields, or "" when searches read the object
	document *query.Document
	sort     []sortValue // of each sortable field
}

const entriesMax = 1 << 24 // of a query.Index

func newTable(entries int) *table {
	return &table{max: min(entries, entriesMax), slots: map[key]*slot{}, documents: query.NewIndex[*slot](query.OldestFirst)}
}

// put enters an object, or puts it in the place of what the key had. In a full table the object that was updated least
// recently goes, which may be this one.
func (t *table) put(k key, e *entry) {
	s := t.slots[k]
	switch {
	case s != nil:
		s.entry = e
		heap.Fix(&t.oldest, s.at)
	case len(t.slots) == t.max && !older(t.oldest[0].entry, e):
		return
	default:
		if len(t.slots) == t.max {
			o := &t.oldest[0].object
			t.remove(key{o.Key, o.UserID})
		}
		s = &slot{entry: e}
		t.slots[k] = s
		heap.Push(&t.oldest, s)
	}
	t.documents.Put(s, e.document)
}

func (t *table) remove(k key) {
	s := t.slots[k]
	if s == nil {
		return
	}
	heap.Remove(&t.oldest, s.at)
	t.documents.Remove(s)
	delete(t.slots, k)
}

// of are the keys that a user owns.
func (t *table) of(user id.UUID) (keys []key) {
	t.documents.Search(query.Equal("user_id", user.String()), func(s *slot, _ float64) bool {
		keys = append(keys, key{s.object.Key, s.object.UserID})
		return true
	})
	return keys
}

// older is the order in which objects leave a full table.
func older(a, b *entry) bool {
	return cmp.Or(a.object.UpdateTime.Compare(b.object.UpdateTime), compareKeys(a, b)) < 0
}

func compareKeys(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.object.Key, b.object.Key), bytes.Compare(a.object.UserID[:], b.object.UserID[:]))
}

// oldest is a heap of all slots.
type oldest []*slot

func (o oldest) Len() int           { return len(o) }
func (o oldest) Less(i, j int) bool { return older(o[i].entry, o[j].entry) }
func (o oldest) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].at, o[j].at = i, j
}

func (o *oldest) Push(s any) {
	s.(*slot).at = len(*o)
	*o = append(*o, s.(*slot))
}

func (o *oldest) Pop() any {
	last := (*o)[len(*o)-1]
	(*o)[len(*o)-1] = nil
	*o = (*o)[:len(*o)-1]
	return last
}

// entry is what the index keeps of an object; nil when it has none of the fields.
func (s *Spec) entry(o *storage.Object) *entry {
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(o.Value), &all) != nil {
		return nil // no write lets it in; somebody else's row may be so
	}
	fields := make(map[string]json.RawMessage, len(s.Fields))
	values := make(map[string]any, len(s.Fields))
	for _, name := range s.Fields {
		if raw, has := all[name]; has {
			fields[name] = raw
			var v any
			if json.Unmarshal(raw, &v) == nil { // not so: a number that no float64 has
				values[name] = v
			}
		}
	}
	if len(fields) == 0 {
		return nil
	}
	e := &entry{object: *o, document: document(o, values)}
	e.object.Collection = s.Collection // one copy of it is kept
	e.object.Value = ""
	if s.IndexOnly {
		e.object.Value = textOf(fields)
	}
	if len(s.Sortable) > 0 {
		e.sort = make([]sortValue, len(s.Sortable))
		for i, name := range s.Sortable {
			e.sort[i] = sortValueOf(values[name])
		}
	}
	return e
}

// document is what queries see of an object.
func document(o *storage.Object, values map[string]any) *query.Document {
	d := &query.Document{}
	d.Keyword("collection", o.Collection)
	d.Keyword("key", o.Key)
	d.Keyword("user_id", o.UserID.String())
	d.Keyword("version", o.Version)
	d.Number("read", float64(o.Read))
	d.Number("write", float64(o.Write))
	d.Date("create_time", o.CreateTime)
	d.Date("update_time", o.UpdateTime)
	for name, v := range values {
		d.Value("value."+name, v)
	}
	return d
}

// textOf is an object of these fields as the store would write it.
func textOf(fields map[string]json.RawMessage) store.JSON {
	text, err := json.Marshal(fields)
	if err != nil {
		return "{}" // they were read a moment ago
	}
	kept, err := store.Normalise(store.JSON(text))
	if err != nil {
		return store.JSON(text)
	}
	return kept
}
