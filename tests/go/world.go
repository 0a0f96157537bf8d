// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program that does what it is told, a command a line on its input, and says what the runtime itself counts. Each command is
// answered by lines and `done`:
//
//	stats           runtime.ReadMemStats: `stat NAME VALUE`, NAME as in Go
//	keep N SIZE     allocates N blocks of SIZE bytes and keeps them
//	drop            forgets them
//	gc              a collection
//	park N          N more goroutines that wait for a channel
//	load N          N more goroutines that allocate without end
//	rest            ends those
//	percent N       debug.SetGCPercent(N)
//	limit N         debug.SetMemoryLimit(N)
//	exec PATH       becomes another program
//	spawn N SIZE    starts itself once more, which keeps N blocks of SIZE bytes: `child PID`; it ends with this one
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
)

var (
	kept    [][]byte
	never   = make(chan int)
	resting int32
	working sync.WaitGroup
	sinks   [64][]byte
)

func sayStats() {
	var m runtime.MemStats

	goroutines := runtime.NumGoroutine()
	runtime.ReadMemStats(&m)
	v := reflect.ValueOf(m)
	for i := 0; i < v.NumField(); i++ {
		switch v.Field(i).Kind() {
		case reflect.Uint64, reflect.Uint32, reflect.Float64:
			fmt.Println("stat", v.Type().Field(i).Name, v.Field(i).Interface())
		}
	}
	fmt.Println("stat Goroutines", goroutines)
	fmt.Println("stat LastPause", m.PauseNs[(m.NumGC+255)%256])
}

//go:noinline
func keep(n, size int) {
	for i := 0; i < n; i++ {
		kept = append(kept, make([]byte, size))
	}
}

//go:noinline
func parked() {
	<-never
}

func work(slot int) {
	for i := 0; atomic.LoadInt32(&resting) == 0; i++ {
		sinks[slot%len(sinks)] = make([]byte, 16+i%4000)
	}
	working.Done()
}

// The child does `keep N SIZE` and collects, and then reads from a pipe of which this program has the other end.
func spawn(n, size int) {
	var ends [2]int

	syscall.Pipe(ends[:])
	syscall.CloseOnExec(ends[1])
	arguments := []string{os.Args[0], fmt.Sprint("keep ", n, " ", size), "gc"}
	null, _ := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	pid, err := syscall.ForkExec("/proc/self/exe", arguments, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{uintptr(ends[0]), null.Fd(), 2}})
	syscall.Close(ends[0])
	fmt.Println("child", pid, err)
}

func obeyLine(line string) {
	var command, path string
	var n, size int

	fmt.Sscan(line, &command, &n, &size)
	fmt.Sscan(line, &command, &path)
	obey(command, n, size, path)
}

func obey(command string, n, size int, path string) {
	switch command {
	case "stats":
		sayStats()
	case "keep":
		keep(n, size)
	case "drop":
		kept = nil
	case "gc":
		runtime.GC()
	case "park":
		for i := 0; i < n; i++ {
			go parked()
		}
	case "load":
		atomic.StoreInt32(&resting, 0)
		working.Add(n)
		for i := 0; i < n; i++ {
			go work(i)
		}
	case "rest":
		atomic.StoreInt32(&resting, 1)
		working.Wait()
	case "percent":
		debug.SetGCPercent(n)
	case "limit":
		debug.SetMemoryLimit(int64(n))
	case "spawn":
		spawn(n, size)
	case "exec":
		fmt.Println(syscall.Exec(path, []string{path}, os.Environ()))
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	fmt.Println("ready", os.Getpid())
	for _, line := range os.Args[1:] {
		obeyLine(line)
	}
	for lines.Scan() {
		obeyLine(lines.Text())
		fmt.Println("done")
	}
}
