package node

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// TestStopWithOpenConnections: a connection that has not said a word does not hold the stop up, and a call under way is
// answered.
func TestStopWithOpenConnections(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	n := startWith(t, "embedded", nil, map[string]rpc.Func{
		"slow": func(context.Context, op.Caller, rpc.Request) (string, error) {
			close(entered)
			<-leave
			return "done", nil
		},
	}, "--runtime.http_key=k")
	mute, err := net.Dial("tcp", n.HTTPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	answer := make(chan error, 1)
	go func() { // ends with the answer. It is accepted after mute, so the server knows both
		r, err := http.Post("http://"+n.HTTPAddr().String()+"/v2/rpc/slow?http_key=k&unwrap", "application/json", strings.NewReader("{}"))
		if err == nil {
			var body []byte
			if body, err = io.ReadAll(r.Body); err == nil && string(body) != "done" {
				err = errors.New(r.Status + " " + string(body))
			}
			r.Body.Close()
		}
		answer <- err
	}()
	select {
	case <-entered:
	case err := <-answer:
		t.Fatal("the call was not taken: ", err)
	}

	began, stopped := time.Now(), make(chan error, 1)
	go func() { stopped <- n.Stop(t.Context()) }() // ends when the call has ended
	if _, err := mute.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the silent connection reads %v", err)
	}
	close(leave)
	if err := <-answer; err != nil {
		t.Errorf("the call under way: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 4*time.Second { // http's five would show
		t.Errorf("the stop took %v", took)
	}
}
