//go:build amd64 && !purego

#include "textflag.h"

// The compression function G of Argon2 (RFC 9106 §3.5) with AVX2. A block is 32 registers of 4 words. The rows are
// permuted two at a time, each row as A, B, C, D in registers of its own; the columns two at a time as well, where
// registers hold [two words of one column | two words of its neighbour], so that the columns need no transposition.
// Between the two halves of P it is A, C and D that are rotated, not B: B is what the next step waits for.

// Byte shuffles that rotate each 64-bit word to the right by 16 and by 24 bits.
DATA rot16<>+0x00(SB)/8, $0x0100070605040302
DATA rot16<>+0x08(SB)/8, $0x09080f0e0d0c0b0a
DATA rot16<>+0x10(SB)/8, $0x0100070605040302
DATA rot16<>+0x18(SB)/8, $0x09080f0e0d0c0b0a
GLOBL rot16<>(SB), RODATA|NOPTR, $32

DATA rot24<>+0x00(SB)/8, $0x0201000706050403
DATA rot24<>+0x08(SB)/8, $0x0a09080f0e0d0c0b
DATA rot24<>+0x10(SB)/8, $0x0201000706050403
DATA rot24<>+0x18(SB)/8, $0x0a09080f0e0d0c0b
GLOBL rot24<>(SB), RODATA|NOPTR, $32

// X0 += Y0 + 2*low32(X0)*low32(Y0), and the same for X1 and Y1.
#define MULADD(X0, X1, Y0, Y1) \
	VPMULUDQ X0, Y0, Y8; \
	VPMULUDQ X1, Y1, Y9; \
	VPADDQ   Y0, X0, X0; \
	VPADDQ   Y1, X1, X1; \
	VPADDQ   Y8, Y8, Y8; \
	VPADDQ   Y9, Y9, Y9; \
	VPADDQ   Y8, X0, X0; \
	VPADDQ   Y9, X1, X1

#define HALF1(A0, A1, B0, B1, C0, C1, D0, D1) \
	MULADD(A0, A1, B0, B1); \
	VPXOR   A0, D0, D0; \
	VPXOR   A1, D1, D1; \
	VPSHUFD $0xB1, D0, D0; \
	VPSHUFD $0xB1, D1, D1; \
	MULADD(C0, C1, D0, D1); \
	VPXOR   C0, B0, B0; \
	VPXOR   C1, B1, B1; \
	VPSHUFB Y15, B0, B0; \
	VPSHUFB Y15, B1, B1

#define HALF2(A0, A1, B0, B1, C0, C1, D0, D1) \
	MULADD(A0, A1, B0, B1); \
	VPXOR   A0, D0, D0; \
	VPXOR   A1, D1, D1; \
	VPSHUFB Y14, D0, D0; \
	VPSHUFB Y14, D1, D1; \
	MULADD(C0, C1, D0, D1); \
	VPXOR   C0, B0, B0; \
	VPXOR   C1, B1, B1; \
	VPADDQ  B0, B0, Y8; \
	VPADDQ  B1, B1, Y9; \
	VPSRLQ  $63, B0, B0; \
	VPSRLQ  $63, B1, B1; \
	VPXOR   Y8, B0, B0; \
	VPXOR   Y9, B1, B1

// A0 A1 B0 B1 C0 C1 D0 D1 are Y0 to Y7.
#define QUARTERS \
	HALF1(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7); \
	HALF2(Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7)

// Two rows, from OFF of a ^ b to OFF of the scratch block.
#define ROWS(OFF) \
	VMOVDQU (OFF+0)(SI), Y0; \
	VMOVDQU (OFF+32)(SI), Y2; \
	VMOVDQU (OFF+64)(SI), Y4; \
	VMOVDQU (OFF+96)(SI), Y6; \
	VMOVDQU (OFF+128)(SI), Y1; \
	VMOVDQU (OFF+160)(SI), Y3; \
	VMOVDQU (OFF+192)(SI), Y5; \
	VMOVDQU (OFF+224)(SI), Y7; \
	VPXOR   (OFF+0)(DX), Y0, Y0; \
	VPXOR   (OFF+32)(DX), Y2, Y2; \
	VPXOR   (OFF+64)(DX), Y4, Y4; \
	VPXOR   (OFF+96)(DX), Y6, Y6; \
	VPXOR   (OFF+128)(DX), Y1, Y1; \
	VPXOR   (OFF+160)(DX), Y3, Y3; \
	VPXOR   (OFF+192)(DX), Y5, Y5; \
	VPXOR   (OFF+224)(DX), Y7, Y7; \
	QUARTERS; \
	VPERMQ  $0x93, Y0, Y0; \
	VPERMQ  $0x93, Y1, Y1; \
	VPERMQ  $0x4E, Y6, Y6; \
	VPERMQ  $0x4E, Y7, Y7; \
	VPERMQ  $0x39, Y4, Y4; \
	VPERMQ  $0x39, Y5, Y5; \
	QUARTERS; \
	VPERMQ  $0x39, Y0, Y0; \
	VPERMQ  $0x39, Y1, Y1; \
	VPERMQ  $0x4E, Y6, Y6; \
	VPERMQ  $0x4E, Y7, Y7; \
	VPERMQ  $0x93, Y4, Y4; \
	VPERMQ  $0x93, Y5, Y5; \
	VMOVDQU Y0, (OFF+0)(SP); \
	VMOVDQU Y2, (OFF+32)(SP); \
	VMOVDQU Y4, (OFF+64)(SP); \
	VMOVDQU Y6, (OFF+96)(SP); \
	VMOVDQU Y1, (OFF+128)(SP); \
	VMOVDQU Y3, (OFF+160)(SP); \
	VMOVDQU Y5, (OFF+192)(SP); \
	VMOVDQU Y7, (OFF+224)(SP)

// Rotate four words that lie in two registers, low pair in L and high pair in H: by one to the left and to the right.
#define LEFT(L, H) \
	VPALIGNR $8, L, H, Y8; \
	VPALIGNR $8, H, L, H; \
	VMOVDQA  Y8, L

#define RIGHT(L, H) \
	VPALIGNR $8, H, L, Y8; \
	VPALIGNR $8, L, H, H; \
	VMOVDQA  Y8, L

// Two columns of the scratch block at OFF, left in Y0 to Y7. D is rotated by two: its registers change places.
#define COLUMNS(OFF) \
	VMOVDQU (OFF+0)(SP), Y0; \
	VMOVDQU (OFF+128)(SP), Y1; \
	VMOVDQU (OFF+256)(SP), Y2; \
	VMOVDQU (OFF+384)(SP), Y3; \
	VMOVDQU (OFF+512)(SP), Y4; \
	VMOVDQU (OFF+640)(SP), Y5; \
	VMOVDQU (OFF+768)(SP), Y6; \
	VMOVDQU (OFF+896)(SP), Y7; \
	QUARTERS; \
	RIGHT(Y0, Y1); \
	LEFT(Y4, Y5); \
	HALF1(Y0, Y1, Y2, Y3, Y4, Y5, Y7, Y6); \
	HALF2(Y0, Y1, Y2, Y3, Y4, Y5, Y7, Y6); \
	LEFT(Y0, Y1); \
	RIGHT(Y4, Y5)

#define FEED(REG, OFF) \
	VPXOR (OFF+0)(REG), Y0, Y0; \
	VPXOR (OFF+128)(REG), Y1, Y1; \
	VPXOR (OFF+256)(REG), Y2, Y2; \
	VPXOR (OFF+384)(REG), Y3, Y3; \
	VPXOR (OFF+512)(REG), Y4, Y4; \
	VPXOR (OFF+640)(REG), Y5, Y5; \
	VPXOR (OFF+768)(REG), Y6, Y6; \
	VPXOR (OFF+896)(REG), Y7, Y7

#define STORE(OFF) \
	VMOVDQU Y0, (OFF+0)(DI); \
	VMOVDQU Y1, (OFF+128)(DI); \
	VMOVDQU Y2, (OFF+256)(DI); \
	VMOVDQU Y3, (OFF+384)(DI); \
	VMOVDQU Y4, (OFF+512)(DI); \
	VMOVDQU Y5, (OFF+640)(DI); \
	VMOVDQU Y6, (OFF+768)(DI); \
	VMOVDQU Y7, (OFF+896)(DI)

#define SET(OFF) \
	COLUMNS(OFF); \
	FEED(SI, OFF); \
	FEED(DX, OFF); \
	STORE(OFF)

#define ADD(OFF) \
	COLUMNS(OFF); \
	FEED(SI, OFF); \
	FEED(DX, OFF); \
	FEED(DI, OFF); \
	STORE(OFF)

// func compressAVX2(out, a, b *block, xor bool)
TEXT ·compressAVX2(SB), 0, $1024-25
	MOVQ    out+0(FP), DI
	MOVQ    a+8(FP), SI
	MOVQ    b+16(FP), DX
	MOVBLZX xor+24(FP), CX
	VMOVDQU rot16<>(SB), Y14
	VMOVDQU rot24<>(SB), Y15
	ROWS(0)
	ROWS(256)
	ROWS(512)
	ROWS(768)
	TESTL   CX, CX
	JNZ     add
	SET(0)
	SET(32)
	SET(64)
	SET(96)
	VZEROUPPER
	RET

add:
	ADD(0)
	ADD(32)
	ADD(64)
	ADD(96)
	VZEROUPPER
	RET
