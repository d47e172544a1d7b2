package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/op"
)

var opRow = Row{
	Name: "invoke_ns",
	Doc:  "the catalogue's own cost of a call, with its allocations; and one storage object list, 10 objects, written and read by each codec",
	Aim:  "no allocation of Invoke's own",
	run:  runOp,
}

func runOp(e *env) error {
	r := op.NewRegistry()
	answer := &emptypb.Empty{}
	op.Add(r, op.Spec{Name: "Nothing", ID: 1}, func(context.Context, op.Caller, *emptypb.Empty) (*emptypb.Empty, error) { return answer, nil })
	r.Seal()
	entry, ctx := r.Named("Nothing"), context.Background()
	var ns, allocs []float64
	for range e.o.Runs {
		each, made, err := e.loop(func() error {
			_, err := entry.Invoke(ctx, op.Caller{}, answer)
			return err
		})
		if err != nil {
			return err
		}
		ns, allocs = append(ns, each), append(allocs, made)
	}
	e.add(measured("invoke_ns", "ns", ns))
	a := measured("invoke_allocs", "", allocs)
	e.add(a.aimed("0", a.Max < 0.01).noted("objects a call"))
	return e.codecs()
}

func (e *env) codecs() error {
	list := &api.StorageObjects{}
	for i := range 10 {
		list.Objects = append(list.Objects, &api.StorageObject{
			Collection: "saves", Key: fmt.Sprint("slot", i), UserId: "4d2a4a39-1a04-4ea7-a05c-ee0ea77e9ba6", Value: `{"coins": 25, "level": 7, "items": ["sword", "shield"]}`,
			Version: "0123456789abcdef0123456789abcdef", PermissionRead: 1, PermissionWrite: 1, CreateTime: timestamppb.New(time.Unix(1.7e9, 0)), UpdateTime: timestamppb.New(time.Unix(1.7e9, 0)),
		})
	}
	for _, f := range []struct {
		format codec.Format
		name   string
	}{{codec.JSON, "json"}, {codec.Protobuf, "protobuf"}, {codec.FlatBuffers, "flatbuffers"}} {
		var write, read []float64
		buf, err := codec.Append(nil, f.format, list)
		if err != nil {
			return err
		}
		bytes := len(buf)
		for range e.o.Runs {
			each, _, err := e.loop(func() (err error) {
				buf, err = codec.Append(buf[:0], f.format, list)
				return err
			})
			if err != nil {
				return err
			}
			write = append(write, each)
			if each, _, err = e.loop(func() error {
				var into proto.Message = &api.StorageObjects{}
				return codec.Decode(f.format, buf, into)
			}); err != nil {
				return err
			}
			read = append(read, each)
		}
		e.add(measured("codec_ns_"+f.name+"_write", "ns", write).noted("10 storage objects, %d B", bytes))
		e.add(measured("codec_ns_"+f.name+"_read", "ns", read))
	}
	return nil
}

// loop calls f for a tenth of a window: nanoseconds and allocations of one call.
func (e *env) loop(f func() error) (ns, allocs float64, err error) {
	const batch = 64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, calls := time.Now(), 0
	for end := start.Add(e.o.Window / 10); time.Now().Before(end); calls += batch {
		for range batch {
			if err := f(); err != nil {
				return 0, 0, err
			}
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return float64(took.Nanoseconds()) / float64(calls), float64(after.Mallocs-before.Mallocs) / float64(calls), nil
}
