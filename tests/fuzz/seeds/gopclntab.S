/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program with the tables of a stripped Go program: two functions, and a third that is inlined into the first. */
	.globl _start
	.text
_start:	.skip 64
second:	.skip 64

#ifdef RELOCATED
	.section .gopclntab,"aw"
#else
	.section .gopclntab,"a"
#endif
table:	.long 0xfffffff1
	.byte 0, 0, 1, 8
	.quad 2, 1, _start
	.quad names - table, units - table, files - table, values - table, functions - table
names:	.asciz "main.f"
inner:	.asciz "main.inlined"
second_name: .asciz "main.main"
units:	.long 0
files:	.asciz "/src/f.go"
/* Pairs: difference of the value (from -1 on; twice it, or odd: inverted), bytes of code. */
values:	.byte 0
file:	.byte 2, 64, 0
lines:	.byte 22, 16, 10, 16, 9, 32, 0
nodes:	.byte 0, 16, 2, 16, 1, 32, 0
	.balign 8
functions: .long 0, first_record - functions, 64, second_record - functions, 128, 0
first_record: .long 0, 0, 0, 0, 0, file - values, lines - values, 3, 0, 1
	.byte 0, 0, 0, 4
	.long 0, 0, nodes - values, -1, -1, -1, 0
second_record: .long 64, second_name - names, 0, 0, 0, 0, 0, 0, 0, 1
	.byte 0, 0, 0, 0
	.skip 64

	.section .rodata
tree:	.long 0, inner - names, 12, 1

	.section .noptrdata,"aw"
	.skip 16
module:	.quad table, names
	.skip 160
	.quad _start
	.skip 136
	.quad tree

	.section .go.buildinfo,"aw"
	.ascii "\377 Go buildinf:"
	.byte 8, 2
	.skip 16
	.byte 8
	.ascii "go1.21.0"
