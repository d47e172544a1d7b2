package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// rest sends one request and reads its JSON answer into out; false when there was no answer of status 200.
func (s *server) rest(method, path, authorization string, in, out any) bool {
	body, err := json.Marshal(in)
	if err != nil {
		return false
	}
	r, err := http.NewRequest(method, s.url(path), bytes.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", authorization)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK && json.NewDecoder(answer.Body).Decode(out) == nil
}

type object struct {
	Collection string `json:"collection"`
	Key        string `json:"key"`
	UserID     string `json:"user_id,omitempty"`
	Value      string `json:"value,omitempty"`
}

// TestKilledDuringLoad: goal, nothing that was acknowledged is lost when the process is killed; method, writers count up
// objects, two in one batch; the server gets SIGKILL in the middle; what it says after a restart is at least what each
// writer was told, and both objects of a batch agree.
func TestKilledDuringLoad(t *testing.T) {
	eachStore(t, func(t *testing.T, s *server) {
		const writers, enough = 16, 400
		var acknowledged [writers]int
		var tokens, users [writers]string
		for w := range writers {
			var session struct{ Token string }
			if !s.rest("POST", "/v2/account/authenticate/device", basic("defaultkey"), map[string]string{"id": fmt.Sprintf("killed-device-%d", w)}, &session) {
				t.Fatal("no session")
			}
			var account struct{ User struct{ ID string } }
			if !s.rest("GET", "/v2/account", "Bearer "+session.Token, nil, &account) {
				t.Fatal("no account")
			}
			tokens[w], users[w] = "Bearer "+session.Token, account.User.ID
		}
		var total atomic.Int64
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() { // ends when the server is gone
				for n := 1; ; n++ {
					value := fmt.Sprintf(`{"n": %d}`, n)
					batch := map[string]any{"objects": []object{{Collection: "kill", Key: "a", Value: value}, {Collection: "kill", Key: "b", Value: value}}}
					var acks struct{ Acks []object }
					if !s.rest("PUT", "/v2/storage", tokens[w], batch, &acks) {
						return
					}
					acknowledged[w] = n
					if total.Add(1) == enough {
						_ = s.cmd.Process.Kill()
					}
				}
			})
		}
		writing.Wait()
		<-s.done
		s.done = make(chan struct{})
		s.run(t, s.args...)
		for w := range writers {
			ask := map[string]any{"object_ids": []object{{Collection: "kill", Key: "a", UserID: users[w]}, {Collection: "kill", Key: "b", UserID: users[w]}}}
			var found struct{ Objects []object }
			if !s.rest("POST", "/v2/storage", tokens[w], ask, &found) || len(found.Objects) != 2 {
				t.Fatalf("writer %d finds %v", w, found)
			}
			var n int
			if _, err := fmt.Sscanf(found.Objects[0].Value, `{"n": %d}`, &n); err != nil || n < acknowledged[w] || n > acknowledged[w]+1 {
				t.Errorf("writer %d was told %d and finds %s", w, acknowledged[w], found.Objects[0].Value)
			}
			if found.Objects[0].Value != found.Objects[1].Value {
				t.Errorf("half a batch: %s and %s", found.Objects[0].Value, found.Objects[1].Value)
			}
		}
	})
}
