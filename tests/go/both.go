// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program with C in it, whose heaps grow as they are told to, a command a line on its input; each is answered by `done`:
//
//	stats           runtime.ReadMemStats: `stat NAME VALUE`
//	c N SIZE        N blocks of SIZE bytes by malloc of C, written to and kept
//	go N SIZE       N blocks of SIZE bytes by make, written to and kept
//	drop            frees what is kept of C, forgets what is kept of Go, and collects
//	call N          N goroutines of threads of C that call into Go and wait there
package main

/*
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *take(size_t size)
{
	void *p = malloc(size);

	if (p)
		memset(p, 1, size);
	return p;
}

extern void waitInGo(void);

static void *begin(void *arg)
{
	(void)arg;
	waitInGo();
	return NULL;
}

static int start(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, begin, NULL);
}
*/
import "C"

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"unsafe"
)

var (
	keptC   []unsafe.Pointer
	keptGo  [][]byte
	never   = make(chan int)
	waiting = make(chan int)
)

//export waitInGo
func waitInGo() {
	waiting <- 1
	<-never
}

//go:noinline
func takeC(n, size int) {
	for i := 0; i < n; i++ {
		keptC = append(keptC, C.take(C.size_t(size)))
	}
}

//go:noinline
func takeGo(n, size int) {
	for i := 0; i < n; i++ {
		b := make([]byte, size)
		for k := range b {
			b[k] = 1
		}
		keptGo = append(keptGo, b)
	}
}

func drop() {
	for _, p := range keptC {
		C.free(p)
	}
	keptC, keptGo = nil, nil
	debug.FreeOSMemory()
}

func stats() {
	var m runtime.MemStats

	goroutines := runtime.NumGoroutine()
	runtime.ReadMemStats(&m)
	fmt.Println("stat HeapInuse", m.HeapInuse)
	fmt.Println("stat Resident", m.HeapSys-m.HeapReleased+m.StackInuse+m.MSpanInuse+m.MCacheInuse+m.BuckHashSys)
	fmt.Println("stat Goroutines", goroutines)
}

func call(n int) {
	for i := 0; i < n; i++ {
		C.start()
		<-waiting
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	fmt.Println("ready", os.Getpid())
	for lines.Scan() {
		var command string
		var n, size int

		fmt.Sscan(lines.Text(), &command, &n, &size)
		switch command {
		case "stats":
			stats()
		case "c":
			takeC(n, size)
		case "go":
			takeGo(n, size)
		case "drop":
			drop()
		case "call":
			call(n)
		}
		fmt.Println("done")
	}
}
