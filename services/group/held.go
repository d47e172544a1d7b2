package group

import (
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// held is a group inside a transaction that holds its row: its members stand still but for what the transaction does.
type held struct {
	tx  store.Tx
	id  id.UUID
	row *schema.Group // nil: there is no such group
}

func hold(tx store.Tx, group id.UUID) (*held, error) {
	row, _, err := store.Get(tx, schema.Groups, group)
	return &held{tx, group, row}, err
}

func (h *held) disabled() bool { return h.row.DisableTime.After(schema.Epoch) }

// noState is beyond every state: of who has no edge.
const noState int16 = 5

// rank is the caller's state in the group; a trusted one is a superadmin.
func (h *held) rank(c op.Caller) (int16, error) {
	if h.row == nil {
		return noState, nil
	}
	if c.Trusted {
		return schema.MemberSuperadmin, nil
	}
	e, err := h.edge(c.UserID)
	if e == nil {
		return noState, err
	}
	return e.State, nil
}

// edge is the group's edge to a user, nil when there is none.
func (h *held) edge(user id.UUID) (*schema.GroupEdge, error) {
	e, _, err := store.Get(h.tx, schema.GroupEdges, h.id, user)
	return e, err
}

// edgeHints names both edges of a membership.
func edgeHints(group, user id.UUID) []store.Ref {
	return []store.Ref{schema.GroupEdges.Ref(group, user), schema.GroupEdges.Ref(user, group)}
}

// enter puts a user who had no edge, or a join request, into a state, as one who came at position.
func (h *held) enter(user id.UUID, state int16, position int64) error {
	for _, e := range []schema.GroupEdge{{SourceID: h.id, DestinationID: user}, {SourceID: user, DestinationID: h.id}} {
		if err := h.put(e, state, position); err != nil {
			return err
		}
	}
	return nil
}

// move puts a member into another state. He keeps his place in lists: they sort by when somebody came.
func (h *held) move(e *schema.GroupEdge, state int16) error {
	return h.enter(e.DestinationID, state, e.Position)
}

// ban leaves of a membership only the group's edge.
func (h *held) ban(e *schema.GroupEdge) error {
	if err := store.Delete(h.tx, schema.GroupEdges, e.DestinationID, h.id); err != nil {
		return err
	}
	return h.put(*e, schema.MemberBanned, e.Position)
}

func (h *held) put(e schema.GroupEdge, state int16, position int64) (err error) {
	if e.Position, err = freePosition(h.tx, &e, state, position); err != nil {
		return err
	}
	e.State, e.UpdateTime = state, h.tx.Now()
	return store.Put(h.tx, schema.GroupEdges, &e)
}

// remove takes both edges away.
func (h *held) remove(user id.UUID) error {
	if err := store.Delete(h.tx, schema.GroupEdges, h.id, user); err != nil {
		return err
	}
	return store.Delete(h.tx, schema.GroupEdges, user, h.id)
}

// countUp makes room for one more member.
// Errors: ErrFull.
func (h *held) countUp() error {
	if h.row.EdgeCount >= h.row.MaxCount {
		return ErrFull
	}
	return h.count(h.row.EdgeCount + 1)
}

func (h *held) countDown() error { return h.count(max(1, h.row.EdgeCount-1)) } // the table refuses a count of none

func (h *held) count(n int32) error {
	h.row.EdgeCount, h.row.UpdateTime = n, h.tx.Now()
	return store.Put(h.tx, schema.Groups, h.row)
}

// isLastSuperadmin reports whether nobody but this superadmin is one.
func (h *held) isLastSuperadmin(user id.UUID) (bool, error) {
	superadmins := store.Range{Prefix: []any{h.id, schema.MemberSuperadmin}, Limit: 2}
	for e, err := range store.Scan(h.tx, byState, superadmins) {
		if err != nil {
			return false, err
		}
		if e.DestinationID != user {
			return false, nil
		}
	}
	return true, nil
}

// end deletes the group and all its edges.
func (h *held) end() error {
	var edges []*schema.GroupEdge
	for e, err := range store.Scan(h.tx, byState, store.Range{Prefix: []any{h.id}}) {
		if err != nil {
			return err
		}
		edges = append(edges, e)
	}
	for _, e := range edges {
		if err := h.remove(e.DestinationID); err != nil {
			return err
		}
	}
	return store.Delete(h.tx, schema.Groups, h.id)
}

var byState = schema.GroupEdges.By("source_id", "state", "position")

// freePosition is the first position from at that no other edge of the source has in this state.
func freePosition(tx store.Tx, e *schema.GroupEdge, state int16, at int64) (int64, error) {
	for ; ; at++ {
		other, taken, err := store.GetBy(tx, byState, e.SourceID, state, at)
		if err != nil || !taken || other.DestinationID == e.DestinationID {
			return at, err
		}
	}
}
