package index

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"strings"
	"time"

	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/storage"
)

// position is a cursor before it is text: where the last object of a page stood in the order, so that what comes and goes
// between pages moves nothing else.
type position struct {
	Search  uint64  `json:"h"` // which search it belongs to
	Values  []any   `json:"v"` // by which the order asks, one for each step; nil for times
	Score   float64 `json:"s"`
	Created int64   `json:"c"` // µs since 1970
	Updated int64   `json:"t"`
	Key     string  `json:"k"`
	User    id.UUID `json:"u"`
}

func cursorAt(q Search, order []term, h hit) string {
	p := position{
		Search: digest(q), Values: make([]any, len(order)), Score: h.score, Key: h.object.Key, User: h.object.UserID,
		Created: h.object.CreateTime.UnixMicro(), Updated: h.object.UpdateTime.UnixMicro(),
	}
	for i, t := range order {
		if t.by >= 0 {
			p.Values[i] = h.sort[t.by].value()
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic("index: a cursor has no text: " + err.Error()) // numbers came from JSON, scores are sums of boosts
	}
	return base64.URLEncoding.EncodeToString(text)
}

// parseCursor is an object that would stand where the cursor does.
// Errors: storage.ErrCursor, also for one of another search.
func (s *Spec) parseCursor(q Search, order []term) (*hit, error) {
	var p position
	text, err := base64.URLEncoding.DecodeString(q.Cursor)
	if err != nil || json.Unmarshal(text, &p) != nil || p.Search != digest(q) || len(p.Values) != len(order) {
		return nil, storage.ErrCursor
	}
	h := &hit{&entry{sort: make([]sortValue, len(s.Sortable))}, p.Score}
	h.object.Key, h.object.UserID = p.Key, p.User
	h.object.CreateTime, h.object.UpdateTime = time.UnixMicro(p.Created), time.UnixMicro(p.Updated)
	for i, t := range order {
		if t.by >= 0 {
			h.sort[t.by] = sortValueOf(p.Values[i])
		}
	}
	return h, nil
}

// digest tells searches apart; pages of one may differ in size.
func digest(q Search) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(q.Index + "\x00" + q.Query + "\x00" + strings.Join(q.Order, "\x00")))
	return h.Sum64()
}
