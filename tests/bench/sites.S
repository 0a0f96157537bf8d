/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SITES functions of their own, each a call site of malloc: visit(number, bytes) goes on with that one in its place. */
#define SITES 100000

.macro site
	.type site_\@, @function
site_\@:
	.cfi_startproc
	sub $24, %rsp
	.cfi_def_cfa_offset 32
	call malloc@PLT
	add $24, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size site_\@, . - site_\@
	.p2align 5
.endm

	.text
	.globl visit
	.type visit, @function
visit:
	.cfi_startproc
	mov %edi, %eax
	shl $5, %rax
	lea sites(%rip), %rcx
	add %rcx, %rax
	mov %rsi, %rdi
	jmp *%rax
	.cfi_endproc
	.size visit, . - visit

	.p2align 5
sites:
	.rept SITES
	site
	.endr
	.section .note.GNU-stack, "", @progbits
