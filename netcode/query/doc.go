// Package query answers strangers who ask what server this is: Valve's server queries (A2S: INFO, PLAYER, RULES), which
// every server browser and monitoring tool speaks, and LAN discovery, which needs no list of servers at all.
//
//	asker                                  server
//	  │ question                             │
//	  │ ───────────────────────────────────> │  not larger than the question, and nothing is remembered:
//	  │                challenge             │  the challenge is a MAC over the asker's address and the half minute
//	  │ <─────────────────────────────────── │
//	  │ question, challenge                  │
//	  │ ───────────────────────────────────> │  the address is real now
//	  │                answer, ≤ 1,200 B     │
//	  │ <─────────────────────────────────── │
//
// The answers are encoded when the facts change (SetInfo, SetPlayers, SetRules, SetServer), not when somebody asks, so a
// flood of questions costs a look-up and a copy each. Limits are kept per network (IPv4 /24, IPv6 /56) in tables of fixed
// size, one for challenges and one for answers: made-up senders can use up the first and never the second.
//
// One control loop owns a Responder. The asker's half is the functions in ask.go, used by clients and tests. Nothing here
// has a socket or a clock. The bytes are in protocol/wire/STANDARD.md, section Queries.
package query
