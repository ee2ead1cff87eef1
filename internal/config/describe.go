package config

import (
	"fmt"
	"strings"
)

// Kind is the form of a value.
type Kind string

// The kinds of settings. All are written as text; a list is one text with commas, in YAML a sequence too.
const (
	KindText     Kind = "text"
	KindInteger  Kind = "integer"
	KindDuration Kind = "duration"
	KindBoolean  Kind = "boolean"
	KindChoice   Kind = "choice"
	KindList     Kind = "list"
)

// Setting describes one setting for whoever makes flags or help of it.
type Setting struct {
	// Name is the key of the YAML file and of Source.Flags. With "_file" at its end it takes the path of a file that
	// holds the value, in all notations.
	Name string `json:"name"`
	// Env is the variable.
	Env string `json:"env"`
	// Flag is the flag without its dashes.
	Flag string `json:"flag"`
	// Kind is the form of the value, Expects the words for it.
	Kind    Kind   `json:"kind"`
	Expects string `json:"expects"`
	// Default holds in production, DevDefault with --dev; both may be empty.
	Default    string `json:"default"`
	DevDefault string `json:"dev_default"`
	// Group is the heading that the setting belongs under.
	Group string `json:"group"`
	// Doc is one or more sentences in Markdown.
	Doc string `json:"doc"`
	// Secret values are never shown.
	Secret bool `json:"secret"`
}

// Settings lists all settings in the order of the documentation.
func Settings() []Setting {
	list := make([]Setting, 0, len(table))
	for _, s := range table {
		v := s.bind(&Config{})
		list = append(list, Setting{
			Name: s.name, Env: envName(s.name), Flag: strings.TrimPrefix(flagName(s.name), "--"),
			Kind: v.kind(), Expects: v.expects(), Default: s.def, DevDefault: s.devDefault(),
			Group: s.group, Doc: s.doc, Secret: s.secret,
		})
	}
	return list
}

func (s *setting) devDefault() string {
	if s.dev != "" {
		return s.dev
	}
	return s.def
}

// Shown is a setting in force.
type Shown struct {
	Name string `json:"name"`
	Env  string `json:"env"`
	// Value is the text of the value; secrets are replaced by "[secret]".
	Value string `json:"value"`
	// Origin says where the value comes from: a line of the file, a variable, a flag, a default, or "not set".
	Origin string `json:"origin"`
}

// Show lists what is in force and why.
func (c *Config) Show() []Shown {
	list := make([]Shown, 0, len(table))
	for _, s := range table {
		value := s.bind(c).String()
		list = append(list, Shown{Name: s.name, Env: envName(s.name), Value: value, Origin: c.origins[s.name]})
	}
	return list
}

const exampleHead = `# The settings of Durward.
#
# Every line that begins with # and a name is a setting with its default, or with an example where there is none
# (marked so). Remove the # to set it. What is not set follows the defaults of later versions.
#
# The environment wins over this file, flags win over both: public_url is DURWARD_PUBLIC_URL and --public-url.
# Each name with _file at its end (master_key_file) takes the path of a file that holds the value.
# Keep this file at mode 0600 if a secret is in it.
`

// Example gives a YAML file with every setting as a comment, ready to be edited. Read as it is, it sets nothing.
func Example() string {
	var b strings.Builder
	b.WriteString(exampleHead)
	group := ""
	for _, s := range table {
		if s.group != group {
			group = s.group
			fmt.Fprintf(&b, "\n# --- %s ---\n", group)
		}
		b.WriteString("\n" + wrap(strings.ReplaceAll(s.doc, "`", ""), "# ", 110))
		fmt.Fprintf(&b, "# Takes %s.%s\n#%s\n", s.bind(&Config{}).expects(), s.exampleNote(), s.exampleLine())
	}
	return b.String()
}

func (s *setting) exampleNote() string {
	switch {
	case s.required:
		return " Required in production; this is an example."
	case s.def == "":
		return " Not set by default; this is an example."
	case s.dev != "":
		return " With --dev the default is " + s.dev + "."
	}
	return ""
}

// exampleLine is the setting itself. No key is printed that somebody might keep.
func (s *setting) exampleLine() string {
	if s.name == "master_key" {
		return "master_key_file: /etc/durward/master.key"
	}
	return s.name + ": " + yamlText(s.sample())
}

// wrap breaks a text into lines of at most width bytes with a prefix.
func wrap(text, prefix string, width int) string {
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(prefix)+len(line)+1+len(word) > width {
			b.WriteString(prefix + line + "\n")
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return b.String() + prefix + line + "\n"
}
