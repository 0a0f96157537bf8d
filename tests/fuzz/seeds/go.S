/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stripped Go program in small: build information, a function table, and two functions that name variables as those of Go 1.25 do. */
	.section .go.buildinfo, "aw", @progbits
	.ascii "\377 Go buildinf:"
	.byte 8, 2
	.zero 16
	.byte 9
	.ascii "go1.25.12"
	.zero 16

	.section .gopclntab, "a", @progbits
table:
	.long 0xfffffff1
	.byte 0, 0, 1, 8
	.quad 2, 0
	.quad code
	.quad names - table, 0, 0, 0
	.quad functions - table
names:
	.asciz "runtime.mallocinit"
	.asciz "runtime.gcinit"
	.zero 80
functions:
	.long mallocinit - code, first - functions
	.long gcinit - code, second - functions
	.long end - code, 0
first:
	.long mallocinit - code, 0
	.zero 32
second:
	.long gcinit - code, 19
	.zero 32

	.text
	.globl _start
code:
_start:
mallocinit:
	.fill 241, 1, 0x90
	lea heap(%rip), %rax
	ret
gcinit:
	.fill 53, 1, 0x90
	lea controller(%rip), %rax
	ret
end:
	ret

	.bss
heap:
	.zero 4096
controller:
	.zero 512
