package connect

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/skirmishgg/skirmish/netcode/token"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
)

// Identity is what a native session inherits from the call that asked for its token, beside user, name and session id.
type Identity struct {
	Issued time.Time         // whole seconds; zero: the token was made by a backend that does not say
	Host   string            // by which its caller reached the API; "" when that was too long
	Vars   map[string]string // of the session token
}

// The game data of a session's token is empty, or
//
//	u8 form · u64 issued, Unix seconds · u8 length · host · variables
//
// form 1: variables are u16 count · count × { u16 length · key · u16 length · value }, sorted by key; form 2: variables are
// not there, the server keeps them. Nothing follows. The vars digest is the SHA-256 of the variables as form 1 has them, zero
// when there are none.
const (
	formInline = 1
	formKept   = 2
	hostMax    = 64 // bytes; a longer one is left out, so that variables find room
)

// Private is the part of a token that says who the session is, for backends that mint their own: to be completed with
// audience, user, username and session id. Variables that do not fit make a token that nobody can mint.
func (i *Identity) Private() (p token.Private) {
	return token.Private{GameData: appendVars(i.head(formInline), i.Vars), VarsDigest: digest(i.Vars), Timeout: sessionTimeout}
}

// marshalWithout is the identity for a token whose variables are kept.
func (i *Identity) marshalWithout() []byte { return i.head(formKept) }

func (i *Identity) head(form byte) []byte {
	host := i.Host
	if len(host) > hostMax {
		host = ""
	}
	b := binary.LittleEndian.AppendUint64([]byte{form}, uint64(i.Issued.Unix()))
	return append(append(b, byte(len(host))), host...)
}

func appendVars(b []byte, vars map[string]string) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(vars)))
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(k))), k...)
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(vars[k]))), vars[k]...)
	}
	return b
}

func digest(vars map[string]string) [sha256.Size]byte {
	if len(vars) == 0 {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(appendVars(nil, vars))
}

// unmarshalIdentity reads what marshal wrote. elsewhere: its variables are kept by a server.
func unmarshalIdentity(b []byte) (i Identity, elsewhere bool, err error) {
	if len(b) == 0 {
		return Identity{}, false, nil
	}
	if len(b) < 10 || b[0] != formInline && b[0] != formKept || int(b[9]) > hostMax {
		return Identity{}, false, errIdentity
	}
	i.Issued = time.Unix(int64(binary.LittleEndian.Uint64(b[1:])), 0)
	form, n := b[0], int(b[9])
	if b = b[10:]; len(b) < n {
		return Identity{}, false, errIdentity
	}
	i.Host, b = string(b[:n]), b[n:]
	if form == formKept {
		if len(b) != 0 {
			return Identity{}, false, errIdentity
		}
		return i, true, nil
	}
	if i.Vars, b, err = cutVars(b); err != nil || len(b) != 0 {
		return Identity{}, false, errIdentity
	}
	return i, false, nil
}

func cutVars(b []byte) (vars map[string]string, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errIdentity
	}
	count := int(binary.LittleEndian.Uint16(b))
	b = b[2:]
	last := ""
	for n := range count {
		var k, v string
		var ok bool
		if k, b, ok = cutText(b); !ok {
			return nil, nil, errIdentity
		}
		if v, b, ok = cutText(b); !ok || n > 0 && k <= last {
			return nil, nil, errIdentity
		}
		if vars == nil {
			vars = map[string]string{}
		}
		vars[k], last = v, k
	}
	return vars, b, nil
}

func cutText(b []byte) (text string, rest []byte, ok bool) {
	if len(b) < 2 {
		return "", nil, false
	}
	n := int(binary.LittleEndian.Uint16(b))
	if b = b[2:]; len(b) < n {
		return "", nil, false
	}
	return string(b[:n]), b[n:], true
}

// kept holds the identities that do not fit their tokens, until these are used or have expired. A token is good on the node
// that made it then. Policy when full: refuse.
type kept struct {
	now func() time.Time

	mu    sync.Mutex
	byID  map[id.UUID]parked
	bytes int
	swept time.Time
}

type parked struct {
	data  []byte
	until time.Time
}

const (
	parkedMax  = 16 << 10 // bytes of one
	parkedAll  = 16 << 20 // of all: a thousand of the largest a minute
	parkedLife = wire.TokenLifetime + wire.ClockSkew
)

func (k *kept) keep(session id.UUID, data []byte) error {
	if len(data) > parkedMax {
		return ErrVarsTooLarge
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if now.Sub(k.swept) >= time.Second {
		k.swept = now
		for session, p := range k.byID {
			if !now.Before(p.until) {
				k.remove(session)
			}
		}
	}
	if k.bytes+len(data) > parkedAll {
		return ErrVarsFull
	}
	k.byID[session] = parked{data, now.Add(parkedLife)}
	k.bytes += len(data)
	return nil
}

func (k *kept) take(session id.UUID) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p, ok := k.byID[session]
	if ok {
		k.remove(session)
	}
	return p.data, ok
}

func (k *kept) remove(session id.UUID) {
	k.bytes -= len(k.byID[session].data)
	delete(k.byID, session)
}
