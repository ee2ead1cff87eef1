package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/db"
)

// readiness is a server that answers /readyz alone, and its address.
func readiness(t *testing.T, status int, body string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestHealthcheck_AsksTheConfiguredOperationsListener(t *testing.T) {
	address := readiness(t, http.StatusOK, `{"status":"ready"}`)
	s := newShell(t).with("DURWARD_OPS_LISTEN=" + address)
	if got := s.ok(t, "healthcheck", "--dev"); got != "ready: http://"+address+"/readyz\n" {
		t.Errorf("got %q", got)
	}
	h := decode[health](t, s.ok(t, "healthcheck", "--dev", "--json"))
	if h != (health{"http://" + address + "/readyz", true, 200, `{"status":"ready"}`}) {
		t.Errorf("got %+v", h)
	}
}

func TestHealthcheck_AsksThePublicListenerWhereTheOtherIsOff(t *testing.T) {
	address := readiness(t, http.StatusOK, "")
	newShell(t).ok(t, "healthcheck", "--dev", "--ops-listen=", "--listen", address)
}

func TestHealthcheck_OfAnUnreadyServerIsAFailure(t *testing.T) {
	body := "{\"detail\":\n \"Not ready: database.\"}\x1b"
	url := "http://" + readiness(t, http.StatusServiceUnavailable, body) + "/readyz"
	s := newShell(t)
	r := s.run(t, "healthcheck", "--url", url)
	want := "not ready: " + url + ` answered 503: {"detail": "Not ready: database."}` + "\ufffd\n"
	if r.code != exitFailed || r.out != want {
		t.Errorf("exit code %d, %q, want %q", r.code, r.out, want)
	}
	r = s.run(t, "healthcheck", "--url", url, "--json")
	if h := decode[health](t, r.out); r.code != exitFailed || h.Ready || h.Status != 503 {
		t.Errorf("exit code %d, %+v", r.code, h)
	}
}

func TestHealthcheck_WithoutAServerIsAFailure(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	refused(t, newShell(t).run(t, "healthcheck", "--dev", "--ops-listen", address), exitFailed, "not ready: ",
		"connection refused")
}

func TestHealthcheck_DoesNotWaitForAServerThatHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // comes before the command's own time
	defer cancel()
	var out, stderr bytes.Buffer
	words := []string{"durward", "healthcheck", "--url", "http://" + l.Addr().String() + "/readyz"}
	code := run(ctx, words, nil, strings.NewReader(""), &out, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "did not answer within 3s") {
		t.Errorf("exit code %d, %s%s", code, out.String(), stderr.String())
	}
}

func TestHealthcheck_FindsTheAddressOfAWildcard(t *testing.T) {
	for listen, want := range map[string]string{
		":9080": "localhost:9080", "0.0.0.0:9080": "localhost:9080", "[::]:9080": "localhost:9080",
		"10.0.0.7:9080": "10.0.0.7:9080", "[::1]:9080": "[::1]:9080", "ops.internal:9080": "ops.internal:9080",
	} {
		s := newShell(t)
		c := &call{words: &grammar{settings: newSettingFlags(), Dev: true}, env: s.with("DURWARD_OPS_LISTEN=" + listen).env}
		if got, err := c.probeURL(); err != nil || got != "http://"+want+"/readyz" {
			t.Errorf("%s: got %s, %v; want %s", listen, got, err, want)
		}
	}
}

func TestHealthcheck_SaysWhatItCannotKnow(t *testing.T) {
	s := newShell(t)
	refused(t, s.run(t, "healthcheck", "--dev", "--ops-listen=127.0.0.1:0"), exitMisused, "--url")
	for _, url := range []string{"localhost:9080", "/readyz", "http://%zz", "http://"} {
		refused(t, s.run(t, "healthcheck", "--url", url), exitMisused, "--url: expected a URL such as http://")
	}
	refused(t, s.run(t, "healthcheck", "--config=missing.yaml"), exitMisused, "missing.yaml")
}

// A health check runs in the server's container, but perhaps as another user, who may not read its secrets.
func TestHealthcheck_MindsOnlyTheSettingsThatItNeeds(t *testing.T) {
	address := readiness(t, http.StatusOK, "")
	s := newShell(t).with("DURWARD_OPS_LISTEN="+address, "DURWARD_MASTER_KEY_FILE=/nowhere/key")
	s.ok(t, "healthcheck")
}

func TestHealthcheck_AgreesWithARunningServer(t *testing.T) {
	s := production(t, db.SQLite)
	l := s.serve(t).listens()
	contains(t, s.ok(t, "healthcheck", "--url", "http://"+l.Ops+"/readyz"), "ready: ")
	contains(t, s.ok(t, "healthcheck", "--url", "http://"+l.Listen+"/readyz"), "ready: ")
}
