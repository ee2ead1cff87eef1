package jwt

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObject_TakesMembersApart(t *testing.T) {
	text := "\n{ \"a\" : 1 ,\"b\":\"x\\\"]}\\\\\",\t" +
		"\"c\":[ 1, {\"d\":\"}\"} ,\"]\" ] , \"\\u0065\":{\"f\":[{}]},\"g\":true\r\n} "
	got := map[string]string{}
	err := object([]byte(text), func(name string, value []byte) error {
		got[name] = string(value)
		return nil
	})
	want := map[string]string{
		"a": "1", "b": `"x\"]}\\"`, "c": `[ 1, {"d":"}"} ,"]" ]`, "e": `{"f":[{}]}`, "g": "true",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v %s", err, diff)
	}
}

func TestObject_RefusesMoreMembersThanAnyoneNeeds(t *testing.T) {
	var b bytes.Buffer
	for i := range maxMembers {
		b.WriteString(`,"` + string(rune('一'+i)) + `":1`)
	}
	none := func(string, []byte) error { return nil }
	if err := object([]byte("{"+b.String()[1:]+"}"), none); err != nil {
		t.Errorf("%d members: %v", maxMembers, err)
	}
	if err := object([]byte("{"+b.String()[1:]+`,"x":1}`), none); err == nil {
		t.Errorf("%d members were taken", maxMembers+1)
	}
}

// FuzzObject holds the walk against encoding/json: the same members with the same values, or a refusal.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		claimsText,
		`{}`, ` { } `, `{"a":[]}`, `{"a":[1,"]",{"b":"}"}],"c":"\\\""}`, `{"a":1,"a":2}`, `[{}]`, `{"":-1.5e+3}`,
		`{"\ud800":1,"\ud801":2}`, `{"a":null}x`, "\"\\", `{"a":"` + "\xff" + `"}`, `{"a":tru`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := map[string]string{}
		err := object(text, func(name string, value []byte) error {
			var out bytes.Buffer
			if err := json.Compact(&out, value); err != nil {
				t.Fatalf("%q: value %q: %v", text, value, err)
			}
			got[name] = out.String()
			var one string
			var many []string
			var when int64
			_ = everyReading(value, &one, &many, &when)
			return nil
		})
		var want map[string]json.RawMessage
		if theirs := json.Unmarshal(text, &want); theirs != nil {
			if err == nil {
				t.Fatalf("%q: taken, encoding/json says %v", text, theirs)
			}
			return
		}
		if err != nil { // stricter: null, duplicates, UTF-8, too many members
			return
		}
		if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
			t.Fatalf("%q: members %v, encoding/json has %v", text, got, want)
		}
		for name, value := range want {
			var out bytes.Buffer
			if err := json.Compact(&out, value); err != nil || out.String() != got[name] {
				t.Fatalf("%q: %s is %q, encoding/json has %q", text, name, got[name], value)
			}
		}
	})
}

// everyReading reads a value in every way there is: none may panic.
func everyReading(value []byte, one *string, many *[]string, when *int64) []error {
	return []error{text(value, one), texts(value, many), date(value, when)}
}
