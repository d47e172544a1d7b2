package node

import (
	"context"
	"time"

	"github.com/skirmishgg/skirmish/engine/match"
	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
	"github.com/skirmishgg/skirmish/protocol/id"
	"github.com/skirmishgg/skirmish/protocol/op"
)

const (
	postsPerMatch = 256              // that wait for their turn; the ring before them holds more
	postTime      = 10 * time.Second // for one operation
)

// runPost runs an operation that a tick posted: those of one match in their order, on the workers that serve sessions too.
// Called by the node's worker goroutine, which owns the lines.
func (b *backend) runPost(n *Node, p *match.Post) {
	line := b.posts[p.Match]
	if line == nil {
		line = b.workers.Line(postsPerMatch, nil)
		b.posts[p.Match] = line
	}
	post := *p
	line.Push(func() { n.answerPost(&post, b.callPost(&post)) })
}

// forgetPosts drops the line of a match that is over; what it had posted is carried out all the same.
func (b *backend) forgetPosts(match id.UUID) {
	if line := b.posts[match]; line != nil {
		delete(b.posts, match)
		line.Push(func() { line.Close(nil) })
	}
}

var errNoOperation = errs.New(errs.Unimplemented, "There is no operation of this number.")

func (b *backend) callPost(p *match.Post) *match.Answer {
	a := &match.Answer{Op: p.Op, User: p.User, Tick: p.Tick}
	refuse := func(e *errs.Error) *match.Answer {
		a.Code, a.Data = uint32(e.Code), []byte(e.Message)
		return a
	}
	e := b.registry.Numbered(p.Op)
	if e == nil {
		return refuse(errNoOperation)
	}
	in := e.Request.New().Interface()
	if err := codec.Decode(codec.FlatBuffers, p.Data(), in); err != nil {
		return refuse(errs.Of(err))
	}
	ctx, cancel := context.WithTimeout(context.Background(), postTime)
	defer cancel()
	out, refusal := b.door.Invoke(ctx, e, op.Caller{UserID: p.User, Node: b.door.Node, Trusted: true}, in)
	if refusal != nil {
		return refuse(refusal)
	}
	data, err := codec.Append(nil, codec.FlatBuffers, out)
	if err != nil {
		return refuse(b.door.Refusal(e, op.Caller{UserID: p.User}, err))
	}
	a.Data = data
	return a
}

// answerPost brings the answer to the match's shard. A match that is over, or whose shard has no room, does without: the
// operation itself is done.
func (n *Node) answerPost(p *match.Post, a *match.Answer) {
	if info, ok := n.directory.Find(p.Match); ok {
		n.shards[info.Shard].Answer(p.Match, a)
	}
}
