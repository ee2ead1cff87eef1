package main

import (
	"fmt"
	"io"

	"github.com/durwardhq/durward/internal/config"
)

type configCheckCmd struct{ jsonFlag }

func (configCheckCmd) examples() []example {
	return []example{
		{"everything that would keep the server from starting:", "durward config check --config /etc/durward.yaml"},
		{"the same for a program:", "durward config check --json"},
	}
}

// checked is the judgement on the configuration as programs read it.
type checked struct {
	OK bool `json:"ok"`
	*config.Report
}

func (configCheckCmd) Run(c *call) error {
	_, report := config.Load(c.source())
	judgement := checked{OK: report.Err() == nil, Report: report}
	err := c.answer(judgement, func(w io.Writer) {
		io.WriteString(w, report.String())
		if judgement.OK {
			fmt.Fprintln(w, okLine(len(report.Warnings)))
		}
	})
	if err == nil && !judgement.OK {
		return told{exitMisused}
	}
	return err
}

func okLine(warnings int) string {
	switch warnings {
	case 0:
		return "The configuration is OK."
	case 1:
		return "\nThe configuration is OK, with a warning."
	}
	return fmt.Sprintf("\nThe configuration is OK, with %d warnings.", warnings)
}

type configExampleCmd struct{}

func (configExampleCmd) examples() []example {
	return []example{{"a file to begin with:", "durward config example > durward.yaml"}}
}

func (configExampleCmd) Run(c *call) error {
	_, err := io.WriteString(c.stdout, config.Example())
	return err
}

type configShowCmd struct{ jsonFlag }

func (configShowCmd) examples() []example {
	return []example{
		{"what is in force, and why:", "durward config show --config /etc/durward.yaml"},
		{"the development profile:", "durward config show --dev"},
	}
}

// shown is the list of settings as programs read it.
type shown struct {
	Settings []config.Shown `json:"settings"`
}

// Run shows what was understood even where something is wrong, and then tells what.
func (configShowCmd) Run(c *call) error {
	cfg, report := config.Load(c.source())
	list := shown{cfg.Show()}
	err := c.answer(list, func(w io.Writer) {
		var rows [][]string
		for _, s := range list.Settings {
			rows = append(rows, []string{s.Name, s.Value, s.Origin})
		}
		table(w, []string{"SETTING", "VALUE", "ORIGIN"}, rows)
	})
	if err != nil {
		return err
	}
	return report.Err()
}
