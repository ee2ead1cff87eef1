package snippets

import (
	"fmt"
	"strings"
)

// block is one fenced block of a page.
type block struct {
	line   int      // where its first fence is, from 1
	lang   string   // the first word after the fence
	words  []string // the words after that
	text   string   // what stands between the fences
	answer *block   // of a command: what it must print, the block right after it if that is json or text
}

func (b *block) String() string { return fmt.Sprintf("the %s block at line %d", b.lang, b.line) }

// server tells whether the block is a command that runs until Ctrl-C.
func (b *block) server() bool { return len(b.words) == 1 && b.words[0] == "server" }

// file is the name under which the reader saves the block; "" is none.
func (b *block) file() string {
	for _, w := range b.words {
		if name, ok := strings.CutPrefix(w, "file="); ok {
			return name
		}
	}
	return ""
}

const fence = "```"

// parse gives the blocks of a page in order. Every block must be something that can be tried: a command, its answer, or
// a file.
func parse(page string) ([]*block, error) {
	var blocks []*block
	var open *block
	number := 0
	for line := range strings.Lines(page) {
		number++
		rest, fenced := strings.CutPrefix(strings.TrimRight(line, "\n"), fence)
		switch words := strings.Fields(rest); {
		case open != nil && fenced && len(words) == 0:
			blocks = append(blocks, open)
			open = nil
		case open != nil && fenced:
			return nil, fmt.Errorf("line %d opens a block inside %v", number, open)
		case open != nil:
			open.text += line
		case fenced && len(words) == 0:
			return nil, fmt.Errorf("the block at line %d does not say what it is", number)
		case fenced:
			open = &block{line: number, lang: words[0], words: words[1:]}
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%v is never closed", open)
	}
	return pair(blocks)
}

// pair gives every command its answer, and takes the answers out of the list.
func pair(blocks []*block) ([]*block, error) {
	var steps []*block
	for _, b := range blocks {
		switch {
		case b.lang == "sh" && (b.server() || len(b.words) == 0), b.file() != "":
			steps = append(steps, b)
		case (b.lang == "json" || b.lang == "text") && len(b.words) == 0:
			last := len(steps) - 1
			if last < 0 || steps[last].lang != "sh" || steps[last].answer != nil {
				return nil, fmt.Errorf("%v is the answer to no command", b)
			}
			steps[last].answer = b
		default:
			return nil, fmt.Errorf("%v is neither a command nor an answer nor a file", b)
		}
	}
	return steps, nil
}
