/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program as Go's linker leaves it, with calls of functions of the runtime that allocate, and two types. */
	.globl _start
	.text
_start:	lea node(%rip), %rax
	mov $3, %ebx
	call makeslice
r0:	lea node(%rip), %rax
	call newobject
r1:	call newobject
r2:	lea outside(%rip), %rax
	call newobject
r3:	lea map(%rip), %rax
	call makemap
r4:	lea node(%rip), %rax
	call makemap
r5:	call concatstring2
r6:	lea node(%rip), %rax
	call other
r7:	lea node(%rip), %rax
	call inside
r8:	lea node + 4(%rip), %rax
	call newobject
r9:	lea node(%rip), %rsi
	call growslice
r10:	lea nameless(%rip), %rax
	call newobject
r11:	lea last(%rip), %rax
	call newobject
r12:	ret
newobject: nop
inside:	ret
makeslice: ret
makemap: ret
concatstring2: ret
growslice: ret
other:	ret
end:

#ifdef RELOCATED
	.section .gopclntab,"aw"
#else
	.section .gopclntab,"a"
#endif
table:	.long 0xfffffff1
	.byte 0, 0, 1, 8
	.quad 7, 1, _start
	.quad names - table, units - table, files - table, values - table, functions - table
names:	.asciz "main.f"
n1:	.asciz "runtime.newobject"
n2:	.asciz "runtime.makeslice"
n3:	.asciz "runtime.makemap"
n4:	.asciz "runtime.concatstring2"
n5:	.asciz "runtime.growslice"
n6:	.asciz "main.newobject"
units:	.long 0
files:	.asciz "/src/f.go"
values:	.byte 0
	.balign 8
functions:
	.long 0, f0 - functions, newobject - _start, f1 - functions
	.long makeslice - _start, f2 - functions, makemap - _start, f3 - functions
	.long concatstring2 - _start, f4 - functions, growslice - _start, f5 - functions
	.long other - _start, f6 - functions, end - _start, 0
	.macro entry name
	.long 0, \name - names, 0, 0, 0, 0, 0, 0, 0, 0
	.byte 0, 0, 0, 0
	.endm
f0:	entry names
f1:	entry n1
f2:	entry n2
f3:	entry n3
f4:	entry n4
f5:	entry n5
f6:	entry n6
	.skip 64

	.section .rodata
	.balign 8
outside: .skip 48
	.macro describe kind, name
	.quad 64, 8
	.long 0
	.byte 2, 8, 8, \kind
	.quad 0, 0
	.long \name, 0
	.endm
types:	.quad 0
node:	describe 25, node_name-types
map:	describe 21, map_name-types
nameless: describe 25, 0
node_name: .byte 1, 10
	.ascii "*main.node"
map_name: .byte 1, 21
	.ascii "*map[string]main.node"
	.balign 8
last:	.skip 47
etypes:	.skip 64
	.ascii "RETURNS:"
	.long r0 - _start, r1 - _start, r2 - _start, r3 - _start, r4 - _start, r5 - _start, r6 - _start
	.long r7 - _start, r8 - _start, r9 - _start, r10 - _start, r11 - _start, r12 - _start

	.section .noptrdata,"aw"
	.skip 16
module:	.quad table, names
	.skip 160
	.quad _start
	.skip 112
	.quad types, etypes
	.skip 8
	.quad 0

	.section .go.buildinfo,"aw"
	.ascii "\377 Go buildinf:"
	.byte 8, 2
	.skip 16
	.byte 8
	.ascii "go1.21.0"
