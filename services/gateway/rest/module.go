package rest

import (
	"bufio"
	"compress/flate"
	"io"
	"net"
	"net/http"

	"github.com/klauspost/compress/gzip"
)

// module answers a request with a handler of server code, which is one of the house: cross-origin rules, the limit on
// bodies and compression are the door's. No credentials are asked for.
func (x *exchange) module(handler http.Handler) {
	w := &moduleWriter{ResponseWriter: x.w, x: x, encoding: accepted(x.r)}
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, int64(x.h.c.MaxRequestBytes))
	handler.ServeHTTP(w, x.r)
	w.finish()
}

// moduleWriter compresses what a handler writes, as it comes.
type moduleWriter struct {
	http.ResponseWriter
	x        *exchange
	encoding string // that the client takes; "": none
	packed   interface {
		io.WriteCloser
		Flush() error
	} // nil: plain
}

// WriteHeader decides whether the body is compressed: not when there is none, or when the handler did it.
func (w *moduleWriter) WriteHeader(status int) {
	if status < http.StatusOK {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.x.status != 0 {
		return
	}
	w.x.status = status
	header := w.Header()
	bare := status == http.StatusNoContent || status == http.StatusNotModified || w.x.r.Method == http.MethodHead
	if w.encoding != "" && !bare && header.Get("Content-Encoding") == "" {
		header["Content-Encoding"] = encoded[w.encoding]
		header.Add("Vary", "Accept-Encoding")
		header.Del("Content-Length")
		if w.encoding == "gzip" {
			w.packed = gzip.NewWriter(w.ResponseWriter)
		} else {
			w.packed, _ = flate.NewWriter(w.ResponseWriter, flate.DefaultCompression) // a level that exists
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *moduleWriter) Write(p []byte) (int, error) {
	if w.x.status == 0 {
		if header := w.Header(); header.Get("Content-Type") == "" {
			header.Set("Content-Type", http.DetectContentType(p)) // net/http would look at the compressed form
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.packed != nil {
		return w.packed.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *moduleWriter) Flush() {
	if w.packed != nil {
		_ = w.packed.Flush() // a client that is gone is net/http's to notice
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements http.Hijacker.
func (w *moduleWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.x.status = http.StatusSwitchingProtocols
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

func (w *moduleWriter) finish() {
	if w.packed != nil {
		_ = w.packed.Close() // the same
	}
}
