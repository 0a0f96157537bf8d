#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes user/target/go_tables.h: where the Go runtime keeps its figures, for each version of Go.

    scripts/gen-go-tables.py GOROOT... > user/target/go_tables.h

Each GOROOT is an unpacked toolchain, such as /usr/lib/go-1.19 of Debian. With each a small program is built, as an executable and as a
PIE. gdb says from its debug information where members are; its code says where, in functions that every program has, the addresses
of variables stand ("anchors"), which is all that a stripped program has. Needs gdb and binutils; nothing is downloaded.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

HELLO = """package main

import "sync"

var pool sync.Pool

func main() { pool.Put(new(int)); println(pool.Get(), len(make([]byte, 1<<20))) }
"""

# enum value, type, member, and the type and a member of that member; versions write them in different cases
FIELDS = [
    ("STACKS_SYS", "runtime.mstats", "stacks_sys"),
    ("MSPAN_SYS", "runtime.mstats", "mspan_sys"),
    ("MCACHE_SYS", "runtime.mstats", "mcache_sys"),
    ("BUCKHASH_SYS", "runtime.mstats", "buckhash_sys"),
    ("GC_MISC_SYS", "runtime.mstats", "gcMiscSys"),
    ("OTHER_SYS", "runtime.mstats", "other_sys"),
    ("LAST_GC_UNIX", "runtime.mstats", "last_gc_unix"),
    ("PAUSE_TOTAL_NS", "runtime.mstats", "pause_total_ns"),
    ("PAUSE_NS", "runtime.mstats", "pause_ns"),
    ("PAUSE_END", "runtime.mstats", "pause_end"),
    ("NUM_GC", "runtime.mstats", "numgc"),
    ("NUM_FORCED_GC", "runtime.mstats", "numforcedgc"),
    ("GC_CPU_FRACTION", "runtime.mstats", "gc_cpu_fraction"),
    ("HEAP_STATS", "runtime.mstats", "heapStats"),
    ("DELTA_SIZE", "runtime.heapStatsDelta", None),
    ("COMMITTED", "runtime.heapStatsDelta", "committed"),
    ("RELEASED", "runtime.heapStatsDelta", "released"),
    ("IN_HEAP", "runtime.heapStatsDelta", "inHeap"),
    ("IN_STACKS", "runtime.heapStatsDelta", "inStacks"),
    ("IN_WORK_BUFS", "runtime.heapStatsDelta", "inWorkBufs"),
    ("IN_PTR_SCALAR_BITS", "runtime.heapStatsDelta", "inPtrScalarBits"),
    ("TINY_ALLOC_COUNT", "runtime.heapStatsDelta", "tinyAllocCount"),
    ("LARGE_ALLOC", "runtime.heapStatsDelta", "largeAlloc"),
    ("LARGE_ALLOC_COUNT", "runtime.heapStatsDelta", "largeAllocCount"),
    ("SMALL_ALLOC_COUNT", "runtime.heapStatsDelta", "smallAllocCount"),
    ("LARGE_FREE", "runtime.heapStatsDelta", "largeFree"),
    ("LARGE_FREE_COUNT", "runtime.heapStatsDelta", "largeFreeCount"),
    ("SMALL_FREE_COUNT", "runtime.heapStatsDelta", "smallFreeCount"),
    ("GC_PERCENT", "runtime.gcControllerState", "gcPercent"),
    ("MEMORY_LIMIT", "runtime.gcControllerState", "memoryLimit"),
    ("GC_PERCENT_HEAP_GOAL", "runtime.gcControllerState", "gcPercentHeapGoal"),
    ("SWEEP_DIST_MIN_TRIGGER", "runtime.gcControllerState", "sweepDistMinTrigger"),
    ("TRIGGERED", "runtime.gcControllerState", "triggered"),
    ("HEAP_MARKED", "runtime.gcControllerState", "heapMarked"),
    ("RUNWAY", "runtime.gcControllerState", "runway"),
    ("HEAP_IN_USE", "runtime.gcControllerState", "heapInUse"),
    ("HEAP_RELEASED", "runtime.gcControllerState", "heapReleased"),
    ("HEAP_FREE", "runtime.gcControllerState", "heapFree"),
    ("TOTAL_ALLOC", "runtime.gcControllerState", "totalAlloc"),
    ("TOTAL_FREE", "runtime.gcControllerState", "totalFree"),
    ("MAPPED_READY", "runtime.gcControllerState", "mappedReady"),
    ("SPAN_IN_USE", "runtime.mheap", "spanalloc", "runtime.fixalloc", "inuse"),
    ("CACHE_IN_USE", "runtime.mheap", "cachealloc", "runtime.fixalloc", "inuse"),
    ("HEAP_SWEEPGEN", "runtime.mheap", "sweepgen"),
    ("CPU_GC_1_19", "runtime.workType", "totaltime"),
    ("CPU_ASSIST", "runtime.workType", "cpuStats", "runtime.cpuStats", "GCAssistTime"),
    ("CPU_DEDICATED", "runtime.workType", "cpuStats", "runtime.cpuStats", "GCDedicatedTime"),
    ("CPU_GC_IDLE", "runtime.workType", "cpuStats", "runtime.cpuStats", "GCIdleTime"),
    ("CPU_GC_PAUSE", "runtime.workType", "cpuStats", "runtime.cpuStats", "GCPauseTime"),
    ("CPU_GC", "runtime.workType", "cpuStats", "runtime.cpuStats", "GCTotalTime"),
    ("CPU_SCAVENGE_ASSIST", "runtime.workType", "cpuStats", "runtime.cpuStats", "ScavengeAssistTime"),
    ("CPU_SCAVENGE_BACKGROUND", "runtime.workType", "cpuStats", "runtime.cpuStats", "ScavengeBgTime"),
    ("CPU_SCAVENGE", "runtime.workType", "cpuStats", "runtime.cpuStats", "ScavengeTotalTime"),
    ("CPU_IDLE", "runtime.workType", "cpuStats", "runtime.cpuStats", "IdleTime"),
    ("CPU_USER", "runtime.workType", "cpuStats", "runtime.cpuStats", "UserTime"),
    ("CPU_TOTAL", "runtime.workType", "cpuStats", "runtime.cpuStats", "TotalTime"),
    ("P_MCACHE", "runtime.p", "mcache"),
    ("TINY_ALLOCS", "runtime.mcache", "tinyAllocs"),
    ("CACHE_ALLOC", "runtime.mcache", "alloc"),
    ("SPAN_SWEEPGEN", "runtime.mspan", "sweepgen"),
    ("SPAN_ALLOC_COUNT", "runtime.mspan", "allocCount"),
    ("SPAN_COUNT_BEFORE", "runtime.mspan", "allocCountBeforeCache"),
    ("SPAN_START", "runtime.mspan", "startAddr"),
    ("SPAN_NELEMS", "runtime.mspan", "nelems"),
    ("SPAN_ALLOC_BITS", "runtime.mspan", "allocBits"),
    ("SPAN_STATE", "runtime.mspan", "state"),
    ("SPAN_ELEMSIZE", "runtime.mspan", "elemsize"),
    ("NGSYS", "runtime.schedt", "ngsys"),
    ("G_STATUS", "runtime.g", "atomicstatus"),
    ("G_WAIT_REASON", "runtime.g", "waitreason"),
    ("G_GOPC", "runtime.g", "gopc"),
    ("G_STARTPC", "runtime.g", "startpc"),
    ("BUCKET_ALLNEXT", "runtime.bucket", "allnext"),
    ("BUCKET_OBJECT_BYTES", "runtime.bucket", "size"),
    ("BUCKET_DEPTH", "runtime.bucket", "nstk"),
    ("BUCKET_STACK", "runtime.bucket", None),
    ("RECORD_FUTURE", "runtime.memRecord", "future"),
    ("RECORD_SIZE", "runtime.memRecord", None),
    ("CYCLE_FREES", "runtime.memRecordCycle", "frees"),
    ("CYCLE_SIZE", "runtime.memRecordCycle", None),
    ("MODULE_TYPES", "runtime.moduledata", "types"),
    ("MODULE_TYPES_END", "runtime.moduledata", "etypes"),
    ("G_GOID", "runtime.g", "goid"),
    ("G_WAIT_SINCE", "runtime.g", "waitsince"),
    ("SCHED_FREE", "runtime.schedt", "gFree"),
    ("P_FREE", "runtime.p", "gFree"),
    ("LIST_SIZE", "runtime.gList", "size"),
]
SYMBOLS = ["runtime.memstats", "runtime.gcController", "runtime.mheap_", "runtime.allp", "runtime.emptymspan",
           "runtime.allgs", "runtime.sched", "runtime.mbuckets", "runtime.mProfCycle", "runtime.MemProfileRate",
           "runtime.work", "sync.allPools", "sync.oldPools", "runtime.firstmoduledata", "runtime.waitReasonStrings"]
SIZES = ("runtime.class_to_size", "internal/runtime/gc.SizeClassToSize")
ANCHORS_MAX = 6
SIZE_CLASSES = 68
GDB = """
import gdb, json
found = {}
for name, of, member, *more in FIELDS:
    def place(of, member):
        try:
            t = gdb.lookup_type(of).strip_typedefs()
        except gdb.error:
            return -1
        if member is None:
            return t.sizeof
        for f in t.fields():
            if f.name.lower() == member.lower():
                return f.bitpos // 8
        return -1
    at = place(of, member)
    inner = place(*more) if more and at >= 0 else 0
    found[name] = at + inner if inner >= 0 else -1
print("FOUND " + json.dumps(found))
"""


def run(*arguments, **more):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, **more).stdout


def build(goroot, directory, mode):
    source, binary = os.path.join(directory, "hello.go"), os.path.join(directory, f"hello-{mode}")
    with open(source, "w", encoding="ascii") as file:
        file.write(HELLO)
    environment = {**os.environ, "GOROOT": goroot, "GOTOOLCHAIN": "local", "GOPROXY": "off", "CGO_ENABLED": "0", "GOFLAGS": "",
                   "GO111MODULE": "off"}
    run(os.path.join(goroot, "bin", "go"), "build", f"-buildmode={mode}", "-o", binary, source, env=environment)
    return binary


def version_of(goroot):
    return run(os.path.join(goroot, "bin", "go"), "env", "GOVERSION",
               env={**os.environ, "GOROOT": goroot, "GOTOOLCHAIN": "local", "GOFLAGS": ""}).strip()


def offsets(binary, directory):
    script = os.path.join(directory, "script.py")
    with open(script, "w", encoding="ascii") as file:
        file.write("FIELDS = " + repr(FIELDS) + GDB)
    text = run("gdb", "-nx", "-batch", "-iex", "set auto-load off", "-iex", "set debuginfod enabled off", "-x", script, binary)
    return json.loads(re.search(r"^FOUND (.*)$", text, re.M).group(1))


def symbols(binary):
    """Name -> address, of data and functions."""
    found = {}
    for line in run("nm", "-n", binary).splitlines():
        words = line.split(None, 2)
        if len(words) == 3:
            found[words[2]] = int(words[0], 16)
    return found


def anchors(binary, known):
    """Variable -> [(function, offset, prefix, addend)], of instructions that end with a displacement from their end."""
    found = {name: [] for name in SYMBOLS}
    by_address = {known[name]: name for name in SYMBOLS}
    places = sorted(by_address)
    sizes = {name: next((a for a in sorted(known.values()) if a > known[name]), known[name]) - known[name] for name in SYMBOLS}
    function, start = None, 0
    for line in subprocess.run(["objdump", "-dw", binary], check=True, capture_output=True, text=True).stdout.splitlines():
        head = re.match(r"^([0-9a-f]+) <(.*)>:$", line)
        if head:
            start, function = int(head.group(1), 16), head.group(2)
            continue
        body = re.match(r"^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*\t.*\(%rip\).*# 0?x?([0-9a-f]+)", line)
        if not body or not function or not function.startswith(("runtime.", "sync.")) or function.endswith(".abi0"):
            continue
        code, target, at = bytes.fromhex(body.group(2)), int(body.group(3), 16), int(body.group(1), 16)
        base = max((p for p in places if p <= target), default=None)
        if base is None or target - base >= sizes[by_address[base]]:
            continue
        displacement = int.from_bytes(code[-4:], "little", signed=True)
        if at + len(code) + displacement == target:
            found[by_address[base]].append((function, at - start, code[:-4].hex(), target - base))
    return found


def choose(first, second):
    """Those that both builds have first, from as many functions as there are."""
    chosen = {}
    for name in SYMBOLS:
        both = [a for a in first[name] if a in second[name]]
        rest = [a for a in first[name] + second[name] if a not in both]
        picked, used = [], set()
        for again in (False, True):
            for anchor in both + rest:
                if len(picked) < ANCHORS_MAX and anchor not in picked and (again or anchor[0] not in used):
                    picked.append(anchor)
                    used.add(anchor[0])
        chosen[name] = picked
    return chosen


def size_classes(binary, known):
    name = next(n for n in SIZES if n in known)
    for line in run("readelf", "-lW", binary).splitlines():
        words = line.split()
        if words and words[0] == "LOAD":
            offset, address, size = (int(words[i], 16) for i in (1, 2, 4))
            if address <= known[name] < address + size:
                with open(binary, "rb") as file:
                    file.seek(offset + known[name] - address)
                    data = file.read(2 * SIZE_CLASSES)
                return [int.from_bytes(data[i:i + 2], "little") for i in range(0, len(data), 2)]
    raise SystemExit(f"{binary}: {name} is in no segment")


def enum_name(symbol):
    return {"runtime.memstats": "MEMSTATS", "runtime.gcController": "GC_CONTROLLER", "runtime.mheap_": "MHEAP", "runtime.allp": "ALLP",
            "runtime.emptymspan": "EMPTY_SPAN", "runtime.allgs": "ALLGS",
            "runtime.sched": "SCHED", "runtime.mbuckets": "MBUCKETS", "runtime.mProfCycle": "MPROF_CYCLE",
            "runtime.MemProfileRate": "MEM_PROFILE_RATE", "runtime.work": "WORK", "sync.allPools": "ALL_POOLS",
            "sync.oldPools": "OLD_POOLS", "runtime.firstmoduledata": "MODULE",
            "runtime.waitReasonStrings": "WAIT_REASON_STRINGS"}[symbol]


def write(tables):
    print("/* SPDX-License-Identifier: GPL-2.0-or-later */")
    print("/* Made by scripts/gen-go-tables.py from " + ", ".join(t["version"] for t in tables) + " of Debian, amd64. Not edited by hand. */")
    print("#ifndef TARGET_GO_TABLES_H\n#define TARGET_GO_TABLES_H\n\n/* clang-format off */")
    print("static const uint16_t go_size_classes[GO_SIZE_CLASSES] = {")
    sizes = tables[0]["sizes"]
    for i in range(0, SIZE_CLASSES, 12):
        print("\t" + ", ".join(map(str, sizes[i:i + 12])) + ",")
    print("};\n\n/* Where debug information has them. */\nstatic const struct go_member_name go_member_names[GO_MEMBERS] = {")
    for name, *words in FIELDS:
        members = zip(("type", "member", "inner_type", "inner"), words)
        print(f"\t[GO_{name}] = {{" + ", ".join(f'.{key} = "{word}"' for key, word in members if word) + "},")
    print("};\n\nstatic const struct go_layout go_layouts[] = {")
    for table in tables:
        print(f"\t{{.minor = {table['minor']}, .at = {{")
        for name, *_ in FIELDS:
            print(f"\t\t[GO_{name}] = {table['offsets'][name]},")
        print("\t}},")
    print("};\n\nstatic const struct go_anchor go_anchors[] = {")
    for table in tables:
        for symbol in SYMBOLS:
            for function, at, prefix, addend in table["anchors"][symbol]:
                text = "".join(f"\\x{prefix[i:i + 2]}" for i in range(0, len(prefix), 2))
                print(f"\t{{{table['minor']}, GO_SYMBOL_{enum_name(symbol)}, {at}, {addend}, {len(prefix) // 2}, \"{text}\", \"{function}\"}},")
    print("};\n/* clang-format on */\n\n#endif /* TARGET_GO_TABLES_H */")


def main():
    tables = []
    for goroot in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as directory:
            version = version_of(goroot)
            plain, pie = build(goroot, directory, "exe"), build(goroot, directory, "pie")
            known = symbols(plain)
            tables.append({"version": version, "minor": int(re.match(r"go1\.(\d+)", version).group(1)),
                           "offsets": offsets(plain, directory), "sizes": size_classes(plain, known),
                           "anchors": choose(anchors(plain, known), anchors(pie, symbols(pie)))})
    tables.sort(key=lambda t: t["minor"])
    if not tables or any(t["sizes"] != tables[0]["sizes"] for t in tables):
        raise SystemExit("usage: gen-go-tables.py GOROOT...; or the size classes are not the same in all")
    write(tables)


main()
