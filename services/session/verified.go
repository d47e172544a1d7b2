package session

import (
	"hash/maphash"
	"strings"
	"sync"
)

const (
	verifiedShards  = 16
	generationMax   = 512  // tokens of one shard and generation: 16 × 2 × 512 = 16,384 tokens, about 8 MB
	verifiedSizeMax = 2048 // longer tokens carry many vars: they are checked anew each time
)

// verified remembers tokens whose signature was right, so that a call costs a look-up instead of a hash and a JSON
// parse. Expiry and revocations are checked on every call. Only tokens that we signed get in. Policy when full: each
// shard has a young and an old generation; a young one that is full becomes the old one, which is forgotten; what is used
// moves to the young one.
type verified struct {
	seed   maphash.Seed
	once   sync.Once
	shards [verifiedShards]struct {
		mu         sync.RWMutex
		young, old map[string]Token
	}
}

func (v *verified) shardOf(token string) int {
	v.once.Do(func() { v.seed = maphash.MakeSeed() })
	// Tokens of one key differ in their signature, so its text alone spreads them.
	return int(maphash.String(v.seed, token[max(0, len(token)-signatureSize):]) % verifiedShards)
}

func (v *verified) get(token string) (Token, bool) {
	if len(token) > verifiedSizeMax {
		return Token{}, false
	}
	s := &v.shards[v.shardOf(token)]
	s.mu.RLock()
	t, ok := s.young[token]
	if ok {
		s.mu.RUnlock()
		return t, true
	}
	t, ok = s.old[token]
	s.mu.RUnlock()
	if ok {
		v.put(token, t)
	}
	return t, ok
}

func (v *verified) put(token string, t Token) {
	if len(token) > verifiedSizeMax {
		return
	}
	s := &v.shards[v.shardOf(token)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || len(s.young) >= generationMax {
		s.young, s.old = make(map[string]Token), s.young
	}
	s.young[strings.Clone(token)] = t // the caller's text may be part of a larger one
}
