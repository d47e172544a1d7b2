package codec_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/heroiclabs/nakama-common/api"

	"github.com/skirmishgg/skirmish/protocol/codec"
)

// Sixteen receivers a format get the same bytes, not equal ones: the message was encoded once.
func TestSharedEncodesOnce(t *testing.T) {
	message := &api.Notification{Id: "n", Subject: "s", Content: "{}", Code: -2, Persistent: true}
	shared := codec.Share(message)
	for name, format := range formats {
		got := make([][]byte, 16)
		var receivers sync.WaitGroup
		for i := range got {
			receivers.Go(func() { got[i], _ = shared.Bytes(format) })
		}
		receivers.Wait()
		want, err := codec.Append(nil, format, message)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got[0], want) {
			t.Errorf("%s: got %q, want %q", name, got[0], want)
		}
		for i := range got {
			if &got[i][0] != &got[0][0] {
				t.Errorf("%s: receiver %d has bytes of its own", name, i)
			}
		}
	}
}

func TestSharedKeepsItsFailure(t *testing.T) {
	shared := codec.Share(&api.Notification{Id: "\xff"})
	for range 2 {
		for name, format := range formats {
			if data, err := shared.Bytes(format); err == nil {
				t.Errorf("%s: %q", name, data)
			}
		}
	}
	if _, err := codec.Append(nil, 0, &api.User{}); err == nil {
		t.Error("there is no format 0")
	}
	if err := codec.Decode(99, nil, &api.User{}); err == nil {
		t.Error("there is no format 99")
	}
}
