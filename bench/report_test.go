package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/durwardhq/durward/bench/floors"
)

func TestPercentile_OfSortedTimes(t *testing.T) {
	var took []time.Duration
	for i := range 200 {
		took = append(took, time.Duration(i+1)*time.Millisecond)
	}
	for _, tt := range []struct {
		p    int
		want float64
	}{{50, 100}, {99, 198}, {100, 200}, {0, 1}} {
		if got := floors.Percentile(took, tt.p); got != tt.want {
			t.Errorf("%d: %v, want %v", tt.p, got, tt.want)
		}
	}
	if got := floors.Percentile(nil, 50); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestProcessTime_IgnoresWhatTheNameHolds(t *testing.T) {
	got, err := floors.ProcessTime("12 (a) b 1) S 1 12 12 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 8 0 100 1 1")
	if err != nil || got != 4*time.Second {
		t.Errorf("%v, %v; want 4 s", got, err)
	}
	for _, bad := range []string{"", "12 (a) S 1", "12 (a) S 1 1 1 1 1 1 1 1 1 1 x y"} {
		if _, err := floors.ProcessTime(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestCoreTime_LeavesOutIdlingAndWaiting(t *testing.T) {
	stat := "cpu 9 9 9 9 9 9 9 9 0 0\ncpu0 100 20 30 4000 500 6 7 8 0 0\ncpu1 1 1 1 1 1 1 1 1 0 0\n"
	got, err := floors.CoreTime(stat, 0)
	if want := 171 * floors.ClockTick; err != nil || got != want {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := floors.CoreTime(stat, 2); err == nil {
		t.Error("a core that there is not has a time")
	}
}

func TestRow_TellsTheMiddleRunAndTheMiddleRatio(t *testing.T) {
	r := row{Operation: "refresh", Clients: 16}
	against := []versus{{floor: floors.Update, basis: byClock}, {floor: floors.HTTPRenew, basis: perCore}}
	for _, rate := range []float64{300, 100, 200} {
		m := measured{Figures: floors.Figures{PerSecond: rate}, PerCore: rate}
		r.add(m, against, []measured{{Figures: floors.Figures{PerSecond: 400}}, {PerCore: 200}})
	}
	if r.PerSecond != 200 || len(r.All) != 3 {
		t.Errorf("the middle run has %v/s", r.PerSecond)
	}
	if c := r.Compared[0]; c.Ratio != 0.5 || c.Least != 0.25 || c.Most != 0.75 || c.Rate != 400 {
		t.Errorf("by the clock: %+v", c)
	}
	if c := r.Compared[1]; c.Ratio != 1 || c.Basis != perCore {
		t.Errorf("by CPU: %+v", c)
	}
}

// sample of a whole report, with one goal met and one missed.
func exampleReport() *report {
	r := &report{Load: []string{"0.1"}, Sizes: map[string]int64{"durward": 1e6}, Engines: []*engineReport{{
		Engine: "sqlite", Start: &startReport{Median: 12, Idle: memory{Resident: 41}},
		Rows: []row{
			{Operation: "jwks", Clients: 16, Compared: []comparison{{Floor: floors.Hello, Basis: perCore, Ratio: 0.5}}},
			{Operation: "sign-in", Clients: 8, Compared: []comparison{{Floor: floors.Argon2, Basis: perCore, Ratio: 0.9}}},
			{Operation: "refresh", Clients: 64, measured: measured{Figures: floors.Figures{P99: 8, Refused: 3}}},
		},
		Floors:     []storedFloor{{Floor: floors.Sign, Clients: 1}},
		Isolation:  []isolationReport{{Clients: 8, Protected: floors.Figures{P99: 11}}, {Clients: 500, Protected: floors.Figures{P99: 11}}},
		Statements: map[string]statements{"refresh": {Reads: 1, Writes: 1}},
	}}}
	r.end(time.Minute)
	return r
}

func TestJudge_SaysOfEachGoalWhetherItIsMet(t *testing.T) {
	missed := map[string]bool{}
	for _, g := range exampleReport().Goals {
		missed[g.Goal] = !g.Met
	}
	for what, want := range map[string]bool{
		"sqlite: jwks, 16 clients, of hello":                     true,
		"sqlite: sign-in, 8 clients, of argon2id, bare":          false,
		"sqlite: refresh, 64 clients, p99":                       false,
		"sqlite: start over a migrated database":                 false,
		"sqlite: idle memory":                                    true,
		"sqlite: p99 beside 8 clients who sign in, /protected":   true,
		"sqlite: p99 beside 500 clients who sign in, /protected": false,
	} {
		if got, ok := missed[what]; !ok || got != want {
			t.Errorf("%s: missed %v, there %v", what, got, ok)
		}
	}
}

func TestPrint_IsATableForPeopleOrOneDocument(t *testing.T) {
	var people, programs bytes.Buffer
	if err := exampleReport().print(&people, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FALLS SHORT", "met", "0.50 of hello", "(+3 busy)", "ES256 sign", "start to the first answer"} {
		if !strings.Contains(people.String(), want) {
			t.Errorf("no %q in\n%s", want, people.String())
		}
	}
	if err := exampleReport().print(&programs, true); err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(programs.Bytes(), &back); err != nil || len(back.Engines) != 1 || len(back.Goals) == 0 {
		t.Errorf("%v in\n%s", err, programs.String())
	}
}

func TestRun_TeachesAndRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, 0, "go run ./bench --only refresh"},
		{[]string{"--only", "nothing"}, 2, "there are start"},
		{[]string{"--engine", "oracle"}, 2, "sqlite"},
		{[]string{"--clients", "0"}, 2, "1 to 512"},
		{[]string{"--runs", "0"}, 2, "1 to 100"},
		{[]string{"--duration", "1ms"}, 2, "100ms"},
		{[]string{"--warmup", "-1s"}, 2, "--warmup"},
		{[]string{"--sessions", "1"}, 2, "--sessions"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), tt.args, &out, &out); code != tt.code || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%q: exit code %d and\n%s", tt.args, code, out.String())
		}
	}
}

func TestGivenPostgres_IsOnThisMachine(t *testing.T) {
	for address, good := range map[string]bool{
		"postgres://u@127.0.0.1:5432/d": true, "postgres://u@[::1]/d": true, "postgresql://u@localhost/d": true,
		"postgres://u@db.example.com/d": false, "postgres://u@10.0.0.1/d": false, "mysql://u@127.0.0.1/d": false,
	} {
		if _, err := givenPostgres(address); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestSpares_AreMadeOnlyForWhatUsesThemUp(t *testing.T) {
	s := &stage{o: options{Only: []string{"jwks"}, Clients: []int{1}, Runs: 1, Duration: time.Second}}
	if n := s.spares(); n != 0 {
		t.Errorf("%d for jwks", n)
	}
	s.o.Only = []string{"logout"}
	if n := s.spares(); n != fastestLogout {
		t.Errorf("%d for one second of logout", n)
	}
	s.o.Runs = 1000
	if n := s.spares(); n != mostSpares {
		t.Errorf("%d for ever", n)
	}
}

func TestMeasured_OneSecondOfCPUIsTheMeasure(t *testing.T) {
	m := newMeasured(floors.Figures{Requests: 500, Seconds: 2}, 0.5, 1.5)
	if m.PerCore != 1000 || m.Micros != 1000 || m.Others != 0.5 {
		t.Errorf("%+v", m)
	}
	if got := newMeasured(floors.Figures{Seconds: 1}, 0, 0).PerCore; got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
