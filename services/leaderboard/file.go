package leaderboard

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/skirmishgg/skirmish/persist/store"
)

// ParseDefinitions reads a file of boards: a JSON list of what Definition names. Metadata is a JSON object.
//
//	[{"id": "weekly", "operator": "best", "sort_order": "desc", "reset_schedule": "0 0 * * 1", "enable_ranks": true}]
//
// Errors: what JSON misses, or a field that no definition has.
func ParseDefinitions(text []byte) ([]Definition, error) {
	var list []struct {
		Definition
		Metadata json.RawMessage `json:"metadata"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("definitions of leaderboards: %w", err)
	}
	all := make([]Definition, len(list))
	for i := range list {
		all[i] = list[i].Definition
		all[i].Metadata = store.JSON(list[i].Metadata)
	}
	return all, nil
}
