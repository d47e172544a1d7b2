package transfer

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/persist/storetest/each"
	"github.com/skirmishgg/skirmish/protocol/errs"
)

// ours is what Export writes, theirs the same as Go writes its messages, mixed the same in camel case with numbers as texts
// and the other way round.
var forms = map[string]string{
	"ours": `{"account":{"user":{"id":"A","create_time":"2026-03-01T12:00:00Z","edge_count":2},"wallet":"{}","verify_time":"1970-01-01T00:00:05.000000007Z"},
		"objects":[{"collection":"c","permission_read":1,"create_time":"1970-01-01T00:00:01Z"}],
		"friends":[{"user":{"id":"B"},"state":0},{"user":{"id":"C"},"state":2}],
		"messages":[{"message_id":"M","code":3,"persistent":true}],
		"leaderboard_records":[{"leaderboard_id":"l","score":"9007199254740993","username":"","rank":"5"}],
		"wallet_ledgers":[{"id":"L","user_id":"A","create_time":"1970-01-01T00:00:01Z"}]}`,
	"theirs": `{"account":{"user":{"id":"A","create_time":{"seconds":1772366400},"edge_count":2},"wallet":"{}","verify_time":{"seconds":5,"nanos":7}},
		"objects":[{"collection":"c","permission_read":1,"create_time":{"seconds":1}}],
		"friends":[{"user":{"id":"B"},"state":{}},{"user":{"id":"C"},"state":{"value":2}}],
		"messages":[{"message_id":"M","code":{"value":3},"persistent":{"value":true}}],
		"leaderboard_records":[{"leaderboard_id":"l","score":9007199254740993,"username":{},"rank":5}],
		"wallet_ledgers":[{"id":"L","user_id":"A","create_time":{"seconds":1}}]}`,
	"mixed": `{"account":{"user":{"id":"A","createTime":{"seconds":"1772366400"},"edgeCount":"2"},"wallet":"{}","verifyTime":{"seconds":5,"nanos":7}},"unknown":[{}],
		"objects":[{"collection":"c","permissionRead":1,"createTime":{"seconds":1,"more":0},"odd":{"seconds":"x"}}],
		"friends":[{"user":{"id":"B"},"state":0},{"user":{"id":"C"},"state":2}],"notifications":null,
		"messages":[{"messageId":"M","code":"3","persistent":true}],
		"leaderboardRecords":[{"leaderboardId":"l","score":9007199254740993,"username":"","rank":"5"}],
		"walletLedgers":[{"id":"L","userId":"A","createTime":"1970-01-01T01:00:01+01:00","metadata":null}]}`,
}

func TestForms(t *testing.T) {
	want, err := Parse([]byte(forms["ours"]))
	must(t, err)
	if u := want.Account.User; u.CreateTime.Seconds != 1772366400 || want.Account.VerifyTime.Nanos != 7 || want.Records[0].Score != 9007199254740993 || want.Friends[1].State.Value != 2 {
		t.Fatalf("read %+v", want)
	}
	for name, text := range forms {
		got, err := Parse([]byte(text))
		must(t, err)
		same := proto.Equal(got.Account, want.Account) && proto.Equal(got.Objects[0], want.Objects[0]) && proto.Equal(got.Friends[0], want.Friends[0]) &&
			proto.Equal(got.Friends[1], want.Friends[1]) && proto.Equal(got.Messages[0], want.Messages[0]) && proto.Equal(got.Records[0], want.Records[0]) &&
			reflect.DeepEqual(got.Ledger, want.Ledger)
		if !same {
			t.Errorf("%s: read %+v, want %+v", name, got, want)
		}
	}
}

func TestNoDocument(t *testing.T) {
	for _, text := range []string{
		``, ` `, `null`, `[]`, `"x"`, `1`, `{`, `{}`, `{}x`, `{"account":null}`, `{"account":[]}`, `{"account":{}}`, `{"account":{"user":null}}`, `{"account":{"user":"x"}}`,
		`{"account":{"user":{}}}{}`, `{"account":{"user":{}}} x`, `{"account":{"user":{"id":1}}}`, `{"account":{"user":{"edge_count":1.5}}}`,
		`{"account":{"user":{"create_time":1}}}`, `{"account":{"user":{"create_time":"yesterday"}}}`, `{"account":{"user":{"create_time":{"seconds":1.5}}}}`,
		`{"account":{"user":{"create_time":{"seconds":-1}}}}`, `{"account":{"user":{"create_time":{"seconds":253402300800}}}}`, `{"account":{"user":{"create_time":{"nanos":1000000000}}}}`,
		`{"account":{"user":{"create_time":{"seconds":99999999999999999999}}}}`, `{"account":{"user":{"create_time":{"seconds":[]}}}}`,
		`{"account":{"user":{}},"objects":{}}`, `{"account":{"user":{}},"objects":[null]}`, `{"account":{"user":{}},"objects":[[]]}`, `{"account":{"user":{}},"friends":[{"state":{"value":[]}}]}`,
		`{"account":{"user":{}},"wallet_ledgers":[null]}`, `{"account":{"user":{}},"wallet_ledgers":[{"id":1}]}`, `{"account":{"user":{}},"wallet_ledgers":[{"create_time":1}]}`,
		`{"account":{"user":{},"devices":[null]}}`, `{"account":{"user":{"create_time":"2026-03-01T12:00:00Z","createTime":"2026-03-01T12:00:00Z"}}}`,
		strings.Repeat(`{"account":`, 20000), strings.Repeat(`[`, 20000), `{"account":{"user":{}},"objects":[` + strings.Repeat(`[`, 20000),
	} {
		if d, err := Parse([]byte(text)); !errors.Is(err, ErrDocument) {
			t.Errorf("%.100s: %+v, %v", text, d, err)
		}
	}
}

// FuzzParse: whatever comes is a document or refused as none, and a document has rows or is refused with what is wrong.
func FuzzParse(f *testing.F) {
	for _, text := range forms {
		f.Add([]byte(text))
		f.Add([]byte(strings.NewReplacer(`"A"`, `"`+anna.String()+`"`, `"B"`, `"`+ben.String()+`"`, `"M"`, `"`+nth(1, 1).String()+`"`, `"L"`, `"`+nth(3, 1).String()+`"`).Replace(text)))
	}
	f.Add([]byte(`{"account":{"user":{"id":"` + anna.String() + `","username":"x"},"devices":[{"id":"d"}],"wallet":"{\"a\":1}"},"notifications":[{"id":"` + ben.String() + `","content":"1"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrDocument) {
				t.Fatal(err)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%q is a document", text)
		}
		for _, user := range [...]struct{ id [16]byte }{{none}, {anna}} {
			var refusal *errs.Error
			if r, err := rowsOf(user.id, d, each.Start); err != nil && !errors.As(err, &refusal) || err == nil && len(r.objects) != len(d.Objects) {
				t.Fatalf("%+v, %v", r, err)
			}
		}
	})
}
