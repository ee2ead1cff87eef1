package db

import (
	"strings"
	"sync"
)

// maxRewritten bounds the texts that a rewriter keeps.
const maxRewritten = 1024

// rewriter turns the parameters `$1` into `?1`, the form whose number SQLite's drivers agree on, once for each text.
type rewriter struct {
	mu    sync.RWMutex
	texts map[string]string
}

func newRewriter() *rewriter { return &rewriter{texts: make(map[string]string)} }

func (r *rewriter) text(sql string) string {
	r.mu.RLock()
	out, ok := r.texts[sql]
	r.mu.RUnlock()
	if ok {
		return out
	}
	out = rewriteParameters(sql)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.texts) < maxRewritten {
		r.texts[sql] = out
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
