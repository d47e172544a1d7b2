package group

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
)

// Refusals of listings.
var (
	ErrCursor  = errs.New(errs.InvalidArgument, "Cursor is invalid.")
	ErrFilters = errs.New(errs.InvalidArgument, "name filter cannot be combined with any other filter")
	ErrPattern = errs.New(errs.InvalidArgument, "Name filter must not end with an escape character.")
)

// Filter selects groups.
type Filter struct {
	Name    string // a LIKE pattern, whatever the case; "": any. Not together with others
	LangTag string // "": any
	Members *int32 // at most
	Open    *bool
}

// Page is a part of a listing of groups; Cursor is "" on the last one.
type Page struct {
	Groups []*schema.Group
	Cursor string
}

// List reads one page of groups:
//
//	filters                     order
//	none                        update_time, edge_count, id
//	open                        the same
//	members                     edge_count, update_time, id, downwards
//	lang_tag                    edge_count, id
//	lang_tag, members           the same, downwards
//	open, members               edge_count, lang_tag, id, downwards
//	open, lang_tag (, members)  edge_count, id, downwards
//	name                        name, with disabled groups
//
// Errors: ErrFilters, ErrText, ErrPattern, ErrCursor.
func (s *Service) List(ctx context.Context, f Filter, limit int, cursor string) (*Page, error) {
	for _, text := range []string{f.Name, f.LangTag} {
		if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			return nil, ErrText
		}
	}
	if f.Name != "" && (f.LangTag != "" || f.Members != nil || f.Open != nil) {
		return nil, ErrFilters
	}
	if f.Name = strings.TrimLeft(f.Name, "% "); f.Name != "" {
		return s.search(ctx, f.Name, limit, cursor)
	}
	ix, prefix, reverse := f.path()
	rng := store.Range{Prefix: prefix, Reverse: reverse, Limit: limit + 1} // one more tells whether a cursor is due
	if f.Members != nil && *f.Members < math.MaxInt32 {
		rng.After = append(prefix[:len(prefix):len(prefix)], *f.Members+1)
	}
	if cursor != "" {
		at, ok := parsePlace(cursor)
		if !ok || at.kind != f.kind() || f.LangTag != "" && at.text != f.LangTag || f.Members != nil && at.members > *f.Members {
			return nil, ErrCursor
		}
		rng.After = ix.Def.ValuesOf(at.group(f))
	}
	rows, err := store.List(ctx, s.c.DB, ix, rng)
	if err != nil {
		return nil, err
	}
	page := &Page{Groups: rows}
	if len(rows) > limit {
		page.Groups = rows[:limit]
		last := rows[limit-1]
		page.Cursor = place{f.kind(), last.UpdateTime, last.EdgeCount, last.ID, last.LangTag}.String()
	}
	return page, nil
}

var (
	byUpdate      = schema.Groups.By("disable_time", "update_time", "edge_count")
	byMembers     = schema.Groups.By("disable_time", "edge_count", "update_time")
	byLang        = schema.Groups.By("disable_time", "lang_tag", "edge_count")
	openByUpdate  = schema.Groups.By("disable_time", "state", "update_time", "edge_count")
	openByMembers = schema.Groups.By("disable_time", "state", "edge_count", "lang_tag")
	openByLang    = schema.Groups.By("disable_time", "state", "lang_tag", "edge_count")
	byName        = schema.Groups.By("name")
)

// path is the index that a listing follows, the values that all its groups share, and whether it goes downwards.
func (f *Filter) path() (ix *store.Index[schema.Group], prefix []any, reverse bool) {
	prefix = []any{schema.Epoch}
	if f.Open != nil {
		prefix = append(prefix, stateOf(*f.Open))
	}
	if f.LangTag != "" {
		prefix = append(prefix, f.LangTag)
	}
	members := f.Members != nil
	switch {
	case f.Open != nil && f.LangTag != "":
		return openByLang, prefix, true
	case f.Open != nil && members:
		return openByMembers, prefix, true
	case f.Open != nil:
		return openByUpdate, prefix, false
	case f.LangTag != "":
		return byLang, prefix, members
	case members:
		return byMembers, prefix, true
	}
	return byUpdate, prefix, false
}

// kind tells listings with different filters apart.
func (f *Filter) kind() (bits byte) {
	if f.Open != nil {
		bits |= 1
		if *f.Open {
			bits |= 2
		}
	}
	if f.Members != nil {
		bits |= 4
	}
	if f.LangTag != "" {
		bits |= 8
	}
	return bits
}

const kindName = 16

// place is the last group before the rest of a listing. Its text is base64 of, big-endian:
//
//	u8 kind · i64 µs since 1970 · i32 members · 16 B id · language tag, or name
type place struct {
	kind    byte
	updated time.Time
	members int32
	id      id.UUID
	text    string
}

const (
	placeHead = 1 + 8 + 4 + 16
	placeMax  = placeHead + 255*utf8.UTFMax // characters of a name
)

func (p place) String() string {
	b := binary.BigEndian.AppendUint64([]byte{p.kind}, uint64(p.updated.UnixMicro()))
	b = binary.BigEndian.AppendUint32(b, uint32(p.members))
	return base64.URLEncoding.EncodeToString(append(append(b, p.id[:]...), p.text...))
}

func parsePlace(cursor string) (p place, ok bool) {
	b, err := base64.URLEncoding.DecodeString(cursor)
	if err != nil || len(b) < placeHead || len(b) > placeMax {
		return p, false
	}
	micros, text := int64(binary.BigEndian.Uint64(b[1:])), string(b[placeHead:])
	if micros < 0 || micros > lastMicro || !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return p, false
	}
	return place{b[0], time.UnixMicro(micros).UTC(), int32(binary.BigEndian.Uint32(b[9:])), id.UUID(b[13:placeHead]), text}, true
}

// lastMicro is 9999-12-31, beyond which a database need not know a time.
var lastMicro = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro()

// group is a row at this place of a listing.
func (p place) group(f Filter) *schema.Group {
	row := &schema.Group{ID: p.id, LangTag: p.text, EdgeCount: p.members, UpdateTime: p.updated, DisableTime: schema.Epoch}
	if f.Open != nil {
		row.State = stateOf(*f.Open)
	}
	return row
}

// Get are the groups with these ids, once each; those that do not exist are left out.
func (s *Service) Get(ctx context.Context, ids []id.UUID) ([]*schema.Group, error) {
	ids = once(ids)
	keys := make([][]any, len(ids))
	for i, u := range ids {
		keys[i] = []any{u}
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Groups, keys...)
	return existing(rows), err
}

// existing leaves out groups that are none any more.
func existing(rows []*schema.Group) []*schema.Group {
	return slices.DeleteFunc(rows, func(g *schema.Group) bool { return g == nil || g.DisableTime.After(schema.Epoch) })
}

// Random are up to count groups, whichever chance picks.
func (s *Service) Random(ctx context.Context, count int) ([]*schema.Group, error) {
	if count < 1 {
		return nil, nil
	}
	from, err := id.NewV4(rand.Reader)
	if err != nil {
		return nil, err
	}
	rows, err := store.ListAround(ctx, s.c.DB, schema.Groups, count, from)
	return existing(rows), err
}

// search finds groups by name.
func (s *Service) search(ctx context.Context, filter string, limit int, cursor string) (*Page, error) {
	p, err := compile(filter)
	if err != nil {
		return nil, err
	}
	after := ""
	if cursor != "" {
		at, ok := parsePlace(cursor)
		if !ok || at.kind != kindName {
			return nil, ErrCursor
		}
		after = at.text
	}
	page := &Page{}
	err = s.c.DB.Read(ctx, func(r store.Reader) (err error) {
		page.Groups, after, err = p.find(r, after, limit)
		return err
	})
	if after != "" {
		page.Cursor = place{kind: kindName, updated: schema.Epoch, text: after}.String()
	}
	return page, err
}

// Members reads a group's members in the order of their states, those of one state in the order in which they came.
// state nil: all but the banned ones.
// Errors: ErrCursor, also for one of another state.
func (s *Service) Members(ctx context.Context, group id.UUID, limit int, state *int16, cursor string) (*api.GroupUserList, error) {
	edges, next, err := s.edges(ctx, group, limit, state, cursor)
	if err != nil {
		return nil, err
	}
	keys := keysOf(edges)
	rows, err := store.GetMany(ctx, s.c.DB, schema.Users, keys...)
	if err != nil {
		return nil, err
	}
	out := &api.GroupUserList{Cursor: next}
	for i, e := range edges {
		if rows[i] != nil { // else deleted since
			out.GroupUsers = append(out.GroupUsers, &api.GroupUserList_GroupUser{
				User: account.UserMessage(rows[i], s.c.Presence.IsOnline(rows[i].ID)), State: wrapperspb.Int32(int32(e.State)),
			})
		}
	}
	return out, nil
}

// Of reads the groups of a user, with those that he has asked to join, in the order of his states in them, then that in
// which he came.
// Errors: ErrCursor, also for one of another state.
func (s *Service) Of(ctx context.Context, user id.UUID, limit int, state *int16, cursor string) (*api.UserGroupList, error) {
	edges, next, err := s.edges(ctx, user, limit, state, cursor)
	if err != nil {
		return nil, err
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Groups, keysOf(edges)...)
	if err != nil {
		return nil, err
	}
	out := &api.UserGroupList{Cursor: next}
	for i, e := range edges {
		if rows[i] != nil && !rows[i].DisableTime.After(schema.Epoch) {
			out.UserGroups = append(out.UserGroups, &api.UserGroupList_UserGroup{Group: Message(rows[i]), State: wrapperspb.Int32(int32(e.State))})
		}
	}
	return out, nil
}

func keysOf(edges []*schema.GroupEdge) [][]any {
	keys := make([][]any, len(edges))
	for i, e := range edges {
		keys[i] = []any{e.DestinationID}
	}
	return keys
}

// edges reads one page of the edges of a group or user; next is "" on the last one.
func (s *Service) edges(ctx context.Context, source id.UUID, limit int, state *int16, cursor string) (edges []*schema.GroupEdge, next string, err error) {
	rng := store.Range{Prefix: []any{source}, Limit: limit + 1} // one more tells whether a cursor is due
	if state != nil {
		rng.Prefix = append(rng.Prefix, *state)
	}
	if cursor != "" {
		at, position, ok := parseEdge(cursor)
		if !ok || state != nil && *state != at {
			return nil, "", ErrCursor
		}
		rng.After = []any{source, at, position}
	}
	if edges, err = store.List(ctx, s.c.DB, byState, rng); err != nil {
		return nil, "", err
	}
	if state == nil {
		for len(edges) > 0 && edges[len(edges)-1].State > schema.MemberJoinRequest { // the banned come last
			edges = edges[:len(edges)-1]
		}
	}
	if len(edges) > limit {
		edges = edges[:limit]
		next = edgeCursor(edges[limit-1])
	}
	return edges, next, nil
}

// A cursor of edges is base64 of: u8 state · i64 position, of the last edge before it, big-endian.
const edgeSize = 1 + 8

func edgeCursor(e *schema.GroupEdge) string {
	return base64.URLEncoding.EncodeToString(binary.BigEndian.AppendUint64([]byte{byte(e.State)}, uint64(e.Position)))
}

func parseEdge(cursor string) (state int16, position int64, ok bool) {
	b, err := base64.URLEncoding.DecodeString(cursor)
	if err != nil || len(b) != edgeSize || int16(b[0]) > schema.MemberBanned {
		return 0, 0, false
	}
	return int16(b[0]), int64(binary.BigEndian.Uint64(b[1:])), true
}
