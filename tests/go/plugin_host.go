// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program that opens the plugin of its first argument (tests/go/plugged.go). Each line of its input is a number of blocks that the
// plugin keeps; it is answered by `done`, after a collection.
package main

import (
	"bufio"
	"fmt"
	"os"
	"plugin"
	"runtime"
)

func main() {
	opened, err := plugin.Open(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	keep, err := opened.Lookup("KeepPlugged")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	lines := bufio.NewScanner(os.Stdin)
	fmt.Println("ready", os.Getpid())
	for lines.Scan() {
		var n int

		fmt.Sscan(lines.Text(), &n)
		keep.(func(int))(n)
		runtime.GC()
		fmt.Println("done")
	}
}
