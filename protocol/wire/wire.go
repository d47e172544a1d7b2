package wire

// Version is the major version of STANDARD.md, carried by REQUEST and by connect tokens.
const Version = 1

// Sizes in bytes of a whole UDP payload.
const (
	MaxDatagram     = 1200 // never IP-fragmented on any path in use
	RequestSize     = 1200 // REQUEST and RESUME are padded to this, so that no answer is larger than its cause
	TagSize         = 16   // AEAD tag, both suites
	MinClientData   = 1 + 4 + 1 + TagSize
	MinServerData   = 1 + 1 + TagSize
	ResetSize       = 17 // form + 16 bytes of HMAC
	PrivateSize     = 768
	MaxUsername     = 128
	MaxGameData     = 256
	MaxAddresses    = 32
	MaxEvent        = 255
	MaxFragments    = 16
	MaxStreamMsg    = 64 << 10
	MaxInputsPacket = 8
)

// Form is byte 0 of a datagram.
type Form byte

// Data datagrams are 0b01000kll: l+1 bytes of packet number, k the key phase. Bits 3-5 are zero.
const (
	FormData     Form = 0x40
	DataLenMask  byte = 0x03
	DataPhaseBit byte = 0x04
	DataMask     byte = 0xF8 // form bits that must equal FormData

	FormRequest   Form = 0x80
	FormChallenge Form = 0x81
	FormResponse  Form = 0x82
	FormAccept    Form = 0x83
	FormDeny      Form = 0x84
	FormElsewhere Form = 0x85
	FormResume    Form = 0x86
	FormResumed   Form = 0x87

	FormReset          Form = 0xC0
	FormConnectionless Form = 0xFF
)

// IsData reports whether byte 0 starts a data datagram.
func IsData(b byte) bool { return b&DataMask == byte(FormData) }

// Suite is the AEAD of a connection, fixed by its connect token.
type Suite uint8

const (
	SuiteChaCha20Poly1305 Suite = 1 // every SDK has it
	SuiteAES128GCM        Suite = 2 // default where both ends have the instructions
)

// Frame is the upper five bits of a frame's first byte; the lower three are its channel.
type Frame uint8

const (
	FramePad           Frame = 0  // rest of the packet is zero
	FrameInput         Frame = 1  // to the end of the packet
	FrameSnapshot      Frame = 2  // to the end of the packet
	FrameEvent         Frame = 3  // u16 id, u8 length, bytes; channels 0-3
	FrameStream        Frame = 4  // length, KCP segments; channels 4-7
	FrameUnreliable    Frame = 5  // length, bytes
	FrameSequenced     Frame = 6  // u16 sequence, length, bytes
	FrameFragment      Frame = 7  // u8 id, u8 index<<4|count-1, length, piece of a whole frame
	FrameTime          Frame = 8  // u8 kind (0 ask, 1 answer), u32 stamp in us of whoever asked
	FramePathChallenge Frame = 9  // 8 random bytes
	FramePathResponse  Frame = 10 // the same 8 bytes
	FrameRate          Frame = 11 // u32 bytes/s received, u8 loss in 1/255
	FrameClose         Frame = 12 // u8 reason
	FrameMigrate       Frame = 13 // reserved
	FrameKey           Frame = 14 // u32 epoch: the sender has switched its sending keys
	FrameTicket        Frame = 15 // resume ticket: 32 secret, length, opaque ticket
	FrameResetToken    Frame = 16 // 16 bytes
	FrameRestart       Frame = 17 // empty: the client resumed without memory, its channels begin anew
)

// Event channels 0 and 1 are ordered, 2 and 3 unordered; streams use channels 4-7.
const (
	EventChannels  = 4
	FirstUnordered = 2
	FirstStream    = 4
	Channels       = 8
)

// Deny says why a handshake was refused.
type Deny uint8

const (
	DenyVersion  Deny = 1  // protocol or schema hash differs: update the client
	DenyExpired  Deny = 2  // token or ticket is too old: ask the API for another
	DenyAudience Deny = 3  // token is for another server
	DenyFull     Deny = 4  // no room on this server or in this match
	DenyBusy     Deny = 5  // a bounded table is full: try again in a second
	DenyNoMatch  Deny = 6  // the match is gone
	DenyReused   Deny = 7  // token was used already
	DenyRefused  Deny = 8  // the match refused the join
	DenyDraining Deny = 9  // server is shutting down
	DenyPurpose  Deny = 10 // this server has no service for this kind of token
	DenyGone     Deny = 11 // RESUME: the connection it belonged to has ended
)

// Close says why an established connection ended.
type Close uint8

const (
	CloseNone       Close = 0  // still open
	CloseLeft       Close = 1  // the client left
	CloseKicked     Close = 2  // the game removed the player
	CloseMatchEnded Close = 3  // the match finished
	CloseMatchError Close = 4  // the match panicked; only it ended
	CloseTimeout    Close = 5  // nothing heard for the token's timeout
	CloseShutdown   Close = 6  // server stops: reconnect elsewhere
	CloseOverflow   Close = 7  // a queue of this peer was over its limit
	CloseProtocol   Close = 8  // an authenticated packet made no sense
	CloseReplaced   Close = 9  // the same user joined again
	CloseReset      Close = 10 // stateless reset: the server no longer knows this connection
	CloseOverrun    Close = 11 // the match could not keep its tick rate
)
