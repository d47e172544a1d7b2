package schema

import (
	"github.com/skirmishgg/skirmish/persist/store"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// Seed puts the rows that every store has from the start: the system user, who owns what belongs to nobody. On
// PostgreSQL the migrations have done it; it may run again.
func Seed(tx store.Tx) error {
	_, ok, err := store.Get(tx, Users, id.UUID{})
	if err != nil || ok {
		return err
	}
	now := tx.Now()
	return store.Put(tx, Users, &User{LangTag: "en", Metadata: "{}", Wallet: "{}", CreateTime: now, UpdateTime: now, VerifyTime: Epoch, DisableTime: Epoch})
}
