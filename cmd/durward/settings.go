package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/durwardhq/durward/internal/config"
)

// settingFlags are the settings as flags. They are made from the table of settings, so that there is one list of them.
type settingFlags struct {
	target any               // a pointer to a struct with one *string a flag
	names  map[string]string // field of the struct → name of the setting, "_file" at the end where it names a file
}

// fileForm ends the name of the form of a setting that names a file.
const fileForm = "_file"

func newSettingFlags() *settingFlags {
	flags := &settingFlags{names: map[string]string{}}
	var fields []reflect.StructField
	add := func(name, tag string) {
		field := "Flag" + strconv.Itoa(len(fields))
		flags.names[field] = name
		fields = append(fields,
			reflect.StructField{Name: field, Type: reflect.TypeFor[*string](), Tag: reflect.StructTag(tag)})
	}
	for _, s := range config.Settings() {
		add(s.Name, fmt.Sprintf(`name:%q hidden:"" group:%q placeholder:%q help:%q`,
			s.Flag, s.Group, placeholder(s), settingHelp(s)))
		add(s.Name+fileForm, fmt.Sprintf(`name:%q hidden:"" placeholder:"PATH"`, s.Flag+"-file"))
	}
	flags.target = reflect.New(reflect.StructOf(fields)).Interface()
	return flags
}

// given are the settings that the command line gave, by name.
func (f *settingFlags) given() map[string]string {
	values := map[string]string{}
	fields := reflect.ValueOf(f.target).Elem()
	for field, name := range f.names {
		if value, ok := fields.FieldByName(field).Interface().(*string); ok && value != nil {
			values[name] = *value
		}
	}
	return values
}

func placeholder(s config.Setting) string {
	switch s.Kind {
	case config.KindBoolean, config.KindChoice:
		return strings.NewReplacer(", ", "|", " or ", "|").Replace(s.Expects)
	case config.KindInteger:
		return "N"
	case config.KindText:
		return "TEXT"
	}
	return strings.ToUpper(string(s.Kind))
}

// settingHelp is the setting's own sentence without its Markdown, and the default.
func settingHelp(s config.Setting) string {
	help := strings.ReplaceAll(s.Doc, "`", "")
	if s.Default != "" {
		help += " (default " + s.Default + ")"
	}
	return help
}
