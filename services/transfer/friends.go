package transfer

import (
	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// answers are the state of the other side's edge to each of ours; a block has none.
var answers = map[int16]int16{
	schema.EdgeFriend: schema.EdgeFriend, schema.EdgeSent: schema.EdgeReceived, schema.EdgeReceived: schema.EdgeSent,
}

// putFriends ties the account to users who exist and to whom nothing ties it. Nobody is told.
func (r *rows) putFriends(tx store.Tx, users map[id.UUID]*schema.User) error {
	counted := map[id.UUID]bool{}
	for i, edge := range r.friends {
		me, other := users[r.user], users[edge.DestinationID]
		if other == nil || other == me {
			continue
		}
		tied, err := r.isTied(tx, edge)
		if err != nil {
			return err
		}
		if tied {
			continue
		}
		if err := putEdge(tx, me, edge); err != nil {
			return unstorable(sectionItem("friends", i), err)
		}
		counted[me.ID] = true
		answer, ok := answers[edge.State]
		if !ok {
			continue
		}
		back := &schema.UserEdge{
			SourceID: other.ID, DestinationID: me.ID, State: answer, Position: edge.Position, UpdateTime: edge.UpdateTime, Metadata: "{}",
		}
		if err := putEdge(tx, other, back); err != nil {
			return unstorable(sectionItem("friends", i), err)
		}
		counted[other.ID] = true
	}
	for user := range counted {
		if err := store.Put(tx, schema.Users, users[user]); err != nil {
			return err
		}
	}
	return nil
}

// isTied reports whether either of the two has an edge to the other. Somebody's block does not keep us from blocking him.
func (r *rows) isTied(tx store.Tx, edge *schema.UserEdge) (bool, error) {
	_, mine, err := store.Get(tx, schema.UserEdges, edge.SourceID, edge.DestinationID)
	if err != nil || mine {
		return mine, err
	}
	theirs, exists, err := store.Get(tx, schema.UserEdges, edge.DestinationID, edge.SourceID)
	if err != nil || !exists {
		return false, err
	}
	return edge.State != schema.EdgeBlocked || theirs.State != schema.EdgeBlocked, nil
}

// putEdge puts a copy at the first position from the edge's own that is free.
func putEdge(tx store.Tx, from *schema.User, edge *schema.UserEdge) error {
	row := *edge
	for {
		_, taken, err := store.GetBy(tx, friendsOf, row.SourceID, row.State, row.Position)
		if err != nil {
			return err
		}
		if !taken {
			break
		}
		row.Position++
	}
	from.EdgeCount++
	return store.Put(tx, schema.UserEdges, &row)
}
