package match

import (
	"sync/atomic"

	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/protocol/id"
)

// PostMax is the most bytes that one Ctx.Post carries: with its head a Post is 512 B.
const PostMax = 464

// Post is an operation on its way from a tick to the services.
type Post struct {
	Match id.UUID
	User  id.UUID // on whose behalf; zero: the match's own
	Tick  uint32
	Op    uint16
	size  uint16
	data  [PostMax]byte
}

// Data is what was posted.
func (p *Post) Data() []byte { return p.data[:p.size] }

// Posts is the ring on which ticks hand operations to the services workers: any number of matches push, one worker
// pops. Full: the newest is dropped and the game is told so.
type Posts struct {
	Posted  atomic.Uint64
	Dropped atomic.Uint64

	ring *ring.MPSC[Post]
}

// NewPosts makes room for capacity operations.
func NewPosts(capacity int) *Posts { return &Posts{ring: ring.NewMPSC[Post](capacity)} }

// TryPop takes the oldest operation. One goroutine only.
func (p *Posts) TryPop() (Post, bool) { return p.ring.TryPop() }

func (m *Match) post(op uint16, on *Player, data []byte) bool {
	if m.posts == nil {
		return false
	}
	post := &m.posting
	post.Match, post.User, post.Tick, post.Op = m.id, id.UUID{}, m.tick, op
	if on != nil {
		post.User = on.UserID
	}
	post.size = uint16(copy(post.data[:], data))
	if len(data) > PostMax || !m.posts.ring.TryPush(*post) {
		m.posts.Dropped.Add(1)
		return false
	}
	m.posts.Posted.Add(1)
	return true
}
