package gateway_test

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/services/gateway"
	"github.com/skirmishgg/skirmish/services/gateway/gatewaytest"
)

func basic(plain string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(plain)) }

var al = id.UUID{1, 2, 3}

func TestCredentials(t *testing.T) {
	c := gatewaytest.New(t, nil)
	good := "Bearer " + c.Token(t, al, "al", map[string]string{"team": "red"})
	f := func(operation string, authorization []string, httpKey string, want *errs.Error) {
		t.Helper()
		caller, got := c.Caller(c.Registry.Named(operation), authorization, httpKey, "10.0.0.1")
		if got != want {
			t.Errorf("%s with %q, key %q: %v, want %v", operation, authorization, httpKey, got, want)
		}
		if caller.ClientIP != "10.0.0.1" || caller.Node != "test" {
			t.Errorf("%s: caller %+v", operation, caller)
		}
	}
	f("Healthcheck", nil, "", nil)
	f("Healthcheck", []string{"junk"}, "", nil)

	key := basic(gatewaytest.ServerKey + ":")
	f("AuthenticateDevice", []string{key}, "", nil)
	f("AuthenticateDevice", []string{basic(gatewaytest.ServerKey + ":password:more")}, "", nil)
	f("AuthenticateDevice", []string{basic(gatewaytest.ServerKey + ":" + strings.Repeat("x", 500))}, "", nil)
	f("AuthenticateDevice", nil, "", gateway.ErrServerKeyRequired)
	f("AuthenticateDevice", []string{key, key}, "", gateway.ErrServerKeyRequired)
	for _, wrong := range []string{"", "Basic", "Basic ", "basic" + key[5:], good, "Basic !!", basic(gatewaytest.ServerKey), basic("other:"), basic(":"), key + "="} {
		f("AuthenticateDevice", []string{wrong}, "", gateway.ErrServerKeyInvalid)
	}

	f("GetAccount", []string{good}, "", nil)
	f("GetAccount", nil, "", gateway.ErrTokenRequired)
	f("GetAccount", nil, gatewaytest.HTTPKey, gateway.ErrTokenRequired)
	for _, wrong := range []string{"", "Bearer", "Bearer ", "bearer" + good[6:], good + "x", key, "Bearer  " + good[7:]} {
		f("GetAccount", []string{wrong}, "", gateway.ErrTokenInvalid)
	}
	f("GetAccount", []string{good, good}, "", gateway.ErrTokenInvalid)

	f("RpcFunc", []string{good}, "", nil)
	f("RpcFunc", []string{good}, "wrong", nil) // the first one present counts
	f("RpcFunc", nil, gatewaytest.HTTPKey, nil)
	f("RpcFunc", nil, "", gateway.ErrNothingGiven)
	f("RpcFunc", nil, "wrong", gateway.ErrHTTPKeyInvalid)
	f("RpcFunc", []string{"Bearer x"}, gatewaytest.HTTPKey, gateway.ErrTokenInvalid)
	f("RpcFunc", []string{basic(gatewaytest.HTTPKey + ":")}, "", gateway.ErrTokenInvalid)

	caller, _ := c.Caller(c.Registry.Named("GetAccount"), []string{good}, "", "")
	if caller.UserID != al || caller.Username != "al" || !maps.Equal(caller.Vars, map[string]string{"team": "red"}) || caller.Trusted {
		t.Errorf("caller %+v", caller)
	}
	if err := c.Sessions.Logout(t.Context(), al, strings.TrimPrefix(good, "Bearer "), ""); err != nil {
		t.Fatal(err)
	}
	f("GetAccount", []string{good}, "", gateway.ErrTokenInvalid)
}

func TestCredentialsOfHTTPFunctions(t *testing.T) {
	c := gatewaytest.New(t, nil)
	good := "Bearer " + c.Token(t, al, "al", nil)
	f := func(authorization []string, httpKey string, user id.UUID, want *errs.Error) {
		t.Helper()
		caller, got := c.HTTPCaller(authorization, httpKey, "10.0.0.1")
		if got != want || caller.UserID != user {
			t.Errorf("%q, key %q: user %v, %v; want %v, %v", authorization, httpKey, caller.UserID, got, user, want)
		}
	}
	f(nil, "", id.UUID{}, gateway.ErrNothingGiven)
	f(nil, gatewaytest.HTTPKey, id.UUID{}, nil)
	f([]string{good}, gatewaytest.HTTPKey, id.UUID{}, nil) // the key goes first, and names no user
	f([]string{"Bearer expired"}, gatewaytest.HTTPKey, id.UUID{}, nil)
	f([]string{good}, "wrong", id.UUID{}, gateway.ErrHTTPKeyInvalid)
	f([]string{good}, "", al, nil)
	f([]string{basic(gatewaytest.HTTPKey + ":")}, "", id.UUID{}, nil)
	f([]string{basic("wrong:")}, "", id.UUID{}, gateway.ErrHTTPKeyInvalid)
	f([]string{"Basic !!"}, "", id.UUID{}, gateway.ErrTokenInvalid)
	f([]string{"Bearer x"}, "", id.UUID{}, gateway.ErrTokenInvalid)
	f([]string{""}, "", id.UUID{}, gateway.ErrTokenInvalid)
}

func TestNoKeyIsNobodysKey(t *testing.T) {
	c := gatewaytest.New(t, nil)
	c.HTTPKey, c.ServerKey = "", ""
	if _, err := c.HTTPCaller([]string{basic(":")}, "", ""); err != gateway.ErrHTTPKeyInvalid {
		t.Errorf("an empty HTTP key opened the door: %v", err)
	}
	if _, err := c.Caller(c.Registry.Named("AuthenticateDevice"), []string{basic(":")}, "", ""); err != gateway.ErrServerKeyInvalid {
		t.Errorf("an empty server key opened the door: %v", err)
	}
}

func TestCallerOfAKnownTokenAllocatesNothing(t *testing.T) {
	c := gatewaytest.New(t, nil)
	e, authorization := c.Registry.Named("GetAccount"), []string{"Bearer " + c.Token(t, al, "al", nil)}
	remote := "192.0.2.7:4000"
	if n := testing.AllocsPerRun(100, func() {
		if _, err := c.Caller(e, authorization, "", c.ClientIP(remote, nil)); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestClientIP(t *testing.T) {
	f := func(proxies int, remote string, want string, forwarded ...string) {
		t.Helper()
		d := &gateway.Door{ProxyCount: proxies}
		if got := d.ClientIP(remote, forwarded); got != want {
			t.Errorf("%d proxies, %s, %q: %s, want %s", proxies, remote, forwarded, got, want)
		}
	}
	f(1, "192.0.2.1:4000", "192.0.2.1")
	f(1, "[2001:db8::1]:4000", "2001:db8::1")
	f(1, "10.0.0.1:4000", "203.0.113.9", "203.0.113.9")
	f(1, "10.0.0.1:4000", "203.0.113.9", "198.51.100.1, 203.0.113.9") // what stands before is the client's word
	f(2, "10.0.0.1:4000", "198.51.100.1", "198.51.100.1,203.0.113.9")
	f(2, "10.0.0.1:4000", "198.51.100.1", "8.8.8.8, 198.51.100.1", "203.0.113.9")
	f(5, "10.0.0.1:4000", "8.8.8.8", "8.8.8.8, 198.51.100.1", "203.0.113.9")
	f(0, "10.0.0.1:4000", "10.0.0.1", "203.0.113.9")
	f(1, "10.0.0.1:4000", "203.0.113.9", "203.0.113.9:51000")
	f(1, "10.0.0.1:4000", "2001:db8::2", "[2001:db8::2]:51000")
	f(1, "10.0.0.1:4000", "2001:db8::2", "2001:db8::2")
	f(1, "10.0.0.1:4000", "203.0.113.9", "::ffff:203.0.113.9")
	for _, junk := range []string{"", ",", "unknown", "203.0.113.9,", "a, b"} {
		f(1, "192.0.2.1:4000", "192.0.2.1", junk)
	}
	// Nobody from outside speaks for our own network, where there are no limits.
	f(1, "192.0.2.1:4000", "192.0.2.1", "127.0.0.1")
	f(1, "192.0.2.1:4000", "192.0.2.1", "10.1.2.3")
	f(1, "10.0.0.1:4000", "10.1.2.3", "10.1.2.3")
	f(1, "@", "@", "127.0.0.1")
}

func TestTroubleIsLoggedAndNotTold(t *testing.T) {
	c := gatewaytest.New(t, nil)
	e := c.Registry.Named("GetAccount")
	f := func(do op.Call, code errs.Code, text, logged string) {
		t.Helper()
		c.Answer(do)
		before := len(c.Log.String())
		_, got := c.Invoke(t.Context(), e, op.Caller{}, &emptypb.Empty{})
		if got == nil || got.Code != code || got.Message != text {
			t.Errorf("told %v, want %d %q", got, code, text)
		}
		if log := c.Log.String()[before:]; logged == "" != (log == "") || !strings.Contains(log, logged) {
			t.Errorf("logged %q, want %q", log, logged)
		}
	}
	fail := func(err error) op.Call {
		return func(context.Context, op.Caller, proto.Message) (proto.Message, error) { return nil, err }
	}
	const internal = "Internal server error."
	f(fail(errs.New(errs.NotFound, "Account not found.")), errs.NotFound, "Account not found.", "")
	f(fail(errors.New("disk on fire")), errs.Internal, internal, "disk on fire")
	f(fail(errs.Or(errors.New("disk on fire"), errs.New(errs.Unavailable, "Try again."))), errs.Unavailable, "Try again.", "disk on fire")
	f(fail(context.Canceled), errs.Canceled, "The caller went away.", "")
	f(func(context.Context, op.Caller, proto.Message) (proto.Message, error) { panic("oh no") }, errs.Internal, internal, "caller_test.go")
}
