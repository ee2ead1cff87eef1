package web_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/surface/web"
)

// listen serves the table with web.Server on a real socket and gives its address and a base URL.
func listen(t *testing.T, limits web.Limits, secure bool) (*httptest.Server, *bytes.Buffer) {
	t.Helper()
	complaints := &bytes.Buffer{}
	logger := slog.New(slog.NewTextHandler(complaints, nil))
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.Server(web.NewHandler(web.Kit{}, routes()), logger, limits)
	if secure {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server, complaints
}

// exchange writes bytes to a fresh connection and reads one answer; closed tells whether the server then closed it.
func exchange(t *testing.T, server *httptest.Server, request string) (_ *http.Response, body string, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(conn, request) }() // the server may answer before it has read all
	reader := bufio.NewReader(conn)
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content), response.Close
}

func TestServer_HasLimits(t *testing.T) {
	s := web.Server(http.NotFoundHandler(), slog.New(slog.DiscardHandler), web.Limits{Read: time.Minute})
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != time.Minute || s.WriteTimeout != 30*time.Second ||
		s.IdleTimeout != 2*time.Minute || s.MaxHeaderBytes != 16<<10 || s.ErrorLog == nil {
		t.Errorf("%+v", s)
	}
}

func TestServer_ABodyThatIsTooLargeIsRefusedUnread(t *testing.T) {
	server, _ := listen(t, web.Limits{}, false)
	const head = "POST /sign-up HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	tests := map[string]struct {
		request string
		closed  bool
	}{
		"declared and announced": {head + "Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n", true},
		"declared and huge":      {head + "Content-Length: 9000000000\r\n\r\n{", true},
		"in chunks": {head + "Transfer-Encoding: chunked\r\n\r\n" +
			strings.Repeat("2000\r\n"+strings.Repeat(" ", 0x2000)+"\r\n", 9) + "0\r\n\r\n", true},
		"declared and small enough to read on": {head + "Content-Length: 70000\r\n\r\n" + strings.Repeat(" ", 70000), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response, body, closed := exchange(t, server, test.request)
			if response.StatusCode != 413 || !strings.Contains(body, `"body_too_large"`) || closed != test.closed {
				t.Errorf("%d closed %v %s", response.StatusCode, closed, body)
			}
		})
	}
}

func TestServer_ABodyThatDoesNotArriveIsRefused(t *testing.T) {
	server, _ := listen(t, web.Limits{Read: 50 * time.Millisecond}, false)
	response, body, closed := exchange(t, server,
		"POST /sign-up HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if response.StatusCode != 408 || !strings.Contains(body, `"request_timeout"`) || !closed {
		t.Errorf("%d closed %v %s", response.StatusCode, closed, body)
	}
}

func TestServer_ABodyThatBreaksOffIsRefused(t *testing.T) {
	server, _ := listen(t, web.Limits{}, false)
	response, body, closed := exchange(t, server, "POST /sign-up HTTP/1.1\r\nHost: x\r\n"+
		"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-length\r\n")
	if response.StatusCode != 400 || !strings.Contains(body, "did not arrive whole") || !closed {
		t.Errorf("%d closed %v %s", response.StatusCode, closed, body)
	}
}

func TestServer_OptionsStarAndConnectGetTheKitsAnswers(t *testing.T) {
	server, _ := listen(t, web.Limits{}, false)
	for request, want := range map[string]int{
		"OPTIONS * HTTP/1.1":               204,
		"CONNECT example.org:443 HTTP/1.1": 405,
		"TRACE /hello HTTP/1.1":            405,
		"GET //hello HTTP/1.1":             404,
		"GET /x/../hello HTTP/1.1":         404,
		"GET http://x/hello HTTP/1.1":      200,
		"HEAD /hello HTTP/1.1":             200,
	} {
		response, _, _ := exchange(t, server, request+"\r\nHost: x\r\nConnection: close\r\n\r\n")
		if response.StatusCode != want || response.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v, want %d", request, response.StatusCode, response.Header, want)
		}
	}
}

func TestServer_RefusesHeadersThatAreTooLarge(t *testing.T) {
	server, _ := listen(t, web.Limits{}, false)
	response, _, _ := exchange(t, server,
		"GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("a", 32<<10)+"\r\n\r\n")
	if response.StatusCode != 431 {
		t.Errorf("%d", response.StatusCode)
	}
}

func TestServer_SpeaksHTTP2OverTLSAndLogsHandshakesThatFail(t *testing.T) {
	server, complaints := listen(t, web.Limits{}, true)
	response, err := server.Client().Get(server.URL + "/hello")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.ProtoMajor != 2 || response.StatusCode != 200 {
		t.Errorf("%s %d", response.Proto, response.StatusCode)
	}
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := tls.Client(conn, &tls.Config{ServerName: "wrong.example"}).Handshake(); err == nil {
		t.Error("the handshake passed")
	}
	_ = conn.Close()
	server.Close()
	if !strings.Contains(complaints.String(), "level=WARN") {
		t.Errorf("log %q", complaints)
	}
}
