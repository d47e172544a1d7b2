package gateway_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
	"github.com/skirmishgg/skirmish/services/rpc"
)

var rewrite = flag.Bool("rewrite", false, "append new numbers to testdata/numbers.golden")

func catalogue() *op.Registry {
	r := op.NewRegistry()
	gatewaytest.Register(r, rpc.New(nil))
	r.Seal()
	return r
}

// Operations of the client protocol have the numbers of its index; ours begin here.
const (
	clientCalls = 85
	oursFrom    = 301
)

// TestCallsAreTheProtocols holds names, numbers, credentials, HTTP rules and messages against the protocol's index.
func TestCallsAreTheProtocols(t *testing.T) {
	want := lines(t, "testdata/rpcs.txt")
	var got []string
	names := 0
	for _, e := range catalogue().Entries() {
		if e.Spec.ID > clientCalls {
			continue
		}
		names++
		for _, rule := range e.Spec.HTTP {
			got = append(got, describe(t, e, rule))
		}
	}
	if names != clientCalls || len(want) != 88 {
		t.Errorf("%d operations and %d rules in the index, want %d and 88", names, len(want), clientCalls)
	}
	compare(t, got, want)
}

func describe(t *testing.T, e *op.Entry, rule string) string {
	t.Helper()
	method, path, body, err := op.SplitHTTP(rule)
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		body = "-"
	}
	auth := map[op.Auth]string{op.None: "None", op.ServerKey: "ServerKey", op.Session: "Session", op.HTTPKey: "HTTPKey"}[e.Spec.Auth]
	return fmt.Sprint(e.Spec.ID, " ", e.Spec.Name, " ", auth, " ", method, " ", path, " ", body, " ",
		e.Request.Descriptor().FullName(), " ", e.Response.Descriptor().FullName())
}

// TestMessagesAreTheProtocols holds realtime operations and pushes against the list of all messages and the envelope.
func TestMessagesAreTheProtocols(t *testing.T) {
	r := catalogue()
	clients := 0
	for _, line := range lines(t, "testdata/messages.txt") {
		w := strings.Fields(line)
		number, field, direction, kind, reply := w[0], w[1], w[2], w[3], w[4]
		e := r.OnSocket(field)
		if fromClient := strings.Contains(direction, "C"); fromClient != (e != nil) {
			t.Errorf("%s: direction %s, operation %v", field, direction, e)
			continue
		}
		if e != nil {
			clients++
			checkMessage(t, e, number, kind, reply)
		}
		pushed := slices.ContainsFunc(r.Pushes(), func(p op.Push) bool {
			return p.RT == field && fmt.Sprint(p.ID-100) == number && string(p.Type.Descriptor().FullName()) == kind
		})
		// rpc and pong come from the server as answers only, which the operations declare.
		if fromServer := strings.Contains(direction, "S") && field != "rpc" && field != "pong"; fromServer != pushed {
			t.Errorf("%s: direction %s, declared as push: %t", field, direction, pushed)
		}
	}
	if clients != 29 {
		t.Errorf("clients may send %d messages, want 29", clients)
	}
}

func checkMessage(t *testing.T, e *op.Entry, number, kind, reply string) {
	t.Helper()
	if e.Spec.Name != "RpcFunc" && fmt.Sprint(e.Spec.ID-100) != number {
		t.Errorf("%s has number %d, its field is %s", e.Spec.Name, e.Spec.ID, number)
	}
	if got := string(e.Request.Descriptor().FullName()); got != kind {
		t.Errorf("%s takes %s, want %s", e.Spec.Name, got, kind)
	}
	if e.Spec.Silent != (reply == "none") {
		t.Errorf("%s: reply %q, silent %t", e.Spec.Name, reply, e.Spec.Silent)
	}
	want := protoreflect.FullName("google.protobuf.Empty")
	if reply != "ack" && reply != "none" {
		f := (*rtapi.Envelope)(nil).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(reply))
		if f == nil {
			t.Fatalf("no message %q", reply)
		}
		want = f.Message().FullName()
	}
	if got := e.Response.Descriptor().FullName(); got != want {
		t.Errorf("%s answers %s, want %s", e.Spec.Name, got, want)
	}
}

// TestNumbersNeverChange: native sessions and recorded matches know operations by number. New ones are appended with
// -rewrite; what is in the file stays as it is.
func TestNumbersNeverChange(t *testing.T) {
	const file = "testdata/numbers.golden"
	r := catalogue()
	var now []string
	for _, e := range r.Entries() {
		if e.Spec.ID > clientCalls && e.Spec.ID < oursFrom && e.Spec.RT == "" {
			t.Errorf("%s: number %d is the protocol's", e.Spec.Name, e.Spec.ID)
		}
		now = append(now, fmt.Sprintf("%d operation %s", e.Spec.ID, e.Spec.Name))
	}
	for _, p := range r.Pushes() {
		now = append(now, fmt.Sprintf("%d push %s", p.ID, cmp.Or(p.RT, string(p.Type.Descriptor().Name()))))
	}
	golden := lines(t, file)
	for _, line := range golden {
		if !slices.Contains(now, line) {
			t.Errorf("%q is gone or changed", line)
		}
	}
	if *rewrite && !t.Failed() {
		slices.SortFunc(now, byNumber)
		text := "# Numbers of operations and pushes, permanent. `go test ./services/gateway -run Numbers -rewrite` appends new ones.\n" +
			strings.Join(now, "\n") + "\n"
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, line := range now {
		if !slices.Contains(golden, line) {
			t.Errorf("%q is not in %s yet: -rewrite", line, file)
		}
	}
}

func byNumber(a, b string) int {
	number := func(line string) int {
		n, _ := strconv.Atoi(strings.Fields(line)[0])
		return n
	}
	if d := number(a) - number(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("missing: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("not in the protocol: %s", line)
		}
	}
}

func lines(t *testing.T, file string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}
