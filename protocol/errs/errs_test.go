package errs

import (
	"errors"
	"fmt"
	"testing"
)

func TestTable(t *testing.T) {
	f := func(c Code, http int, rt Realtime) {
		t.Helper()
		if c.HTTP() != http || c.Realtime() != rt {
			t.Errorf("code %d: HTTP %d rt %d, want %d %d", c, c.HTTP(), c.Realtime(), http, rt)
		}
	}
	f(OK, 200, BadInput)
	f(InvalidArgument, 400, BadInput)
	f(NotFound, 404, BadInput)
	f(Unimplemented, 501, BadInput)
	f(Internal, 500, RuntimeException)
	f(Unavailable, 503, RuntimeException)
	f(Unauthenticated, 401, BadInput)
	f(Code(1234), 500, BadInput)
}

func TestOf(t *testing.T) {
	notFound := New(NotFound, "Group not found.")
	if got := Of(fmt.Errorf("load group: %w", notFound)); got != notFound {
		t.Errorf("a wrapped refusal is %v", got)
	}
	if got := Of(errors.New("connection to 10.0.0.3 lost")); got.Code != Internal || got.Message != "Internal server error." {
		t.Errorf("trouble from below leaks: %v", got)
	}
	if Of(nil) != nil {
		t.Error("no error became a refusal")
	}
	if got := notFound.On(MatchNotFound).Realtime(); got != MatchNotFound {
		t.Errorf("On: %d", got)
	}
}

func TestOr(t *testing.T) {
	told, refusal, trouble := New(Internal, "It failed."), New(NotFound, "Nothing there."), errors.New("disk")
	if err := Or(trouble, told); Of(err) != told || !errors.Is(err, trouble) {
		t.Errorf("trouble became %v", err)
	}
	if wrapped := fmt.Errorf("look: %w", refusal); Or(wrapped, told) != wrapped || Or(nil, told) != nil {
		t.Error("a refusal, or nothing, was replaced")
	}
}

func TestAfter(t *testing.T) {
	busy := New(ResourceExhausted, "Later.")
	later := busy.On(MatchNotFound).After(7)
	if later.RetryAfter != 7 || later.Realtime() != MatchNotFound || !errors.Is(later, busy) || busy.RetryAfter != 0 {
		t.Errorf("After: %+v", later)
	}
}
