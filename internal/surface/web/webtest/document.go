package webtest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// at gives the operations of the first path that fits.
func (v *Validator) at(path string) []operation {
	var found []operation
	for _, op := range v.ops {
		if len(found) > 0 && found[0].path != op.path {
			continue
		}
		if fits(op.path, path) {
			found = append(found, op)
		}
	}
	return found
}

// fits compares a path with a template segment by segment.
func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if strings.HasPrefix(want[i], "{") && got[i] != "" {
			continue
		}
		if want[i] != got[i] {
			return false
		}
	}
	return true
}

// compileAll compiles every schema and holds every example against its own.
func (v *Validator) compileAll() error {
	for name := range dig(v.doc, "components", "schemas") {
		if _, err := v.compiler.Compile(resource + "#/components/schemas/" + escape(name)); err != nil {
			return fmt.Errorf("schema %s: %w", name, err)
		}
	}
	for _, op := range v.ops {
		if err := v.examples(op.pointer + "/requestBody/content"); err != nil {
			return err
		}
		for status := range dig(op.value, "responses") {
			_, pointer := v.resolve(op.pointer + "/responses/" + status)
			if err := v.examples(pointer + "/content"); err != nil {
				return err
			}
		}
	}
	return nil
}

// examples checks `example` and `examples` of each media type at a pointer.
func (v *Validator) examples(pointer string) error {
	content, _ := v.resolve(pointer)
	for mediaType, m := range content {
		media := m.(map[string]any)
		schema := pointer + "/" + escape(mediaType) + "/schema"
		if _, err := v.compiler.Compile(resource + schema); err != nil {
			return fmt.Errorf("schema at %s: %w", schema, err)
		}
		given := map[string]any{}
		if example, ok := media["example"]; ok {
			given[""] = example
		}
		for name, e := range dig(media, "examples") {
			given[name] = dig(e, "")["value"]
		}
		for name, example := range given {
			text, err := json.Marshal(example)
			if err != nil {
				return err
			}
			if err := v.conforms(schema, text); err != nil {
				return fmt.Errorf("example %q: %w", name, err)
			}
		}
	}
	return nil
}

// resolve follows a pointer and the reference that may stand there; it gives the object and where it really is.
func (v *Validator) resolve(pointer string) (map[string]any, string) {
	var at any = v.doc
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "#/"), "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil, pointer
		}
		at = m[unescape(part)]
	}
	found, where := v.deref(at)
	if where == "" {
		where = pointer
	}
	return found, where
}

// deref follows a $ref; where is empty when there was none.
func (v *Validator) deref(value any) (found map[string]any, where string) {
	m, _ := value.(map[string]any)
	if ref := text(m["$ref"]); ref != "" {
		return v.resolve(ref)
	}
	return m, ""
}

// dig gives the object under these names, or nil. An empty name stays where it is.
func dig(value any, names ...string) map[string]any {
	m, _ := value.(map[string]any)
	for _, name := range names {
		if name == "" {
			continue
		}
		m, _ = m[name].(map[string]any)
	}
	return m
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// escape and unescape write names within JSON pointers (RFC 6901 §3) that stand in a URI.
func escape(name string) string {
	name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	return strings.NewReplacer("{", "%7B", "}", "%7D", " ", "%20", ";", "%3B", "=", "%3D").Replace(name)
}

func unescape(part string) string {
	part = strings.NewReplacer("%7B", "{", "%7D", "}", "%20", " ", "%3B", ";", "%3D", "=").Replace(part)
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
}
