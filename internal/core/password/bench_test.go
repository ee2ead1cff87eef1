package password

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/durwardhq/durward/internal/platform/secret"
)

const benchPassword = "Aa1! correct horse"

// BenchmarkArgon2id sets the whole call beside the bare hash, ours and the other implementation's, in one run.
func BenchmarkArgon2id(b *testing.B) {
	d := DefaultArgon2
	in := argon2Input{password: []byte(benchPassword), salt: make([]byte, saltLen)}
	b.Run("x-crypto", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			argon2.IDKey(in.password, in.salt, d.Time, d.MemoryKiB, uint8(d.Threads), argon2SumLen)
		}
	})
	b.Run("bare", func(b *testing.B) {
		m := &memory{keep: d.blocks(), held: newCounter()}
		defer m.release()
		blocks, err := m.take(d.blocks())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			argon2id(d, in, argon2SumLen, blocks)
		}
	})
	h := hasher(b, Config{Workers: 1})
	b.Run("Hash", func(b *testing.B) { benchHash(b, h) })
	b.Run("Verify", func(b *testing.B) { benchVerify(b, h) })
	b.Run("VerifyAbsent", func(b *testing.B) { benchAbsent(b, h) })
}

func BenchmarkBcrypt(b *testing.B) {
	for _, cost := range []int{10, 12} {
		h := hasher(b, Config{Scheme: Bcrypt, BcryptCost: cost, Workers: 1})
		b.Run(fmt.Sprintf("Hash/%d", cost), func(b *testing.B) { benchHash(b, h) })
		b.Run(fmt.Sprintf("Verify/%d", cost), func(b *testing.B) { benchVerify(b, h) })
	}
}

func benchHash(b *testing.B, h *Hasher) {
	b.ReportAllocs()
	for b.Loop() {
		hashed(b, h, benchPassword)
	}
}

func benchVerify(b *testing.B, h *Hasher) {
	encoded := hashed(b, h, benchPassword)
	b.ReportAllocs()
	for b.Loop() {
		if match, outdated := verified(b, h, encoded, benchPassword); !match || outdated {
			b.Fatal("no match")
		}
	}
}

func benchAbsent(b *testing.B, h *Hasher) {
	b.ReportAllocs()
	for b.Loop() {
		if err := h.VerifyAbsent(b.Context(), secret.New(benchPassword)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPool is what a job costs beyond its work.
func BenchmarkPool(b *testing.B) {
	h := hasher(b, Config{Workers: 1})
	b.ReportAllocs()
	for b.Loop() {
		if err := h.pool.do(b.Context(), nothing); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	var out, x, y block
	b.Run("generic", func(b *testing.B) {
		for b.Loop() {
			compressGeneric(&out, &x, &y, true)
		}
	})
	b.Run("in-use", func(b *testing.B) {
		for b.Loop() {
			compress(&out, &x, &y, true)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	encoded := newDecoy(costs{form: formArgon2id, argon2: DefaultArgon2}).String()
	for b.Loop() {
		mustParse(b, encoded)
	}
}

// BenchmarkNice is the experiment behind DefaultNice: it hashes without pause and measures how late other work, up to
// 500 pieces of 50 µs a second, is done. Run it on a quiet machine, and again beside a busy database (pgbench -c 8).
func BenchmarkNice(b *testing.B) {
	for _, level := range []int{0, 5, 10, 19} {
		b.Run(fmt.Sprint(level), func(b *testing.B) {
			// Here, for the testing package sets it anew for each benchmark.
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + DefaultWorkers()))
			h := hasher(b, Config{Nice: level})
			for range 2 * h.Stats().Workers {
				go func() {
					for h.VerifyAbsent(b.Context(), secret.New(benchPassword)) == nil {
					}
				}()
			}
			done, begun := h.Stats().Done, time.Now()
			late := probe(b)
			b.ReportMetric(float64(h.Stats().Done-done)/time.Since(begun).Seconds(), "hashes/s")
			slices.Sort(late)
			for _, p := range []int{50, 99} {
				b.ReportMetric(float64(late[(len(late)-1)*p/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
			}
			b.ReportMetric(float64(late[len(late)-1].Microseconds())/1000, "max-ms")
		})
	}
}

// probe does a piece of work every 2 ms, each in a goroutine as a request would be, and gives the time from when it was
// due to its end.
func probe(b *testing.B) (late []time.Duration) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	data, ended := make([]byte, 64<<10), make(chan struct{})
	for b.Loop() {
		due := <-tick.C
		go func() {
			sha256.Sum256(data)
			late = append(late, time.Since(due))
			ended <- struct{}{}
		}()
		<-ended
	}
	return late
}
