package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/durwardhq/durward/internal/config"
)

// probeTimeout bounds the whole question: container engines wait a few seconds and then count a failure.
const probeTimeout = 3 * time.Second

// maxProbe is how much of an answer is read.
const maxProbe = 4096

type healthcheckCmd struct {
	URL string `placeholder:"URL" help:"Ask this URL instead of the configured server."`
	jsonFlag
}

// Help is what the help says beyond the flags.
func (healthcheckCmd) Help() string {
	return "It asks /readyz of the configured operations listener, or of the public one where that is off, and waits " +
		"at most " + probeTimeout.String() + "."
}

func (healthcheckCmd) examples() []example {
	return []example{
		{"in a Dockerfile, with the settings of the server in the environment:",
			`HEALTHCHECK CMD ["durward", "healthcheck"]`},
		{"any server:", "durward healthcheck --url http://127.0.0.1:9080/readyz"},
	}
}

// health is the answer of a server about itself, as programs read it.
type health struct {
	URL    string `json:"url"`
	Ready  bool   `json:"ready"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func (cmd healthcheckCmd) Run(ctx context.Context, c *call) error {
	url := cmd.URL
	if url == "" {
		var err error
		if url, err = c.probeURL(); err != nil {
			return err
		}
	}
	h, err := c.probe(ctx, url)
	if err != nil {
		return err
	}
	err = c.answer(h, func(w io.Writer) {
		if h.Ready {
			fmt.Fprintf(w, "ready: %s\n", h.URL)
			return
		}
		fmt.Fprintf(w, "not ready: %s answered %d: %s\n", h.URL, h.Status, h.Detail)
	})
	if err == nil && !h.Ready {
		return told{exitFailed}
	}
	return err
}

// probeURL finds the listener in the configuration. It minds only mistakes about the listeners: whether the rest is
// good enough is for the server to say, which may have been given more than this command can read.
func (c *call) probeURL() (string, error) {
	cfg, report := config.Load(c.source())
	concerns := []string{"listen", "ops_listen", "config"}
	report.Problems = slices.DeleteFunc(report.Problems, func(p config.Problem) bool {
		return !slices.Contains(concerns, p.Setting)
	})
	if err := report.Err(); err != nil {
		return "", err
	}
	address := cfg.OpsListen
	if address == "" {
		address = cfg.Listen
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "0" {
		return "", c.misuse("the server listens on a port of its own choice; say which with --url")
	}
	return "http://" + net.JoinHostPort(reachable(host), port) + "/readyz", nil
}

// reachable turns the address that means "all of them" into one that can be called.
func reachable(host string) string {
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.Unmap().IsUnspecified() {
		return "localhost"
	}
	return host
}

func (c *call) probe(ctx context.Context, url string) (health, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil || request.URL.Host == "" {
		return health{}, c.misuse("--url: expected a URL such as http://127.0.0.1:9080/readyz")
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return health{}, fmt.Errorf("not ready: %s did not answer within %s", url, probeTimeout)
	}
	if err != nil {
		return health{}, fmt.Errorf("not ready: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxProbe))
	if err != nil {
		return health{}, fmt.Errorf("not ready: %s: %w", url, err)
	}
	detail := printable(oneLine(string(body)))
	return health{url, response.StatusCode == http.StatusOK, response.StatusCode, detail}, nil
}
