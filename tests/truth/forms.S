/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames with call frame information written by hand. Each goes on with form_next(depth - 1), or allocates. */
#include <asm/unistd.h>
	.text

.macro form name
	.globl \name
	.type \name, @function
	.p2align 4
\name:
	.cfi_startproc
.endm

.macro end name
	.cfi_endproc
	.size \name, . - \name
.endm

.macro pushed register
	push %\register
	.cfi_adjust_cfa_offset 8
.endm

.macro popped register
	pop %\register
	.cfi_adjust_cfa_offset -8
.endm

form form_pushes
	pushed rbx
	.cfi_rel_offset rbx, 0
	pushed r12
	.cfi_rel_offset r12, 0
	pushed r13
	.cfi_rel_offset r13, 0
	mov %edi, %ebx
	call form_next@PLT
	popped r13
	.cfi_restore r13
	popped r12
	.cfi_restore r12
	popped rbx
	.cfi_restore rbx
	ret
end form_pushes

form form_pointer
	pushed rbp
	.cfi_rel_offset rbp, 0
	mov %rsp, %rbp
	.cfi_def_cfa_register rbp
	sub $48, %rsp
	call form_next@PLT
	leave
	.cfi_def_cfa rsp, 8
	.cfi_restore rbp
	ret
end form_pointer

/* rbp is saved in an odd place and holds what is no address. */
form form_general_rbp
	sub $72, %rsp
	.cfi_adjust_cfa_offset 72
	mov %rbp, 24(%rsp)
	.cfi_rel_offset rbp, 24
	mov $0x1357, %ebp
	call form_next@PLT
	mov 24(%rsp), %rbp
	.cfi_restore rbp
	add $72, %rsp
	.cfi_adjust_cfa_offset -72
	ret
end form_general_rbp

/* The stack is aligned, and the old stack pointer is kept on it, as in hand-written ciphers. */
form form_deref
	mov %rsp, %rax
	.cfi_def_cfa_register rax
	push %rbx
	.cfi_offset rbx, -16
	push %rbp
	.cfi_offset rbp, -24
	sub $128, %rsp
	and $-64, %rsp
	mov %rax, 104(%rsp)
	/* CFA = *(rsp + 104) + 8 */
	.cfi_escape 0x0f, 0x06, 0x77, 0xe8, 0x00, 0x06, 0x23, 0x08
	xor %ebp, %ebp
	call form_next@PLT
	mov 104(%rsp), %rax
	.cfi_def_cfa rax, 8
	mov -16(%rax), %rbp
	.cfi_restore rbp
	mov -8(%rax), %rbx
	.cfi_restore rbx
	mov %rax, %rsp
	.cfi_def_cfa_register rsp
	ret
end form_deref

/* The call is the last instruction: the return address belongs to the next function, whose frame is another. */
form form_last_call
	sub $40, %rsp
	.cfi_adjust_cfa_offset 40
	call form_last_called
end form_last_call
	.p2align 0
	.type form_last_called, @function
form_last_called:
	.cfi_startproc
	sub $8, %rsp
	.cfi_adjust_cfa_offset 8
	call form_next@PLT
	/* back to the caller's caller */
	add $56, %rsp
	.cfi_def_cfa_offset 8
	ret
end form_last_called

form form_remember
	sub $24, %rsp
	.cfi_adjust_cfa_offset 24
	test %edi, %edi
	jns 1f
	.cfi_remember_state
	add $24, %rsp
	.cfi_adjust_cfa_offset -24
	ret
	.cfi_restore_state
1:	call form_next@PLT
	add $24, %rsp
	.cfi_adjust_cfa_offset -24
	ret
end form_remember

form form_arguments
	sub $8, %rsp
	.cfi_adjust_cfa_offset 8
	.rept 200
	pushed rdi
	.endr
	call form_next@PLT
	add $1600, %rsp
	.cfi_adjust_cfa_offset -1600
	add $8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
end form_arguments

/* Not followed by tables: the CFA is in a register other than rsp and rbp. */
form form_register_cfa
	pushed rbx
	.cfi_rel_offset rbx, 0
	mov %rsp, %rbx
	.cfi_def_cfa_register rbx
	sub $32, %rsp
	call form_next@PLT
	mov %rbx, %rsp
	.cfi_def_cfa_register rsp
	popped rbx
	.cfi_restore rbx
	ret
end form_register_cfa

/* Nothing is said about this one. */
	.globl form_gap
	.type form_gap, @function
	.p2align 6
	.skip 64, 0x90
form_gap:
	sub $24, %rsp
	call form_next@PLT
	add $24, %rsp
	ret
	.size form_gap, . - form_gap
	.skip 64, 0x90
	.p2align 6

/* ---- allocations whose return address is known ---- */

form form_take_rsp
	sub $24, %rsp
	.cfi_adjust_cfa_offset 24
	mov $24, %edi
	call malloc@PLT
1:	mov %rax, %rdi
	xor %esi, %esi
	lea 1b(%rip), %rdx
	call truth_note@PLT
	add $24, %rsp
	.cfi_adjust_cfa_offset -24
	ret
end form_take_rsp

form form_take_rbp
	pushed rbp
	.cfi_rel_offset rbp, 0
	mov %rsp, %rbp
	.cfi_def_cfa_register rbp
	sub $4096, %rsp
	mov $24, %edi
	call malloc@PLT
1:	mov %rax, %rdi
	xor %esi, %esi
	lea 1b(%rip), %rdx
	call truth_note@PLT
	leave
	.cfi_def_cfa rsp, 8
	.cfi_restore rbp
	ret
end form_take_rbp

form form_take_pushed
	pushed rdi
	pushed rdi
	pushed rdi
	mov $24, %edi
	call malloc@PLT
1:	mov %rax, %rdi
	xor %esi, %esi
	lea 1b(%rip), %rdx
	call truth_note@PLT
	add $24, %rsp
	.cfi_adjust_cfa_offset -24
	ret
end form_take_pushed

form form_take_jump
	jmp malloc@PLT
end form_take_jump

	.section .note.GNU-stack, "", @progbits
