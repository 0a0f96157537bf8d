// SPDX-License-Identifier: GPL-2.0-or-later

// A library of Go for programs of C (-buildmode=c-shared or c-archive): tests/go/library_main.c is one.
package main

import "C"
import "runtime"

var kept [][]byte

//export KeepInLibrary
func KeepInLibrary(n C.int) {
	for i := 0; i < int(n); i++ {
		kept = append(kept, make([]byte, 1000))
	}
	runtime.GC()
}

func main() {}
