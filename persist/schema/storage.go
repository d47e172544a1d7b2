package schema

import (
	"time"

	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// StorageObject is a JSON object that game code keeps.
type StorageObject struct {
	Collection string     `db:"collection" max:"128"`
	Key        string     `db:"key" max:"128"`
	UserID     id.UUID    `db:"user_id"`
	Value      store.JSON `db:"value"`
	Version    string     `db:"version" max:"32"` // MD5 hex of the value as sent
	Read       int16      `db:"read"`             // 0 nobody, 1 owner, 2 everybody
	Write      int16      `db:"write"`            // 0 nobody, 1 owner
	CreateTime time.Time  `db:"create_time"`
	UpdateTime time.Time  `db:"update_time"`
}

// Storage is all objects.
var Storage = store.NewTable[StorageObject]("storage", "collection,key,user_id",
	store.Ordered("collection", "read", "key", "user_id"),
	store.Ordered("collection", "user_id", "read", "key"),
	store.Ordered("user_id"), store.Cascade(Users, "user_id"),
	store.Checked("read >= 0", func(o *StorageObject) bool { return o.Read >= 0 }),
	store.Checked("write >= 0", func(o *StorageObject) bool { return o.Write >= 0 }))
