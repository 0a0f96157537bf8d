// SPDX-License-Identifier: GPL-2.0-or-later

// A plugin (-buildmode=plugin) for tests/go/plugin_host.go: keeps blocks, with the runtime of the program that has opened it.
package main

var kept [][]byte

//go:noinline
func KeepPlugged(n int) {
	for i := 0; i < n; i++ {
		kept = append(kept, make([]byte, 1000))
	}
}

func main() {}
