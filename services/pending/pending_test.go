package pending

import (
	"errors"
	"testing"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
)

func TestPendingOperationsSaySo(t *testing.T) {
	r := op.NewRegistry()
	Register(r)
	r.Seal()
	for _, e := range r.Entries() {
		want := errs.New(errs.Unimplemented, e.Spec.Name+" is not available on this server yet.")
		if out, err := e.Invoke(t.Context(), op.Caller{}, e.Request.New().Interface()); out != nil || !errors.Is(err, want) {
			t.Errorf("%s: %v, %v", e.Spec.Name, out, err)
		}
	}
}
