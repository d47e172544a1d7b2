package main

import (
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
	err := healthy(a, fmt.Sprintf("http://localhost:%d", port))
	if err == nil {
		return nil
	}
	slog.New(log.NewHandler(os.Stdout, log.JSON, slog.LevelInfo)).Log(a.ctx, log.LevelFatal, "healthcheck failed", "error", err)
	return errSaid
}

func healthy(a *app, url string) error {
	request, err := http.NewRequestWithContext(a.ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// Not the default client: a proxy of the environment has no say about this machine, and a redirect is no health.
	client := http.Client{
		Timeout: healthTime, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", response.Status)
	}
	return nil
}
