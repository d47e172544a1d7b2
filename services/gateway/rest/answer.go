package rest

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/skirmishgg/skirmish/protocol/errs"
)

// Values of headers, made once; net/http only reads them.
var (
	noStore   = []string{"no-store, no-cache, must-revalidate"}
	vary      = []string{"Accept-Encoding"}
	jsonType  = []string{"application/json"}
	plainType = []string{"text/plain"}
	grpcType  = []string{"application/grpc"}
	encoded   = map[string][]string{"gzip": {"gzip"}, "deflate": {"deflate"}}
)

// refuse writes a failure: code and message, nothing else.
func (x *exchange) refuse(e *errs.Error) {
	if e.Code == errs.Unauthenticated {
		x.w.Header()["Www-Authenticate"] = []string{e.Message}
	}
	x.failed(e)
	x.out = append(x.out[:0], `{"code":`...)
	x.out = strconv.AppendUint(x.out, uint64(e.Code), 10)
	x.out = append(x.out, `,"message":`...)
	x.out = append(appendText(x.out, e.Message), '}')
	x.answer(e.Code.HTTP(), x.out)
}

// failed sets the header that tells when to come back.
func (x *exchange) failed(e *errs.Error) {
	if e.RetryAfter > 0 {
		x.w.Header()["Retry-After"] = []string{strconv.Itoa(e.RetryAfter)}
	}
}

func appendText(dst []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return append(dst, quoted...)
}

func (x *exchange) answer(status int, body []byte) { x.answerAs(jsonType, status, body) }

// answerAs writes a body in the encoding that the client asked for.
func (x *exchange) answerAs(contentType []string, status int, body []byte) {
	header := x.w.Header()
	header["Cache-Control"] = noStore
	header["Vary"] = vary
	header["Content-Type"] = contentType
	if encoding := accepted(x.r); encoding != "" {
		header["Content-Encoding"] = encoded[encoding]
		body = x.pack(encoding, body)
	}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.status = status
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // a client that is gone is net/http's to notice
}

// accepted is the first of gzip and deflate in the client's list. Weights are not understood: "gzip;q=1" is no gzip.
func accepted(r *http.Request) string {
	list := r.Header["Accept-Encoding"]
	if len(list) == 0 || len(r.Header["Upgrade"]) > 0 {
		return ""
	}
	for token := range strings.SplitSeq(list[0], ",") {
		if token = strings.TrimSpace(token); token == "gzip" || token == "deflate" {
			return token
		}
	}
	return ""
}

// storedMax is the size up to which an answer is only wrapped: it fits in one packet, so squeezing it saves nobody
// anything and costs more than the call.
const storedMax = 1200

var (
	gzips    = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed); return w }}
	deflates = sync.Pool{New: func() any { w, _ := flate.NewWriter(io.Discard, flate.BestSpeed); return w }}
)

// pack compresses body into the exchange's buffer. Deflate is the raw stream, without zlib's header.
func (x *exchange) pack(encoding string, body []byte) []byte {
	x.packed.Reset()
	switch {
	case len(body) <= storedMax:
		x.packed.Write(stored(x.packed.AvailableBuffer(), encoding, body))
	case encoding == "gzip":
		z := gzips.Get().(*gzip.Writer)
		z.Reset(&x.packed)
		finish(z, body)
		gzips.Put(z)
	default:
		z := deflates.Get().(*flate.Writer)
		z.Reset(&x.packed)
		finish(z, body)
		deflates.Put(z)
	}
	return x.packed.Bytes()
}

// finish writes to a buffer, which does not fail.
func finish(z io.WriteCloser, body []byte) {
	_, _ = z.Write(body)
	_ = z.Close()
}

// gzipHeader: magic, deflate, no flags, no time, no extra flags, unknown system.
var gzipHeader = [10]byte{0x1f, 0x8b, 8, 9: 0xff}

// stored appends body as one stored block, in gzip's frame or bare.
//
//	[gzip header] · u8 1 (last, stored) · u16 length · u16 ^length · body · [u32 CRC · u32 length]
func stored(dst []byte, encoding string, body []byte) []byte {
	if encoding == "gzip" {
		dst = append(dst, gzipHeader[:]...)
	}
	n := uint16(len(body))
	dst = append(dst, 1)
	dst = binary.LittleEndian.AppendUint16(dst, n)
	dst = binary.LittleEndian.AppendUint16(dst, ^n)
	dst = append(dst, body...)
	if encoding == "gzip" {
		dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(body))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	return dst
}
