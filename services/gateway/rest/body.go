package rest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/skirmishgg/skirmish/protocol/codec"
	"github.com/skirmishgg/skirmish/protocol/errs"
)

// inflateMax bounds what a compressed body may become, in multiples of the limit on bodies. What a call may carry is
// counted once it is a message, where blanks and names weigh nothing; this bound only protects memory.
const inflateMax = 4

// content is a request body. Not all of it need be there: JSON is read up to the end of its first value, so a body
// that is too long or broken further on is good.
type content struct {
	data     []byte
	cut      *errs.Error // why data is not the whole body; nil: it is
	inflated bool
}

var (
	errBodyTooLarge = errs.New(errs.InvalidArgument, "http: request body too large")
	errBodyBroken   = errs.New(errs.InvalidArgument, "The request body could not be read.")
)

// read takes the request's body into the exchange's buffer.
func (x *exchange) read() content {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return content{}
	}
	limit := x.h.c.MaxRequestBytes
	raw := &limited{from: x.r.Body, left: limit}
	encoding := x.r.Header.Get("Content-Encoding")
	if encoding != "gzip" && encoding != "deflate" {
		if n := x.r.ContentLength; n > 0 && n <= int64(limit) {
			x.body.Grow(int(n) + bytes.MinRead)
		}
		_, err := x.body.ReadFrom(raw)
		return content{data: x.body.Bytes(), cut: raw.refusal(err)}
	}
	most := inflateMax * limit
	err := inflate(&x.body, raw, encoding, most)
	c := content{data: x.body.Bytes(), inflated: true}
	if over := len(c.data) - most; over > 0 {
		c.cut = tooLargeMessage(len(c.data), limit)
	} else {
		c.cut = raw.refusal(err)
	}
	return c
}

// decode reads the first JSON value of the body into m.
func (c content) decode(m proto.Message) *errs.Error {
	if c.cut != nil && len(bytes.TrimSpace(c.data)) == 0 {
		return c.cut
	}
	err := codec.DecodeJSON(c.data, m)
	if err == nil {
		return nil
	}
	refusal := errs.Of(err)
	if c.cut != nil && refusal.Message == io.ErrUnexpectedEOF.Error() {
		return c.cut
	}
	return refusal
}

// tooLargeMessage is gRPC's refusal, known to clients from the time when REST calls were passed on over gRPC.
func tooLargeMessage(size, limit int) *errs.Error {
	return errs.Newf(errs.ResourceExhausted, "trying to send message larger than max (%d vs. %d)", size, limit)
}

// limited reads at most left bytes and knows whether there were more.
type limited struct {
	from io.Reader
	left int
	over bool
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left > 0 {
		if len(p) > l.left {
			p = p[:l.left]
		}
		n, err := l.from.Read(p)
		l.left -= n
		return n, err
	}
	var one [1]byte
	n, err := io.ReadFull(l.from, one[:])
	if n == 0 {
		return 0, err
	}
	l.over = true
	return 0, errBodyTooLarge
}

// refusal is what the caller is told when reading ended with err.
func (l *limited) refusal(err error) *errs.Error {
	var corrupt flate.CorruptInputError
	switch {
	case l.over:
		return errBodyTooLarge
	case err == nil:
		return nil
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt), errors.Is(err, io.ErrUnexpectedEOF):
		return errs.New(errs.InvalidArgument, err.Error())
	}
	return errBodyBroken
}

var (
	gunzips  sync.Pool // *gzip.Reader
	inflates sync.Pool // io.ReadCloser of flate
)

// inflate appends what raw becomes to dst, at most a byte more than most. A body with nothing in it stays empty.
func inflate(dst *bytes.Buffer, raw io.Reader, encoding string, most int) error {
	source := &peeked{from: raw}
	if err := source.peek(); err != nil {
		if err == io.EOF {
			return nil
		}
		return err
	}
	var plain io.Reader
	switch encoding {
	case "gzip":
		z, ok := gunzips.Get().(*gzip.Reader)
		if !ok {
			z = new(gzip.Reader)
		}
		defer gunzips.Put(z)
		if err := z.Reset(source); err != nil {
			return noEOF(err)
		}
		plain = z
	case "deflate":
		z, ok := inflates.Get().(io.ReadCloser)
		if !ok {
			z = flate.NewReader(source)
		} else if err := z.(flate.Resetter).Reset(source, nil); err != nil {
			return err
		}
		defer inflates.Put(z)
		plain = z
	}
	_, err := dst.ReadFrom(io.LimitReader(plain, int64(most)+1))
	return err
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// peeked gives the first byte back to its reader, and is the io.ByteReader that keeps inflaters from buffering.
type peeked struct {
	from  io.Reader
	first [1]byte
	held  bool
}

func (p *peeked) peek() error {
	_, err := io.ReadFull(p.from, p.first[:])
	p.held = err == nil
	return err
}

func (p *peeked) Read(b []byte) (int, error) {
	if p.held && len(b) > 0 {
		p.held = false
		return copy(b, p.first[:]), nil
	}
	return p.from.Read(b)
}
