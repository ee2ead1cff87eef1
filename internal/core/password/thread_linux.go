package password

import "golang.org/x/sys/unix"

// setNice raises the nice level of the calling thread, to be locked to its goroutine, and tells the level it then has.
// A process that is nicer already stays so; where the system refuses, the level stays what it was.
func setNice(level int) int {
	tid := unix.Gettid()
	if now := niceOf(tid); level > now {
		_ = unix.Setpriority(unix.PRIO_PROCESS, tid, level) // on Linux this is the thread's own level
	}
	return niceOf(tid)
}

// niceOf asks for a thread's level. The system call answers 20 - nice, to keep clear of negative results.
func niceOf(tid int) int {
	prio, err := unix.Getpriority(unix.PRIO_PROCESS, tid)
	if err != nil {
		return 0
	}
	return 20 - prio
}
