// Package role owns the roles and who holds them: the tables `roles` and `user_roles`. It does not say what a role may
// do; core/policy and the surfaces do.
package role

import (
	"time"

	"github.com/durwardhq/durward/internal/platform/errs"
)

// Name names a role, in lower case everywhere.
type Name string

const (
	// Admin may do everything.
	Admin Name = "admin"
	// Editor may act on accounts that hold no role.
	Editor Name = "editor"
	// Viewer may read.
	Viewer Name = "viewer"
)

// Role is a role that can be granted.
type Role struct {
	Name        Name
	Description string
	CreatedAt   time.Time
}

// Parse reads a role's name, exactly as it is written. The field it refuses is "role"; its rules are `required` and
// `unknown`.
func Parse(raw string) (Name, *errs.Field) {
	switch name := Name(raw); name {
	case Admin, Editor, Viewer:
		return name, nil
	case "":
		return "", refused("required")
	}
	return "", refused("unknown")
}

func refused(rule string) *errs.Field {
	return &errs.Field{
		Field:   "role",
		Rules:   []string{rule},
		Message: "A role is one of admin, editor and viewer, in lower case.",
	}
}
