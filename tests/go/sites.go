// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program whose live heap is known by call site. It does what it is told, a command a line on its input, and says what is live
// itself; each command is answered by lines and `done`:
//
//	nodes N         keepNodes() makes N more objects of 64 bytes with pointers in them, and keeps them
//	bytes N SIZE    keepBytes() the same with slices
//	large N SIZE    keepLarge() the same, to be called for more than 32 KB
//	garbage N SIZE  makeGarbage() makes as many and forgets each
//	drop            forgets all that is kept
//	half            forgets one in two of the bytes, in no order
//	truth           `truth SITE BYTES`, what each of these functions keeps, in bytes of size classes
//	gc              a collection
//	load N          N more goroutines that make garbage without end, from makeLoad()
//	rest            ends those
//	deep N          a recursion so deep, which moves the stack
//	time N SIZE     nanoseconds that an object of that size takes, of N
//	leak SIZE       from now on keepLeak() keeps SIZE bytes more each 5 ms
//	cache N SIZE    from now on fillCache() puts SIZE bytes into one of N places each 5 ms
//	heap            `heap HeapAlloc TotalAlloc NumGC`
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

type node struct {
	next *node
	data [7]uintptr
}

var (
	nodes   *node
	bytes   [][]byte
	large   [][]byte
	leaked  [][]byte
	cached  [][]byte
	sink    []byte
	sinks   [64][]byte
	resting int32
	working sync.WaitGroup
	count   uint64
)

//go:noinline
func keepNodes(n int) {
	for i := 0; i < n; i++ {
		nodes = &node{next: nodes}
	}
	count += uint64(n)
}

//go:noinline
func keepBytes(n, size int) {
	for i := 0; i < n; i++ {
		bytes[len(bytes)-n+i] = make([]byte, size)
	}
}

//go:noinline
func keepLarge(n, size int) {
	for i := 0; i < n; i++ {
		large[len(large)-n+i] = make([]byte, size)
	}
}

//go:noinline
func makeGarbage(n, size int) {
	for i := 0; i < n; i++ {
		sink = make([]byte, size)
	}
	sink = nil
}

//go:noinline
func makeLoad(slot int) {
	for i := 0; atomic.LoadInt32(&resting) == 0; i++ {
		sinks[slot%len(sinks)] = make([]byte, 16+i%4000)
	}
	working.Done()
}

//go:noinline
func keepLeak(size int) {
	for {
		leaked = append(leaked, make([]byte, size))
		time.Sleep(5 * time.Millisecond)
	}
}

//go:noinline
func fillCache(n, size int) {
	for i := 0; ; i++ {
		cached[i%n] = make([]byte, size)
		sink = make([]byte, 100000)
		time.Sleep(5 * time.Millisecond)
	}
}

//go:noinline
func deep(n int) int {
	var room [64]int

	room[n%64] = n
	if n == 0 {
		return 0
	}
	return deep(n-1) + room[n%64] - n + 1
}

func more(of *[][]byte, n int) {
	*of = append(*of, make([][]byte, n)...)
}

// What it is: the capacity that append gives is that of its size class.
func class(size int) uint64 {
	if size > 32768 {
		return (uint64(size) + 8191) &^ 8191
	}
	return uint64(cap(append([]byte(nil), make([]byte, size)...)))
}

func sum(of [][]byte) (total uint64) {
	for _, b := range of {
		if b != nil {
			total += class(len(b))
		}
	}
	return total
}

func sayHeap() {
	var m runtime.MemStats

	runtime.ReadMemStats(&m)
	fmt.Println("heap", m.HeapAlloc, m.TotalAlloc, m.NumGC)
}

func obey(command string, n, size int) {
	switch command {
	case "nodes":
		keepNodes(n)
	case "bytes":
		more(&bytes, n)
		keepBytes(n, size)
	case "large":
		more(&large, n)
		keepLarge(n, size)
	case "garbage":
		makeGarbage(n, size)
	case "drop":
		nodes, bytes, large, count = nil, nil, nil, 0
	case "half":
		for i := range bytes {
			if uint32(i)*2654435761>>31 == 1 {
				bytes[i] = nil
			}
		}
	case "truth":
		fmt.Println("truth main.keepNodes", count*64)
		fmt.Println("truth main.keepBytes", sum(bytes))
		fmt.Println("truth main.keepLarge", sum(large))
	case "gc":
		runtime.GC()
	case "load":
		atomic.StoreInt32(&resting, 0)
		working.Add(n)
		for i := 0; i < n; i++ {
			go makeLoad(i)
		}
	case "rest":
		atomic.StoreInt32(&resting, 1)
		working.Wait()
	case "deep":
		grown := make(chan int)
		go func() { grown <- deep(n) }()
		fmt.Println("deep", <-grown)
	case "time":
		begun := time.Now()
		makeGarbage(n, size)
		fmt.Println("time", float64(time.Since(begun).Nanoseconds())/float64(n))
	case "leak":
		go keepLeak(n)
	case "cache":
		cached = make([][]byte, n)
		go fillCache(n, size)
	case "heap":
		sayHeap()
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	fmt.Println("ready", os.Getpid())
	for lines.Scan() {
		var command string
		var n, size int

		fmt.Sscan(lines.Text(), &command, &n, &size)
		obey(command, n, size)
		fmt.Println("done")
	}
}
