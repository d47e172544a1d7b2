package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
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

// devices signs new users in.
func (s *server) devices(t *testing.T, prefix string, count int) (tokens, users []string) {
	t.Helper()
	for n := range count {
		var session struct{ Token string }
		if !s.rest("POST", "/v2/account/authenticate/device", basic("defaultkey"), map[string]string{"id": fmt.Sprintf("%s-device-%d", prefix, n)}, &session) {
			t.Fatal("no session")
		}
		var account struct{ User struct{ ID string } }
		if !s.rest("GET", "/v2/account", "Bearer "+session.Token, nil, &account) {
			t.Fatal("no account")
		}
		tokens, users = append(tokens, "Bearer "+session.Token), append(users, account.User.ID)
	}
	return tokens, users
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
		tokens, users := s.devices(t, "killed", writers)
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

// TestRanksAfterKill: goal, scores and ranks agree with each other and with every acknowledged submission when the process
// is killed under load; method, players add up points, each at his own pace, until SIGKILL; after a restart each has at
// least what he was told, the board is in order, and every rank is the place in it.
func TestRanksAfterKill(t *testing.T) {
	type record struct {
		Owner string `json:"owner_id"`
		Score int64  `json:"score,string"`
		Count int    `json:"num_score"`
		Rank  int    `json:"rank,string"`
	}
	eachStore(t, func(t *testing.T, s *server) {
		const players, enough = 16, 400
		tokens, users := s.devices(t, "ranked", players)
		var acknowledged [players]int
		var total atomic.Int64
		var playing sync.WaitGroup
		for p := range players {
			playing.Go(func() { // ends when the server is gone
				for n := 1; ; n++ {
					var r record
					if !s.rest("POST", "/v2/leaderboard/killed", tokens[p], map[string]any{"score": p + 1}, &r) {
						return
					}
					if r.Count != n || r.Score != int64(n*(p+1)) || r.Rank < 1 || r.Rank > players {
						t.Errorf("submission %d of player %d gives %+v", n, p, r)
					}
					acknowledged[p] = n
					if total.Add(1) == enough {
						_ = s.cmd.Process.Kill()
					}
				}
			})
		}
		playing.Wait()
		<-s.done
		s.done = make(chan struct{})
		s.run(t, s.args...)

		var board struct {
			Records []record
			Owners  []record `json:"owner_records"`
			Count   int      `json:"rank_count,string"`
		}
		path := "/v2/leaderboard/killed?limit=100&owner_ids=" + strings.Join(users, "&owner_ids=")
		if !s.rest("GET", path, tokens[0], nil, &board) || len(board.Records) > players || board.Count != len(board.Records) {
			t.Fatalf("the board is %+v", board)
		}
		if !slices.Equal(board.Records, board.Owners) {
			t.Errorf("places %+v\nranks %+v", board.Records, board.Owners)
		}
		inOrder := func(a, b record) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Owner, a.Owner)) }
		if !slices.IsSortedFunc(board.Records, inOrder) {
			t.Errorf("out of order: %+v", board.Records)
		}
		kept := map[string]record{}
		for _, r := range board.Records {
			kept[r.Owner] = r
		}
		for p, user := range users {
			r := kept[user]
			if r.Count < acknowledged[p] || r.Count > acknowledged[p]+1 || r.Score != int64(r.Count*(p+1)) {
				t.Errorf("player %d was told of %d submissions and has %+v", p, acknowledged[p], r)
			}
		}
	})
}
