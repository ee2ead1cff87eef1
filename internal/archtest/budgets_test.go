package archtest

import (
	"fmt"
	"strings"
	"testing"
)

func TestBudgets_AreKept(t *testing.T) {
	const dir = "internal/core/session"
	of := func(text string) map[string]string {
		return map[string]string{dir + "/a.go": source("session", "") + "\n" + text}
	}
	methods := func(n int, receiver string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "func (x %s) M%d() {}\n", receiver, i)
		}
		return b.String()
	}
	parts := map[string]string{}
	for i := range 5 {
		parts[fmt.Sprintf("%s/part%d.go", dir, i)] = source("session", "") + strings.Repeat("\n", 550)
	}
	checkEach(t, map[string]broken{
		"a long file": {of(strings.Repeat("\n", 600)), []string{"file size: " + dir + "/a.go"}},
		"a long test": {
			map[string]string{dir + "/b_test.go": "package session\n" + strings.Repeat("\n", 600)},
			[]string{"file size: " + dir + "/b_test.go"},
		},
		"a large package": {parts, []string{"package size: " + dir}},
		"many methods":    {of(methods(26, "*T")), []string{"methods: " + dir + ".T"}},
		"many methods of a generic type": {
			of(methods(26, "*T[K, V]")), []string{"methods: " + dir + ".T"},
		},
		"methods enough": {of(methods(25, "T")), nil},
		"a large interface": {
			of("type I interface { A(); B(); C(); D(); E(); F() }\n"), []string{"interface size: " + dir + ".I"},
		},
		"an interface enough": {of("type I interface { A(); B(); C(); D(); E() }\n"), nil},
		"an interface with another in it": {
			of("type I interface { A(); B(); C(); J }\ntype J interface { D(); E(); F() }\n"),
			[]string{"interface size: " + dir + ".I"},
		},
		"a long function": {
			of("func f() {" + strings.Repeat("\n", 81) + "}\n" + strings.Repeat("func g() {}\n", 5)),
			[]string{"function size: " + dir + ".f"},
		},
		"a long method": {
			of("func (t *T) f() {" + strings.Repeat("\n", 81) + "}\n" + strings.Repeat("func g() {}\n", 5)),
			[]string{"function size: " + dir + ".T.f"},
		},
		"functions that are long on the whole": {
			of(strings.Repeat("func f() {"+strings.Repeat("\n", 13)+"}\n", 3)), []string{"median function: all"},
		},
	})
}
