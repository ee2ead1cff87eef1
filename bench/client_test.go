package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// echo answers with the request as it came.
func echo(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/empty" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body))
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func connect(t *testing.T, address string) *conn {
	t.Helper()
	c, err := dial(t.Context(), address, time.Now().Add(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestExchange_SendsRequestsAndReadsAnswersOnOneConnection(t *testing.T) {
	c := connect(t, echo(t))
	long := strings.Repeat("x", 1900) // with more than this net/http answers in chunks
	for _, tt := range []struct {
		request []byte
		status  int
		body    string
	}{
		{get(nil, "/a", ""), 200, "GET /a  "},
		{get(nil, "/b", "token"), 200, "GET /b Bearer token "},
		{post(nil, "/c", "", `{"a":1}`), 200, `POST /c  {"a":1}`},
		{post(nil, "/empty", "token", ""), 204, ""},
		{post(nil, "/d", "", long), 200, "POST /d  " + long},
	} {
		status, body, err := c.exchange(tt.request)
		if err != nil || status != tt.status || string(body) != tt.body {
			t.Errorf("%.20q: %d %q, %v", tt.request, status, body, err)
		}
	}
}

func TestExchange_RefusesAnswersThatItCannotMeasure(t *testing.T) {
	for name, answer := range map[string]string{
		"not HTTP": "hello\r\n\r\n", "another version": "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"no length": "HTTP/1.1 200 OK\r\n\r\n", "chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"no number": "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "no status": "HTTP/1.1 two OK\r\n\r\n",
	} {
		if status, length, err := readHeader([]byte(answer)); err == nil {
			t.Errorf("%s: read as %d with %d bytes", name, status, length)
		}
	}
}

func TestExchange_GrowsForLongAnswersUpToABound(t *testing.T) {
	size := 100 << 10
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", r.URL.Query().Get("n"))
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
	}))
	t.Cleanup(s.Close)
	c := connect(t, strings.TrimPrefix(s.URL, "http://"))
	if _, body, err := c.exchange(get(nil, "/?n=102400", "")); err != nil || len(body) != size {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	size = 300 << 10
	if _, _, err := c.exchange(get(nil, "/?n=307200", "")); err == nil {
		t.Error("300 KiB were read")
	}
}

func TestMember_FindsTheText(t *testing.T) {
	body := []byte(`{"access_token":"a.b.c","refresh_token":"dwr_x","expires_in":900}`)
	if got := member(body, "refresh_token"); got != "dwr_x" {
		t.Errorf("got %q", got)
	}
	if got := member(body, "other"); got != "" {
		t.Errorf("got %q for a member that there is not", got)
	}
}

func TestClosedLoop_CountsWhatIsGoodAndWhatIsNot(t *testing.T) {
	address := echo(t)
	scripts := []script{always(get(nil, "/a", ""), 200), always(get(nil, "/empty", ""), 200)}
	var calls []bool
	f, err := closedLoop(t.Context(), address, scripts, 10*time.Millisecond, 100*time.Millisecond,
		func(begin bool) { calls = append(calls, begin) })
	if err != nil {
		t.Fatal(err)
	}
	if f.Requests == 0 || f.Errors == 0 || f.Refused != 0 || f.Ended || f.P99 < f.P50 || f.Max < f.P99 {
		t.Errorf("figures %+v", f)
	}
	if len(calls) != 2 || !calls[0] || calls[1] {
		t.Errorf("told %v of the beginning and the end", calls)
	}
}

func TestClosedLoop_EndsWhenNothingIsLeftToSend(t *testing.T) {
	left := 3
	once := script{
		request: func(buf []byte) ([]byte, bool) { left--; return get(buf, "/a", ""), left >= 0 },
		accept:  func(status int, _ []byte) bool { return status == 200 },
	}
	f, err := closedLoop(t.Context(), echo(t), []script{once}, 0, time.Minute, func(bool) {})
	if err != nil || !f.Ended || f.Requests > 3 {
		t.Errorf("figures %+v, %v", f, err)
	}
}

func TestClosedLoop_AServerThatGoesAwayIsAnError(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := closedLoop(t.Context(), strings.TrimPrefix(s.URL, "http://"), []script{always(get(nil, "/", ""), 200)},
		time.Second, time.Minute, func(bool) {})
	if err == nil {
		t.Error("no error")
	}
}

func TestOpenLoop_KeepsItsRateAndCountsFromWhenARequestWasDue(t *testing.T) {
	stalled := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-stalled
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, func() { close(stalled) })
	time.AfterFunc(400*time.Millisecond, cancel)
	scripts := []script{always(get(nil, "/", ""), 204), always(get(nil, "/", ""), 204)}
	f, err := openLoop(ctx, strings.TrimPrefix(s.URL, "http://"), scripts, 200)
	if err != nil {
		t.Fatal(err)
	}
	// What fell due while nothing was answered was sent late, and must not count as quick.
	if most := int(200*f.Seconds) + 2; f.Requests < 4 || f.Requests > most || f.Max < 100 {
		t.Errorf("figures %+v", f)
	}
}
