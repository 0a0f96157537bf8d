// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program with pools that does what it is told, a command a line on its input, and counts for itself what it does with them. Each
// command is answered by lines and `done`:
//
//	loop POOL N     N times: takes a value and puts it back
//	take POOL N     takes N values and forgets them
//	give POOL N     puts N values
//	deep POOL N     N goroutines, one after the other, that take a value and put it back, deep in their stacks
//	counts          `pool NAME gets G puts P new W` of each
//	gc              two collections: every pool is empty
//	load N          N more goroutines that use the pools and the heap without end
//	rest            ends those; `sum N` of what they worked out, and whether it is right
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

type block struct {
	next  *block
	bytes [500]byte
}

type counted struct {
	gets, puts, made uint64
	make             func() any
	pool             *sync.Pool
}

var (
	blockPool = sync.Pool{}
	tinyPool  = sync.Pool{}
	valuePool = sync.Pool{}
	emptyPool = sync.Pool{}
	pools     = map[string]*counted{}
	resting   int32
	working   sync.WaitGroup
	right     uint64
	sinks     [64][]byte
)

func newBlock() any {
	atomic.AddUint64(&pools["block"].made, 1)
	return new(block)
}

func newTiny() any {
	atomic.AddUint64(&pools["tiny"].made, 1)
	return new(int64)
}

func newValue() any {
	atomic.AddUint64(&pools["value"].made, 1)
	return make([]byte, 100)
}

func newHidden() any {
	atomic.AddUint64(&pools["hidden"].made, 1)
	return new(block)
}

//go:noinline
func (c *counted) get() any {
	atomic.AddUint64(&c.gets, 1)
	return c.pool.Get()
}

//go:noinline
func (c *counted) put(v any) {
	atomic.AddUint64(&c.puts, 1)
	c.pool.Put(v)
}

// How deep it is called decides whether the stack grows in Get and Put.
//
//go:noinline
func (c *counted) deep(n int) byte {
	var room [300]byte

	if n > 0 {
		return c.deep(n-1) + room[n%300]
	}
	c.put(c.get())
	return room[0]
}

func (c *counted) loop(n int) {
	for i := 0; i < n; i++ {
		v := c.get()
		if v == nil {
			v = new(block)
		}
		c.put(v)
	}
}

func (c *counted) take(n int) {
	for i := 0; i < n; i++ {
		c.get()
	}
}

func (c *counted) give(n int) {
	for i := 0; i < n; i++ {
		c.put(c.make())
	}
}

func work(slot int) {
	c, sum := pools["block"], 0
	for i := 0; atomic.LoadInt32(&resting) == 0; i++ {
		b := c.get().(*block)
		b.bytes[0], b.bytes[499] = byte(i), byte(i>>1)
		sum += int(b.bytes[0]) - i&255 + int(b.bytes[499]) - i>>1&255
		sinks[slot%len(sinks)] = make([]byte, 16+i%2000)
		c.put(b)
		if i%1000 == 0 {
			c.deep(50)
		}
	}
	if sum == 0 {
		atomic.AddUint64(&right, 1)
	}
	working.Done()
}

func sayCounts() {
	for name, c := range pools {
		fmt.Println("pool", name, "gets", atomic.LoadUint64(&c.gets), "puts", atomic.LoadUint64(&c.puts), "new", atomic.LoadUint64(&c.made))
	}
}

func obey(command, pool string, n int) {
	c := pools[pool]
	switch command {
	case "loop":
		c.loop(n)
	case "take":
		c.take(n)
	case "give":
		c.give(n)
	case "deep":
		// on stacks of their own, which are small at first
		for i := 0; i < n; i++ {
			working.Add(1)
			go func(i int) { c.deep(i % 200); working.Done() }(i)
			working.Wait()
		}
	case "counts":
		sayCounts()
	case "gc":
		runtime.GC()
		runtime.GC()
	case "load":
		atomic.StoreInt32(&resting, 0)
		working.Add(n)
		for i := 0; i < n; i++ {
			go work(i)
		}
	case "rest":
		atomic.StoreInt32(&resting, 1)
		working.Wait()
		fmt.Println("sum", atomic.LoadUint64(&right))
	}
}

func main() {
	hidden := new(sync.Pool)
	pools["block"] = &counted{make: func() any { return new(block) }, pool: &blockPool}
	pools["tiny"] = &counted{make: func() any { return new(int64) }, pool: &tinyPool}
	pools["value"] = &counted{make: func() any { return make([]byte, 100) }, pool: &valuePool}
	pools["empty"] = &counted{make: func() any { return new(block) }, pool: &emptyPool}
	pools["hidden"] = &counted{make: func() any { return new(block) }, pool: hidden}
	blockPool.New, tinyPool.New, valuePool.New, hidden.New = newBlock, newTiny, newValue, newHidden
	lines := bufio.NewScanner(os.Stdin)
	fmt.Println("ready", os.Getpid())
	for lines.Scan() {
		var command, pool string
		var n int

		fmt.Sscan(lines.Text(), &command, &pool, &n)
		if pool != "" && pools[pool] == nil {
			fmt.Sscan(lines.Text(), &command, &n)
		}
		obey(command, pool, n)
		fmt.Println("done")
	}
}
