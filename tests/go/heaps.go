// SPDX-License-Identifier: GPL-2.0-or-later

// A cgo program with two heaps, told what to do a line at a time, as tests/go/sites.go is:
//
//	go N SIZE   keepGo() makes N objects of SIZE bytes more
//	c N SIZE    keepC() the same by malloc()
//	gc          a collection
package main

/*
#include <stdlib.h>
#include <string.h>

static void **blocks;

void keepC(int n, int size)
{
	blocks = malloc(n * sizeof(*blocks));
	for (int i = 0; i < n; i++) {
		blocks[i] = malloc(size);
		memset(blocks[i], 1, size);
	}
}
*/
import "C"

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
)

var kept [][]byte

//go:noinline
func keepGo(n, size int) {
	for i := 0; i < n; i++ {
		kept[i] = make([]byte, size)
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
		case "go":
			kept = make([][]byte, n)
			keepGo(n, size)
		case "c":
			C.keepC(C.int(n), C.int(size))
		case "gc":
			runtime.GC()
		}
		fmt.Println("done")
	}
}
