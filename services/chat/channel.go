package chat

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/presence"
)

// Refusals of room names.
var (
	ErrRoomLength  = errs.New(errs.InvalidArgument, "Channel name is required and must be 1-64 chars: Invalid channel target")
	ErrRoomControl = errs.New(errs.InvalidArgument, "Channel name must not contain control chars: Invalid channel target")
	ErrRoomText    = errs.New(errs.InvalidArgument, "Channel name must only contain valid UTF-8 bytes: Invalid channel target")
)

const roomMax = 64 // bytes

// Room is the channel of a room.
// Errors: ErrRoomLength, ErrRoomControl, ErrRoomText.
func Room(name string) (presence.Stream, error) {
	switch {
	case name == "" || len(name) > roomMax:
		return presence.Stream{}, ErrRoomLength
	case strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return presence.Stream{}, ErrRoomControl
	case !utf8.ValidString(name):
		return presence.Stream{}, ErrRoomText
	}
	return presence.Stream{Mode: presence.ModeRoom, Label: name}, nil
}

// Direct is the channel of two users, whoever is named first.
func Direct(a, b id.UUID) presence.Stream {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return presence.Stream{Mode: presence.ModeDirect, Subject: a, Subcontext: b}
}

// Group is the channel of a group.
func Group(group id.UUID) presence.Stream {
	return presence.Stream{Mode: presence.ModeGroup, Subject: group}
}

// otherOf is the user whom somebody has a direct channel with: himself, when it is for him alone.
func otherOf(st presence.Stream, user id.UUID) id.UUID {
	if st.Subject == user {
		return st.Subcontext
	}
	return st.Subject
}

// Parse reads a channel's id:
//
//	2...NAME   room, whose name may have dots
//	3.GROUP..  group
//	4.A.B.     direct, with the lower user id first
func Parse(channelID string) (st presence.Stream, ok bool) {
	part := strings.SplitN(channelID, ".", 4)
	if len(part) != 4 {
		return st, false
	}
	switch mode, subject, subcontext, label := part[0], part[1], part[2], part[3]; mode {
	case "2":
		st = presence.Stream{Mode: presence.ModeRoom, Label: label}
		return st, subject == "" && subcontext == "" && label != "" && len(label) <= roomMax && utf8.ValidString(label) && strings.IndexByte(label, 0) < 0
	case "3":
		group, err := id.Parse(subject)
		return Group(group), err == nil && !group.IsZero() && subcontext == "" && label == ""
	case "4":
		a, errA := id.Parse(subject)
		b, errB := id.Parse(subcontext)
		return presence.Stream{Mode: presence.ModeDirect, Subject: a, Subcontext: b}, errA == nil && errB == nil && label == ""
	}
	return st, false
}
