package goplug

import (
	"context"
	"database/sql"

	nakama "github.com/heroiclabs/nakama-common/runtime"
	"google.golang.org/protobuf/proto"
)

// Functions of modules around an operation with request Q and answer S. Some have no request, some no answer.
type (
	beforeFunc[Q any]       = func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *Q) (*Q, error)
	beforeNothingFunc       = func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule) error
	afterFunc[S, Q any]     = func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *S, *Q) error
	afterRequestFunc[Q any] = func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *Q) error
	afterAnswerFunc[S any]  = func(context.Context, nakama.Logger, *sql.DB, nakama.NakamaModule, *S) error
	afterNothingFunc        = beforeNothingFunc
)

type message[T any] interface {
	*T
	proto.Message
}

func before[Q any, PQ message[Q]](i *initializer, operation string, f beforeFunc[Q]) error {
	i.builder.Before(operation, func(ctx context.Context, in proto.Message) (proto.Message, error) {
		out, err := f(ctx, i.logger, i.host.DB, i.host.NK, (*Q)(in.(PQ)))
		if out == nil || err != nil {
			return nil, err
		}
		return PQ(out), nil
	})
	return nil
}

func beforeNothing(i *initializer, operation string, f beforeNothingFunc) error {
	i.builder.Before(operation, func(ctx context.Context, in proto.Message) (proto.Message, error) {
		return in, f(ctx, i.logger, i.host.DB, i.host.NK)
	})
	return nil
}

func after[S, Q any, PS message[S], PQ message[Q]](i *initializer, operation string, f afterFunc[S, Q]) error {
	i.builder.After(operation, func(ctx context.Context, out, in proto.Message) error {
		return f(ctx, i.logger, i.host.DB, i.host.NK, (*S)(out.(PS)), (*Q)(in.(PQ)))
	})
	return nil
}

func afterRequest[Q any, PQ message[Q]](i *initializer, operation string, f afterRequestFunc[Q]) error {
	i.builder.After(operation, func(ctx context.Context, _, in proto.Message) error {
		return f(ctx, i.logger, i.host.DB, i.host.NK, (*Q)(in.(PQ)))
	})
	return nil
}

func afterAnswer[S any, PS message[S]](i *initializer, operation string, f afterAnswerFunc[S]) error {
	i.builder.After(operation, func(ctx context.Context, out, _ proto.Message) error {
		return f(ctx, i.logger, i.host.DB, i.host.NK, (*S)(out.(PS)))
	})
	return nil
}

func afterNothing(i *initializer, operation string, f afterNothingFunc) error {
	i.builder.After(operation, func(ctx context.Context, _, _ proto.Message) error {
		return f(ctx, i.logger, i.host.DB, i.host.NK)
	})
	return nil
}
