package match

import (
	"sync/atomic"

	"github.com/skirmishgg/skirmish/engine/ring"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/wire"
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

// Answered is implemented by games that want to know what came of what they posted.
type Answered interface {
	// Answered is called before a tick's Tick. a is valid until it returns.
	Answered(c *Ctx, a *Answer)
}

// Answer is what came of a Post.
type Answer struct {
	Op   uint16
	User id.UUID // on whose behalf it ran; zero: the server's own
	Tick uint32  // of the Post
	Code uint32  // 0: it is done; else why not, a code of protocol/errs
	Data []byte  // the answer as a FlatBuffers table, or the refusal's text
}

// answersMax is how many answers may wait for the next tick. More than a ring of posts holds cannot come; a game that
// still has them when this is full loses the newest, counted as AnswersDropped.
const answersMax = 1024

// Answer takes an answer for the next tick.
func (m *Match) Answer(a *Answer) {
	switch {
	case m.answered == nil || m.over != wire.CloseNone:
	case len(m.answers) == answersMax:
		m.Counters.AnswersDropped++
	default:
		m.answers = append(m.answers, a)
	}
}

func (m *Match) deliverAnswers() {
	for i, a := range m.answers {
		m.answers[i] = nil
		m.answered.Answered(&m.ctx, a)
	}
	m.answers = m.answers[:0]
}
