package wire

import "time"

// Connectionless datagrams start with four bytes: FF FF FF FF for server queries (Valve's A2S, single-packet form), FF FF
// FF FE for LAN discovery. Their byte 1 is 255, a steering byte no shard has, so the control loop gets them.
const (
	QueryHead = 0xFFFFFFFF
	LANHead   = 0xFEFFFFFF // little-endian
	HeadSize  = 4
)

// Kinds of server query, byte 4.
const (
	QueryInfo       = 'T' // "Source Engine Query\0", then the challenge when there is one
	QueryPlayers    = 'U' // u32 challenge, all ones when there is none
	QueryRules      = 'V' // the same
	QueryChallenge  = 'A' // u32 challenge
	QueryInfoIs     = 'I'
	QueryPlayersAre = 'D'
	QueryRulesAre   = 'E'
)

// Kinds of LAN datagram, byte 4.
const (
	LANAsk       = 1 // 8 B nonce of the asker · u64 challenge, zero when there is none
	LANChallenge = 2 // the nonce · u64 challenge
	LANServer    = 3 // the nonce · what the server is
)

// Sizes in bytes of what is asked.
const (
	QueryInfoSize = HeadSize + 1 + 20 // without a challenge
	QueryAskSize  = HeadSize + 1 + 4  // PLAYERS and RULES; also the size of a challenge
	LANAskSize    = HeadSize + 1 + 8 + 8
)

// ChallengeWindow is how long one challenge is handed out for an address; it is good for that and the window after.
const ChallengeWindow = 30 * time.Second
