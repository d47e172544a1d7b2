package rpc

import (
	"context"
	"errors"
	"testing"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
)

func text(answer string) Func {
	return func(context.Context, op.Caller, Request) (string, error) { return answer, nil }
}

func fail(err error) Func {
	return func(context.Context, op.Caller, Request) (string, error) { return "", err }
}

func TestCall(t *testing.T) {
	plain, coded := errors.New("plain trouble"), errs.New(1234, "own code").After(5)
	s := New(map[string]Func{
		"Hello": text("hi"), "plain": fail(plain), "coded": fail(coded),
		"headers": func(_ context.Context, _ op.Caller, r Request) (string, error) {
			return r.Payload + r.Headers["h"][0] + r.Query["q"][0], nil
		},
	})
	r := op.NewRegistry()
	s.Register(r)
	r.Seal()
	ctx := With(t.Context(), &Called{Headers: map[string][]string{"h": {"H"}}, Query: map[string][]string{"q": {"Q"}}})
	f := func(id, want string, wantErr error) *Failure {
		t.Helper()
		out, err := r.Named("RpcFunc").Invoke(ctx, op.Caller{}, &api.Rpc{Id: id, Payload: "p"})
		if !errors.Is(err, wantErr) || (err == nil && (out.(*api.Rpc).Payload != want || out.(*api.Rpc).Id != id)) {
			t.Errorf("%s: %v, %v; want %q, %v", id, out, err, want, wantErr)
		}
		var failure *Failure
		errors.As(err, &failure)
		return failure
	}
	f("Hello", "hi", nil)
	f("hELLO", "hi", nil)
	f("headers", "pHQ", nil)
	if f("", "", ErrNoID) != nil || f("nope", "", ErrUnknown) != nil {
		t.Error("a call that reached no function is told as a function's failure")
	}
	failed := func(got *Failure, cause error, code errs.Code, retry int) {
		t.Helper()
		if got == nil || got.Cause != cause || got.Refusal.Code != code || got.Refusal.RetryAfter != retry ||
			got.Refusal.Realtime() != errs.RuntimeFunctionException {
			t.Errorf("failure %+v", got)
		}
	}
	failed(f("plain", "", errs.New(errs.Internal, "plain trouble")), plain, errs.Internal, 0)
	failed(f("coded", "", coded), coded, 1234, 5)

	s.Replace(map[string]Func{"new": text("new")})
	f("new", "new", nil)
	f("Hello", "", ErrUnknown)
}
