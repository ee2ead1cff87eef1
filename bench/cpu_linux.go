package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// onCPU runs start, which begins a process, so that the process runs on one core.
func onCPU(cpu int, start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, only unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("read the allowed cores: %w", err)
	}
	only.Set(cpu)
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return fmt.Errorf("use core %d: %w", cpu, err)
	}
	err := start()
	if back := unix.SchedSetaffinity(0, &before); err == nil {
		err = back
	}
	return err
}

// stayOnCPU moves this process to one core for good.
func stayOnCPU(cpu int) error {
	var only unix.CPUSet
	only.Set(cpu)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &only); err != nil && err != unix.ESRCH {
			return fmt.Errorf("use core %d: %w", cpu, err)
		}
	}
	runtime.GOMAXPROCS(2) // whoever waits in epoll must not keep others waiting
	return nil
}
