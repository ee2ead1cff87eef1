//go:build !linux

package password

// setNice does nothing: only Linux gives a thread a nice level of its own.
func setNice(int) int { return 0 }
