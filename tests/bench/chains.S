/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chain(from, depth): `depth` frames, the first of function `from` of CHAIN_FUNCTIONS, each next one of the function after
 * it, then chain_end(). So a `from` is a stack of its own, and as many return addresses lie on it as it has frames.
 * With POINTERS they keep frame pointers.
 */
#define CHAIN_FUNCTIONS 8192
#define CHAIN_BYTES 32

.macro enter
	.cfi_startproc
#ifdef POINTERS
	push %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	mov %rsp, %rbp
	.cfi_def_cfa_register rbp
#else
	sub $24, %rsp
	.cfi_def_cfa_offset 32
#endif
.endm

.macro return
#ifdef POINTERS
	pop %rbp
	.cfi_def_cfa rsp, 8
#else
	add $24, %rsp
	.cfi_def_cfa_offset 8
#endif
	ret
	.cfi_endproc
.endm

	.text
	.globl chain
	.type chain, @function
	/* goes on with function `from` in this one's place */
chain:
	.cfi_startproc
	mov %edi, %eax
	shl $5, %rax
	lea functions(%rip), %rcx
	add %rcx, %rax
	jmp *%rax
	.cfi_endproc
	.size chain, . - chain

	.p2align 5
	.type functions, @function
functions:
	.rept CHAIN_FUNCTIONS
	enter
	dec %esi
	jle 1f
	call 3f
	jmp 2f
1:	call chain_end
2:	return
	.p2align 5
3:
	.endr
	enter
	call chain_end
	return
	.size functions, . - functions
	.section .note.GNU-stack, "", @progbits
