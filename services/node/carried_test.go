package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/netcode/token"
	protoapi "github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
	"github.com/skirmishgg/skirmish/protocol/wire"
	client "github.com/skirmishgg/skirmish/sdk-gen/base/go"
	"github.com/skirmishgg/skirmish/services/connect"
	"github.com/skirmishgg/skirmish/services/match"
)

// inMatch is a person's UDP connection in a relayed or authoritative match.
type inMatch struct {
	*client.CarriedMatch
	*person
	self *rtapi.UserPresence
	mute atomic.Bool // nothing that it sends arrives, as a phone's in a tunnel
}

// tunnel is a transport that can fall silent.
type tunnel struct {
	client.Transport
	mute *atomic.Bool
}

func (m tunnel) Write(pkt []byte, to netip.AddrPort) error {
	if m.mute.Load() {
		return nil
	}
	return m.Transport.Write(pkt, to)
}

func (m tunnel) Wake() { m.Transport.(interface{ Wake() }).Wake() }

// joins opens a UDP connection in a match with a token that the API gave.
func (p *person) joins(matchID string, metadata map[string]string) *inMatch {
	p.t.Helper()
	in := &protoapi.CreateConnectTokenRequest{MatchId: matchID, Metadata: metadata}
	t, err := token.ParseText(p.ask("CreateConnectToken", p.token, in).(*protoapi.ConnectToken).Token)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.opens(t, false)
}

func (p *person) opens(t *token.Connect, lossy bool) *inMatch {
	p.t.Helper()
	c := &inMatch{person: p}
	joined := make(chan *rtapi.Match, 1)
	m, err := client.JoinCarried(p.t.Context(), t, client.CarriedOptions{
		Lossy: lossy,
		Open: func() (client.Transport, error) {
			udp, err := client.UDP()
			return tunnel{udp, &c.mute}, err
		},
		Push: func(e *rtapi.Envelope) {
			if m := e.GetMatch(); m != nil {
				select {
				case joined <- m:
				default:
				}
			}
			p.pushes <- e
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(m.Close)
	c.CarriedMatch, p.end = m, m.Close
	select {
	case match := <-joined:
		c.self = match.Self
	case <-time.After(10 * time.Second):
		p.t.Fatalf("%s was not told of the match", p.name)
	}
	return c
}

func (c *inMatch) session() id.UUID {
	u, _ := id.Parse(c.self.SessionId)
	return u
}

func (c *inMatch) sends(opCode int64, data string, to ...id.UUID) {
	c.t.Helper()
	if err := c.Send(opCode, []byte(data), to...); err != nil {
		c.t.Fatal(err)
	}
}

// ends waits for the end of the connection and holds its reason to one.
func (c *inMatch) ends(why wire.Close) {
	c.t.Helper()
	select {
	case <-c.Done():
	case <-time.After(10 * time.Second):
		c.t.Fatalf("%s's connection goes on", c.name)
	}
	var closed *client.ClosedError
	if !errors.As(c.Err(), &closed) || closed.Reason != why {
		c.t.Fatalf("%s's connection ended with %v, want reason %d", c.name, c.Err(), why)
	}
}

// creates makes a relayed match over a socket and waits for its id.
func (p *person) creates() string {
	p.t.Helper()
	p.do("MatchCreate", &rtapi.MatchCreate{}, nil)
	id := p.told(func(e *rtapi.Envelope) bool { return e.GetMatch() != nil }).GetMatch().MatchId
	p.gets("+" + p.name)
	return id
}

// told waits for a push that is asked for and puts nothing aside but what comes before it.
func (p *person) told(wanted func(*rtapi.Envelope) bool) *rtapi.Envelope {
	p.t.Helper()
	var others []*rtapi.Envelope
	defer func() {
		for _, e := range others {
			p.pushes <- e
		}
	}()
	for timeout := time.After(10 * time.Second); ; {
		select {
		case e := <-p.pushes:
			if wanted(e) {
				return e
			}
			others = append(others, e)
		case <-timeout:
			p.t.Fatalf("%s waits in vain", p.name)
		}
	}
}

// hears is gets with the order: one person at a time speaks.
func (p *person) hears(words ...string) {
	p.t.Helper()
	for _, w := range words {
		p.gets(w)
	}
}

// until waits for something that nobody announces.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); {
		if time.Now().After(end) {
			t.Fatal(what)
		}
		time.Sleep(time.Millisecond)
	}
}

func (n *Node) carriersGone(t *testing.T) {
	t.Helper()
	until(t, "a carrier stays though nobody is in it", func() bool {
		return n.backend.carry.Counters.Carriers.Load() == 0 && n.backend.carry.Counters.Members.Load() == 0 && len(n.directory.List()) == 0
	})
}

// TestRelayedMatchOfEveryKind: a WebSocket, a native session and a UDP match connection are in one relayed match: presences,
// data to all and to some, whatever its size, in order; and the ways out of it.
func TestRelayedMatchOfEveryKind(t *testing.T) {
	for _, driver := range drivers() {
		t.Run(driver, func(t *testing.T) {
			n := startAs(t, "embedded", Config{}, "--udp.driver="+driver, "--udp.port=0")
			ann, ned := signIn(t, n, "ann").socket(codec.JSON), signIn(t, n, "ned").native()
			matchID := ann.creates()
			if len(n.directory.List()) != 0 {
				t.Error("a match without UDP members has a carrier")
			}
			bob := signIn(t, n, "bob").joins(matchID, nil)
			bob.hears("match of 1 for bob", "+bob")
			ann.gets("+bob")
			ned.do("MatchJoin", &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: matchID}}, &rtapi.Match{})
			for _, p := range []*person{ann, bob.person, ned} {
				p.gets("+ned")
			}
			if n.Matches() != nil && len(n.Matches()) != 0 {
				t.Error("a carrier is listed as a match of a game")
			}

			// Everybody hears everybody else.
			say := func(p *person, data string, to ...*rtapi.UserPresence) {
				t.Helper()
				p.do("MatchDataSend", &rtapi.MatchDataSend{MatchId: matchID, OpCode: 7, Data: []byte(data), Presences: to}, nil)
			}
			say(ann, "hi")
			bob.gets("ann>7:hi")
			ned.gets("ann>7:hi")
			bob.sends(-8, "hello")
			ann.gets("bob>-8:hello")
			ned.gets("bob>-8:hello")
			if err := ned.call("MatchDataSend", &rtapi.MatchDataSend{MatchId: matchID, OpCode: 9, Data: []byte("native"), Reliable: true}, &rtapi.Match{}); err != nil {
				t.Errorf("match data over a native session: %v", err)
			}
			ann.gets("ned>9:native")
			bob.gets("ned>9:native")

			// Some only; and itself, if it says so.
			say(ann, "for bob", bob.self)
			say(ann, "for all")
			bob.hears("ann>7:for bob", "ann>7:for all")
			ned.gets("ann>7:for all")
			bob.sends(1, "for me", bob.session())
			bob.gets("bob>1:for me")
			bob.sends(2, "for all")
			ann.gets("bob>2:for all")
			ned.gets("bob>2:for all")

			// Large and small ones keep their order, through a change of sockets.
			var want []string
			for i := range 16 {
				size := []int{3, 60_000, 200, 300}[i%4]
				bob.sends(int64(i), strings.Repeat("x", size))
				if size <= 100 {
					want = append(want, fmt.Sprint("bob>", i, ":xxx"))
				} else {
					want = append(want, fmt.Sprint("bob>", i, ":", size, " bytes of x"))
				}
				if i == 7 {
					bob.Rebind()
				}
			}
			ann.hears(want...)
			ned.hears(want...)
			for range 100 {
				say(ann, strings.Repeat("y", 2000))
				say(ann, "y")
			}
			for range 100 {
				bob.hears("ann>7:2000 bytes of y", "ann>7:y")
			}

			// Another connection of the same user takes the place of the first, and nobody hears of it.
			again := bob.person.joins(matchID, nil)
			bob.ends(wire.CloseReplaced)
			if again.session() != bob.session() {
				t.Errorf("session %v, was %v", again.session(), bob.session())
			}
			again.sends(5, "still here")
			ann.gets("bob>5:still here")

			again.Close()
			ann.gets("-bob")
			n.carriersGone(t)
			ned.end()
			ann.gets("-ned")
		})
	}
}

// carriedGame is an authoritative match that does what it is told by op code.
type carriedGame struct{ match.Handler }

const (
	tellAll = iota + 1
	tellMe
	kickMe
	endIt
	failNow
	sendMuch
)

func (carriedGame) Init(context.Context, map[string]any) (int, string, error) {
	return 60, `{"open":1}`, nil
}

func (carriedGame) JoinAttempt(_ context.Context, _ match.Dispatcher, _ int64, p *match.Presence, metadata map[string]string) (bool, bool, string, error) {
	if p.Username == "bob" && metadata["pass"] != "word" {
		return true, false, "The password, please.", nil
	}
	return true, true, "", nil
}

// Join greets: the message is there before the connection is.
func (carriedGame) Join(_ context.Context, d match.Dispatcher, _ int64, joins []*match.Presence) (bool, error) {
	return true, d.Broadcast(100, []byte("welcome"), joins, nil, true)
}

func (carriedGame) Leave(_ context.Context, d match.Dispatcher, _ int64, leaves []*match.Presence) (bool, error) {
	return true, d.Broadcast(101, []byte(fmt.Sprint(leaves[0].Username, " left for reason ", leaves[0].Reason)), nil, nil, true)
}

func (carriedGame) Loop(_ context.Context, d match.Dispatcher, _ int64, messages []*match.Message) (bool, error) {
	for _, m := range messages {
		me := []*match.Presence{m.Presence}
		switch m.OpCode {
		case tellAll:
			_ = d.Broadcast(m.OpCode, m.Data, nil, m.Presence, m.Reliable)
		case tellMe:
			_ = d.Broadcast(m.OpCode, m.Data, me, nil, m.Reliable)
		case sendMuch:
			_ = d.Broadcast(m.OpCode, []byte(strings.Repeat("z", 200_000)), me, m.Presence, true)
		case kickMe:
			_ = d.Kick(me)
		case endIt:
			_ = d.Broadcast(m.OpCode, []byte("the end"), nil, nil, true)
			return false, nil
		case failNow:
			return true, errors.New("it fails")
		}
	}
	return true, nil
}

func (carriedGame) Terminate(context.Context, match.Dispatcher, int64, int) (bool, error) {
	return true, nil
}
func (carriedGame) State() any { return nil }

// TestWhyAMatchEnded: native sessions are told, and go on unless the handler failed.
func TestWhyAMatchEnded(t *testing.T) {
	n := startAs(t, "embedded", Config{Matches: Handlers{"game": func() match.Handler { return carriedGame{} }}})
	cid := signIn(t, n, "cid").native()
	play := func(opCode int64, want protoapi.MatchEnded_Reason) {
		t.Helper()
		matchID, err := n.CreateMatch(t.Context(), "game", nil)
		if err != nil {
			t.Fatal(err)
		}
		cid.do("MatchJoin", &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: matchID}}, &rtapi.Match{})
		cid.do("MatchDataSend", &rtapi.MatchDataSend{MatchId: matchID, OpCode: opCode}, &emptypb.Empty{})
		if m := <-cid.ended; m.MatchId != matchID || m.Reason != want {
			t.Errorf("told %v, want %v of match %s", m, want, matchID)
		}
	}
	play(endIt, protoapi.MatchEnded_HANDLER)
	play(failNow, protoapi.MatchEnded_FAILED)
	<-cid.over
}

// TestAuthoritativeMatchOfEveryKind: a WebSocket and UDP connections in one authoritative match: the join attempt and its
// metadata, data both ways, a message larger than a stream's, kick, leave, loss, the end.
func TestAuthoritativeMatchOfEveryKind(t *testing.T) {
	n := startAs(t, "embedded", Config{Matches: Handlers{"game": func() match.Handler { return carriedGame{} }}})
	create := func() string {
		t.Helper()
		id, err := n.CreateMatch(t.Context(), "game", nil)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	matchID := create()
	ann, bob := signIn(t, n, "ann").socket(codec.Protobuf), signIn(t, n, "bob")
	join := func(p *person, matchID string) {
		t.Helper()
		p.do("MatchJoin", &rtapi.MatchJoin{Id: &rtapi.MatchJoin_MatchId{MatchId: matchID}}, nil)
		p.gets("match of 0 for ann", "+ann", ">100:welcome")
	}
	join(ann, matchID)
	_, err := newRESTDoor(t, n).call(n.Registry().Named("CreateConnectToken"), bob.token, &protoapi.CreateConnectTokenRequest{MatchId: matchID})
	if e := errs.Of(err); e.Message != "The password, please." || e.Code != errs.PermissionDenied {
		t.Errorf("without the password: %v", err)
	}
	b := bob.joins(matchID, map[string]string{"pass": "word"})
	b.gets("match of 1 for bob", "+bob", ">100:welcome")
	ann.gets("+bob")

	b.sends(tellAll, "from bob")
	b.gets("bob>1:from bob")
	ann.gets("bob>1:from bob")
	b.sends(tellMe, "to myself")
	b.sends(sendMuch, "")
	b.sends(tellMe, "after it")
	b.hears(">2:to myself", "bob>6:200000 bytes of z", ">2:after it")
	ann.do("MatchDataSend", &rtapi.MatchDataSend{MatchId: matchID, OpCode: tellAll, Data: []byte("from ann")}, nil)
	b.gets("ann>1:from ann")
	ann.gets("ann>1:from ann")

	b.sends(kickMe, "")
	b.ends(wire.CloseKicked)
	ann.gets("-bob", ">101:bob left for reason 3")
	n.carriersGone(t)

	b = bob.joins(matchID, map[string]string{"pass": "word"})
	b.gets("match of 1 for bob", "+bob", ">100:welcome")
	ann.gets("+bob")
	b.Close()
	ann.gets("-bob", ">101:bob left for reason 3")

	// A connection that is lost: the token has a short timeout, and the client falls silent.
	b = bob.opens(n.shortToken(t, bob, matchID, map[string]string{"pass": "word"}), false)
	ann.gets("+bob")
	b.mute.Store(true)
	ann.gets("-bob", ">101:bob left for reason 4")
	b.mute.Store(false)
	b.Close()

	drain(bob)
	b = bob.joins(matchID, map[string]string{"pass": "word"})
	b.gets("match of 1 for bob", "+bob", ">100:welcome")
	b.sends(endIt, "")
	b.gets(">4:the end")
	b.ends(wire.CloseMatchEnded)
	n.carriersGone(t)

	b = bob.joins(create(), map[string]string{"pass": "word"})
	b.sends(failNow, "")
	b.ends(wire.CloseMatchError)
	n.carriersGone(t)
}

// drain forgets what a person was told.
func drain(p *person) {
	for len(p.pushes) > 0 {
		<-p.pushes
	}
}

// shortToken is a connect token whose connection is given up after half a second of silence.
func (n *Node) shortToken(t *testing.T, p *person, matchID string, metadata map[string]string) *token.Connect {
	t.Helper()
	user, _ := id.Parse(p.id)
	u, _ := id.Parse(strings.Split(matchID, ".")[0])
	place, ok, err := n.Place(t.Context(), connect.Request{Match: u, ID: matchID, Metadata: metadata}, op.Caller{UserID: user, Username: p.name})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	c, err := token.Mint(&n.keys.Token, token.Private{
		ServerID: n.keys.ServerID, UserID: user, MatchID: place.Match, Shard: place.Shard, Suite: wire.SuiteAES128GCM,
		Timeout: 500 * time.Millisecond, Username: p.name, GameData: place.Data,
	}, token.Options{Schema: place.Schema, Expiry: time.Now().Add(wire.TokenLifetime), Addresses: []netip.AddrPort{n.Addr()}, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTokenNeverUsed: who asks for a place and does not come leaves after the deadline; a token for a place that is gone, or
// of somebody else, opens nothing.
func TestTokenNeverUsed(t *testing.T) {
	n := startAs(t, "embedded", Config{}, "--match.join_marker_deadline_ms=300")
	ann, bob := signIn(t, n, "ann").socket(codec.JSON), signIn(t, n, "bob")
	matchID := ann.creates()
	place := n.shortToken(t, bob, matchID, nil)
	ann.gets("+bob", "-bob")
	n.carriersGone(t)
	if n.backend.carry.Counters.Never.Load() != 1 {
		t.Errorf("%d never came", n.backend.carry.Counters.Never.Load())
	}
	var denied *client.DeniedError
	if _, err := client.JoinCarried(t.Context(), place, client.CarriedOptions{}); !errors.As(err, &denied) || denied.Reason != wire.DenyNoMatch {
		t.Errorf("a place that is gone: %v", err)
	}
	for _, in := range []*protoapi.CreateConnectTokenRequest{
		{MatchId: id.UUID{9}.String() + "."}, {MatchId: id.UUID{9}.String() + ".skirmish"}, {MatchId: id.UUID{9}.String()}, {MatchToken: "no token"},
		{MatchId: matchID, MatchToken: "both"},
	} {
		if _, err := newRESTDoor(t, n).call(n.Registry().Named("CreateConnectToken"), bob.token, in); err == nil {
			t.Errorf("%v is let in", in)
		}
	}
	if n.backend.live.Count() != 1 {
		t.Errorf("%d sessions are live, one socket is", n.backend.live.Count())
	}
	// By the matchmaker's token, into a match that is not there yet.
	ticket, err := n.backend.match.NewToken()
	if err != nil {
		t.Fatal(err)
	}
	out := bob.ask("CreateConnectToken", bob.token, &protoapi.CreateConnectTokenRequest{MatchToken: ticket}).(*protoapi.ConnectToken)
	parsed, err := token.ParseText(out.Token)
	if err != nil || !strings.HasSuffix(out.MatchId, ".") {
		t.Fatal(out.MatchId, err)
	}
	b := bob.opens(parsed, true)
	b.gets("match of 0 for bob", "+bob")
	b.Close()
	n.carriersGone(t)
}

// TestMemberIsBounded: a client that sends more than is taken, and one that does not take what it is sent, are closed with
// overflow; the others play on.
func TestMemberIsBounded(t *testing.T) {
	n := startAs(t, "embedded", Config{})
	ann := signIn(t, n, "ann").socket(codec.JSON)
	matchID := ann.creates()
	bob, eve := signIn(t, n, "bob").joins(matchID, nil), signIn(t, n, "eve").joins(matchID, nil)
	ann.gets("+bob", "+eve")
	bob.gets("match of 1 for bob", "+bob", "+eve")

	// The services stand still: nothing of what eve sends is taken.
	release := make(chan struct{})
	n.Registry().Named("MatchDataSend").SetHook(&op.Hook{Before: func(_ context.Context, c op.Caller, in proto.Message) (proto.Message, error) {
		if c.Username == "eve" {
			<-release
		}
		return in, nil
	}})
	for i := range 700 {
		_ = eve.Send(1, []byte(fmt.Sprint(i))) // until the connection is over
		_ = eve.SendLossy(1, []byte("lossy"))
	}
	eve.ends(wire.CloseOverflow)
	bob.sends(1, "still here")
	ann.gets("bob>1:still here")
	close(release)
	ann.told(func(e *rtapi.Envelope) bool { return told(e) == "-eve" })
	n.Registry().Named("MatchDataSend").SetHook(nil)

	// bob does not listen, which the server does not know yet.
	over := n.backend.carry.Counters.Overflows.Load()
	bob.mute.Store(true)
	sent := 0
	for ; n.backend.carry.Counters.Overflows.Load() == over && sent < 5000; sent++ {
		ann.do("MatchDataSend", &rtapi.MatchDataSend{MatchId: matchID, Data: []byte(strings.Repeat("x", 2500))}, nil)
	}
	if sent == 5000 {
		t.Fatal("12 MB wait for a client")
	}
	ann.told(func(e *rtapi.Envelope) bool { return told(e) == "-bob" })
	n.carriersGone(t)
}

// TestLossyAndResumed: data that may be lost goes both ways; a client whose process is gone takes its connection up again, is
// told of the match anew, and nobody else hears of it.
func TestLossyAndResumed(t *testing.T) {
	n := startAs(t, "embedded", Config{})
	ann := signIn(t, n, "ann").socket(codec.JSON)
	matchID := ann.creates()
	bob := signIn(t, n, "bob")
	b := bob.opens(n.shortToken(t, bob, matchID, nil), true)
	b.gets("match of 1 for bob", "+bob")
	ann.gets("+bob")
	data := func(p *person) *rtapi.MatchData {
		t.Helper()
		return p.told(func(e *rtapi.Envelope) bool { return e.GetMatchData() != nil }).GetMatchData()
	}
	say := func(text string, reliable bool) {
		t.Helper()
		ann.do("MatchDataSend", &rtapi.MatchDataSend{MatchId: matchID, Data: []byte(text), Reliable: reliable}, nil)
	}
	if err := b.SendLossy(3, []byte("quick")); err != nil {
		t.Fatal(err)
	}
	if d := data(ann); string(d.Data) != "quick" || d.Reliable || d.OpCode != 3 || d.Presence.Username != "bob" {
		t.Errorf("%v", d)
	}
	b.sends(4, "sure")
	if d := data(ann); string(d.Data) != "sure" || !d.Reliable {
		t.Errorf("%v", d)
	}
	say("first", true) // introduces ann
	if d := data(bob); string(d.Data) != "first" || !d.Reliable || d.Presence.Username != "ann" {
		t.Errorf("%v", d)
	}
	for _, text := range []string{"quick", strings.Repeat("large", 500)} {
		say(text, false)
		if d := data(bob); string(d.Data) != text || d.Reliable || d.Presence.Username != "ann" || d.MatchId != matchID {
			t.Errorf("%v", d)
		}
	}
	if err := b.SendLossy(1, make([]byte, 2000)); !errors.Is(err, client.ErrTooLarge) {
		t.Errorf("2,000 lossy bytes: %v", err)
	}
	if err := b.Send(1, make([]byte, 70_000)); !errors.Is(err, client.ErrTooLarge) {
		t.Errorf("70,000 bytes: %v", err)
	}

	keep, ok := b.Resumable()
	if !ok {
		t.Fatal("nothing to resume with")
	}
	b.mute.Store(true)
	heard := make(chan *rtapi.Envelope, 100)
	second, err := client.ResumeCarried(t.Context(), keep, client.CarriedOptions{Push: func(e *rtapi.Envelope) { heard <- e }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Close)
	again := &person{t: t, name: "bob again", pushes: heard}
	if m := again.told(func(e *rtapi.Envelope) bool { return e.GetMatch() != nil }).GetMatch(); m.Self.SessionId != b.self.SessionId || m.Size != 2 || len(m.Presences) != 2 {
		t.Errorf("%v", m)
	}
	if err := second.Send(5, []byte("me again")); err != nil {
		t.Fatal(err)
	}
	ann.gets("bob>5:me again")
	say("hello again", true)
	again.gets("ann>0:hello again")
	second.Close()
	ann.gets("-bob")
	n.carriersGone(t)
}
