package sqliteconn

import "testing"

func TestRewrite_ChangesParametersAndNothingElse(t *testing.T) {
	for sql, want := range map[string]string{
		"":                                "",
		"SELECT $1, $12":                  "SELECT ?1, ?12",
		"SELECT '$1', \"a$1\", $2":        "SELECT '$1', \"a$1\", ?2",
		"SELECT 'it''s $1', $1":           "SELECT 'it''s $1', ?1",
		"SELECT $1 -- not $2\n, $3":       "SELECT ?1 -- not $2\n, ?3",
		"SELECT $1 /* not $2 */, $3":      "SELECT ?1 /* not $2 */, ?3",
		"SELECT a$ FROM b WHERE c = $1":   "SELECT a$ FROM b WHERE c = ?1",
		"SELECT 'never closed $1":         "SELECT 'never closed $1",
		"SELECT $1 /* never closed $1":    "SELECT ?1 /* never closed $1",
		"SELECT $1 -- the last line's $1": "SELECT ?1 -- the last line's $1",
		"SELECT 5 - $1 / $2":              "SELECT 5 - ?1 / ?2",
	} {
		if got := rewriteParameters(sql); got != want {
			t.Errorf("%q became %q, want %q", sql, got, want)
		}
	}
}
