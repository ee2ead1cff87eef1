//go:build !amd64 || purego

package password

// compress is the compression function G.
func compress(out, a, b *block, xor bool) { compressGeneric(out, a, b, xor) }
