package group

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
)

func TestMembers(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		g := d.group("clan")
		for _, user := range []id.UUID{dora, ben, cleo} { // in this order
			d.join(user, g.Id)
			d.clock.Advance(time.Second)
		}
		d.manage(anna, "PromoteGroupUsers", g.Id, cleo)
		c := d.listen(ben, g.Id)
		d.presence.Track(c, presence.Stream{Mode: presence.ModeStatus, Subject: ben}, presence.Meta{})

		var cursor string
		page := func(limit int32, state *wrapperspb.Int32Value, from, want string) {
			t.Helper()
			in := &api.ListGroupUsersRequest{GroupId: g.Id, Limit: wrapperspb.Int32(limit), State: state, Cursor: from}
			out := ok[*api.GroupUserList](d, dora, "ListGroupUsers", in)
			var words []string
			for _, m := range out.GroupUsers {
				if m.User.Online != (m.User.Username == "ben") {
					t.Errorf("%v", m.User)
				}
				words = append(words, fmt.Sprint(m.User.Username, m.State.Value))
			}
			if out.Cursor != "" {
				words = append(words, "…")
			}
			if cursor = out.Cursor; strings.Join(words, " ") != want {
				t.Errorf("page %q, want %q", words, want)
			}
		}
		page(100, nil, "", "anna0 cleo1 dora2 ben2")
		page(4, nil, "", "anna0 cleo1 dora2 ben2")
		page(2, nil, "", "anna0 cleo1 …")
		first := cursor
		page(1, nil, cursor, "dora2 …")
		page(1, nil, cursor, "ben2")
		page(1, wrapperspb.Int32(2), "", "dora2 …")
		page(1, wrapperspb.Int32(2), cursor, "ben2")
		d.manage(anna, "BanGroupUsers", g.Id, dora)
		page(3, nil, "", "anna0 cleo1 ben2") // of the banned one nothing is said
		page(3, wrapperspb.Int32(4), "", "dora4")
		page(3, wrapperspb.Int32(3), "", "")

		f := func(text string, in *api.ListGroupUsersRequest) {
			t.Helper()
			d.refuse(3, text, anna, "ListGroupUsers", in)
		}
		f("Group ID must be set.", &api.ListGroupUsersRequest{})
		f("Group ID must be a valid ID.", &api.ListGroupUsersRequest{GroupId: "x"})
		f("Invalid limit - limit must be between 1 and 100.", &api.ListGroupUsersRequest{GroupId: g.Id, Limit: wrapperspb.Int32(0)})
		f("Invalid state - state must be between 0 and 4.", &api.ListGroupUsersRequest{GroupId: g.Id, State: wrapperspb.Int32(5)})
		f("Cursor is invalid.", &api.ListGroupUsersRequest{GroupId: g.Id, Cursor: "x"})
		f("Cursor is invalid.", &api.ListGroupUsersRequest{GroupId: g.Id, Cursor: first, State: wrapperspb.Int32(2)})
		if got := ok[*api.GroupUserList](d, anna, "ListGroupUsers", &api.ListGroupUsersRequest{GroupId: gone.String()}); !proto.Equal(got, &api.GroupUserList{}) {
			t.Errorf("%v", got)
		}
	})
}

func TestGroupsOfAUser(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		for _, name := range []string{"c", "a", "b"} {
			d.join(ben, d.group(name).Id)
			d.clock.Advance(time.Second)
		}
		d.join(ben, d.group("asked", closed).Id)
		banned := d.group("banned")
		d.join(ben, banned.Id)
		d.manage(anna, "BanGroupUsers", banned.Id, ben)
		over := d.group("over")
		d.join(ben, over.Id)
		d.disable(over.Id)

		var cursor string
		page := func(limit int32, state *wrapperspb.Int32Value, from, want string) {
			t.Helper()
			out := ok[*api.UserGroupList](d, anna, "ListUserGroups", &api.ListUserGroupsRequest{UserId: ben.String(), Limit: wrapperspb.Int32(limit), State: state, Cursor: from})
			var words []string
			for _, g := range out.UserGroups {
				words = append(words, fmt.Sprint(g.Group.Name, g.State.Value))
			}
			if cursor = out.Cursor; cursor != "" {
				words = append(words, "…")
			}
			if strings.Join(words, " ") != want {
				t.Errorf("page %q, want %q", words, want)
			}
		}
		page(100, nil, "", "c2 a2 b2 asked3")
		page(2, nil, "", "c2 a2 …")
		page(2, nil, cursor, "b2 …")
		page(2, nil, cursor, "asked3")
		page(9, wrapperspb.Int32(3), "", "asked3")
		page(9, wrapperspb.Int32(4), "", "")
		d.refuse(3, "User ID must be set.", ben, "ListUserGroups", &api.ListUserGroupsRequest{})
		d.refuse(3, "Group ID must be a valid ID.", ben, "ListUserGroups", &api.ListUserGroupsRequest{UserId: "x"})
		d.refuse(3, "Cursor is invalid.", ben, "ListUserGroups", &api.ListUserGroupsRequest{UserId: ben.String(), Cursor: "x"})
		d.refuse(3, "Invalid limit - limit must be between 1 and 100.", ben, "ListUserGroups", &api.ListUserGroupsRequest{UserId: ben.String(), Limit: wrapperspb.Int32(101)})
	})
}

// fill puts groups with these names: of few languages, counts and times, so that every order has ties.
func (d *desk) fill(names []string) (rows []*schema.Group) {
	d.t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	d.put(func(tx store.Tx) error {
		rows = rows[:0]
		for _, name := range names {
			row := &schema.Group{
				CreatorID: anna, Name: name, LangTag: []string{"de", "en", "fr"}[random.IntN(3)], Metadata: "{}", State: int16(random.IntN(2)),
				EdgeCount: 1 + int32(random.IntN(4)), MaxCount: 100, CreateTime: tx.Now(), UpdateTime: tx.Now().Add(time.Duration(random.IntN(3)) * time.Microsecond),
				DisableTime: schema.Epoch,
			}
			for i := range row.ID {
				row.ID[i] = byte(random.UintN(256))
			}
			if random.IntN(8) == 0 {
				row.DisableTime = tx.Now()
			}
			rows = append(rows, row)
			if err := store.Put(tx, schema.Groups, row); err != nil {
				return err
			}
		}
		return nil
	})
	return rows
}

// pages lists groups page by page, and gives their names. It holds the number of pages to what is needed, if exact.
func (d *desk) pages(in *api.ListGroupsRequest, limit int32, exact bool) (names []string) {
	d.t.Helper()
	in.Limit = wrapperspb.Int32(limit)
	for n := 1; ; n++ {
		out := ok[*api.GroupList](d, anna, "ListGroups", in)
		for _, g := range out.Groups {
			names = append(names, g.Name)
		}
		if exact && out.Cursor != "" && len(out.Groups) != int(limit) {
			d.t.Errorf("%v: page %d has %d groups and a cursor", in, n, len(out.Groups))
		}
		if in.Cursor = out.Cursor; in.Cursor == "" {
			return names
		}
		if n > 10000 {
			d.t.Fatalf("%v has no end", in)
		}
	}
}

// TestListings holds every combination of filters against the order that it shall have, whatever the pages.
func TestListings(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		var names []string
		for n := range 90 {
			names = append(names, fmt.Sprintf("group %02d", n))
		}
		rows := d.fill(names)
		byID := func(a, b *schema.Group) int { return slices.Compare(a.ID[:], b.ID[:]) }
		byCount := func(a, b *schema.Group) int { return cmp.Compare(a.EdgeCount, b.EdgeCount) }
		byTime := func(a, b *schema.Group) int { return a.UpdateTime.Compare(b.UpdateTime) }
		byLang := func(a, b *schema.Group) int { return strings.Compare(a.LangTag, b.LangTag) }
		type order []func(a, b *schema.Group) int
		f := func(in *api.ListGroupsRequest, sign int, by order) {
			t.Helper()
			var want []*schema.Group
			for _, row := range rows {
				if row.DisableTime.Equal(schema.Epoch) && (in.LangTag == "" || in.LangTag == row.LangTag) &&
					(in.Members == nil || row.EdgeCount <= in.Members.Value) && (in.Open == nil || in.Open.Value == (row.State == stateOpen)) {
					want = append(want, row)
				}
			}
			slices.SortFunc(want, func(a, b *schema.Group) int {
				for _, compare := range by {
					if c := compare(a, b); c != 0 {
						return sign * c
					}
				}
				return 0
			})
			var expected []string
			for _, row := range want {
				expected = append(expected, row.Name)
			}
			for _, limit := range []int32{1, 7, 100} {
				if got := d.pages(proto.Clone(in).(*api.ListGroupsRequest), limit, true); !slices.Equal(got, expected) {
					t.Errorf("%v in pages of %d: %q, want %q", in, limit, got, expected)
				}
			}
		}
		open, shut, members := wrapperspb.Bool(true), wrapperspb.Bool(false), wrapperspb.Int32(2)
		f(&api.ListGroupsRequest{}, 1, order{byTime, byCount, byID})
		f(&api.ListGroupsRequest{Name: "%% %"}, 1, order{byTime, byCount, byID})
		f(&api.ListGroupsRequest{Open: open}, 1, order{byTime, byCount, byID})
		f(&api.ListGroupsRequest{Open: shut}, 1, order{byTime, byCount, byID})
		f(&api.ListGroupsRequest{Members: members}, -1, order{byCount, byTime, byID})
		f(&api.ListGroupsRequest{Members: wrapperspb.Int32(0)}, -1, nil)
		f(&api.ListGroupsRequest{Members: wrapperspb.Int32(-1)}, -1, nil)
		f(&api.ListGroupsRequest{Members: wrapperspb.Int32(math.MaxInt32)}, -1, order{byCount, byTime, byID})
		f(&api.ListGroupsRequest{LangTag: "en"}, 1, order{byCount, byID})
		f(&api.ListGroupsRequest{LangTag: "xx"}, 1, nil)
		f(&api.ListGroupsRequest{LangTag: "en", Members: members}, -1, order{byCount, byID})
		f(&api.ListGroupsRequest{Open: open, Members: members}, -1, order{byCount, byLang, byID})
		f(&api.ListGroupsRequest{Open: open, LangTag: "en"}, -1, order{byCount, byID})
		f(&api.ListGroupsRequest{Open: shut, LangTag: "en", Members: members}, -1, order{byCount, byID})

		if got := ok[*api.GroupList](d, anna, "ListGroups", &api.ListGroupsRequest{}); len(got.Groups) != 1 || got.Cursor == "" {
			t.Errorf("by default %v", got)
		}
		bad := func(text string, in *api.ListGroupsRequest) {
			t.Helper()
			d.refuse(3, text, anna, "ListGroups", in)
		}
		const cursor, filters = "Cursor is invalid.", "name filter cannot be combined with any other filter"
		next := ok[*api.GroupList](d, anna, "ListGroups", &api.ListGroupsRequest{LangTag: "en", Members: members}).Cursor
		bad(cursor, &api.ListGroupsRequest{Cursor: "x"})
		bad(cursor, &api.ListGroupsRequest{Cursor: next})
		bad(cursor, &api.ListGroupsRequest{Cursor: next, Name: "x"})
		bad(cursor, &api.ListGroupsRequest{Cursor: next, LangTag: "fr", Members: members})
		bad(cursor, &api.ListGroupsRequest{Cursor: next, LangTag: "en", Members: wrapperspb.Int32(1)})
		bad("Invalid limit - limit must be between 1 and 100.", &api.ListGroupsRequest{Limit: wrapperspb.Int32(0)})
		bad("Group fields must be valid text without NUL characters.", &api.ListGroupsRequest{LangTag: "e\x00"})
		bad("Group fields must be valid text without NUL characters.", &api.ListGroupsRequest{Name: "e\x00"})
		bad(filters, &api.ListGroupsRequest{Name: "%", LangTag: "en"})
		bad(filters, &api.ListGroupsRequest{Name: "x", Open: open})
		bad(filters, &api.ListGroupsRequest{Name: "x", Members: members})
		bad(ErrPattern.Message, &api.ListGroupsRequest{Name: `x\`})
	})
}

// like is SQL's LIKE for whatever case, by the definition.
func like(pattern, name []rune) bool {
	if len(pattern) == 0 {
		return len(name) == 0
	}
	switch pattern[0] {
	case '%':
		return like(pattern[1:], name) || len(name) > 0 && like(pattern, name[1:])
	case '\\':
		return len(name) > 0 && name[0] == pattern[1] && like(pattern[2:], name[1:])
	}
	return len(name) > 0 && (pattern[0] == '_' || pattern[0] == name[0]) && like(pattern[1:], name[1:])
}

// lower is PostgreSQL's: letter by letter.
func lower(s string) []rune {
	runes := []rune(s)
	for i, r := range runes {
		runes[i] = unicode.ToLower(r)
	}
	return runes
}

func TestNames(t *testing.T) {
	names := []string{"abc", "ABC", "aBc", "abcd", "ABCd", "abx", "a", "A", "AB", "b", "Zebra", "zebra", "zEBRA 2", "50%", "50 percent", "5_0", `back\slash`, "İzmir", "izmir",
		"IZMIR 2", "Kelvin", "kelvin 2", "\u212aelvin 3", "straße", "STRASSE", "äpfel", "Äpfel", "日本", "日本語", "\U0010ffff", "a\U0010ffff", "\ue000", "\x01x", "x\x01", "é", "É", " lead"}
	onEach(t, func(t *testing.T, d *desk) {
		d.fill(names)
		for _, pattern := range []string{"abc", "ABC", "abc%", "a%c", "a%", "A", "z%", "Z%a", "zebra", "_bc", "__c", "a_c%", "%bc", " %abc", "50\\%", "5%", `5\_0`, `back\\slash`, "back%",
			"İzmir", "izmir%", "I%", "k%", "kelvin%", "straße", "Ä%", "é", "日%", "日本_", "\U0010ffff", "a\U0010ffff", "\ue000", "\x01%", "x\x01", "a%%b%c_", "nothing", "nothing%", "%", "zzz%", "\\a%"} {
			var want []string
			if filter := strings.TrimLeft(pattern, "% "); filter == "" {
				continue
			} else {
				for _, name := range names {
					if like(lower(filter), lower(name)) {
						want = append(want, name)
					}
				}
			}
			slices.Sort(want)
			for _, limit := range []int32{1, 3, 100} {
				if got := d.pages(&api.ListGroupsRequest{Name: pattern}, limit, true); !slices.Equal(got, want) {
					t.Errorf("%q in pages of %d finds %q, want %q", pattern, limit, got, want)
				}
			}
		}
	})
}

// A search that would look at all groups looks at some, and goes on where the next page begins.
func TestSearchesAreBounded(t *testing.T) {
	onEach(t, func(t *testing.T, d *desk) {
		var names []string
		for n := range 3 * looksMax / 2 {
			names = append(names, fmt.Sprintf("Group %04d", n))
		}
		names = append(names, "the needle")
		d.fill(names)
		first := ok[*api.GroupList](d, anna, "ListGroups", &api.ListGroupsRequest{Name: "_%needle"})
		if len(first.Groups) != 0 || first.Cursor == "" {
			t.Errorf("a search without an end found %v", first)
		}
		if got := d.pages(&api.ListGroupsRequest{Name: "_%needle"}, 10, false); !slices.Equal(got, names[len(names)-1:]) {
			t.Errorf("found %q", got)
		}
		// What is known from the first letter on costs nothing of the kind.
		if got := ok[*api.GroupList](d, anna, "ListGroups", &api.ListGroupsRequest{Name: "group 3000"}); len(got.Groups) != 1 || got.Cursor != "" {
			t.Errorf("found %v", got)
		}
		got := ok[*api.GroupList](d, anna, "ListGroups", &api.ListGroupsRequest{Name: "gROUP 29%", Limit: wrapperspb.Int32(100)})
		if len(got.Groups) != 100 || got.Cursor != "" {
			t.Errorf("found %d", len(got.Groups))
		}
	})
}

func TestSpellingsAreAll(t *testing.T) {
	for r := rune(1); r <= unicode.MaxRune; r++ {
		if l := unicode.ToLower(r); l != r && !slices.Contains(spellings(l), r) {
			t.Errorf("%q is no spelling of %q", r, l)
		}
	}
	if got := string(spellings('k')); got != "Kk\u212a" {
		t.Errorf("k is spelled %q", got)
	}
}

func FuzzLeap(f *testing.F) {
	for _, s := range [][2]string{{"abc%", "aBd"}, {"kiI", "kII"}, {"abc", "abcd"}, {"%", ""}, {"ab", "b"}, {`\%a`, "%A"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, filter, name string) {
		if strings.ContainsRune(filter+name, 0) || len(filter) > 40 || len(name) > 40 {
			return
		}
		filter, name = strings.ToValidUTF8(filter, "?"), strings.ToValidUTF8(name, "?")
		p, err := compile(filter)
		if err != nil {
			return
		}
		if got, want := p.matches(name), like(lower(filter), lower(name)); got != want {
			t.Errorf("%q LIKE %q is %t", name, filter, got)
		}
		start, within, ok := p.leap(name)
		switch {
		case within && start != name, ok && !within && start <= name:
			t.Errorf("%q leaps from %q to %q", filter, name, start)
		case p.matches(name) && !within:
			t.Errorf("%q leaps over %q", filter, name)
		case ok && !within:
			if _, there, _ := p.leap(start); !there {
				t.Errorf("%q leaps from %q to %q, which has no spelling of the head", filter, name, start)
			}
			if before := justBefore(start); before >= start {
				t.Errorf("%q is not before %q", before, start)
			}
		}
	})
}

func FuzzCursors(f *testing.F) {
	f.Add(place{kind: 5, updated: schema.Epoch, members: 3, id: anna, text: "en"}.String())
	f.Add(edgeCursor(&schema.GroupEdge{State: 2, Position: 7}))
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := parsePlace(text); ok {
			if again, ok := parsePlace(p.String()); !ok || again != p {
				t.Errorf("%+v became %+v", p, again)
			}
		}
		if state, position, ok := parseEdge(text); ok {
			if s, p, ok := parseEdge(edgeCursor(&schema.GroupEdge{State: state, Position: position})); !ok || s != state || p != position {
				t.Errorf("%d %d became %d %d", state, position, s, p)
			}
		}
	})
}
