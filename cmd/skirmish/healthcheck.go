package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/skirmishgg/skirmish/services/log"
)

type healthcheckCmd struct {
	Port int `arg:"" optional:"" help:"Port of the client API; 7350, or what SKIRMISH_SOCKET_PORT says, when left out."`
}

// healthTime is how long an answer may take: less than the 10 s that container runtimes give a check.
const healthTime = 5 * time.Second

// Run asks, and fails unless the answer is 200.
func (c *healthcheckCmd) Run(a *app) error {
	port := c.Port
	if port == 0 {
		port, _ = strconv.Atoi(os.Getenv("SKIRMISH_SOCKET_PORT"))
	}
	if port == 0 {
		port = 7350
	}
	err := healthy(a.ctx, port)
	if err == nil {
		return nil
	}
	slog.New(log.NewHandler(os.Stdout, log.JSON, slog.LevelInfo)).Log(a.ctx, log.LevelFatal, "healthcheck failed", "error", err)
	return errSaid
}

// healthy asks over HTTP, and over TLS when the answer is that of a TLS port.
func healthy(ctx context.Context, port int) error {
	status, err := ask(ctx, fmt.Sprintf("http://localhost:%d", port))
	if err == nil && status == http.StatusBadRequest {
		if overTLS, err := ask(ctx, fmt.Sprintf("https://localhost:%d", port)); err == nil {
			status = overTLS
		}
	}
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the answer is %d %s", status, http.StatusText(status))
	}
	return err
}

func ask(ctx context.Context, url string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	// Not the default client: a proxy of the environment has no say about this machine, a redirect is no health, and the
	// certificate is for the name that players use.
	client := http.Client{
		Timeout:       healthTime,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
