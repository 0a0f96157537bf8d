// SPDX-License-Identifier: GPL-2.0-or-later

// A Go program with a steady live heap and a steady rate of allocation: steady SHAPE LIVE_MIB MIB_PER_S. SHAPE is what it allocates:
//
//	nodes     64 bytes with two pointers: much to mark
//	records   16 to 512 bytes, two pointers each
//	buffers   4 to 64 KiB without pointers: little to mark
//
// Commands, a line each on its input, answered by lines and `done`:
//
//	begin     from here on it measures
//	end       `stat NAME VALUE` of the time since
//	leak N    from here on N KiB a second are kept
package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type node struct {
	left, right *node
	data        [48]byte
}

type record struct { // 32 bytes
	next *record
	data []byte
}

var (
	leaf    = &node{}
	nodes   []*node
	first   = &record{}
	records []*record
	buffers [][]byte
	leaked  [][]byte
	leak    int64 // bytes a second
	begun   time.Time
	peaks   struct { // of collections
		sync.Mutex
		count, sum float64
		most       uint64
	}
)

// Each makes one object in the place of one that lives, and says how large it is.
var shapes = map[string]struct {
	size int // on average
	room func(n int)
	make func(i int) int
}{
	"nodes": {64, func(n int) { nodes = make([]*node, n) }, func(i int) int {
		k := i % len(nodes)
		nodes[k] = &node{left: leaf, right: leaf}
		return 64
	}},
	"records": {32 + 264, func(n int) { records = make([]*record, n) }, func(i int) int {
		k := i % len(records)
		size := 16 + i*7919%497
		records[k] = &record{next: first, data: make([]byte, size)}
		return 32 + size
	}},
	"buffers": {34 << 10, func(n int) { buffers = make([][]byte, n) }, func(i int) int {
		size := 4<<10 + i*7919%(60<<10)
		buffers[i%len(buffers)] = make([]byte, size)
		return size
	}},
}

// Heap bytes of objects, dead ones too, just before each collection has ended, without stopping anything.
func watch() {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
	var cycles, last uint64
	for {
		metrics.Read(sample)
		if n := sample[1].Value.Uint64(); n != cycles {
			cycles = n
			peaks.Lock()
			peaks.count++
			peaks.sum += float64(last)
			if last > peaks.most {
				peaks.most = last
			}
			peaks.Unlock()
		}
		last = sample[0].Value.Uint64()
		time.Sleep(time.Millisecond)
	}
}

func allocate(one func(i int) int, from int, perSecond float64) {
	const step = 2 * time.Millisecond
	start := time.Now()
	done, kept := 0.0, 0.0
	for i := from; ; {
		for due := time.Since(start).Seconds() * perSecond; done < due; i++ {
			done += float64(one(i))
		}
		for ; kept < time.Since(start).Seconds()*float64(atomic.LoadInt64(&leak)); kept += 4096 {
			leaked = append(leaked, make([]byte, 4096))
		}
		time.Sleep(step)
	}
}

// The collector's processor time since the program began, in seconds of GOMAXPROCS processors.
func collectorSeconds(m *runtime.MemStats) float64 {
	return m.GCCPUFraction * float64(int64(m.LastGC)-started) / 1e9
}

var (
	started = time.Now().UnixNano()
	before  runtime.MemStats
)

func sayStats() {
	var m runtime.MemStats

	runtime.ReadMemStats(&m)
	seconds := time.Since(begun).Seconds()
	between := float64(int64(m.LastGC)-int64(before.LastGC)) / 1e9
	fmt.Println("stat seconds", seconds)
	fmt.Println("stat cycles", m.NumGC-before.NumGC)
	fmt.Println("stat cycles_per_s", float64(m.NumGC-before.NumGC)/math.Max(between, 1e-9))
	fmt.Println("stat alloc_bytes_per_s", float64(m.TotalAlloc-before.TotalAlloc)/seconds)
	peaks.Lock()
	fmt.Println("stat peak_bytes", peaks.sum/math.Max(peaks.count, 1))
	fmt.Println("stat most_bytes", peaks.most)
	peaks.Unlock()
	fmt.Println("stat cpu_share", (collectorSeconds(&m)-collectorSeconds(&before))/math.Max(between, 1e-9))
	fmt.Println("stat memory_bytes", m.Sys-m.HeapReleased)
}

func main() {
	shape := shapes[os.Args[1]]
	live, _ := strconv.ParseFloat(os.Args[2], 64)
	rate, _ := strconv.ParseFloat(os.Args[3], 64)
	count := int(live * (1 << 20) / float64(shape.size))

	shape.room(count)
	for i := 0; i < count; i++ {
		shape.make(i)
	}
	go watch()
	go allocate(shape.make, count, rate*(1<<20))
	fmt.Println("ready", os.Getpid())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var command string
		var n int64

		fmt.Sscan(lines.Text(), &command, &n)
		switch command {
		case "begin":
			runtime.ReadMemStats(&before)
			begun = time.Now()
			peaks.Lock()
			peaks.count, peaks.sum, peaks.most = 0, 0, 0
			peaks.Unlock()
		case "end":
			sayStats()
		case "leak":
			atomic.StoreInt64(&leak, n<<10)
		}
		fmt.Println("done")
	}
}
