package friend

import (
	"bytes"
	"context"
	"slices"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/notify"
)

// change is one call: what it is about, and what came of it.
type change struct {
	// constant during the transaction, which may run again
	actor  Actor
	former []id.UUID // whoever the actor is tied to first loses the tie, but for blocks
	users  []id.UUID // targets
	drafts map[draftID]*notify.Notification

	// of the last run
	sent     []*notify.Notification
	blocked  []id.UUID
	position int64 // of the actor's newest edge
}

// draftID names a notification that may have to be sent: their ids are drawn before the transaction.
type draftID struct {
	to   id.UUID
	code int32
}

func newChange(a Actor, users []id.UUID) *change {
	return &change{actor: a, users: users, drafts: map[draftID]*notify.Notification{}}
}

// mayTell drafts a notification for each target: the actor's name, then text.
func (c *change) mayTell(code int32, text string) {
	for _, user := range c.users {
		c.drafts[draftID{user, code}] = notify.System(user, code, c.actor.Username+text, map[string]string{"username": c.actor.Username}, c.actor.UserID)
	}
}

// hints names the rows that the change is likely to touch.
func (c *change) hints() []store.Ref {
	hints := []store.Ref{schema.Users.Ref(c.actor.UserID)}
	for _, user := range c.users {
		hints = append(hints, schema.Users.Ref(user), schema.UserEdges.Ref(c.actor.UserID, user), schema.UserEdges.Ref(user, c.actor.UserID))
	}
	for _, n := range c.drafts {
		hints = append(hints, schema.Notifications.Ref(n.ID))
	}
	return hints
}

// write does step to the tie with each target in one transaction, and then delivers what came of it.
// Errors: account.ErrNotFound.
func (s *Service) write(ctx context.Context, c *change, step func(*tie) error) error {
	err := s.c.DB.Write(ctx, c.hints(), func(tx store.Tx) error { return c.run(tx, step) })
	if err == nil {
		s.c.Notify.Deliver(c.sent...)
	}
	return err
}

func (c *change) run(tx store.Tx, step func(*tie) error) error {
	c.sent, c.blocked, c.position = c.sent[:0], c.blocked[:0], 0
	rows, err := hold(tx, slices.Concat(c.former, c.users, []id.UUID{c.actor.UserID}))
	if err != nil {
		return err
	}
	if rows[c.actor.UserID] == nil {
		return account.ErrNotFound
	}
	if err := c.each(tx, rows, c.former, (*tie).forget); err != nil {
		return err
	}
	if err := c.each(tx, rows, c.users, step); err != nil {
		return err
	}
	return save(tx, rows)
}

// each does step to the tie with each of the users who exist; a deleted one's edges went with him.
func (c *change) each(tx store.Tx, rows map[id.UUID]*schema.User, users []id.UUID, step func(*tie) error) error {
	for _, user := range users {
		t := &tie{c: c, tx: tx, me: rows[c.actor.UserID], other: rows[user]}
		if t.other == nil {
			continue
		}
		if err := t.load(); err != nil {
			return err
		}
		if err := step(t); err != nil {
			return err
		}
	}
	return nil
}

// hold reads users' rows, which nobody else changes from then on. All take them in one order, so that no two
// transactions wait for each other.
func hold(tx store.Tx, users []id.UUID) (map[id.UUID]*schema.User, error) {
	slices.SortFunc(users, func(a, b id.UUID) int { return bytes.Compare(a[:], b[:]) })
	rows := make(map[id.UUID]*schema.User, len(users))
	for _, user := range users {
		row, ok, err := store.Get(tx, schema.Users, user)
		if err != nil {
			return nil, err
		}
		if ok {
			rows[user] = row
		}
	}
	return rows, nil
}

// save puts the users whose edges are counted anew.
func save(tx store.Tx, rows map[id.UUID]*schema.User) error {
	for user, row := range rows {
		old, _, err := store.Get(tx, schema.Users, user)
		if err != nil {
			return err
		}
		if old.EdgeCount == row.EdgeCount {
			continue
		}
		row.UpdateTime = tx.Now()
		if err := store.Put(tx, schema.Users, row); err != nil {
			return err
		}
	}
	return nil
}

// tie is what two users are to each other, inside a transaction that holds both.
type tie struct {
	c            *change
	tx           store.Tx
	me, other    *schema.User
	mine, theirs *schema.UserEdge // nil: none
}

const noEdge int16 = -1

func stateOf(e *schema.UserEdge) int16 {
	if e == nil {
		return noEdge
	}
	return e.State
}

func (t *tie) load() (err error) {
	if t.mine, _, err = store.Get(t.tx, schema.UserEdges, t.me.ID, t.other.ID); err != nil {
		return err
	}
	t.theirs, _, err = store.Get(t.tx, schema.UserEdges, t.other.ID, t.me.ID)
	return err
}

// is reports the states of both edges.
func (t *tie) is(mine, theirs int16) bool {
	return stateOf(t.mine) == mine && stateOf(t.theirs) == theirs
}

// isInvitation reports that one of the two has invited the other.
func (t *tie) isInvitation() bool {
	return t.is(schema.EdgeSent, schema.EdgeReceived) || t.is(schema.EdgeReceived, schema.EdgeSent)
}

func (t *tie) add(metadata store.JSON) error {
	switch {
	case t.is(noEdge, noEdge):
		if err := t.connect(schema.EdgeSent, schema.EdgeReceived, metadata, "{}"); err != nil {
			return err
		}
		return t.tell(notify.CodeFriendInvite)
	case t.is(schema.EdgeReceived, schema.EdgeSent):
		if err := t.move(t.mine, schema.EdgeFriend, metadata); err != nil {
			return err
		}
		if err := t.move(t.theirs, schema.EdgeFriend, "{}"); err != nil {
			return err
		}
		return t.tell(notify.CodeFriendAccepted)
	}
	return nil
}

func (t *tie) remove() error {
	switch stateOf(t.mine) {
	case noEdge:
		return nil
	case schema.EdgeBlocked:
		return t.cut(t.me, t.mine)
	}
	if err := t.disconnect(); err != nil {
		return err
	}
	return t.tell(notify.CodeFriendRemoved)
}

func (t *tie) block() error {
	if stateOf(t.mine) == schema.EdgeBlocked {
		return nil
	}
	t.c.blocked = append(t.c.blocked, t.other.ID)
	if stateOf(t.theirs) != schema.EdgeBlocked {
		if err := t.cut(t.other, t.theirs); err != nil {
			return err
		}
	}
	if t.mine != nil {
		return t.move(t.mine, schema.EdgeBlocked, "{}")
	}
	return t.draw(t.me, t.other, schema.EdgeBlocked, "{}")
}

// befriend is what an import does: what neither of the two wanted otherwise becomes a friendship.
func (t *tie) befriend(metadata store.JSON) error {
	switch {
	case t.is(noEdge, noEdge):
		if err := t.connect(schema.EdgeFriend, schema.EdgeFriend, metadata, metadata); err != nil {
			return err
		}
	case t.isInvitation():
		if err := t.move(t.mine, schema.EdgeFriend, metadata); err != nil {
			return err
		}
		if err := t.move(t.theirs, schema.EdgeFriend, metadata); err != nil {
			return err
		}
	default:
		return nil
	}
	return t.tell(notify.CodeFriendJoined)
}

// forget ends the tie before an import, and tells nobody.
func (t *tie) forget() error {
	if s := stateOf(t.mine); s == noEdge || s == schema.EdgeBlocked {
		return nil
	}
	return t.disconnect()
}

func (t *tie) connect(mine, theirs int16, myMetadata, theirMetadata store.JSON) error {
	if err := t.draw(t.me, t.other, mine, myMetadata); err != nil {
		return err
	}
	return t.draw(t.other, t.me, theirs, theirMetadata)
}

// disconnect cuts both edges but leaves the other's block.
func (t *tie) disconnect() error {
	if err := t.cut(t.me, t.mine); err != nil {
		return err
	}
	if stateOf(t.theirs) == schema.EdgeBlocked {
		return nil
	}
	return t.cut(t.other, t.theirs)
}

// draw makes an edge.
func (t *tie) draw(from, to *schema.User, state int16, metadata store.JSON) error {
	now := t.tx.Now()
	at := now.UnixNano()
	if from == t.me {
		at = max(at, t.c.position+1)
	}
	at, err := freePosition(t.tx, from.ID, state, at)
	if err != nil {
		return err
	}
	if from == t.me {
		t.c.position = at
	}
	from.EdgeCount++
	return store.Put(t.tx, schema.UserEdges, &schema.UserEdge{
		SourceID: from.ID, DestinationID: to.ID, State: state, Position: at, UpdateTime: now, Metadata: metadata,
	})
}

// move changes an edge's state. It keeps its place in lists: they sort by when an edge came to be.
func (t *tie) move(e *schema.UserEdge, state int16, metadata store.JSON) (err error) {
	if e.Position, err = freePosition(t.tx, e.SourceID, state, e.Position); err != nil {
		return err
	}
	e.State, e.UpdateTime, e.Metadata = state, t.tx.Now(), merge(e.Metadata, metadata)
	return store.Put(t.tx, schema.UserEdges, e)
}

// cut removes an edge, if there is one.
func (t *tie) cut(from *schema.User, e *schema.UserEdge) error {
	if e == nil {
		return nil
	}
	from.EdgeCount = max(0, from.EdgeCount-1) // deleted accounts leave it too high, nothing too low
	return store.Delete(t.tx, schema.UserEdges, e.SourceID, e.DestinationID)
}

// tell notes the notification that was drafted for the other user.
func (t *tie) tell(code int32) error {
	n := t.c.drafts[draftID{t.other.ID, code}]
	t.c.sent = append(t.c.sent, n)
	return notify.Put(t.tx, n)
}

var byState = schema.UserEdges.By("source_id", "state", "position")

// freePosition is the first position from at that no edge of the source has in this state: all functions of a batch
// have one time. The look-up costs nothing, since Put makes the same one.
func freePosition(tx store.Tx, source id.UUID, state int16, at int64) (int64, error) {
	for ; ; at++ {
		_, taken, err := store.GetBy(tx, byState, source, state, at)
		if err != nil || !taken {
			return at, err
		}
	}
}

// merge is what PostgreSQL's || makes of two JSON values in normal form: objects join, the second's members win;
// anything else becomes an array of both.
func merge(a, b store.JSON) store.JSON {
	open, shut := store.JSON("{"), store.JSON("}")
	if a[0] != '{' || b[0] != '{' {
		open, shut = "[", "]"
	}
	inner := func(v store.JSON) store.JSON {
		if v[:1] == open {
			return v[1 : len(v)-1]
		}
		return v
	}
	first, second := inner(a), inner(b)
	if first != "" && second != "" {
		first += ", "
	}
	return open + first + second + shut // Put writes it in normal form
}
