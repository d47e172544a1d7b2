package nk

import (
	"context"
	"errors"
	"fmt"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/services/storage"
	"github.com/skirmishgg/skirmish/services/storage/index"
	"github.com/skirmishgg/skirmish/services/unit"
)

// StorageList is a page of a collection: of all users, or of one. With a caller it is what that user may read.
func (m *Module) StorageList(ctx context.Context, callerID, userID, collection string, limit int, cursor string) ([]*api.StorageObject, string, error) {
	caller, err := onBehalf(callerID, "caller id")
	if err != nil {
		return nil, "", err
	}
	l := storage.Listing{Collection: collection, Limit: limit, Cursor: cursor}
	if limit < 0 {
		return nil, "", errors.New("expects limit to be 0 or greater")
	}
	if userID != "" {
		owner, err := parseOptional(userID, "user id")
		if err != nil {
			return nil, "", err
		}
		l.Owner = &owner
	}
	page, err := m.c.Storage.List(ctx, caller, l)
	if err != nil {
		return nil, "", told(err)
	}
	return storage.Messages(page.Objects), page.Cursor, nil
}

// StorageRead leaves out what does not exist.
func (m *Module) StorageRead(ctx context.Context, reads []*runtime.StorageRead) ([]*api.StorageObject, error) {
	ids := make([]storage.ID, len(reads))
	for i, r := range reads {
		var err error
		if ids[i], err = objectID(r.Collection, r.Key, r.UserID); err != nil {
			return nil, err
		}
	}
	objects, err := m.c.Storage.Read(ctx, server, ids)
	return storage.Messages(objects), told(err)
}

var (
	errCollection = errors.New("expects collection to be a non-empty string")
	errKey        = errors.New("expects key to be a non-empty string")
	errValue      = errors.New("value must be a JSON-encoded object")
)

func objectID(collection, key, userID string) (o storage.ID, err error) {
	switch {
	case collection == "":
		return o, errCollection
	case key == "":
		return o, errKey
	}
	o = storage.ID{Collection: collection, Key: key}
	o.UserID, err = parseOptional(userID, "user id")
	return o, err
}

// StorageWrite writes all objects or none. Permissions are not held to those that mean something to clients.
func (m *Module) StorageWrite(ctx context.Context, writes []*runtime.StorageWrite) ([]*api.StorageObjectAck, error) {
	list, err := writesOf(writes)
	if err != nil {
		return nil, err
	}
	stored, err := m.c.Storage.Write(ctx, server, list)
	if err != nil {
		return nil, toldStorage(err)
	}
	return storage.Acks(stored), nil
}

func writesOf(writes []*runtime.StorageWrite) ([]storage.Write, error) {
	list := make([]storage.Write, len(writes))
	for i, w := range writes {
		o, err := objectID(w.Collection, w.Key, w.UserID)
		if err != nil {
			return nil, err
		}
		list[i] = storage.Write{
			ID: o, Value: w.Value, Version: w.Version, PermissionRead: int32(w.PermissionRead), PermissionWrite: int32(w.PermissionWrite),
		}
		if w.Value == "" {
			return nil, errValue
		}
	}
	return list, nil
}

// toldStorage is told, with the words for values that are no objects.
func toldStorage(err error) error {
	if errors.Is(err, storage.ErrValue) {
		return errValue
	}
	return told(err)
}

const retriesMax = 10

// StorageWriteRetry lets update make its writes of what it reads, again and again while others write as well. The writes of
// objects that were read are for the version that was.
func (m *Module) StorageWriteRetry(ctx context.Context, reads []*runtime.StorageRead, update func([]*api.StorageObject) ([]*runtime.StorageWrite, error), retries int) ([]*api.StorageObjectAck, error) {
	if retries < 0 || retries > retriesMax {
		return nil, fmt.Errorf("expects max retries to be 0-%d", retriesMax)
	}
	for range retries + 1 {
		objects, err := m.StorageRead(ctx, reads)
		if err != nil {
			return nil, err
		}
		writes, err := update(objects)
		if err != nil {
			return nil, err
		}
		acks, err := m.StorageWrite(ctx, versioned(writes, reads, objects))
		if !errors.Is(err, runtime.ErrStorageRejectedVersion) {
			return acks, err
		}
	}
	return nil, runtime.ErrStorageWriteExhaustedRetries
}

// versioned makes writes without a version conditional on what was read of their objects.
func versioned(writes []*runtime.StorageWrite, reads []*runtime.StorageRead, objects []*api.StorageObject) []*runtime.StorageWrite {
	type name struct{ collection, key, user string }
	named := func(collection, key, user string) name {
		if user == "" {
			user = id.UUID{}.String()
		}
		return name{collection, key, user}
	}
	versions := make(map[name]string, len(reads))
	for _, r := range reads {
		versions[named(r.Collection, r.Key, r.UserID)] = storage.MustNotExist
	}
	for _, o := range objects {
		versions[named(o.Collection, o.Key, o.UserId)] = o.Version
	}
	list := make([]*runtime.StorageWrite, len(writes))
	for i, w := range writes {
		one := *w
		if one.Version == "" {
			one.Version = versions[named(one.Collection, one.Key, one.UserID)]
		}
		list[i] = &one
	}
	return list
}

// StorageDelete deletes all objects or none. What does not exist is no mistake, unless it is named with a version.
func (m *Module) StorageDelete(ctx context.Context, deletes []*runtime.StorageDelete) error {
	list, err := deletesOf(deletes)
	if err != nil {
		return err
	}
	return told(m.c.Storage.Delete(ctx, server, list))
}

func deletesOf(deletes []*runtime.StorageDelete) ([]storage.Delete, error) {
	list := make([]storage.Delete, len(deletes))
	for i, d := range deletes {
		o, err := objectID(d.Collection, d.Key, d.UserID)
		if err != nil {
			return nil, err
		}
		list[i] = storage.Delete{ID: o, Version: d.Version}
	}
	return list, nil
}

// StorageIndexList searches an index of objects. With a caller it finds what that user may read.
func (m *Module) StorageIndexList(ctx context.Context, callerID, indexName, query string, limit int, order []string, cursor string) (*api.StorageObjects, string, error) {
	caller, err := onBehalf(callerID, "caller id")
	switch {
	case err != nil:
		return nil, "", err
	case indexName == "":
		return nil, "", errors.New("expects a non-empty indexName")
	case limit < 1 || limit > searchMax:
		return nil, "", fmt.Errorf("limit must be 1-%d", searchMax)
	}
	page, err := m.c.Index.Search(ctx, caller, index.Search{Index: indexName, Query: query, Order: order, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", told(err)
	}
	return &api.StorageObjects{Objects: storage.Messages(page.Objects)}, page.Cursor, nil
}

const searchMax = 10_000 // objects of one search

// MultiUpdate changes profiles, objects and wallets, all or none.
func (m *Module) MultiUpdate(ctx context.Context, accounts []*runtime.AccountUpdate, writes []*runtime.StorageWrite, deletes []*runtime.StorageDelete, wallets []*runtime.WalletUpdate, updateLedger bool) ([]*api.StorageObjectAck, []*runtime.WalletUpdateResult, error) {
	u := unit.Unit{Ledger: updateLedger}
	for _, a := range accounts {
		user, err := parseUser(a.UserID)
		if err != nil {
			return nil, nil, err
		}
		p := unit.Profile{UserID: user}
		if p.Update, err = updateOf(a.Username, a.Metadata, a.DisplayName, a.Timezone, a.Location, a.LangTag, a.AvatarUrl); err != nil {
			return nil, nil, err
		}
		u.Profiles = append(u.Profiles, p)
	}
	var err error
	if u.Writes, err = writesOf(writes); err != nil {
		return nil, nil, err
	}
	if u.Deletes, err = deletesOf(deletes); err != nil {
		return nil, nil, err
	}
	if u.Wallets, err = changesOf(wallets); err != nil {
		return nil, nil, err
	}
	r, err := m.c.Unit.Do(ctx, server, u)
	if err != nil {
		return nil, nil, toldUnit(err)
	}
	return storage.Acks(r.Objects), results(r.Wallets), nil
}

func toldUnit(err error) error {
	var refusal *errs.Error
	if errors.As(err, &refusal) && refusal == storage.ErrValue {
		return errValue
	}
	return toldAccount(err)
}
