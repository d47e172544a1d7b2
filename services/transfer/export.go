package transfer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/persist/schema"
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/account"
	"github.com/skirmishgg/skirmish/services/chat"
	"github.com/skirmishgg/skirmish/services/group"
	"github.com/skirmishgg/skirmish/services/leaderboard"
	"github.com/skirmishgg/skirmish/services/notify"
	"github.com/skirmishgg/skirmish/services/presence"
	"github.com/skirmishgg/skirmish/services/storage"
)

// Export writes a user's account to w, however large it is: a page is in memory at a time, and no transaction stays open
// for whoever reads slowly. What changes meanwhile may be in the document as it was before or as it is after.
// Errors: ErrSystemUser, account.ErrNotFound, before anything is written; those of w and the store.
func (s *Service) Export(ctx context.Context, user id.UUID, w io.Writer) error {
	if user.IsZero() {
		return ErrSystemUser
	}
	accounts, err := s.c.Account.Accounts(ctx, []id.UUID{user}, nil)
	if err != nil {
		return err
	}
	if len(accounts) == 0 {
		return account.ErrNotFound
	}
	accounts[0].User.Online = false // is no part of what is kept
	d := &document{w: bufio.NewWriter(w)}
	d.begin(accounts[0])
	for _, section := range []func(context.Context, id.UUID, *document) error{
		s.objects, s.friends, s.groups, s.messages, s.records, s.notifications, s.ledger,
	} {
		if err := section(ctx, user, d); err != nil {
			return err
		}
	}
	return d.end()
}

var (
	objectsOf       = schema.Storage.By("user_id")
	friendsOf       = schema.UserEdges.By("source_id", "state", "position")
	groupsOf        = schema.GroupEdges.By("source_id", "state", "position")
	messagesOf      = schema.Messages.By("sender_id", "id")
	recordsOf       = schema.LeaderboardRecords.By("owner_id", "expiry_time", "leaderboard_id")
	notificationsOf = schema.Notifications.By("user_id", "create_time")
	ledgerOf        = schema.Ledger.By("user_id", "create_time")
)

func (s *Service) objects(ctx context.Context, user id.UUID, d *document) error {
	return pages(ctx, s.c.DB, objectsOf, user, func(rows []*schema.StorageObject) error {
		for _, o := range storage.Messages(rows) {
			d.message("objects", o)
		}
		return d.err
	})
}

// friends are named by their ids alone: the rest is theirs.
func (s *Service) friends(ctx context.Context, user id.UUID, d *document) error {
	return pages(ctx, s.c.DB, friendsOf, user, func(rows []*schema.UserEdge) error {
		for _, e := range rows {
			d.message("friends", &api.Friend{
				User: &api.User{Id: e.DestinationID.String()}, State: wrapperspb.Int32(int32(e.State)), Metadata: string(e.Metadata),
				UpdateTime: &timestamppb.Timestamp{Seconds: e.UpdateTime.Unix()},
			})
		}
		return d.err
	})
}

func (s *Service) groups(ctx context.Context, user id.UUID, d *document) error {
	return pages(ctx, s.c.DB, groupsOf, user, func(rows []*schema.GroupEdge) error {
		keys := make([][]any, len(rows))
		for i, e := range rows {
			keys[i] = []any{e.DestinationID}
		}
		groups, err := store.GetMany(ctx, s.c.DB, schema.Groups, keys...)
		if err != nil {
			return err
		}
		for _, g := range groups {
			if g != nil { // not deleted since
				d.message("groups", group.Message(g))
			}
		}
		return d.err
	})
}

func (s *Service) messages(ctx context.Context, user id.UUID, d *document) error {
	return pages(ctx, s.c.DB, messagesOf, user, func(rows []*schema.Message) error {
		for _, m := range rows {
			channel := presence.Stream{Mode: presence.Mode(m.StreamMode), Subject: m.StreamSubject, Subcontext: m.StreamDescriptor, Label: m.StreamLabel}
			d.message("messages", chat.Listed(channel, m))
		}
		return d.err
	})
}

// records have no ranks: those are everybody's.
func (s *Service) records(ctx context.Context, user id.UUID, d *document) error {
	return pages(ctx, s.c.DB, recordsOf, user, func(rows []*schema.LeaderboardRecord) error {
		for _, r := range rows {
			d.message("leaderboard_records", (&leaderboard.Record{LeaderboardRecord: r}).Message())
		}
		return d.err
	})
}

func (s *Service) notifications(ctx context.Context, user id.UUID, d *document) error {
	return pages(ctx, s.c.DB, notificationsOf, user, func(rows []*schema.Notification) error {
		for _, n := range rows {
			d.message("notifications", notify.Listed(n))
		}
		return d.err
	})
}

func (s *Service) ledger(ctx context.Context, user id.UUID, d *document) error {
	return pages(ctx, s.c.DB, ledgerOf, user, func(rows []*schema.LedgerItem) error {
		for _, l := range rows {
			text, err := json.Marshal(&ledgerLine{
				ID: l.ID.String(), UserID: l.UserID.String(), Changeset: string(l.Changeset), Metadata: string(l.Metadata),
				CreateTime: &moment{l.CreateTime.Truncate(time.Second)}, UpdateTime: &moment{l.UpdateTime.Truncate(time.Second)},
			})
			if err != nil {
				return fmt.Errorf("ledger line %s: %w", l.ID, err)
			}
			d.item("wallet_ledgers", text)
		}
		return d.err
	})
}

const pageRows = 100 // of which one may be an object as large as a request

// pages reads what an index has of a user to its end.
func pages[R any](ctx context.Context, db store.DB, ix *store.Index[R], user id.UUID, each func(rows []*R) error) error {
	rng := store.Range{Prefix: []any{user}, Limit: pageRows}
	for {
		rows, err := store.List(ctx, db, ix, rng)
		if err != nil {
			return fmt.Errorf("read %s of an account: %w", ix.Def.Table.Name, err)
		}
		if err := each(rows); err != nil || len(rows) < pageRows {
			return err
		}
		rng.After = ix.Def.ValuesOf(rows[len(rows)-1])
	}
}

// document writes the members of a document in their order. A section begins with its first item, so that an empty one is
// left out. After the first error it writes nothing.
type document struct {
	w       *bufio.Writer
	section string // that is open; "": none
	text    bytes.Buffer
	err     error
}

func (d *document) begin(account proto.Message) {
	d.write(`{"account":`)
	d.write(string(d.textOf(account)))
}

func (d *document) message(section string, m proto.Message) { d.item(section, d.textOf(m)) }

func (d *document) item(section string, text []byte) {
	switch d.section {
	case section:
		d.write(",")
	case "":
		d.write(`,"` + section + `":[`)
	default:
		d.write(`],"` + section + `":[`)
	}
	d.section = section
	d.write(string(text))
}

func (d *document) end() error {
	if d.section != "" {
		d.write("]")
	}
	d.write("}")
	if d.err != nil {
		return d.err
	}
	return d.w.Flush()
}

func (d *document) write(text string) {
	if d.err == nil {
		_, d.err = d.w.WriteString(text)
	}
}

var form = protojson.MarshalOptions{UseProtoNames: true, UseEnumNumbers: true}

// textOf is a message as JSON, without the spaces that protojson strews in: one account has one document. The text is valid
// until the next call.
func (d *document) textOf(m proto.Message) []byte {
	text, err := form.Marshal(m)
	d.text.Reset()
	if err == nil {
		err = json.Compact(&d.text, text)
	}
	if err != nil && d.err == nil {
		d.err = err
	}
	return d.text.Bytes()
}
