package sqliteconn

import (
	"strings"
	"sync"
)

// maxRewritten bounds the texts that Texts keeps.
const maxRewritten = 1024

// Texts turns the parameters `$1` into `?1`, the form whose number SQLite's drivers agree on, once for each text. The
// connections to a file share one.
type Texts struct {
	mu    sync.RWMutex
	texts map[string]string
}

// NewTexts makes an empty one.
func NewTexts() *Texts { return &Texts{texts: make(map[string]string)} }

func (t *Texts) rewrite(sql string) string {
	t.mu.RLock()
	out, ok := t.texts[sql]
	t.mu.RUnlock()
	if ok {
		return out
	}
	out = rewriteParameters(sql)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.texts) < maxRewritten {
		t.texts[sql] = out
	}
	return out
}

// rewriteParameters changes `$` before a digit to `?`, outside quotes and comments.
func rewriteParameters(sql string) string {
	out := []byte(sql)
	for i := 0; i < len(sql); {
		if end := skipQuoted(sql, i); end > i {
			i = end
			continue
		}
		if sql[i] == '$' && i+1 < len(sql) && '0' <= sql[i+1] && sql[i+1] <= '9' {
			out[i] = '?'
		}
		i++
	}
	return string(out)
}

// skipQuoted gives the end of the quoted text or the comment that begins at i, or i when none does.
func skipQuoted(sql string, i int) int {
	rest := sql[i:]
	switch {
	case rest[0] == '\'' || rest[0] == '"': // a doubled quote ends one text and begins the next
		return end(sql, i+1, rest[:1])
	case strings.HasPrefix(rest, "--"):
		return end(sql, i+2, "\n")
	case strings.HasPrefix(rest, "/*"):
		return end(sql, i+2, "*/")
	}
	return i
}

// end gives the place after the next mark, or that of the end.
func end(sql string, from int, mark string) int {
	if at := strings.Index(sql[from:], mark); at >= 0 {
		return from + at + len(mark)
	}
	return len(sql)
}
