package floors

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// ClockTick is the unit of times in /proc on Linux (USER_HZ).
const ClockTick = 10 * time.Millisecond

// ErrStat says that the system is another than Linux, or has changed.
var ErrStat = errors.New("/proc does not look as it does on Linux")

// ProcessTime adds utime and stime (proc_pid_stat(5), fields 14 and 15). The name before them may hold anything.
func ProcessTime(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, ErrStat
	}
	return ticks(fields[11:13])
}

// CoreTime adds up what a core did but idle and wait for the disk (proc_stat(5)).
func CoreTime(stat string, cpu int) (time.Duration, error) {
	for line := range strings.Lines(stat) {
		fields := strings.Fields(line)
		if len(fields) >= 9 && fields[0] == "cpu"+strconv.Itoa(cpu) {
			return ticks(append(fields[1:4:4], fields[6:9]...))
		}
	}
	return 0, ErrStat
}

func ticks(fields []string) (sum time.Duration, err error) {
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, ErrStat
		}
		sum += time.Duration(n) * ClockTick
	}
	return sum, nil
}
