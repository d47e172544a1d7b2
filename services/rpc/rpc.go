// Package rpc holds the functions that a studio's server code offers to clients by name, and the one operation that
// calls them. Every door offers that operation; REST and the socket shape its answers in their own way.
package rpc

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/op"
)

// Func is a function that clients may call. Headers and query reach it through Request.
type Func func(ctx context.Context, c op.Caller, r Request) (string, error)

// Request is what a call brings along.
type Request struct {
	Payload string
	Headers map[string][]string // of HTTP and gRPC calls
	Query   map[string][]string // of HTTP calls, without http_key
}

// Called is what a door knows of a call beside its message; With hands it to the function through the context, since
// the message has no room for it.
type Called struct {
	Headers map[string][]string
	Query   map[string][]string
}

type calledKey struct{}

// With is a context for calling RpcFunc with what the door knows.
func With(ctx context.Context, c *Called) context.Context {
	return context.WithValue(ctx, calledKey{}, c)
}

// Failure is the error of a function that ran, told apart from refusals of the call itself. It unwraps to the refusal
// that callers are told: the function's own code and text; Internal and its text when it chose no code, since a
// function's errors are written for its callers.
type Failure struct {
	Refusal *errs.Error
	Cause   error // as the function returned it
}

func (f *Failure) Error() string { return f.Refusal.Message }
func (f *Failure) Unwrap() error { return f.Refusal }

func failure(err error) *Failure {
	var refusal *errs.Error
	if f, ok := err.(*Failure); ok {
		return f // its function knows better what callers are told
	}
	if !errors.As(err, &refusal) {
		refusal = errs.New(errs.Internal, err.Error())
	}
	return &Failure{Refusal: refusal.On(errs.RuntimeFunctionException), Cause: err}
}

// Refusals of every door.
var (
	ErrNoID    = errs.New(errs.InvalidArgument, "RPC ID must be set")
	ErrUnknown = errs.New(errs.NotFound, "RPC function not found").On(errs.RuntimeFunctionNotFound)
)

// Service finds functions by name, in any case of letters.
type Service struct {
	funcs atomic.Pointer[map[string]Func] // read-only once stored; reload swaps it
}

// New offers these functions.
func New(funcs map[string]Func) *Service {
	s := &Service{}
	s.Replace(funcs)
	return s
}

// Replace swaps all functions at once; calls under way finish with the one they began with.
func (s *Service) Replace(funcs map[string]Func) {
	lower := make(map[string]Func, len(funcs))
	for name, f := range funcs {
		lower[strings.ToLower(name)] = f
	}
	s.funcs.Store(&lower)
}

// Find is the function of this name.
// Errors: ErrNoID, ErrUnknown.
func (s *Service) Find(name string) (Func, error) {
	if name == "" {
		return nil, ErrNoID
	}
	if f := (*s.funcs.Load())[strings.ToLower(name)]; f != nil {
		return f, nil
	}
	return nil, ErrUnknown
}

// Register adds RpcFunc to the catalogue.
func (s *Service) Register(r *op.Registry) {
	op.Add(r, op.Spec{
		Name: "RpcFunc", ID: 62, RT: "rpc", Auth: op.HTTPKey,
		HTTP: []string{"POST /v2/rpc/{id} payload", "GET /v2/rpc/{id}"},
	}, s.rpcFunc)
}

func (s *Service) rpcFunc(ctx context.Context, c op.Caller, in *api.Rpc) (*api.Rpc, error) {
	f, err := s.Find(in.Id)
	if err != nil {
		return nil, err
	}
	request := Request{Payload: in.Payload}
	if called, ok := ctx.Value(calledKey{}).(*Called); ok {
		request.Headers, request.Query = called.Headers, called.Query
	}
	out, err := f(ctx, c, request)
	if err != nil {
		return nil, failure(err)
	}
	return &api.Rpc{Id: in.Id, Payload: out}, nil
}
