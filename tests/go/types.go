// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program that allocates known types in functions that are named for them, told what to do a line at a time, as
// tests/go/sites.go is:
//
//	make N   each function makes N more objects and keeps them
//	gc       a collection
//	profile  `profile N`: how many records its runtime's profile has, which is of all objects
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

type node struct {
	next *node
	data [7]uintptr
}

type plain struct {
	data [6]uint64
}

var (
	keys     []string
	nodes    []*node
	plains   []*plain
	slices   [][]node
	grown    [][]plain
	maps     []map[string]node
	chans    []chan plain
	boxes    []any
	texts    []string
	bytes    [][]byte
	closures []func() int
	builders []string
	either   []any
)

//go:noinline
func makeNode(i int) { nodes[i] = &node{} }

//go:noinline
func makePlain(i int) { plains[i] = new(plain) }

//go:noinline
func makeSlice(i, n int) { slices[i] = make([]node, n) }

//go:noinline
func growSlice(i, n int) {
	var s []plain

	for k := 0; k < n; k++ {
		s = append(s, plain{})
	}
	grown[i] = s
}

//go:noinline
func fillMap(i, n int) {
	m := make(map[string]node)
	for k := 0; k < n; k++ {
		m[keys[k%len(keys)]] = node{}
	}
	maps[i] = m
}

//go:noinline
func makeChan(i int) { chans[i] = make(chan plain, 4) }

//go:noinline
func makeBox(i int, p plain) { boxes[i] = p }

//go:noinline
func makeText(i int, a, b string) { texts[i] = a + b }

//go:noinline
func makeBytes(i int, s string) { bytes[i] = []byte(s) }

//go:noinline
func makeClosure(i, m int) { closures[i] = func() int { return i + m } }

//go:noinline
func makeBuilder(i int, s string) {
	var b strings.Builder

	b.Grow(200)
	b.WriteString(s)
	builders[i] = b.String()
}

// A jump table: which of them it is, is not known before.
//
//go:noinline
func makeEither(i, which int) {
	var v any

	switch which {
	case 0:
		v = new([3]plain)
	case 1:
		v = new([4]plain)
	case 2:
		v = new([5]plain)
	case 3:
		v = new([6]plain)
	case 4:
		v = new([7]plain)
	case 5:
		v = new([8]plain)
	case 6:
		v = new([9]plain)
	case 7:
		v = new([10]plain)
	case 8:
		v = make([]node, which)
	}
	either[i] = v
}

func more[T any](of *[]T, n int) { *of = append(*of, make([]T, n)...) }

func room(n int) {
	more(&nodes, n)
	more(&plains, n)
	more(&slices, n)
	more(&grown, n)
	more(&maps, n)
	more(&chans, n)
	more(&boxes, n)
	more(&texts, n)
	more(&bytes, n)
	more(&closures, n)
	more(&builders, n)
	more(&either, n)
}

func makeAll(i int) {
	makeNode(i)
	makePlain(i)
	makeSlice(i, 3+i%4)
	growSlice(i, 5)
	fillMap(i, 20)
	makeChan(i)
	makeBox(i, plain{})
	makeText(i, keys[i%len(keys)], keys[0])
	makeBytes(i, keys[1])
	makeClosure(i, i)
	makeBuilder(i, keys[2])
	makeEither(i, i%9)
}

func obey(command string, n int) {
	switch command {
	case "make":
		begin := len(nodes)
		room(n)
		for i := begin; i < begin+n; i++ {
			makeAll(i)
		}
	case "gc":
		runtime.GC()
	case "profile":
		records, _ := runtime.MemProfile(nil, true)
		fmt.Println("profile", records)
	}
}

func main() {
	runtime.MemProfileRate = 1
	for i := 0; i < 100; i++ {
		keys = append(keys, fmt.Sprint("a key that is too long to be kept on a stack, number ", i))
	}
	lines := bufio.NewScanner(os.Stdin)
	fmt.Println("ready", os.Getpid())
	for lines.Scan() {
		var command string
		var n int

		fmt.Sscan(lines.Text(), &command, &n)
		obey(command, n)
		fmt.Println("done")
	}
}
