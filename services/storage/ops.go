package storage

import (
	"context"
	"errors"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/account"
)

// Refusals of list requests.
var (
	ErrUserID = errs.New(errs.InvalidArgument, "Invalid user ID - make sure user ID is a valid UUID.")
	ErrLimit  = errs.New(errs.InvalidArgument, "Invalid limit - limit must be between 1 and 100.")
)

// What a client is told of trouble from below.
var (
	errWriting  = errs.New(errs.Internal, "Error writing storage objects.")
	errReading  = errs.New(errs.Internal, "Error reading storage objects.")
	errListing  = errs.New(errs.Internal, "Error listing storage objects.")
	errDeleting = errs.New(errs.Internal, "Error deleting storage objects.")
)

// Register adds the storage operations to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{Name: "DeleteStorageObjects", ID: 20, HTTP: []string{"PUT /v2/storage/delete *"}, Auth: op.Session}, s.deleteObjects)
	op.Add(r, op.Spec{Name: "ListStorageObjects", ID: 54, Auth: op.Session,
		HTTP: []string{"GET /v2/storage/{collection}", "GET /v2/storage/{collection}/{user_id}"}}, s.listObjects)
	op.Add(r, op.Spec{Name: "ReadStorageObjects", ID: 61, HTTP: []string{"POST /v2/storage *"}, Auth: op.Session}, s.readObjects)
	op.Add(r, op.Spec{Name: "WriteStorageObjects", ID: 84, HTTP: []string{"PUT /v2/storage *"}, Auth: op.Session}, s.writeObjects)
}

func (s *Service) writeObjects(ctx context.Context, c op.Caller, in *api.WriteStorageObjectsRequest) (*api.StorageObjectAcks, error) {
	writes := make([]Write, 0, len(in.Objects))
	for _, o := range in.Objects {
		writes = append(writes, writeOf(c, o))
	}
	stored, err := s.Write(ctx, c, writes)
	var missing *store.ReferenceError
	switch {
	case errors.As(err, &missing): // the token has outlived its account
		return nil, account.ErrNotFound
	case err != nil:
		return nil, errs.Or(err, errWriting)
	}
	return &api.StorageObjectAcks{Acks: Acks(stored)}, nil
}

// Acks are written objects as their writer is told of them.
func Acks(stored []Object) []*api.StorageObjectAck {
	acks := make([]*api.StorageObjectAck, len(stored))
	for i := range stored {
		o := &stored[i]
		acks[i] = &api.StorageObjectAck{Collection: o.Collection, Key: o.Key, Version: o.Version, UserId: o.UserID.String(),
			CreateTime: timestamppb.New(o.CreateTime), UpdateTime: timestamppb.New(o.UpdateTime)}
	}
	return acks
}

func writeOf(c op.Caller, o *api.WriteStorageObject) Write {
	w := Write{ID: ID{o.GetCollection(), o.GetKey(), c.UserID}, Value: o.GetValue(), Version: o.GetVersion(), PermissionRead: OwnerRead, PermissionWrite: OwnerWrite}
	if o.GetPermissionRead() != nil {
		w.PermissionRead = o.PermissionRead.Value
	}
	if o.GetPermissionWrite() != nil {
		w.PermissionWrite = o.PermissionWrite.Value
	}
	return w
}

func (s *Service) readObjects(ctx context.Context, c op.Caller, in *api.ReadStorageObjectsRequest) (*api.StorageObjects, error) {
	ids := make([]ID, 0, len(in.ObjectIds))
	for _, o := range in.ObjectIds {
		one := ID{Collection: o.GetCollection(), Key: o.GetKey()}
		if err := checkName(one); err != nil {
			return nil, err
		}
		if text := o.GetUserId(); text != "" {
			user, err := id.Parse(text)
			if err != nil || user.IsZero() {
				return nil, ErrUserID
			}
			one.UserID = user
		}
		ids = append(ids, one)
	}
	objects, err := s.Read(ctx, c, ids)
	if err != nil {
		return nil, errs.Or(err, errReading)
	}
	return &api.StorageObjects{Objects: Messages(objects)}, nil
}

func (s *Service) listObjects(ctx context.Context, c op.Caller, in *api.ListStorageObjectsRequest) (*api.StorageObjectList, error) {
	l := Listing{Collection: in.Collection, Limit: 1, Cursor: in.Cursor}
	if in.Limit != nil {
		if in.Limit.Value < 1 || in.Limit.Value > 100 {
			return nil, ErrLimit
		}
		l.Limit = int(in.Limit.Value)
	}
	if in.UserId != "" {
		owner, err := id.Parse(in.UserId)
		if err != nil {
			return nil, ErrUserID
		}
		l.Owner = &owner
	}
	page, err := s.List(ctx, c, l)
	if err != nil {
		return nil, errs.Or(err, errListing)
	}
	return &api.StorageObjectList{Objects: Messages(page.Objects), Cursor: page.Cursor}, nil
}

func (s *Service) deleteObjects(ctx context.Context, c op.Caller, in *api.DeleteStorageObjectsRequest) (*emptypb.Empty, error) {
	deletes := make([]Delete, 0, len(in.ObjectIds))
	for _, o := range in.ObjectIds {
		deletes = append(deletes, Delete{ID{o.GetCollection(), o.GetKey(), c.UserID}, o.GetVersion()})
	}
	if err := s.Delete(ctx, c, deletes); err != nil {
		return nil, errs.Or(err, errDeleting)
	}
	return &emptypb.Empty{}, nil
}

// Messages are objects as reads and listings show them.
func Messages(objects []*Object) []*api.StorageObject {
	out := make([]*api.StorageObject, len(objects))
	for i, o := range objects {
		out[i] = &api.StorageObject{Collection: o.Collection, Key: o.Key, UserId: o.UserID.String(), Value: string(o.Value), Version: o.Version,
			PermissionRead: int32(o.Read), PermissionWrite: int32(o.Write),
			CreateTime: timestamppb.New(wholeSeconds(o.CreateTime)), UpdateTime: timestamppb.New(wholeSeconds(o.UpdateTime))}
	}
	return out
}
