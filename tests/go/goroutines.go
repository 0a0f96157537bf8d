// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program whose goroutines do what they are told to, a command a line on its input; each is answered by `done`:
//
//	leak N          N more goroutines that wait for a channel
//	end N           ends N of them
//	grow N          from now on a goroutine each N ms that waits for a channel and never ends
//	work N          from now on a goroutine each N ms that ends after 5 s
//	pool N          N more workers, which are given something to do each ms
//	select N, sleep N, mutex N, group N, none N
//	                N more goroutines that wait in that way
//	gc              a collection
//	count           runtime.NumGoroutine(): `count N`
//	truth           from the runtime's own list of all stacks: `group COUNT|WAIT|FUNCTION|CREATOR` for each group, `count N`
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

var (
	ends    = make(chan int)
	never   = make(chan int)
	other   = make(chan string)
	none    chan int
	jobs    = make(chan int)
	locked  sync.Mutex
	waiters sync.WaitGroup
)

//go:noinline
func leaked() { <-ends }

//go:noinline
func leak(n int) {
	for i := 0; i < n; i++ {
		go leaked()
	}
}

//go:noinline
func stuck() { <-never }

func grow(every time.Duration) {
	for {
		time.Sleep(every)
		go stuck()
	}
}

//go:noinline
func brief() { time.Sleep(5 * time.Second) }

func work(every time.Duration) {
	for {
		time.Sleep(every)
		go brief()
	}
}

//go:noinline
func worker() {
	for range jobs {
		runtime.Gosched()
	}
}

func feed() {
	for {
		time.Sleep(time.Millisecond)
		jobs <- 1
	}
}

func pool(n int) {
	for i := 0; i < n; i++ {
		go worker()
	}
	go feed()
}

func selecting() {
	select {
	case <-never:
	case <-other:
	}
}

func sleeping()  { time.Sleep(time.Hour) }
func blocked()   { locked.Lock() }
func joining()   { waiters.Wait() }
func receiving() { <-none }

func many(n int, what func()) {
	for i := 0; i < n; i++ {
		go what()
	}
}

// Of one goroutine of runtime.Stack(): a head, "goroutine 7 [chan receive, 2 minutes]:", then pairs of lines, of which the last may be
// "created by main.leak in goroutine 1".
func groupOf(stack string) string {
	lines := strings.Split(strings.TrimSpace(stack), "\n")
	state := lines[0][strings.Index(lines[0], "[")+1 : strings.LastIndex(lines[0], "]")]
	creator, frames := "", lines[1:]
	if last := len(frames) - 2; last >= 0 && strings.HasPrefix(frames[last], "created by ") {
		creator = strings.Fields(frames[last])[2]
		frames = frames[:last]
	}
	function := frames[len(frames)-2]
	return strings.Split(state, ",")[0] + "|" + function[:strings.LastIndex(function, "(")] + "|" + creator
}

func truth() {
	buffer := make([]byte, 64<<20)
	groups := map[string]int{}
	n := 0

	for _, stack := range strings.Split(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		groups[groupOf(stack)]++
		n++
	}
	for group, count := range groups {
		fmt.Printf("group %d|%s\n", count, group)
	}
	fmt.Println("count", n)
}

func obey(command string, n int) {
	switch command {
	case "leak":
		leak(n)
	case "end":
		for i := 0; i < n; i++ {
			ends <- 1
		}
	case "grow":
		go grow(time.Duration(n) * time.Millisecond)
	case "work":
		go work(time.Duration(n) * time.Millisecond)
	case "pool":
		pool(n)
	case "select":
		many(n, selecting)
	case "sleep":
		many(n, sleeping)
	case "mutex":
		many(n, blocked)
	case "group":
		many(n, joining)
	case "none":
		many(n, receiving)
	case "gc":
		runtime.GC()
	case "count":
		fmt.Println("count", runtime.NumGoroutine())
	case "truth":
		truth()
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	locked.Lock()
	waiters.Add(1)
	fmt.Println("ready", os.Getpid())
	for lines.Scan() {
		var command string
		var n int

		fmt.Sscan(lines.Text(), &command, &n)
		obey(command, n)
		fmt.Println("done")
	}
}
