package wire

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCallsComeBackWhole(t *testing.T) {
	f := func(size, max int, tooLarge bool, pieces int) {
		t.Helper()
		body := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		messages := SplitCall(62, 7, body)
		if len(messages) != pieces {
			t.Fatalf("%d bytes: %d pieces, want %d", size, len(messages), pieces)
		}
		r := CallReader{Max: max}
		for i, msg := range messages {
			c, done, err := r.Add(msg)
			if err != nil || done != (i == len(messages)-1) {
				t.Fatalf("%d bytes, piece %d: done %v, %v", size, i, done, err)
			}
			if !done {
				continue
			}
			if c.Number != 62 || c.Correlation != 7 || c.Kind != CallWhole || c.TooLarge != tooLarge || !tooLarge && !bytes.Equal(c.Body, body) {
				t.Errorf("%d bytes came back as %d, too large %v", size, len(c.Body), c.TooLarge)
			}
		}
		if c, done, err := r.Add(SplitCall(1, 8, nil)[0]); err != nil || !done || c.Number != 1 || c.TooLarge {
			t.Errorf("after %d bytes: %+v, %v", size, c, err)
		}
	}
	f(0, 0, false, 1)
	f(CallPiece, 0, false, 1)
	f(CallPiece+1, 0, false, 2)
	f(CallMax, 0, false, 65)
	f(1000, 999, true, 1)
	f(300_000, 262_144, true, 5)
	f(262_144, 262_144, false, 5)
}

func TestCallsRefused(t *testing.T) {
	part := SplitCall(62, 7, make([]byte, CallPiece+1))
	f := func(what string, messages ...[]byte) {
		t.Helper()
		var r CallReader
		for i, msg := range messages {
			if _, _, err := r.Add(msg); (err != nil) != (i == len(messages)-1) {
				t.Errorf("%s: message %d: %v", what, i, err)
			}
		}
	}
	f("nothing", nil)
	f("half a header", []byte{1, 0, 0, 0, 0, 0, 0})
	f("number 0", AppendCall(nil, 0, CallWhole, 1))
	f("unknown kind", AppendCall(nil, 1, 3, 1))
	f("reserved byte", []byte{1, 0, 0, 1, 0, 0, 0, 0})
	f("short piece", AppendCall(nil, 1, CallMore, 1))
	f("refusal without code", append(AppendCall(nil, 1, CallRefused, 1), 1, 2, 3))
	f("refusal that is a book", append(AppendCall(nil, 1, CallRefused, 1), make([]byte, 5+CallText)...))
	f("another message between pieces", part[0], AppendCall(nil, 62, CallWhole, 8))
	f("another operation's piece", part[0], append(AppendCall(nil, 63, CallWhole, 7), 0))
	f("an empty last piece", part[0], AppendCall(nil, 62, CallWhole, 7))
	f("a refusal as the last piece", part[0], AppendRefusal(nil, 62, 7, 3, "no"))
	many := make([][]byte, 65)
	for i := range many {
		many[i] = part[0]
	}
	f("pieces without end", many...)
	f("larger than a stream's message", make([]byte, MaxStreamMsg+1))
}

func TestRefusalIsCutBetweenCharacters(t *testing.T) {
	long := strings.Repeat("ä", CallText)
	c, err := ParseCall(AppendRefusal(nil, 5, 9, 3, "x"+long))
	if err != nil {
		t.Fatal(err)
	}
	if code, text := c.Refusal(); code != 3 || !utf8.ValidString(text) || len(text) != CallText-1 {
		t.Errorf("code %d, %d bytes", code, len(text))
	}
}

// FuzzCallReader: whatever a stream brings, the reader refuses it or hands out what a sender could have meant, and holds
// no more than it may.
func FuzzCallReader(f *testing.F) {
	f.Add([]byte{8, 0, 62, 0, 0, 0, 7, 0, 0, 0})
	f.Add(append([]byte{12, 0}, AppendRefusal(nil, 1, 2, 3, "")...))
	f.Fuzz(func(t *testing.T, script []byte) {
		r := CallReader{Max: 100_000}
		for len(script) >= 2 {
			n := min(int(script[0])|int(script[1])<<8, len(script)-2)
			msg := script[2 : 2+n]
			script = script[2+n:]
			if len(msg) >= CallHead && CallKind(msg[2]) == CallMore { // a fuzzer does not write 64 KB
				msg = append(bytes.Clone(msg), make([]byte, CallPiece)...)[:MaxStreamMsg]
			}
			c, done, err := r.Add(msg)
			if err != nil {
				return
			}
			if done && (len(c.Body) > r.Max || c.Number == 0 || c.Kind == CallMore || c.TooLarge && c.Body != nil) {
				t.Fatalf("%+v", c)
			}
			if len(r.body) > r.Max {
				t.Fatalf("holds %d bytes", len(r.body))
			}
		}
	})
}
