package token_test

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"

	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// A studio's own backend lets a player into a match: it shares the token key with the game server, and gives the text to
// the client over HTTPS.
func ExampleMint() {
	var key token.Key // from the server's data folder
	now := time.Now()
	connect, err := token.Mint(&key, token.Private{
		ServerID: [8]byte{'e', 'u', '-', '1'},
		UserID:   [16]byte{15: 42},
		MatchID:  [16]byte{15: 7},
		Username: "zoe",
		Suite:    wire.SuiteAES128GCM,
		Timeout:  5 * time.Second,
	}, token.Options{
		Schema:    [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, // of the match; zero for a service session
		Expiry:    now.Add(wire.TokenLifetime),
		Addresses: []netip.AddrPort{netip.MustParseAddrPort("203.0.113.10:7350")},
		Random:    rand.Reader,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := token.ParseText(connect.Text())
	fmt.Println(again.Addresses, err, again.Expired(now))
	// Output: [203.0.113.10:7350] <nil> false
}
