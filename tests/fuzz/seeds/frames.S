/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call frame information of every form that there is a rule for, and some that there is none for. */
	.text
	.globl _start, outside, elsewhere
	.type pointer, @function
pointer:
	.cfi_startproc
	push %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	mov %rsp, %rbp
	.cfi_def_cfa_register 6
	.cfi_remember_state
	pop %rbp
	.cfi_def_cfa 7, 8
	.cfi_restore 6
	ret
	.cfi_restore_state
	nop
	ret
	.cfi_endproc
	.size pointer, . - pointer
	.type deref, @function
deref:
	.cfi_startproc
	.cfi_escape 0x0f, 0x03, 0x76, 0x78, 0x06
	.cfi_escape 0x10, 0x06, 0x02, 0x76, 0x00
	nop
	.cfi_endproc
	.size deref, . - deref
	.p2align 4
plt:
	.cfi_startproc
	.cfi_escape 0x0f, 0x0b, 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22
	jmp *elsewhere(%rip)
	.cfi_endproc
_start:
	.cfi_startproc
	.cfi_undefined 16
	call pointer
	call deref
1:	jmp 1b
	.cfi_endproc
signal:
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_def_cfa 7, 160
	.cfi_offset 16, 168
	nop
	.cfi_endproc
odd:
	.cfi_startproc
	.cfi_personality 0x1b, outside
	.cfi_lsda 0x1b, elsewhere
	.cfi_def_cfa_register 0
	nop
	.cfi_def_cfa 7, 13
	nop
	.cfi_register 6, 3
	.cfi_same_value 3
	.cfi_val_offset 12, 8
	nop
	.cfi_window_save
	.cfi_adjust_cfa_offset 400000
	nop
	.cfi_endproc
outside:
	ret
	.data
elsewhere:
	.quad outside
	.section .note.GNU-stack, "", @progbits
