package main

import "time"

// stamp is a time in an answer: RFC 3339 in UTC with microseconds for programs, shorter for people.
type stamp struct{ time.Time }

// optional gives nil for a time that is not set, which is null in JSON.
func optional(t *time.Time) *stamp {
	if t == nil {
		return nil
	}
	return &stamp{*t}
}

// MarshalJSON writes all six digits, so that times of the same length compare as text.
func (s stamp) MarshalJSON() ([]byte, error) {
	return []byte(s.UTC().Format(`"2006-01-02T15:04:05.000000Z"`)), nil
}

// String is the form for people.
func (s *stamp) String() string {
	if s == nil {
		return "-"
	}
	return s.UTC().Format("2006-01-02 15:04:05Z")
}
