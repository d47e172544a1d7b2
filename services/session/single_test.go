package session

import (
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// told is a connection that remembers what was sent to it, and why it was closed.
type told struct {
	id, user id.UUID
	got      []*codec.Shared
	closed   []string
}

func (c *told) ID() id.UUID               { return c.id }
func (c *told) UserID() id.UUID           { return c.user }
func (c *told) Username() string          { return "" }
func (c *told) Vars() map[string]string   { return nil }
func (c *told) Lang() string              { return "" }
func (c *told) Send(m *codec.Shared) bool { c.got = append(c.got, m); return len(c.closed) == 0 }
func (c *told) Close(reason string)       { c.closed = append(c.closed, reason) }

// TestDismissedConnectionsAreToldWhy: the notice comes before the end, and only the user's own connections get it.
func TestDismissedConnectionsAreToldWhy(t *testing.T) {
	banned, other := id.UUID{1}, id.UUID{2}
	one, two, three := &told{id: id.UUID{0: 11}, user: banned}, &told{id: id.UUID{0: 12}, user: banned}, &told{id: id.UUID{0: 13}, user: other}
	live := NewLive()
	for _, c := range []*told{one, two, three} {
		live.Add(c)
	}
	live.KickBanned(banned)
	for _, c := range []*told{one, two} {
		if len(c.got) != 1 || len(c.closed) != 1 || c.closed[0] != KickReason {
			t.Fatalf("%d messages, closed %q", len(c.got), c.closed)
		}
		n := c.got[0].Message.(*rtapi.Envelope).GetNotifications().GetNotifications()
		if len(n) != 1 || n[0].Code != -8 || n[0].Subject != "banned" || n[0].Content != "{}" || n[0].SenderId != "" || n[0].Persistent || n[0].Id == "" || n[0].CreateTime == nil {
			t.Errorf("the notice says %v", n)
		}
	}
	if len(three.got)+len(three.closed) > 0 {
		t.Error("another user's connection was dismissed")
	}
	live.KickBanned(id.UUID{3}) // is nowhere
}
