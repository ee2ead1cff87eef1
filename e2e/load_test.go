package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	people     = 500                    // who sign in again and again, all at once
	probeEvery = 5 * time.Millisecond   // of each kind
	probes     = 1000                   // of each kind, before a measurement counts
	probeLimit = 100 * time.Millisecond // at the 99th percentile
	busyLimit  = time.Second            // for a refusal, at the 99th percentile: less than a place in the queue takes
	// memoryLimit is what bounds memory: two Argon2id workers of 19 MiB each on two cores, 500 connections with their
	// buffers, and Go's own; the garbage collector lets the heap double.
	memoryLimit  = 256 << 20
	loadAttempts = 3 // this measures time, and other things may run on the machine
	calmPatience = 20 * time.Second
	calmShare    = 0.8 // of the processors' time, idle, before a measurement begins
)

// figures are the times that one load came to.
type figures struct {
	mu                                sync.Mutex
	health, protected, signedIn, busy []time.Duration
}

func (f *figures) note(to *[]time.Duration, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*to = append(*to, took)
}

// percentile gives the smallest time that p of 100 do not exceed.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[(len(sorted)*p+99)/100-1]
}

func (f *figures) String() string {
	text := ""
	for _, kind := range []struct {
		name  string
		times []time.Duration
	}{{"/healthz", f.health}, {"/protected", f.protected}, {"signed in", f.signedIn}, {"told busy", f.busy}} {
		text += fmt.Sprintf("\n  %-10s %5d, p50 %s, p99 %s, most %s", kind.name, len(kind.times),
			percentile(kind.times, 50).Round(100*time.Microsecond), percentile(kind.times, 99).Round(100*time.Microsecond),
			percentile(kind.times, 100).Round(100*time.Microsecond))
	}
	return text
}

func TestServer_Under500SignInsAtOnceAnswersOthersInTimeAndRefusesTheExcessAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, in *installation) {
		for attempt := 1; ; attempt++ {
			s := in.start()
			idle := awaitCalm(t)
			f := loaded(t, s)
			memory := s.peakMemory()
			figure(t, "%s: %d people sign in at once (attempt %d, on a machine that was %.0f%% idle); most memory %d MiB:%s",
				in.engine, people, attempt, 100*idle, memory>>20, f)
			if memory > memoryLimit {
				t.Errorf("the process had %d MiB, more than %d", memory>>20, memoryLimit>>20)
			}
			s.stop()
			slowest := max(percentile(f.health, 99), percentile(f.protected, 99))
			if slowest < probeLimit && percentile(f.busy, 99) < busyLimit || t.Failed() {
				return
			}
			if attempt == loadAttempts {
				t.Fatalf("at the 99th percentile a probe took %s, and a refusal %s, in the last of %d attempts", slowest,
					percentile(f.busy, 99), attempt)
			}
		}
	})
}

// awaitCalm waits, not for ever, until the machine has little else to do, and tells the share of time that it was idle.
func awaitCalm(t *testing.T) (idle float64) {
	t.Helper()
	deadline := time.NewTimer(calmPatience)
	defer deadline.Stop()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for before := processorTime(t); ; {
		select {
		case <-deadline.C:
			return idle
		case <-tick.C:
		}
		now := processorTime(t)
		idle = (now.idle - before.idle) / max(1, now.all-before.all)
		if idle >= calmShare {
			return idle
		}
		before = now
	}
}

// ticks is what the processors have done since the machine was started, in units of the system's.
type ticks struct{ idle, all float64 }

// processorTime reads the first line of /proc/stat (proc(5)): "cpu", then user, nice, system, idle, iowait and others.
func processorTime(t *testing.T) (sum ticks) {
	t.Helper()
	first, _, _ := strings.Cut(content(t, "/proc/stat"), "\n")
	for i, text := range strings.Fields(first)[1:] {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("/proc/stat: %v", err)
		}
		if i == 3 || i == 4 {
			sum.idle += n
		}
		sum.all += n
	}
	return sum
}

// loaded lets many people sign in, each again as soon as they are in, or as late as they are told to when the server is
// busy, until there are enough probes.
func loaded(t *testing.T, s *server) *figures {
	t.Helper()
	who, held := s.signedIn()
	f := &figures{}
	stop, gate := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	for range people {
		group.Go(func() {
			own := s.apart()
			<-gate
			for signInUnderLoad(own, who, f, stop) {
			}
		})
	}
	group.Go(func() { probe(s, held.access, f, stop, &group) })
	close(gate)
	eventually(t, 2*patience, "there are enough probes", func() bool { return t.Failed() || f.probed() >= probes })
	close(stop)
	group.Wait()
	if len(f.busy) == 0 || len(f.signedIn) == 0 {
		t.Errorf("the load shows nothing:%s", f)
	}
	return f
}

func (f *figures) probed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return min(len(f.health), len(f.protected))
}

// signInUnderLoad tells whether to go on.
func signInUnderLoad(s *server, who person, f *figures, stop <-chan struct{}) bool {
	wait := time.Duration(0)
	got, err := s.exchange(who.signIn())
	seconds, unasked := strconv.Atoi(got.header.Get("Retry-After"))
	switch {
	case err != nil:
		s.t.Errorf("sign in: %v", err)
		return false
	case got.status == http.StatusOK:
		f.note(&f.signedIn, got.took)
	case got.is(http.StatusServiceUnavailable, "busy") && unasked == nil && seconds > 0:
		f.note(&f.busy, got.took)
		wait = time.Duration(seconds) * time.Second
	default:
		s.t.Errorf("sign in: %d %s %v", got.status, got.body, got.header)
		return false
	}
	select {
	case <-stop:
		return false
	case <-time.After(wait):
		return true
	}
}

// probe asks at a steady pace, whether or not what it asked before has been answered: waiting for a slow answer would
// hide the slowness.
func probe(s *server, access string, f *figures, stop <-chan struct{}, group *sync.WaitGroup) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	ask := func(c call, to *[]time.Duration) {
		got, err := s.exchange(c)
		if err != nil || got.status != http.StatusOK {
			s.t.Errorf("%s: %d %s, %v", c.path, got.status, got.body, err)
			return
		}
		f.note(to, got.took)
	}
	for {
		group.Go(func() { ask(call{path: "/healthz"}, &f.health) })
		group.Go(func() { ask(call{path: "/protected", bearer: access}, &f.protected) })
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}
