//go:build !linux

package main

import (
	"context"
	"errors"
	"time"

	"github.com/durwardhq/durward/bench/floors"
)

var errLinux = errors.New("measuring needs Linux: it gives each process a core and reads /proc")

func onCPU(int, func() error) error { return errLinux }

func stayOnCPU(int) error { return errLinux }

func closedLoop(context.Context, string, []script, time.Duration, time.Duration, func(bool)) (floors.Figures, error) {
	return floors.Figures{}, errLinux
}
