// Package seal keeps what two ends say between them: keys, nonces, key epochs and the replay window.
//
// A connection has one key and one 32-bit IV per direction, derived from the connect token's keys and a random number
// from each end, so that no key is ever used twice. The packet number completes the nonce, so it must never repeat
// under a key: a Sealer refuses to go back. Every 2^30 packets both directions move to the next epoch, whose key
// follows from the last one.
//
//	DeriveSession ── Keys ──┬── NewSealer(keys, S2C, schema) … Seal, Seal, Seal
//	                        └── NewOpener(keys, C2S, schema) … Open, Open, Open
//
// Sealer and Opener belong to one peer and are used on the tick path: after construction they allocate nothing, but
// for one cipher when an epoch begins. Box and OpenBox seal the few messages that travel before there is a session.
//
// The bytes are in protocol/wire/STANDARD.md, sections Data, Seal and Key epochs.
package seal
