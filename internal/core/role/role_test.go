package role_test

import (
	"slices"
	"testing"

	"github.com/durwardhq/durward/internal/core/role"
)

func TestParse_KnowsTheRoles(t *testing.T) {
	for raw, want := range map[string]role.Name{"admin": role.Admin, "editor": role.Editor, "viewer": role.Viewer} {
		if got, field := role.Parse(raw); got != want || field != nil {
			t.Errorf("%q: %q, %v", raw, got, field)
		}
	}
}

func TestParse_RefusesEverythingElse(t *testing.T) {
	for raw, rule := range map[string]string{
		"": "required", "root": "unknown", "Admin": "unknown", "ADMIN": "unknown", " admin": "unknown",
		"admin ": "unknown", "admin\x00": "unknown", "\xff": "unknown", "аdmin": "unknown",
	} {
		got, field := role.Parse(raw)
		if got != "" || field == nil {
			t.Errorf("%q: %q, %v", raw, got, field)
			continue
		}
		if field.Field != "role" || !slices.Equal(field.Rules, []string{rule}) || field.Message == "" {
			t.Errorf("%q: %+v", raw, field)
		}
	}
}
