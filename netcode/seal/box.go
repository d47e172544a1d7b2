package seal

import (
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/skirmishgg/skirmish/protocol/wire"
)

// SaltSize is the random start of a box.
const SaltSize = 16

// BoxOverhead is what a box adds to its plaintext.
const BoxOverhead = SaltSize + wire.TagSize

// Box appends plaintext sealed under a key and nonce of its own, both derived from key and salt. The messages before a
// session have no counter that survives a restart, so 16 random bytes stand in for the packet number.
//
//	16 B salt · ciphertext · 16 B tag
//
// salt must come from a secure random source. aad is authenticated, not sent. plaintext and dst must not overlap.
func Box(dst []byte, suite wire.Suite, key *[32]byte, salt [SaltSize]byte, plaintext, aad []byte) []byte {
	k, nonce := boxKey(suite, key, salt[:])
	dst = append(dst, salt[:]...)
	return newAEAD(suite, &k).Seal(dst, nonce[:], plaintext, aad)
}

// OpenBox appends the plaintext of a box to dst. Allocates: a handshake does it twice.
func OpenBox(dst []byte, suite wire.Suite, key *[32]byte, box, aad []byte) (plaintext []byte, ok bool) {
	if len(box) < BoxOverhead {
		return nil, false
	}
	k, nonce := boxKey(suite, key, box[:SaltSize])
	plaintext, err := newAEAD(suite, &k).Open(dst, nonce[:], box[SaltSize:], aad)
	return plaintext, err == nil
}

func boxKey(suite wire.Suite, key *[32]byte, salt []byte) (k [32]byte, nonce [12]byte) {
	out, err := hkdf.Key(sha256.New, key[:], salt, "skirmish box"+string([]byte{byte(suite)}), len(k)+len(nonce))
	must(err)
	copy(k[:], out)
	copy(nonce[:], out[len(k):])
	return k, nonce
}
