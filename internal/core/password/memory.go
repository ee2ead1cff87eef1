package password

import "sync/atomic"

// memory is one worker's Argon2 memory. It is kept from hash to hash, since fresh pages cost a tenth of a hash and
// more, and given back when the worker idles. It lies outside the Go heap where the system allows: there it would let
// the heap grow by its own size again before each collection.
type memory struct {
	blocks []block
	keep   int           // blocks that are kept after a hash; more than that was for an old, dearer hash
	held   *atomic.Int64 // bytes, summed over the workers
}

// take gives at least n blocks with any content.
func (m *memory) take(n int) ([]block, error) {
	if len(m.blocks) >= n {
		return m.blocks, nil
	}
	m.release()
	blocks, err := mapBlocks(n)
	if err != nil {
		return nil, err
	}
	m.blocks = blocks
	m.held.Add(int64(len(blocks)) * blockBytes)
	return blocks, nil
}

// trim gives memory back that the hashes in force do not need.
func (m *memory) trim() {
	if len(m.blocks) > m.keep {
		m.release()
	}
}

// release gives all memory back to the system.
func (m *memory) release() {
	if m.blocks == nil {
		return
	}
	m.held.Add(-int64(len(m.blocks)) * blockBytes)
	unmapBlocks(m.blocks)
	m.blocks = nil
}
