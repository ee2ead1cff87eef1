package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/durwardhq/durward/internal/app"
)

type versionCmd struct{ jsonFlag }

func (versionCmd) examples() []example {
	return []example{{"which build this is:", "durward version"}}
}

// build describes this program.
type build struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (versionCmd) Run(c *call) error {
	b := build{app.Version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	return c.answer(b, func(w io.Writer) {
		fmt.Fprintf(w, "durward %s (%s, %s)\n", b.Version, b.Go, b.Platform)
	})
}
