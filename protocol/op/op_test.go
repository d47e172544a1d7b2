package op

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/skirmishgg/skirmish/protocol/errs"
)

func echo(_ context.Context, c Caller, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	if in.Value == "" {
		return nil, errs.New(errs.InvalidArgument, "Say something.")
	}
	return in, nil
}

func nothing(context.Context, Caller, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func catalogue() *Registry {
	r := NewRegistry()
	Add(r, Spec{Name: "Echo", ID: 1, HTTP: []string{"POST /v2/echo/{value} *"}, RT: "echo", Auth: Session}, echo)
	Add(r, Spec{Name: "Alive", ID: 2}, nothing)
	AddPush[wrapperspb.StringValue](r, "said", 3)
	return r
}

func TestRegistryFindsByNameNumberAndField(t *testing.T) {
	r := catalogue()
	r.Seal()
	e := r.Named("Echo")
	if e == nil || r.Numbered(1) != e || r.OnSocket("echo") != e || r.OnSocket("") != nil || r.Named("None") != nil {
		t.Fatal("an operation is not found where it was registered")
	}
	if r.Entries()[0].Spec.Name != "Alive" || len(r.Pushes()) != 1 {
		t.Error("entries are not sorted by name, or a push is missing")
	}
	if e.Request.Descriptor().FullName() != "google.protobuf.StringValue" {
		t.Errorf("request type %s", e.Request.Descriptor().FullName())
	}
}

func TestRegistryRefusesClashes(t *testing.T) {
	f := func(name string, s Spec) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s was accepted", name)
			}
		}()
		Add(catalogue(), s, nothing)
	}
	f("second name", Spec{Name: "Echo", ID: 9})
	f("second number", Spec{Name: "Other", ID: 1})
	f("number of a push", Spec{Name: "Other", ID: 3})
	f("number zero", Spec{Name: "Other"})
	f("second envelope field", Spec{Name: "Other", ID: 9, RT: "echo"})
	f("broken rule", Spec{Name: "Other", ID: 9, HTTP: []string{"/v2/x"}})
}

func TestPushSharesTheNumberOfItsOwnOperationOnly(t *testing.T) {
	r := catalogue()
	AddPush[wrapperspb.StringValue](r, "echo", 1)
	if got := len(r.Pushes()); got != 2 {
		t.Errorf("%d pushes", got)
	}
	f := func(name string, add func(r *Registry)) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s was accepted", name)
			}
		}()
		add(catalogue())
	}
	f("another field's number", func(r *Registry) { AddPush[wrapperspb.StringValue](r, "said too", 1) })
	f("another message", func(r *Registry) { AddPush[emptypb.Empty](r, "echo", 1) })
	f("a push's number", func(r *Registry) { AddPush[wrapperspb.StringValue](r, "said", 3) })
}

func TestInvokeRunsHooksAroundWrappers(t *testing.T) {
	r := catalogue()
	var order []string
	r.Wrap(func(e *Entry, next Call) Call {
		return func(ctx context.Context, c Caller, in proto.Message) (proto.Message, error) {
			order = append(order, "limit")
			return next(ctx, c, in)
		}
	})
	r.Seal()
	e := r.Named("Echo")
	e.SetHook(&Hook{
		Before: func(_ context.Context, _ Caller, in proto.Message) (proto.Message, error) {
			order = append(order, "before")
			return wrapperspb.String(in.(*wrapperspb.StringValue).Value + "!"), nil
		},
		After: func(_ context.Context, _ Caller, _, out proto.Message) {
			order = append(order, "after "+out.(*wrapperspb.StringValue).Value)
		},
	})
	out, err := e.Invoke(t.Context(), Caller{}, wrapperspb.String("hi"))
	if err != nil || out.(*wrapperspb.StringValue).Value != "hi!" {
		t.Fatalf("Invoke = %v, %v", out, err)
	}
	if len(order) != 3 || order[0] != "before" || order[1] != "limit" || order[2] != "after hi!" {
		t.Errorf("order %q", order)
	}
	e.SetHook(&Hook{Before: func(context.Context, Caller, proto.Message) (proto.Message, error) { return nil, nil }})
	if _, err := e.Invoke(t.Context(), Caller{}, wrapperspb.String("hi")); !errors.Is(err, ErrDisabled) {
		t.Errorf("a disabled operation answered %v", err)
	}
}

func TestInvokeAllocatesNothing(t *testing.T) {
	r := catalogue()
	r.Seal()
	e, ctx, in := r.Named("Echo"), t.Context(), wrapperspb.String("hi")
	if n := testing.AllocsPerRun(100, func() {
		if _, err := e.Invoke(ctx, Caller{}, in); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Invoke allocates %v times", n)
	}
}
