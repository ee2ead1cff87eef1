package e2e

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/durwardhq/durward/internal/platform/db/dbtest"
)

// valve is a proxy in front of a database that can be shut: what comes then waits, and nobody is told anything.
type valve struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	open     chan struct{} // closed while the valve is open
}

func newValve(t *testing.T, target string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{listener: l, target: target, open: make(chan struct{})}
	close(v.open)
	t.Cleanup(func() {
		_ = l.Close()
		v.set(true)
	})
	go v.serve()
	return v
}

func (v *valve) serve() {
	for {
		client, err := v.listener.Accept()
		if err != nil {
			return
		}
		go v.connect(client)
	}
}

func (v *valve) connect(client net.Conn) {
	defer client.Close()
	v.wait()
	server, err := net.Dial("tcp", v.target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(v.through(server), client) // its end is the end of the connection
		_ = server.Close()
	}()
	_, _ = io.Copy(v.through(client), server)
}

func (v *valve) wait() {
	v.mu.Lock()
	open := v.open
	v.mu.Unlock()
	<-open
}

// set opens or shuts the valve.
func (v *valve) set(open bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.open:
		if !open {
			v.open = make(chan struct{})
		}
	default:
		if open {
			close(v.open)
		}
	}
}

// through is a writer that waits for the valve.
func (v *valve) through(w io.Writer) io.Writer { return valved{v, w} }

type valved struct {
	v *valve
	w io.Writer
}

// Write implements io.Writer.
func (x valved) Write(p []byte) (int, error) {
	x.v.wait()
	return x.w.Write(p)
}

// hung is how long a request may wait for a database that says nothing.
const hung = 20 * time.Second

func TestServer_WhoseDatabaseHangsSaysSoAndRecoversByItself(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(dbtest.EmptyURL(t, postgresEngine).Reveal())
	if err != nil {
		t.Fatal("the URL of the database cannot be read")
	}
	v := newValve(t, u.Host)
	u.Host = v.listener.Addr().String()
	s := newInstallationOn(t, postgresEngine, withPassword(t, u.String())).start()
	who, held := s.signedIn()

	v.set(false)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			got, err := s.apart().try(call{path: "/protected", bearer: held.access})
			if err != nil || got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" ||
				got.took > hung {
				t.Errorf("/protected after %s: %d %s, %v", got.took, got.status, got.body, err)
			}
		})
	}
	eventually(t, patience, "/readyz says that the database does not answer", func() bool {
		got := s.get("/readyz", "")
		return got.is(http.StatusServiceUnavailable, "not_ready") && strings.Contains(got.text("detail"), "database")
	})
	s.get("/healthz", "").want(http.StatusOK, "")
	group.Wait()

	v.set(true)
	s.recovers()
	s.get("/protected", held.access).want(http.StatusOK, "")
	s.call(who.signIn()).tokens()
}
