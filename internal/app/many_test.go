package app_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/durwardhq/durward/internal/platform/clock"
)

func TestRefresh_ManySessionsAtOnceLoseNoToken(t *testing.T) {
	each(t, func(t *testing.T, s *instance, _ *clock.Offset) {
		const clients, rounds = 64, 25
		tokens := make([]string, clients)
		for i := range tokens {
			if i%8 == 0 {
				s.register("user"+strconv.Itoa(i/8)).want(http.StatusCreated, "")
			}
			tokens[i] = s.login("user"+strconv.Itoa(i/8)).want(http.StatusOK, "").text("refresh_token")
		}
		var wg sync.WaitGroup
		for _, token := range tokens {
			wg.Go(func() {
				for range rounds {
					got, err := s.send("POST", "/refresh", fields{"refresh_token": token}, "")
					if err != nil || got.status != http.StatusOK {
						t.Errorf("%d %s, %v", got.status, got.body, err)
						return
					}
					token = got.text("refresh_token")
				}
			})
		}
		wg.Wait()
	})
}
