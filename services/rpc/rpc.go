// Package rpc holds the functions that a studio's server code offers to clients by name, and the one operation that
// calls them. Every door offers that operation; REST and the socket shape its answers in their own way.
package rpc

import (
	"context"
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
	out, err := f(ctx, c, Request{Payload: in.Payload})
	if err != nil {
		return nil, err
	}
	return &api.Rpc{Id: in.Id, Payload: out}, nil
}
