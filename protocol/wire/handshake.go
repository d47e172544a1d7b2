package wire

import "time"

// Sizes in bytes of the handshake's parts.
const (
	RandomSize     = 16 // server random, client random
	NonceSize      = 24 // XChaCha20-Poly1305: connect token, cookie, ticket
	SaltSize       = 16
	BoxOverhead    = SaltSize + TagSize
	CookieSize     = NonceSize + 66 + TagSize
	ChallengeSize  = 1 + BoxOverhead + RandomSize + CookieSize
	DenyPlainSize  = 3
	DenySize       = 2 + BoxOverhead + 1
	ElsewhereSize  = 1 + BoxOverhead
	TicketSize     = NonceSize + 105 + TagSize
	TicketMax      = 512 // what a client must be able to hold; the content is the server's business
	ResetTokenSize = 16
)

// RequestHead is what REQUEST and RESPONSE start with: form, steering byte 0, version, schema hash, expiry, token
// nonce, private part.
const RequestHead = 1 + 1 + 2 + 8 + 8 + NonceSize + PrivateSize

// How long things are good for, and how often they are tried.
const (
	TokenLifetime     = 30 * time.Second // what an issuer gives at most
	DefaultTimeout    = 10 * time.Second // of silence, when a token does not say
	ClockSkew         = 30 * time.Second // what a server forgives on top
	CookieLifetime    = 10 * time.Second
	TicketLifetime    = 60 * time.Second
	TicketInterval    = 30 * time.Second
	HandshakeRetry    = 250 * time.Millisecond // first retransmission; each later one waits 1.5 times as long
	HandshakeRetryMax = 500 * time.Millisecond // and never longer than this
	AddressTime       = 5 * time.Second        // without an answer before the next address is tried
	ResetsPerSecond   = 10                     // stateless resets to one source
)
