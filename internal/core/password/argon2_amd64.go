//go:build amd64 && !purego

package password

import "golang.org/x/sys/cpu"

// compress is the compression function G: compressGeneric's contract, by AVX2 where the processor has it.
func compress(out, a, b *block, xor bool) {
	if cpu.X86.HasAVX2 {
		compressAVX2(out, a, b, xor)
		return
	}
	compressGeneric(out, a, b, xor)
}

// compressAVX2 is compressGeneric for processors with AVX2.
//
//go:noescape
func compressAVX2(out, a, b *block, xor bool)
