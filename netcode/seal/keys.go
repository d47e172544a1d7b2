package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Direction is the way a datagram goes.
type Direction uint8

const (
	C2S Direction = iota // from the client to the server
	S2C
)

// Key is the secret of one direction in one epoch. AES-128-GCM uses the first 16 bytes of Key.
type Key struct {
	Key [32]byte
	IV  [4]byte
}

// Keys are both directions of one connection at epoch 0.
type Keys struct {
	Suite    wire.Suite
	C2S, S2C Key
}

// keySize is a key and its IV as HKDF gives them.
const keySize = 32 + 4

// Valid reports whether suite is one that this build knows.
func Valid(suite wire.Suite) bool {
	return suite == wire.SuiteChaCha20Poly1305 || suite == wire.SuiteAES128GCM
}

// DeriveSession makes the keys of a new connection from the connect token's two keys and the random number of each
// end. suite is Valid.
func DeriveSession(c2s, s2c [32]byte, serverRandom, clientRandom [16]byte, suite wire.Suite) Keys {
	var secret [64]byte
	copy(secret[:], c2s[:])
	copy(secret[32:], s2c[:])
	return derive(secret[:], "skirmish session", serverRandom, clientRandom, suite)
}

// DeriveResume makes the keys of a resumed connection from the secret that came with the resume ticket.
func DeriveResume(secret [32]byte, serverRandom, clientRandom [16]byte, suite wire.Suite) Keys {
	return derive(secret[:], "skirmish resume", serverRandom, clientRandom, suite)
}

func derive(secret []byte, label string, serverRandom, clientRandom [16]byte, suite wire.Suite) Keys {
	var salt [32]byte
	copy(salt[:], serverRandom[:])
	copy(salt[16:], clientRandom[:])
	out, err := hkdf.Key(sha256.New, secret, salt[:], label+string([]byte{byte(suite)}), 2*keySize)
	must(err)
	return Keys{Suite: suite, C2S: cut(out), S2C: cut(out[keySize:])}
}

// Next is the key of the epoch after k's.
func (k Key) Next() Key {
	out, err := hkdf.Expand(sha256.New, k.Key[:], "skirmish next", keySize)
	must(err)
	return cut(out)
}

// Of is the key of one direction.
func (k *Keys) Of(d Direction) Key {
	if d == C2S {
		return k.C2S
	}
	return k.S2C
}

func cut(b []byte) (k Key) {
	copy(k.Key[:], b)
	copy(k.IV[:], b[32:])
	return k
}

func newAEAD(suite wire.Suite, key *[32]byte) cipher.AEAD {
	if suite == wire.SuiteAES128GCM {
		block, err := aes.NewCipher(key[:16])
		must(err)
		aead, err := cipher.NewGCM(block)
		must(err)
		return aead
	}
	if suite != wire.SuiteChaCha20Poly1305 {
		panic("seal: unknown suite") // of our own caller: tokens with another suite do not open
	}
	aead, err := chacha20poly1305.New(key[:])
	must(err)
	return aead
}

// must holds where an error can only mean a wrong length written in this package.
func must(err error) {
	if err != nil {
		panic("seal: " + err.Error())
	}
}
