package snippets

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// anything stands in an answer for what differs each time.
const anything = "…"

// compare says how an output differs from the answer that the page has; nil is not at all. Without an answer in the
// page every output is right.
func compare(answer *block, output string) error {
	var err error
	switch {
	case answer == nil:
		return nil
	case answer.lang == "json":
		err = compareJSON(answer.text, output)
	case !matches(strings.TrimSpace(answer.text), strings.TrimSpace(output)):
		err = fmt.Errorf("it is not as printed:\n%s", answer.text)
	}
	if err != nil {
		return fmt.Errorf("%v: %w\nbut got:\n%s", answer, err, output)
	}
	return nil
}

// matches compares whole texts.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, anything)
	rest, ok := strings.CutPrefix(text, parts[0])
	if len(parts) == 1 {
		return ok && rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		if ok {
			_, rest, ok = strings.Cut(rest, part)
		}
	}
	return ok && strings.HasSuffix(rest, parts[len(parts)-1])
}

func compareJSON(pattern, text string) error {
	want, err := decode(pattern)
	if err != nil {
		return fmt.Errorf("the page's own JSON: %w", err)
	}
	got, err := decode(text)
	if err != nil {
		return fmt.Errorf("not one JSON value: %w", err)
	}
	return same("it", want, got)
}

func decode(text string) (value any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the JSON (%v)", err)
	}
	return value, nil
}

// same compares two decoded values; path names the value for the error.
func same(path string, want, got any) error {
	switch want := want.(type) {
	case map[string]any:
		return sameFields(path, want, got)
	case []any:
		return sameEntries(path, want, got)
	case string:
		if text, ok := got.(string); !ok || !matches(want, text) {
			return fmt.Errorf("%s is %v; printed is %q", path, got, want)
		}
	default:
		if want != got {
			return fmt.Errorf("%s is %v; printed is %v", path, got, want)
		}
	}
	return nil
}

func sameFields(path string, want map[string]any, got any) error {
	fields, ok := got.(map[string]any)
	wanted, given := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(fields))
	if !ok || !slices.Equal(wanted, given) {
		return fmt.Errorf("%s has the fields %v; printed are %v", path, given, wanted)
	}
	for _, name := range wanted {
		if err := same(path+"."+name, want[name], fields[name]); err != nil {
			return err
		}
	}
	return nil
}

func sameEntries(path string, want []any, got any) error {
	entries, ok := got.([]any)
	if !ok || len(entries) != len(want) {
		return fmt.Errorf("%s is %v; printed are %d entries", path, got, len(want))
	}
	for i := range want {
		if err := same(fmt.Sprintf("%s[%d]", path, i), want[i], entries[i]); err != nil {
			return err
		}
	}
	return nil
}
