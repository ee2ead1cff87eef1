//go:build !unix

package password

// mapBlocks makes n blocks on the heap.
func mapBlocks(n int) ([]block, error) { return make([]block, n), nil }

// unmapBlocks leaves the memory to the garbage collector.
func unmapBlocks([]block) {}
