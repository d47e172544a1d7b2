package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/services/rpc"
)

// function answers /v2/rpc/{id}, whose rules are older than the other routes': the id may hold slashes, the key of
// server-to-server calls may stand in the query, the body is a JSON string or, unwrapped, anything; failures have a
// third field. Order of checks: method, credentials, id, body.
func (x *exchange) function(id string) {
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodPost {
		x.refuse(errMethod)
		return
	}
	door, entry := x.h.c.Door, x.h.rpc
	query, _ := url.ParseQuery(x.r.URL.RawQuery) // what is malformed is left out
	caller, refusal := door.HTTPCaller(x.r.Header["Authorization"], query.Get("http_key"), x.clientIP(door))
	if refusal != nil {
		x.refuseFunction(refusal)
		return
	}
	caller.Host, caller.ClientPort = x.r.Host, door.ClientPort(x.r.RemoteAddr, x.r.Header["X-Forwarded-For"])
	if _, err := x.h.c.RPC.Find(id); err != nil {
		x.refuseFunction(errs.Of(err))
		return
	}
	_, unwrap := query["unwrap"]
	payload, refusal := x.payload(unwrap)
	if refusal != nil {
		x.refuseFunction(refusal)
		return
	}
	delete(query, "http_key")
	headers := x.r.Header
	if headers["Grpc-Timeout"] != nil { // meant for proxies
		headers = headers.Clone()
		delete(headers, "Grpc-Timeout")
	}
	ctx := rpc.With(x.r.Context(), &rpc.Called{Headers: headers, Query: query})
	out, err := door.Call(ctx, entry, caller, &api.Rpc{Id: id, Payload: payload})
	if err != nil {
		x.failFunction(err, door.Refusal(entry, caller, err))
		return
	}
	x.answerFunction(out.(*api.Rpc).GetPayload(), unwrap)
}

// payload is what the function gets. GET has none: what is in the query reaches it as query only.
func (x *exchange) payload(unwrap bool) (string, *errs.Error) {
	if x.r.Method == http.MethodGet {
		return "", nil
	}
	c := x.read()
	if c.cut != nil {
		return "", c.cut
	}
	if unwrap || len(c.data) == 0 {
		return string(c.data), nil
	}
	var payload string
	if err := json.Unmarshal(c.data, &payload); err != nil {
		return "", errs.New(errs.InvalidArgument, err.Error())
	}
	return payload, nil
}

func (x *exchange) answerFunction(payload string, unwrap bool) {
	if !unwrap {
		x.out = append(appendText(append(x.out[:0], `{"payload":`...), payload), '}')
		x.answer(http.StatusOK, x.out)
		return
	}
	contentType := plainType
	if sent := x.r.Header["Content-Type"]; len(sent) > 0 {
		contentType = sent[:1]
	}
	x.out = append(x.out[:0], payload...)
	x.answerAs(contentType, http.StatusOK, x.out)
}

// refuseFunction tells of a call that did not reach the function: the text twice and the code.
func (x *exchange) refuseFunction(e *errs.Error) {
	if e == errBodyTooLarge {
		x.refuse(e) // the one failure here in the shape of the other routes
		return
	}
	x.failed(e)
	x.out = append(x.out[:0], `{"error":`...)
	x.out = appendText(x.out, e.Message)
	x.out = append(x.out, `,"message":`...)
	x.out = appendText(x.out, e.Message)
	x.out = append(x.out, `,"code":`...)
	x.out = append(strconv.AppendUint(x.out, uint64(e.Code), 10), '}')
	x.answer(e.Code.HTTP(), x.out)
}

// failFunction tells of an error that the function itself returned: with it as an object.
func (x *exchange) failFunction(err error, e *errs.Error) {
	var failure *rpc.Failure
	if !errors.As(err, &failure) {
		x.refuseFunction(e)
		return
	}
	x.failed(e)
	x.out = append(x.out[:0], `{"code":`...)
	x.out = strconv.AppendUint(x.out, uint64(e.Code), 10)
	x.out = append(x.out, `,"error":`...)
	x.out = append(x.out, errorObject(failure.Cause)...)
	x.out = append(x.out, `,"message":`...)
	x.out = append(appendText(x.out, e.Message), '}')
	x.answer(e.Code.HTTP(), x.out)
}

// errorObject is the JSON of an error: what its exported fields say, an empty object when there are none.
func errorObject(err error) []byte {
	if refusal, ok := err.(*errs.Error); ok {
		text, _ := json.Marshal(struct {
			Message string
			Code    errs.Code
		}{refusal.Message, refusal.Code})
		return text
	}
	if text, err := json.Marshal(err); err == nil && strings.HasPrefix(string(text), "{") {
		return text
	}
	return []byte("{}")
}
