package config

import "strings"

// nearestName finds the setting that somebody meant who wrote name in whatever notation: master_kye, PublicURL,
// DURWARD_LISTN, session-idle-timeout_file. It gives nothing when none is near.
func nearestName(name string) string {
	names := make([]string, 0, 2*len(table))
	for _, s := range table {
		names = append(names, s.name)
	}
	for _, s := range table {
		names = append(names, s.name+fileSuffix)
	}
	return nearest(snake(name), names)
}

// snake turns the notations of a name into the one of the table.
func snake(name string) string {
	if len(name) > 100 {
		return ""
	}
	var b strings.Builder
	lowerBefore := false
	for _, c := range strings.TrimLeft(name, "-") {
		upper := c >= 'A' && c <= 'Z'
		if upper && lowerBefore {
			b.WriteByte('_')
		}
		lowerBefore = c >= 'a' && c <= 'z'
		b.WriteRune(c)
	}
	text := strings.ToLower(strings.ReplaceAll(b.String(), "-", "_"))
	return strings.TrimPrefix(text, strings.ToLower(envPrefix))
}

// nearest finds the word at the smallest edit distance, if it differs by no more than a third.
func nearest(text string, words []string) string {
	best, least := "", 1<<30
	for _, word := range words {
		if d := distance(strings.ToLower(text), strings.ToLower(word)); d < least {
			best, least = word, d
		}
	}
	if least > max(2, len(best)/3) || least >= len(best) || len(text) > 100 {
		return ""
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment), in bytes:
// all names are ASCII.
func distance(a, b string) int {
	if len(a) > 100 || len(b) > 100 {
		return max(len(a), len(b))
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
