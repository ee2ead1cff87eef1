//go:build unix

package password

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapBlocks gets n blocks from the system, zeroed.
func mapBlocks(n int) ([]block, error) {
	raw, err := unix.Mmap(-1, 0, n*blockBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("get %d KiB of memory for Argon2: %w", n, err)
	}
	return unsafe.Slice((*block)(unsafe.Pointer(&raw[0])), n), nil
}

// unmapBlocks gives back what mapBlocks got.
func unmapBlocks(blocks []block) {
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&blocks[0])), cap(blocks)*blockBytes)
	if err := unix.Munmap(raw); err != nil {
		panic(err) // only for memory that is not ours
	}
}
