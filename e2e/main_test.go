// Package e2e drives the built binary as its users do: as processes with a command line and an environment, over HTTP,
// on databases of both engines. It owns what can only be seen from outside: several instances on one database, crashes,
// outages, load, signals, files and logs. What one instance answers in every case is shown beside the code, with a
// clock that can be moved.
//
// TEST_BINARY names the binary; without it one is built. TEST_POSTGRES_URL names a PostgreSQL server whose user may
// make databases. Everything that any process writes is kept until the end of the run, and then searched for every
// secret that the tests made or were given.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var (
	binary string // the program under test
	logs   string // the folder that gets what every process writes
)

// summary is what the run came to in figures, printed at its end whether or not the tests are shown one by one.
var summary struct {
	mu    sync.Mutex
	lines []string
}

// figure adds to the summary.
func figure(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Logf(format, args...)
	summary.mu.Lock()
	defer summary.mu.Unlock()
	summary.lines = append(summary.lines, fmt.Sprintf(format, args...))
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "durward-e2e-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(folder)
	logs = filepath.Join(folder, "logs")
	if err := os.Mkdir(logs, 0o700); err != nil {
		return failed(err)
	}
	if binary, err = theBinary(folder); err != nil {
		return failed(err)
	}
	code := m.Run()
	for _, line := range summary.lines {
		fmt.Println(line)
	}
	if err := noSecretsLogged(logs); err != nil {
		return failed(err)
	}
	return code
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

// theBinary is the one that TEST_BINARY names, otherwise one made from this tree.
func theBinary(folder string) (string, error) {
	if path := os.Getenv("TEST_BINARY"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(folder, "durward")
	build := exec.Command("go", "build", "-o", path, "../cmd/durward")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the binary: %w\n%s", err, out)
	}
	return path, nil
}

// noSecretsLogged searches everything that was written for everything that must not be.
func noSecretsLogged(folder string) error {
	finds, searched, err := secrets.searchFolder(folder)
	if err != nil {
		return err
	}
	fmt.Printf("logs: %d files, %d bytes, %d secrets in %d forms, %d finds\n",
		searched.files, searched.bytes, secrets.count(), searched.forms, len(finds))
	for _, f := range finds {
		fmt.Println("  a secret is in a log:", f)
	}
	if len(finds) > 0 {
		return fmt.Errorf("%d secrets are in the logs", len(finds))
	}
	return nil
}
