// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program with the runtime's heap profile linked in, as a server with net/http/pprof has it. It does what it is told, a command
// a line on its input, and says what runtime.MemProfile says. Each command is answered by lines and `done`:
//
//	rate N          runtime.MemProfileRate, to be set before anything is allocated
//	leak N SIZE     N blocks of SIZE bytes that are kept
//	nodes N         N small objects with pointers that are kept
//	inlined N       N blocks of 512 bytes that are kept, allocated by a function that is inlined into another one
//	garbage N SIZE  N blocks of SIZE bytes that are not
//	drop            forgets what leak, nodes and inlined kept
//	gc              a collection
//	profile         `record ALLOCS BYTES FREES BYTES PC,PC,...` for each record, then `rate N`
//	load N          N more goroutines that allocate, keep some of it and forget it again
//	rest            ends those
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

type node struct {
	left, right *node
	name        string
}

var (
	kept    [][]byte
	nodes   []*node
	sinks   [64][]byte
	resting int32
	working sync.WaitGroup
)

//go:noinline
func leakBytes(n, size int) {
	for i := 0; i < n; i++ {
		kept = append(kept, make([]byte, size))
	}
}

//go:noinline
func leakNodes(n int) {
	for i := 0; i < n; i++ {
		nodes = append(nodes, &node{name: "n"})
	}
}

func smallBuffer() []byte { return make([]byte, 512) }

func wrapBuffer() []byte { return smallBuffer() }

//go:noinline
func leakInlined(n int) {
	for i := 0; i < n; i++ {
		kept = append(kept, wrapBuffer())
	}
}

//go:noinline
func garbage(slot, n, size int) {
	for i := 0; i < n; i++ {
		sinks[slot%len(sinks)] = make([]byte, size)
	}
}

func sayProfile() {
	records := make([]runtime.MemProfileRecord, 1<<16)
	n, ok := runtime.MemProfile(records, true)
	if !ok {
		fmt.Println("too many records")
		return
	}
	for _, r := range records[:n] {
		var pcs []string
		for _, pc := range r.Stack() {
			pcs = append(pcs, fmt.Sprintf("%x", pc))
		}
		fmt.Println("record", r.AllocObjects, r.AllocBytes, r.FreeObjects, r.FreeBytes, strings.Join(pcs, ","))
	}
	fmt.Println("rate", runtime.MemProfileRate)
}

func work(slot int) {
	var own [][]byte

	for i := 0; atomic.LoadInt32(&resting) == 0; i++ {
		own = append(own, make([]byte, 16+i%4000))
		if len(own) > 10000 {
			own = nil
		}
		garbage(slot, 10, 256)
	}
	working.Done()
}

func obey(command string, n, size int) {
	switch command {
	case "rate":
		runtime.MemProfileRate = n
	case "leak":
		leakBytes(n, size)
	case "nodes":
		leakNodes(n)
	case "inlined":
		leakInlined(n)
	case "garbage":
		garbage(0, n, size)
	case "drop":
		kept, nodes = nil, nil
	case "gc":
		runtime.GC()
	case "profile":
		sayProfile()
	case "load":
		atomic.StoreInt32(&resting, 0)
		working.Add(n)
		for i := 0; i < n; i++ {
			go work(i)
		}
	case "rest":
		atomic.StoreInt32(&resting, 1)
		working.Wait()
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
