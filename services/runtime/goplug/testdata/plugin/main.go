// The module as a plugin.
package main

import (
	"context"
	"database/sql"

	"github.com/heroiclabs/nakama-common/runtime"

	"github.com/skirmishgg/skirmish/services/runtime/goplug/testdata/sample"
)

// InitModule is what the server looks for.
func InitModule(ctx context.Context, logger runtime.Logger, db *sql.DB, nk runtime.NakamaModule, initializer runtime.Initializer) error {
	return sample.InitModule(ctx, logger, db, nk, initializer)
}
