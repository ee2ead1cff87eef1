package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/durwardhq/durward/internal/app"
	"github.com/durwardhq/durward/internal/core/signingkey"
	"github.com/durwardhq/durward/internal/ident"
	"github.com/durwardhq/durward/internal/platform/db"
	"github.com/durwardhq/durward/internal/proto/jwt"
)

// keyView is a signing key as programs read it. Its private part is never shown.
type keyView struct {
	ID          ident.KeyID      `json:"id"`
	Algorithm   jwt.Algorithm    `json:"algorithm"`
	State       signingkey.State `json:"state"`
	CreatedAt   stamp            `json:"created_at"`
	ActivatesAt stamp            `json:"activates_at"`
	RetiresAt   *stamp           `json:"retires_at"`
	RemovedAt   *stamp           `json:"removed_at"`
}

func newKeyView(k signingkey.Key, now time.Time) keyView {
	return keyView{k.ID, k.Algorithm, k.StateAt(now), stamp{k.CreatedAt}, stamp{k.ActivateAt},
		optional(k.RetireAt), optional(k.RemoveAt)}
}

type keysListCmd struct{ jsonFlag }

func (keysListCmd) examples() []example {
	return []example{{"which keys verify, and which one signs:", "durward keys list"}}
}

type keyList struct {
	Keys []keyView `json:"keys"`
}

func (keysListCmd) Run(ctx context.Context, c *call) error {
	return c.reading(ctx, func(ctx context.Context, d *db.DB) error {
		keys, now, err := signingkey.List(ctx, d)
		if err != nil {
			return err
		}
		list := keyList{[]keyView{}}
		for _, k := range keys {
			list.Keys = append(list.Keys, newKeyView(k, now))
		}
		return c.answer(list, list.print)
	})
}

func (l keyList) print(w io.Writer) {
	var rows [][]string
	for _, k := range l.Keys {
		rows = append(rows, []string{string(k.ID), string(k.Algorithm), string(k.State), k.CreatedAt.String(),
			k.ActivatesAt.String(), k.RetiresAt.String(), k.RemovedAt.String()})
	}
	table(w, []string{"ID", "ALGORITHM", "STATE", "CREATED", "ACTIVATES", "RETIRES", "REMOVED"}, rows)
}

type keysRotateCmd struct {
	Now bool `help:"For a key in the wrong hands: the new key signs at once, and whatever the others signed is refused."`
	jsonFlag
}

// Help is what the help says beyond the flags.
func (keysRotateCmd) Help() string {
	return fmt.Sprintf("The new key is published at once and signs %d minutes later, when nobody can hold a copy of the "+
		"published keys without it. The old key verifies until the last token that it signed has expired. While a "+
		"rotation is under way a second one changes nothing.", int(signingkey.Lead.Minutes()))
}

func (keysRotateCmd) examples() []example {
	return []example{
		{"a new key that takes over once everybody can know it:", "durward keys rotate"},
		{"a key is in the wrong hands; whoever is signed in has to refresh:", "durward keys rotate --now"},
	}
}

// rotation is what keys rotate came to, as programs read it.
type rotation struct {
	Key  keyView `json:"key"`
	Made bool    `json:"made"` // false: a rotation was under way already, and this is its key
}

func (cmd keysRotateCmd) Run(ctx context.Context, c *call) error {
	return c.changing(ctx, func(ctx context.Context, a *app.App) error {
		if !c.json {
			fmt.Fprintf(c.stderr, "making a key for %s\n", a.Config.SigningAlgorithm)
		}
		change, err := a.Keys.Rotate(ctx, operator, cmd.Now)
		if err != nil {
			return err
		}
		_, now, err := signingkey.List(ctx, a.DB)
		if err != nil {
			return err
		}
		return c.answer(rotation{newKeyView(change.Key, now), change.Made}, func(w io.Writer) {
			fmt.Fprintln(w, rotationSentence(change, cmd.Now, now))
		})
	})
}

func rotationSentence(change signingkey.Change, compromise bool, now time.Time) string {
	key, at := change.Key, optional(&change.Key.ActivateAt)
	wait := key.ActivateAt.Sub(now).Round(time.Second)
	switch {
	case compromise:
		return fmt.Sprintf("Key %s signs now. All earlier keys are removed: every instance refuses what they signed "+
			"within %s.", key.ID, signingkey.RereadEvery)
	case !change.Made:
		return fmt.Sprintf("A rotation is under way already: key %s signs from %s (in %s). Nothing was changed.",
			key.ID, at, wait)
	case wait <= 0:
		return fmt.Sprintf("Key %s is published and signs now, since no other key does.", key.ID)
	}
	return fmt.Sprintf("Key %s is published. It signs from %s (in %s); until then the present key does.", key.ID, at, wait)
}
