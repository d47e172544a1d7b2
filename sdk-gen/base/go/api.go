package skirmish

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	nakama "github.com/heroiclabs/nakama-common/api"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/errs"
)

// API is the server's REST door, for what comes before a connection: signing in, and asking for connect tokens. Any
// goroutine may use it.
type API struct {
	URL       string       // e.g. http://127.0.0.1:7350
	ServerKey string       // "": defaultkey
	HTTP      *http.Client // nil: http.DefaultClient
}

// SignIn signs in by a device id, 10 to 128 bytes; an account is made for one that is new. username "": a random one.
// Errors: *errs.Error, what the server refused it with.
func (a *API) SignIn(ctx context.Context, device, username string) (*nakama.Session, error) {
	session, path := &nakama.Session{}, "/v2/account/authenticate/device"
	if username != "" {
		path += "?username=" + url.QueryEscape(username)
	}
	return session, a.Call(ctx, http.MethodPost, path, "", &nakama.AccountDevice{Id: device}, session)
}

// ConnectToken asks for the token that opens one UDP connection within 30 seconds: to a match, or with match "" for a
// session.
func (a *API) ConnectToken(ctx context.Context, session *nakama.Session, match string) (*token.Connect, error) {
	return a.connect(ctx, session, &api.CreateConnectTokenRequest{MatchId: match})
}

func (a *API) connect(ctx context.Context, session *nakama.Session, in *api.CreateConnectTokenRequest) (*token.Connect, error) {
	var t api.ConnectToken
	if err := a.Call(ctx, http.MethodPost, "/v2/connect", session.Token, in, &t); err != nil {
		return nil, err
	}
	return token.ParseText(t.Token)
}

// MatchToken asks for the token that opens a UDP connection in a relayed or authoritative match, which makes the user a
// member of it. metadata is for the join attempt of an authoritative match's handler.
func (a *API) MatchToken(ctx context.Context, session *nakama.Session, match string, metadata map[string]string) (*token.Connect, error) {
	return a.connect(ctx, session, &api.CreateConnectTokenRequest{MatchId: match, Metadata: metadata})
}

// MatchedToken is MatchToken for who has a matchmaker's token.
func (a *API) MatchedToken(ctx context.Context, session *nakama.Session, matchToken string) (*token.Connect, error) {
	return a.connect(ctx, session, &api.CreateConnectTokenRequest{MatchToken: matchToken})
}

// Call sends any request: path with its query, in as the body. sessionToken "" signs with the server key.
func (a *API) Call(ctx context.Context, method, path, sessionToken string, in, out proto.Message) error {
	body, err := protojson.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if sessionToken != "" {
		r.Header.Set("Authorization", "Bearer "+sessionToken)
	} else {
		key := a.ServerKey
		if key == "" {
			key = "defaultkey"
		}
		r.SetBasicAuth(key, "")
	}
	client := a.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerMax))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		var told struct {
			Code    errs.Code
			Message string
		}
		if json.Unmarshal(text, &told) != nil || told.Code == errs.OK {
			return fmt.Errorf("%s %s answers %s", method, path, answer.Status)
		}
		return errs.New(told.Code, told.Message)
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(text, out)
}

const answerMax = 16 << 20 // bytes of an answer
