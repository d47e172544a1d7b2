package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/rtapi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/skirmishgg/skirmish/netcode/token"
	protoapi "github.com/skirmishgg/skirmish/protocol/api"
	"github.com/skirmishgg/skirmish/protocol/codec"
	client "github.com/skirmishgg/skirmish/sdk-gen/base/go"
)

// person is a user with one realtime session, over whatever carries it, and what came over it unasked.
type person struct {
	t        *testing.T
	n        *Node
	name, id string
	token    string
	call     func(name string, in, out proto.Message) error
	end      func()
	pushes   chan *rtapi.Envelope
	ended    chan *protoapi.MatchEnded // these two of a native session
	over     <-chan struct{}
}

// signIn makes a user over REST.
func signIn(t *testing.T, n *Node, name string) *person {
	t.Helper()
	p := &person{t: t, n: n, name: name, pushes: make(chan *rtapi.Envelope, 1000), ended: make(chan *protoapi.MatchEnded, 10)}
	p.token = p.ask("AuthenticateDevice", "key", &api.AuthenticateDeviceRequest{Account: &api.AccountDevice{Id: "a-device-of-" + name}, Username: name}).(*api.Session).Token
	p.id = p.ask("GetAccount", p.token, &emptypb.Empty{}).(*api.Account).User.Id
	return p
}

// ask is a call over REST.
func (p *person) ask(name, token string, in proto.Message) proto.Message {
	p.t.Helper()
	out, err := newRESTDoor(p.t, p.n).call(p.n.Registry().Named(name), token, in)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// native opens a session over UDP.
func (p *person) native() *person {
	p.t.Helper()
	text := p.ask("CreateConnectToken", p.token, &protoapi.CreateConnectTokenRequest{}).(*protoapi.ConnectToken).Token
	ticket, err := token.ParseText(text)
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := client.OpenSessionWith(p.t.Context(), ticket, client.SessionOptions{
		Push: func(m *rtapi.Envelope) { p.pushes <- m }, MatchEnded: func(m *protoapi.MatchEnded) { p.ended <- m },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(s.Close)
	p.end = s.Close
	p.over = s.Done()
	p.call = func(name string, in, out proto.Message) error {
		return s.Call(p.t.Context(), p.n.Registry().Named(name).Spec.ID, in, out)
	}
	return p
}

// socket opens a WebSocket. Only its pushes are read: what it says itself goes without an answer.
func (p *person) socket(f codec.Format) *person {
	p.t.Helper()
	d := newSocketDoor(f)(p.t, p.n).(*socketDoor)
	conn, err := d.socket(p.token)
	if err != nil {
		p.t.Fatal(err)
	}
	p.end = func() { conn.(interface{ Close() error }).Close() }
	go func() { // ends with the connection
		for {
			raw, _, err := wsutil.ReadServerData(conn)
			if err != nil {
				return
			}
			m := &rtapi.Envelope{}
			if err := codec.Decode(f, raw, m); err != nil {
				p.t.Error(err)
				return
			}
			p.pushes <- m
		}
	}()
	p.call = func(name string, in, _ proto.Message) error {
		request := &rtapi.Envelope{}
		field := p.n.Registry().Named(name).Spec.RT
		m := request.ProtoReflect()
		m.Set(m.Descriptor().Fields().ByName(protoreflect.Name(field)), protoreflect.ValueOfMessage(in.ProtoReflect()))
		raw, err := codec.Append(nil, f, request)
		if err != nil {
			return err
		}
		return wsutil.WriteClientMessage(conn, map[codec.Format]ws.OpCode{codec.JSON: ws.OpText, codec.Protobuf: ws.OpBinary}[f], raw)
	}
	return p
}

func (p *person) do(name string, in, out proto.Message) {
	p.t.Helper()
	if err := p.call(name, in, out); err != nil {
		p.t.Fatalf("%s of %s: %v", name, p.name, err)
	}
}

// told puts a push into words: +name, -name, name:code:content, !code; "" for answers.
func told(m *rtapi.Envelope) string {
	switch m := m.Message.(type) {
	case *rtapi.Envelope_ChannelPresenceEvent:
		for _, u := range m.ChannelPresenceEvent.Joins {
			return "+" + u.Username
		}
		for _, u := range m.ChannelPresenceEvent.Leaves {
			return "-" + u.Username
		}
	case *rtapi.Envelope_ChannelMessage:
		return fmt.Sprint(m.ChannelMessage.Username, ":", m.ChannelMessage.Code.GetValue(), ":", m.ChannelMessage.Content)
	case *rtapi.Envelope_Notifications:
		return fmt.Sprint("!", m.Notifications.Notifications[0].Code)
	case *rtapi.Envelope_Match:
		return fmt.Sprint("match of ", m.Match.Size, " for ", m.Match.Self.Username)
	case *rtapi.Envelope_MatchPresenceEvent:
		for _, u := range m.MatchPresenceEvent.Joins {
			return "+" + u.Username
		}
		for _, u := range m.MatchPresenceEvent.Leaves {
			return "-" + u.Username
		}
	case *rtapi.Envelope_MatchData:
		data := string(m.MatchData.Data)
		if len(data) > 100 {
			data = fmt.Sprint(len(data), " bytes of ", data[:1])
		}
		return fmt.Sprint(m.MatchData.Presence.GetUsername(), ">", m.MatchData.OpCode, ":", data)
	case *rtapi.Envelope_Error:
		return "error " + m.Error.Message
	}
	return ""
}

// gets waits for these pushes and holds what comes to them, in any order, since two people speak at once.
func (p *person) gets(words ...string) {
	p.t.Helper()
	var got []string
	for timeout := time.After(10 * time.Second); len(got) < len(words); {
		select {
		case m := <-p.pushes:
			if w := told(m); w != "" {
				got = append(got, w)
			}
		case <-timeout:
			p.t.Fatalf("%s got %q, want %q", p.name, got, words)
		}
	}
	slices.Sort(got)
	slices.Sort(words)
	if !slices.Equal(got, words) {
		p.t.Fatalf("%s got %q, want %q", p.name, got, words)
	}
}

// TestSessionsOfEveryKindTalk: a native session and sockets of both formats are in one room and one group; each gets what
// the others do, and the leave of who is lost.
func TestSessionsOfEveryKindTalk(t *testing.T) {
	for _, store := range []string{"embedded", "postgres"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			n := startOn(t, store)
			udp, text, binary := signIn(t, n, "udp").native(), signIn(t, n, "text").socket(codec.JSON), signIn(t, n, "binary").socket(codec.Protobuf)
			all := []*person{udp, text, binary}
			for i, p := range all {
				p.do("ChannelJoin", &rtapi.ChannelJoin{Target: "lobby", Type: 1}, &rtapi.Channel{})
				for _, there := range all[:i+1] {
					there.gets("+" + p.name)
				}
			}
			for _, p := range all {
				ack := &rtapi.ChannelMessageAck{}
				p.do("ChannelMessageSend", &rtapi.ChannelMessageSend{ChannelId: "2...lobby", Content: `{"a":1}`}, ack)
				if p == udp && (ack.RoomName != "lobby" || ack.CreateTime == nil) {
					t.Errorf("ack %v", ack)
				}
				for _, there := range all {
					there.gets(p.name + `:0:{"a":1}`)
				}
			}

			group := text.ask("CreateGroup", text.token, &api.CreateGroupRequest{Name: "everybody"}).(*api.Group)
			text.do("ChannelJoin", &rtapi.ChannelJoin{Target: group.Id, Type: 3}, nil)
			text.gets("+text")
			udp.do("JoinGroup", &api.JoinGroupRequest{GroupId: group.Id}, &emptypb.Empty{})
			text.gets("!-5")
			text.ask("AddGroupUsers", text.token, &api.AddGroupUsersRequest{GroupId: group.Id, UserIds: []string{udp.id}})
			text.gets("udp:4:{}")
			udp.gets("!-4")
			udp.do("ChannelJoin", &rtapi.ChannelJoin{Target: group.Id, Type: 3}, &rtapi.Channel{})
			for _, p := range []*person{udp, text} {
				p.gets("+udp")
			}
			text.ask("KickGroupUsers", text.token, &api.KickGroupUsersRequest{GroupId: group.Id, UserIds: []string{udp.id}})
			udp.gets("udp:6:{}")
			text.gets("udp:6:{}", "-udp")

			binary.end()
			udp.gets("-binary")
			udp.end()
			text.gets("-binary", "-udp")
		})
	}
}
