package wire_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"sort"
	"testing"
)

// Goal: testdata/session.json is what STANDARD.md, section Native sessions, says. Method: this file reads and writes
// everything in it by the page, and shares no code with what made it.
func TestSessionVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/session.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Messages []struct {
			What, Text, Body, Bytes string
			Number                  uint16
			Kind                    byte
			Correlation, Code       uint32
		}
		Large []struct {
			Number      uint16
			Correlation uint32
			Size        int
			Pieces      []struct {
				Header string
				Body   int
			}
		}
		Malformed []struct {
			What     string
			Messages []string
		}
		Identities []struct {
			Issued     uint64
			Host       string
			Vars       map[string]string
			GameData   string `json:"game_data"`
			VarsDigest string `json:"vars_digest"`
		}
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Messages) == 0 || len(v.Large) == 0 || len(v.Malformed) == 0 || len(v.Identities) == 0 {
		t.Fatal("a list of session.json is empty")
	}
	le := binary.LittleEndian
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	header := func(number uint16, kind byte, correlation uint32) []byte {
		return le.AppendUint32(append(le.AppendUint16(nil, number), kind, 0), correlation)
	}
	for _, m := range v.Messages {
		body := unhex(m.Body)
		if m.Kind == 2 {
			body = append(le.AppendUint32(nil, m.Code), m.Text...)
		} else if root := le.Uint32(body); int(root)+4 > len(body) {
			t.Errorf("%s: the body is no FlatBuffers table", m.What)
		}
		if !bytes.Equal(body, unhex(m.Body)) || !bytes.Equal(append(header(m.Number, m.Kind, m.Correlation), body...), unhex(m.Bytes)) {
			t.Errorf("%s: the file says %s", m.What, m.Bytes)
		}
	}
	const piece = 65536 - 8
	for _, l := range v.Large {
		left := l.Size
		for i, p := range l.Pieces {
			kind, size := byte(0), left
			if left > piece {
				kind, size = 1, piece
			}
			if p.Body != size || !bytes.Equal(unhex(p.Header), header(l.Number, kind, l.Correlation)) {
				t.Errorf("%d bytes, piece %d: %+v", l.Size, i, p)
			}
			left -= size
		}
		if left != 0 || l.Size > 4<<20 {
			t.Errorf("%d bytes: %d are in no piece", l.Size, left)
		}
	}
	for _, m := range v.Malformed {
		for i, s := range m.Messages {
			b := unhex(s)
			bad := len(b) < 8 || le.Uint16(b) == 0 || b[2] > 1 || b[3] != 0 || b[2] == 1 && len(b) != 8+piece
			if bad != (i == len(m.Messages)-1) {
				t.Errorf("%s: message %d is malformed: %v", m.What, i, bad)
			}
		}
	}
	for _, who := range v.Identities {
		var keys []string
		for k := range who.Vars {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		vars := le.AppendUint16(nil, uint16(len(keys)))
		for _, k := range keys {
			vars = append(le.AppendUint16(vars, uint16(len(k))), k...)
			vars = append(le.AppendUint16(vars, uint16(len(who.Vars[k]))), who.Vars[k]...)
		}
		data := le.AppendUint64([]byte{1}, who.Issued)
		data = append(append(append(data, byte(len(who.Host))), who.Host...), vars...)
		digest := make([]byte, 32)
		if len(keys) > 0 {
			sum := sha256.Sum256(vars)
			digest = sum[:]
		}
		if !bytes.Equal(data, unhex(who.GameData)) || !bytes.Equal(digest, unhex(who.VarsDigest)) {
			t.Errorf("%s: the file says %s and %s", who.Host, who.GameData, who.VarsDigest)
		}
	}
}
