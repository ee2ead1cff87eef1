package floors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Options are what the floors' process is started with.
type Options struct {
	Database string `required:"" help:"The database, as the server names it."`
	CPU      int    `required:"" help:"The core that the process was given."`
}

// Sample is what a floor measured inside its own process.
type Sample struct {
	Figures
	CPU  float64 `json:"cpu_seconds"`
	Core float64 `json:"core_seconds"` // what its core was busy with, for whomever
}

// floor is a piece of work with nothing around it. Client tells the callers apart.
type floor func(ctx context.Context, client int) error

// Serve runs the floors' process: it listens, prints its address, and serves until ctx ends. /hello and the like are
// floors that are loaded from outside; POST /run measures one from inside.
func (o Options) Serve(ctx context.Context, stdout io.Writer) error {
	store, err := openFloorStore(ctx, o.Database)
	if err != nil {
		return err
	}
	defer store.close()
	crypt, err := newCryptFloors()
	if err != nil {
		return err
	}
	defer crypt.close()
	mux := http.NewServeMux()
	crypt.handle(mux, store)
	inside := insideFloors(crypt, store)
	mux.HandleFunc("POST /run", func(w http.ResponseWriter, r *http.Request) {
		s, err := o.runInside(r, inside)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(s) // who asked has gone, or has it
	})
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if _, err := fmt.Fprintln(stdout, l.Addr()); err != nil {
		return err
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// insideFloors are the floors that are measured without HTTP, by name.
func insideFloors(c *cryptFloors, s floorStore) map[string]floor {
	return map[string]floor{
		Argon2Other: c.argon2Other,
		Argon2:      c.argon2,
		Sign:        c.sign,
		Token:       c.token,
		Verify:      c.verify,
		Select:      s.read,
		Update:      s.update,
		Check: func(ctx context.Context, client int) error {
			return errors.Join(c.verify(ctx, client), s.read(ctx, client))
		},
	}
}

// runInside measures a floor: POST /run?floor=NAME&clients=N&warmup=1s&duration=5s.
func (o Options) runInside(r *http.Request, floors map[string]floor) (Sample, error) {
	query := r.URL.Query()
	work, ok := floors[query.Get("floor")]
	clients, err := strconv.Atoi(query.Get("clients"))
	warmup, err2 := time.ParseDuration(query.Get("warmup"))
	duration, err3 := time.ParseDuration(query.Get("duration"))
	if !ok || errors.Join(err, err2, err3) != nil {
		return Sample{}, errors.New("expected floor, clients, warmup and duration")
	}
	if _, err := repeat(r.Context(), work, clients, warmup); err != nil {
		return Sample{}, err
	}
	before := coreBusy(o.CPU)
	s, err := repeat(r.Context(), work, clients, duration)
	s.Core = (coreBusy(o.CPU) - before).Seconds()
	return s, err
}

// repeat has clients do the work again and again.
func repeat(ctx context.Context, work floor, clients int, duration time.Duration) (Sample, error) {
	tallies := make([][]time.Duration, clients)
	failures := make([]error, clients)
	before, begun := ownTime(), time.Now()
	end := begun.Add(duration)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for at := time.Now(); at.Before(end) && failures[i] == nil; {
				failures[i] = work(ctx, i)
				now := time.Now()
				tallies[i] = append(tallies[i], now.Sub(at))
				at = now
			}
		})
	}
	all.Wait()
	s := Sample{CPU: (ownTime() - before).Seconds()}
	s.Seconds = time.Since(begun).Seconds()
	var took []time.Duration
	for _, t := range tallies {
		took = append(took, t...)
	}
	s.Fill(took)
	return s, errors.Join(failures...)
}

// ownTime is the processor time of this process so far.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // it cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// coreBusy is how long a core has been busy so far; 0 where that cannot be read, so that nobody seems to be there.
func coreBusy(cpu int) time.Duration {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	busy, err := CoreTime(string(stat), cpu)
	if err != nil {
		return 0
	}
	return busy
}
