package logx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/durwardhq/durward/internal/platform/logx"
)

func TestNew_JSONIsOneObjectALine(t *testing.T) {
	var out bytes.Buffer
	log := logx.New(&out, logx.JSON, slog.LevelInfo)
	log.Info("first", "name", "line\nbreak \"quoted\"")
	log.Warn("second")
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %d lines, want 2:\n%s", len(lines), out.String())
	}
	var first map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if first["msg"] != "first" || first["level"] != "INFO" || first["name"] != "line\nbreak \"quoted\"" {
		t.Errorf("got %v", first)
	}
}

func TestNew_TextKeepsAnEventOnItsLine(t *testing.T) {
	var out bytes.Buffer
	logx.New(&out, logx.Text, slog.LevelInfo).Info("event", "agent", "x\nlevel=ERROR msg=forged")
	if got := strings.Count(out.String(), "\n"); got != 1 || !strings.Contains(out.String(), "msg=event") {
		t.Errorf("got %d lines, want one with key=value:\n%s", got, out.String())
	}
}

func TestNew_LeavesOutWhatIsBelowTheLevel(t *testing.T) {
	for _, format := range []logx.Format{logx.JSON, logx.Text} {
		var out bytes.Buffer
		log := logx.New(&out, format, slog.LevelWarn)
		log.Info("quiet")
		log.Warn("loud")
		if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "loud") {
			t.Errorf("%s: got %q", format, got)
		}
	}
}

func TestAdd_GathersOnTheEventOfTheContext(t *testing.T) {
	ctx, event := logx.WithEvent(t.Context())
	logx.Add(ctx, slog.String("user", "1"))
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	logx.Add(inner, slog.Int("status", 204), slog.Bool("ok", true))
	var names []string
	for _, attr := range event.Attrs() {
		names = append(names, attr.Key+"="+attr.Value.String())
	}
	if got, want := strings.Join(names, " "), "user=1 status=204 ok=true"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAdd_WithoutAnEventDoesNothing(t *testing.T) {
	logx.Add(t.Context(), slog.String("user", "1"))
}

func TestWithEvent_InsideAnotherStartsAfresh(t *testing.T) {
	outerCtx, outer := logx.WithEvent(t.Context())
	innerCtx, inner := logx.WithEvent(outerCtx)
	logx.Add(innerCtx, slog.String("a", "1"))
	if len(outer.Attrs()) != 0 || len(inner.Attrs()) != 1 {
		t.Errorf("the outer event has %v, the inner %v", outer.Attrs(), inner.Attrs())
	}
}

func TestAttrs_AreACopy(t *testing.T) {
	ctx, event := logx.WithEvent(t.Context())
	logx.Add(ctx, slog.String("a", "1"))
	event.Attrs()[0] = slog.String("b", "2")
	if got := event.Attrs()[0].Key; got != "a" {
		t.Errorf("changing what Attrs gave changed the event: %q", got)
	}
}

func TestEvent_TakesAttributesFromSeveralGoroutines(t *testing.T) {
	ctx, event := logx.WithEvent(t.Context())
	var done sync.WaitGroup
	for range 16 {
		done.Go(func() {
			for range 50 {
				logx.Add(ctx, slog.Int("n", 1))
				event.Attrs()
			}
		})
	}
	done.Wait()
	if got := len(event.Attrs()); got != 16*50 {
		t.Errorf("got %d attributes, want %d", got, 16*50)
	}
}
