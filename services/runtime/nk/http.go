package nk

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// responseMax is how much of an answer a module gets at most: more is an error.
const responseMax = 16 << 20

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}

// One client for modules' requests, and one for those who trust any certificate.
var (
	client   = &http.Client{}
	insecure = &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the module asked for it
		IdleConnTimeout: 90 * time.Second, MaxIdleConns: 16,
	}}
)

// Request is one of a module to another server.
type Request struct {
	URL, Method string
	Headers     map[string]string
	Body        string
	Timeout     time.Duration
	Insecure    bool // any certificate will do
}

// Response is what came back.
type Response struct {
	Code    int
	Headers http.Header
	Body    string
}

// Do sends the request and reads the answer whole.
func (r *Request) Do(ctx context.Context) (*Response, error) {
	method := strings.ToUpper(r.Method)
	if !slices.Contains(methods, method) {
		return nil, fmt.Errorf("expects method to be one of: '%s'", strings.ToLower(strings.Join(methods, "', '")))
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("HTTP request is invalid: %w", err)
	}
	for k, v := range r.Headers {
		req.Header.Set(k, v)
	}
	by := client
	if r.Insecure {
		by = insecure
	}
	resp, err := by.Do(req)
	if err != nil {
		return nil, fmt.Errorf("HTTP request error: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, responseMax+1))
	if err != nil {
		return nil, fmt.Errorf("HTTP response body error: %w", err)
	}
	if len(body) > responseMax {
		return nil, fmt.Errorf("HTTP response body error: more than %d bytes", responseMax)
	}
	return &Response{Code: resp.StatusCode, Headers: resp.Header, Body: string(body)}, nil
}
