package e2e

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// metrics gives the values of the metrics that have no labels.
func (s *server) metrics() map[string]float64 {
	s.t.Helper()
	got, err := s.exchange(call{path: s.ops + "/metrics"})
	if err != nil {
		s.t.Fatal(err)
	}
	values := map[string]float64{}
	for line := range strings.Lines(string(got.body)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			values[name] = value
		}
	}
	return values
}

// queued has many people sign in, on connections of their own, and returns when all of them are at their hash or wait
// for it. It is the first that anybody hashes but for that one account. The answers are there when the group is done.
func (s *server) queued(n int, who person) (answers []answer, failures []error, group *sync.WaitGroup) {
	s.t.Helper()
	answers, failures, group = make([]answer, n), make([]error, n), &sync.WaitGroup{}
	for i := range n {
		group.Go(func() { answers[i], failures[i] = s.apart().try(who.signIn()) })
	}
	eventually(s.t, patience, "all sign-ins are in the queue", func() bool {
		m := s.metrics()
		return int(m["durward_hash_queue_length"]+m["durward_hash_running"]+m["durward_hash_done_total"]) == n+1
	})
	return answers, failures, group
}

// shutsTheDoor waits until new connections are refused: the signal to stop has been heard.
func (s *server) shutsTheDoor() {
	s.t.Helper()
	eventually(s.t, patience, "new connections are refused", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
}

func TestStop_LetsRequestsUnderWayFinish(t *testing.T) {
	const waiting = 24
	eachServer(t, func(t *testing.T, s *server) {
		who := s.register()
		answers, failures, group := s.queued(waiting, who)
		if s.metrics()["durward_hash_queue_length"] == 0 {
			t.Fatal("nobody waits any more: this shows nothing")
		}
		if code := s.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		group.Wait()
		for i, a := range answers {
			if failures[i] != nil || a.status != http.StatusOK {
				t.Errorf("sign-in %d: %d %s, %v", i, a.status, a.body, failures[i])
			}
		}
		if n := s.in.number(t, "SELECT count(*) FROM sessions"); n != waiting {
			t.Errorf("%d sessions of %d that were answered", n, waiting)
		}
		if !strings.Contains(s.stderr(), `"msg":"stopped"`) {
			t.Error("the log does not say that it stopped")
		}
	}, "HASH_WORKERS=1", "ARGON2_ITERATIONS=6")
}

func TestStop_TakesNobodyNewMeanwhile(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		_, _, group := s.queued(16, s.register())
		s.signal(syscall.SIGTERM)
		s.shutsTheDoor()
		if s.over() {
			t.Error("it ended before it had answered")
		}
		group.Wait()
		if code := s.wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}, "HASH_WORKERS=1", "ARGON2_ITERATIONS=8")
}

func TestStop_ASecondSignalEndsTheProcessAtOnce(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		const queue = 30
		_, failures, group := s.queued(queue, s.register())
		s.signal(syscall.SIGTERM)
		s.shutsTheDoor()
		if s.over() {
			t.Fatal("it did not wait for the requests under way")
		}
		began := time.Now()
		s.signal(syscall.SIGTERM)
		if code := s.wait(); code == 0 {
			t.Error("exit code 0 although requests were cut off")
		}
		figure(t, "stopped %s after the second signal", time.Since(began))
		group.Wait()
		cut := 0
		for _, err := range failures {
			if err != nil {
				cut++
			}
		}
		if cut == 0 {
			t.Error("every request was answered: it was not at once")
		}
	}, "HASH_WORKERS=1", "ARGON2_ITERATIONS=20")
}

func TestStop_CutsOffWhatTakesLongerThanItIsAllowed(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		_, _, group := s.queued(30, s.register())
		if code := s.stop(); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		if said := s.stderr(); !strings.Contains(said, "cut off after 1s") {
			t.Errorf("it said:\n%s", lastLines(said, 3))
		}
		group.Wait()
	}, "HASH_WORKERS=1", "ARGON2_ITERATIONS=20", "SHUTDOWN_TIMEOUT=1s")
}
