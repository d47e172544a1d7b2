package group

import (
	"context"
	"errors"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/notify"
)

// outcome is what a change tells once it has committed: of the last run of its function.
type outcome struct {
	said []*chat.Notice
	out  []id.UUID // users who are no members any more
	sent []*notify.Notification
}

// write runs a change, and then tells what came of it. Whoever loses the group still hears that in its channel.
func (s *Service) write(ctx context.Context, group id.UUID, hints []store.Ref, f func(*held, *outcome) error) error {
	var o outcome
	err := s.c.DB.Write(ctx, append(hints, schema.Groups.Ref(group)), func(tx store.Tx) error {
		o = outcome{}
		h, err := hold(tx, group)
		if err != nil {
			return err
		}
		return f(h, &o)
	})
	if err != nil {
		return err
	}
	s.c.Chat.Deliver(o.said...)
	for _, user := range o.out {
		s.c.Chat.Drop(user, chat.Group(group))
	}
	s.c.Notify.Deliver(o.sent...)
	return nil
}

// say keeps a notice and tells it later.
func (o *outcome) say(tx store.Tx, n *chat.Notice, username string) error {
	o.said = append(o.said, n)
	return n.Put(tx, username)
}

// send keeps notifications and delivers them later.
func (o *outcome) send(tx store.Tx, list ...*notify.Notification) error {
	for _, n := range list {
		if err := notify.Put(tx, n); err != nil {
			return err
		}
	}
	o.sent = append(o.sent, list...)
	return nil
}

// errClosed says that a group was closed while somebody was about to join it: its admins are to be told.
var errClosed = errors.New("the group is closed now")

// Join lets the caller into an open group, or asks the admins of a closed one. Who is in it, has asked, or is banned
// stays what he is.
// Errors: ErrNotFound, ErrFull, account.ErrNotFound.
func (s *Service) Join(ctx context.Context, c op.Caller, group id.UUID) error {
	for {
		rows, err := store.GetMany(ctx, s.c.DB, schema.Groups, []any{group})
		if err != nil || rows[0] == nil {
			return either(err, ErrNotFound)
		}
		var requests []*notify.Notification
		if closed := rows[0].State != stateOpen; closed {
			if requests, err = s.requests(ctx, c, group); err != nil {
				return err
			}
		}
		if err := s.join(ctx, c, group, requests); !errors.Is(err, errClosed) {
			return err
		}
	}
}

// requests are what the group's superadmins and admins get when the caller wants to join.
func (s *Service) requests(ctx context.Context, c op.Caller, group id.UUID) (list []*notify.Notification, err error) {
	about := map[string]string{"group_id": group.String(), "username": c.Username}
	list = []*notify.Notification{} // nil would be an open group
	for _, state := range []int16{schema.MemberSuperadmin, schema.MemberAdmin} {
		edges, err := store.List(ctx, s.c.DB, byState, store.Range{Prefix: []any{group, state}})
		if err != nil {
			return nil, err
		}
		for _, e := range edges {
			list = append(list, notify.System(e.DestinationID, notify.CodeGroupJoinRequest, "User "+c.Username+" wants to join your group", about, c.UserID))
		}
	}
	return list, nil
}

func (s *Service) join(ctx context.Context, c op.Caller, group id.UUID, requests []*notify.Notification) error {
	state := schema.MemberPlain
	if requests != nil {
		state = schema.MemberJoinRequest
	}
	position, notice := s.c.Now().UnixNano(), s.c.Chat.NewNotice(group, chat.CodeJoined, c.UserID)
	hints := append(edgeHints(group, c.UserID), schema.Users.Ref(c.UserID), byState.Ref(group, state, position), byState.Ref(c.UserID, state, position))
	return s.write(ctx, group, hints, func(h *held, o *outcome) error {
		switch {
		case h.row == nil || h.disabled():
			return ErrNotFound
		case h.row.EdgeCount >= h.row.MaxCount:
			return ErrFull
		}
		if e, err := h.edge(c.UserID); err != nil || e != nil {
			return err
		}
		if _, ok, err := store.Get(h.tx, schema.Users, c.UserID); err != nil || !ok {
			return either(err, account.ErrNotFound)
		}
		if h.row.State != stateOpen {
			if requests == nil {
				return errClosed
			}
			if err := h.enter(c.UserID, schema.MemberJoinRequest, position); err != nil {
				return err
			}
			return o.send(h.tx, requests...)
		}
		if err := h.enter(c.UserID, schema.MemberPlain, position); err != nil {
			return err
		}
		if err := h.countUp(); err != nil {
			return err
		}
		return o.say(h.tx, notice, c.Username)
	})
}

// errAlone says that a group's only member leaves it.
var errAlone = errors.New("the group ends")

// Leave takes the caller, or what he asked for, out of a group. The group ends with its only member.
// Errors: ErrLastOwner.
func (s *Service) Leave(ctx context.Context, c op.Caller, group id.UUID) error {
	notice := s.c.Chat.NewNotice(group, chat.CodeLeft, c.UserID)
	hints := append(edgeHints(group, c.UserID), schema.Users.Ref(c.UserID))
	err := s.write(ctx, group, hints, func(h *held, o *outcome) error {
		state, err := h.leaving(c.UserID)
		if err != nil || state == noState {
			return err
		}
		if err := h.remove(c.UserID); err != nil {
			return err
		}
		if state <= schema.MemberPlain {
			if err := h.countDown(); err != nil {
				return err
			}
		}
		o.out = append(o.out, c.UserID)
		return o.say(h.tx, notice, c.Username)
	})
	if errors.Is(err, errAlone) {
		return s.leaveAlone(ctx, c, group)
	}
	return err
}

// leaving is the state of a user who may leave; noState when there is nothing that he could leave.
// Errors: ErrLastOwner, errAlone.
func (h *held) leaving(user id.UUID) (int16, error) {
	e, err := h.edge(user)
	switch {
	case err != nil || e == nil || e.State == schema.MemberBanned || h.row == nil:
		return noState, err
	case e.State != schema.MemberSuperadmin:
		return e.State, nil
	}
	last, err := h.isLastSuperadmin(user)
	switch {
	case err != nil:
		return noState, err
	case last && h.row.EdgeCount > 1:
		return noState, ErrLastOwner
	case last:
		return noState, errAlone
	}
	return e.State, nil
}

// leaveAlone ends a group, unless somebody else has come in meanwhile. Requests and bans may be many, so that it takes a
// transaction of its own.
func (s *Service) leaveAlone(ctx context.Context, c op.Caller, group id.UUID) error {
	err := s.c.DB.Update(ctx, func(tx store.Tx) error {
		h, err := hold(tx, group)
		if err != nil {
			return err
		}
		switch state, err := h.leaving(c.UserID); {
		case err == errAlone:
			return h.end()
		case err != nil || state == noState:
			return err
		}
		return ErrLastOwner // another superadmin came in: he leaves by trying again
	})
	if err == nil {
		s.c.Chat.Close(chat.Group(group))
	}
	return err
}

// step is what one of a group's admins does to one user.
type step struct {
	*held
	rank     int16 // of who does it
	user     *schema.User
	id       id.UUID
	edge     *schema.GroupEdge // nil: none
	position int64             // for one who comes
}

// effect is what a step has done.
type effect uint8

const (
	nothing  effect = iota
	silent          // nobody is told
	told            // the channel is
	expelled        // the channel is, and the user leaves it
)

// manage lets an admin of a group do one thing to each of these users: all or, with an error, none. He himself is passed
// over. drafts, if any, tell each user whom the step changes.
// Errors: ErrPermission, and those of do.
func (s *Service) manage(ctx context.Context, c op.Caller, group id.UUID, users []id.UUID, code int32, drafts []*notify.Notification, do func(*step) (effect, error)) error {
	if len(users) == 0 {
		return nil
	}
	now := s.c.Now().UnixNano()
	hints, notices := []store.Ref{schema.GroupEdges.Ref(group, c.UserID)}, make([]*chat.Notice, len(users))
	for i, user := range users {
		hints = append(append(hints, edgeHints(group, user)...), schema.Users.Ref(user))
		notices[i] = s.c.Chat.NewNotice(group, code, user)
	}
	return s.write(ctx, group, hints, func(h *held, o *outcome) error {
		rank, err := h.rank(c)
		if err != nil || rank > schema.MemberAdmin || h.disabled() {
			return either(err, ErrPermission)
		}
		for i, user := range users {
			if user == c.UserID && !c.Trusted {
				continue
			}
			st := &step{held: h, rank: rank, id: user, position: now + int64(i)}
			if st.user, _, err = store.Get(h.tx, schema.Users, user); err != nil {
				return err
			}
			if st.edge, err = h.edge(user); err != nil {
				return err
			}
			done, err := do(st)
			if err != nil {
				return err
			}
			if done == expelled {
				o.out = append(o.out, user)
			}
			if done < told || st.user == nil { // a user who is gone says nothing
				continue
			}
			if err := o.say(h.tx, notices[i], st.user.Username); err != nil {
				return err
			}
			if drafts == nil {
				continue
			}
			if err := o.send(h.tx, drafts[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Add takes users into a group, whether they have asked or not. Members and banned ones are passed over.
// Errors: ErrPermission, ErrFull, ErrUserMissing.
func (s *Service) Add(ctx context.Context, c op.Caller, group id.UUID, users []id.UUID) error {
	if users = once(users); len(users) == 0 {
		return nil
	}
	rows, err := store.GetMany(ctx, s.c.DB, schema.Groups, []any{group})
	if err != nil || rows[0] == nil {
		return either(err, ErrPermission)
	}
	about := map[string]string{"group_id": group.String(), "name": rows[0].Name}
	drafts := make([]*notify.Notification, len(users))
	for i, user := range users {
		drafts[i] = notify.System(user, notify.CodeGroupAdded, "You've been added to group "+rows[0].Name, about, c.UserID)
	}
	return s.manage(ctx, c, group, users, chat.CodeAdded, drafts, func(st *step) (effect, error) {
		switch {
		case st.user == nil:
			return nothing, ErrUserMissing
		case st.edge != nil && st.edge.State != schema.MemberJoinRequest:
			return nothing, nil
		}
		if err := st.countUp(); err != nil {
			return nothing, err
		}
		return told, st.enter(st.id, schema.MemberPlain, st.position)
	})
}

// Kick takes users out of a group, declines their requests, and lifts their bans. Superadmins reach everybody but the last
// of them, admins those below them.
// Errors: ErrPermission.
func (s *Service) Kick(ctx context.Context, c op.Caller, group id.UUID, users []id.UUID) error {
	return s.manage(ctx, c, group, once(users), chat.CodeKicked, nil, func(st *step) (effect, error) {
		if ok, err := st.reaches(); err != nil || !ok {
			return nothing, err
		}
		if err := st.remove(st.id); err != nil {
			return nothing, err
		}
		return st.expel()
	})
}

// Ban takes users out of a group, as Kick does, and keeps them from joining again. Who has nothing to do with the group
// cannot be banned.
// Errors: ErrPermission.
func (s *Service) Ban(ctx context.Context, c op.Caller, group id.UUID, users []id.UUID) error {
	return s.manage(ctx, c, group, once(users), chat.CodeBanned, nil, func(st *step) (effect, error) {
		if ok, err := st.reaches(); err != nil || !ok || st.edge.State == schema.MemberBanned {
			return nothing, err
		}
		if err := st.ban(st.edge); err != nil {
			return nothing, err
		}
		return st.expel()
	})
}

// reaches reports whether the user may be kicked or banned.
func (st *step) reaches() (bool, error) {
	switch {
	case st.edge == nil:
		return false, nil
	case st.edge.State != schema.MemberSuperadmin:
		return st.rank == schema.MemberSuperadmin || st.edge.State > schema.MemberAdmin, nil
	case st.rank != schema.MemberSuperadmin:
		return false, nil
	}
	last, err := st.isLastSuperadmin(st.id)
	return !last, err
}

// expel counts a member who is none any more; of requests and bans nobody hears.
func (st *step) expel() (effect, error) {
	if st.edge.State > schema.MemberPlain {
		return silent, nil
	}
	return expelled, st.countDown()
}

// Promote raises members who are below the caller by one state.
// Errors: ErrPermission.
func (s *Service) Promote(ctx context.Context, c op.Caller, group id.UUID, users []id.UUID) error {
	return s.manage(ctx, c, group, once(users), chat.CodePromoted, nil, func(st *step) (effect, error) {
		if st.edge == nil || st.edge.State <= st.rank || st.edge.State > schema.MemberPlain {
			return nothing, nil
		}
		return told, st.move(st.edge, st.edge.State-1)
	})
}

// Demote lowers members who are not above the caller by one state; the last superadmin stays one.
// Errors: ErrPermission.
func (s *Service) Demote(ctx context.Context, c op.Caller, group id.UUID, users []id.UUID) error {
	return s.manage(ctx, c, group, once(users), chat.CodeDemoted, nil, func(st *step) (effect, error) {
		if st.edge == nil || st.edge.State < st.rank || st.edge.State >= schema.MemberPlain {
			return nothing, nil
		}
		if st.edge.State == schema.MemberSuperadmin {
			if last, err := st.isLastSuperadmin(st.id); err != nil || last {
				return nothing, err
			}
		}
		return told, st.move(st.edge, st.edge.State+1)
	})
}

// once is a list without repetitions.
func once(users []id.UUID) []id.UUID {
	seen, list := make(map[id.UUID]bool, len(users)), users[:0:0]
	for _, user := range users {
		if !seen[user] {
			seen[user] = true
			list = append(list, user)
		}
	}
	return list
}
