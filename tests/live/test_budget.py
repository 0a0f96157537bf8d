# SPDX-License-Identifier: GPL-2.0-or-later
"""--max-overhead: tracing in time windows, with estimates whose truth is known."""

import os
import re
import signal
import subprocess

from lib import (TIMELINE_COLUMNS, TRACER, check, check_totals, check_truth, equal, find_library, parse_table, python,
                 read_sites, read_text, rows_of, sites_so_far, target_path, test, until)

TRACED = re.compile(r"^tracer: traced ([\d.]+)% of the time, ([\d.]+)% of the work, in (\d+) windows: figures are estimates"
                    r"(: allocated bytes \+-[\d.]+%, outstanding bytes \+-[\d.]+%)?$")
REMARK = re.compile(r"^\t\(traced ([\d.]+)% of the time in (\d+) windows: figures are estimates, for all of it; "
                    r"(?:allocated bytes \+-([\d.]+)%, outstanding bytes \+-([\d.]+)%|their error is not known yet)\)$", re.M)
DETACHED = re.compile(r"^tracer: detached: tracing costs more than --max-overhead [\d.]+ allows")
CACHED = 1009
BREAKPOINT = 0xCC


def traced(tracer):
    """Percent of the time, and windows, of the line on stderr."""
    line = next((line for line in tracer.err.lines if TRACED.match(line)), None)
    check(line, "not a word about what was covered")
    found = TRACED.match(line)
    return float(found.group(1)), int(found.group(3))


def byte_at_free(pid):
    """A function that reads the first byte of the instruction where free() is probed."""
    text = subprocess.run([TRACER, "--dry-run", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    library, start, more = re.search(r"^free\s+(\S+)\s+0x([0-9a-f]+)\s+\+(\d+) ", text, re.M).groups()
    base = next(int(line.split("-")[0], 16) for line in read_text(f"/proc/{pid}/maps").split("\n") if library in line)

    def read():
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(base + int(start, 16) + int(more))
            return memory.read(1)[0]
    return read


def near(value, truth, error, what):
    """Within three half intervals of 95 %, which are six standard errors."""
    check(abs(value - truth) <= truth * max(0.15, 3 * error / 100), f"{what}: {value}, truth {truth}, error stated {error}%")


def counted(rows, key):
    return sum(row[key] for row in rows)


@test(seconds=120, alone=True)
def budget__steady_target__estimates_near_the_truth(case):
    target = case.target("steady", 0, 4000)
    path = case.path("sites.csv")
    tracer = case.attach(target, "-i", "0.5", "--max-overhead", "5", "--csv", path)
    target.go()
    until(lambda: any(int(windows) >= 3 and error for _, windows, error, _ in REMARK.findall(tracer.out.text())),
          "three windows and an error", 90)
    target.close_stdin()
    target.wait_done()
    tracer.end()
    percent, windows = traced(tracer)
    check(windows >= 3 and percent < 90, f"{percent}% covered in {windows} windows")
    last = REMARK.findall(tracer.out.text())[-1]
    check(last[2], "the error of the estimate is not stated")
    error = float(last[2])
    rows = read_sites(path).last()
    equal({row["sampled"] for row in rows}, {"1"}, "column sampled")
    units = target.truth["alloc_count"][0] / (2 + 1 / 16)
    near(counted(rows_of(rows, "site_short"), "alloc_count"), units, error, "allocations of site_short")
    near(counted(rows_of(rows, "site_cache"), "alloc_count"), units, error, "allocations of site_cache")
    near(counted(rows, "alloc_bytes"), target.truth["alloc_bytes"][0], error, "bytes allocated")
    near(counted(rows_of(rows, "site_leak"), "outstanding_count"), target.truth["site_leak"][1], error + 8, "leaked blocks")
    # the end of a window may fall between an allocation and its release
    short = counted(rows_of(rows, "site_short"), "outstanding_count")
    check(short <= 20 * windows, f"{short} blocks of site_short")
    cached = counted(rows_of(rows, "site_cache"), "outstanding_count")
    check(CACHED * 0.9 <= cached <= CACHED * 3, f"{cached} blocks in a cache of {CACHED}")
    equal(tracer.summary(target.pid).lost, 0, "events lost")


@test(seconds=120, alone=True)
def budget__between_two_windows__no_breakpoints(case):
    target = case.target("steady", 100000000, 4000)
    read = byte_at_free(target.pid)
    clean = read()
    check(clean != BREAKPOINT, "free() is probed already")
    tracer = case.attach(target, "-i", "600", "--max-overhead", "5")
    target.go()
    for _ in range(2):
        until(lambda: read() == BREAKPOINT, "a window", 60)
        until(lambda: read() == clean, "a pause", 60)
    tracer.stop()
    equal(read(), clean, "the instruction of free()")
    check(target.running(), "the target has ended")


@test(seconds=120, alone=True)
def budget__nothing_is_cheap_enough__detached_and_said(case):
    target = case.target("steady", 100000000, 4000)
    read = byte_at_free(target.pid)
    clean = read()
    tracer = case.attach(target, "-i", "600", "--max-overhead", "0.02")
    target.go()
    tracer.end(seconds=100)
    check(any(DETACHED.match(line) for line in tracer.err.lines), "not said")
    traced(tracer)
    check(tracer.summary(target.pid).events > 0, "nothing was seen before")
    check(REMARK.search(tracer.out.text()), "the last report does not say what was covered")
    equal(read(), clean, "the instruction of free()")
    check(target.running(), "the target has ended")


@test(alone=True)
def budget__cheap_target__all_is_covered_and_exact(case):
    for limit in ("90", "100", "1000"):
        target = case.target("every")
        path = case.path(f"sites-{limit}.csv")
        tracer = case.attach(target, "--max-overhead", limit, "--csv", path)
        target.work()
        tracer.stop()
        rows = read_sites(path).last()
        check(not any(TRACED.match(line) for line in tracer.err.lines), f"limit {limit}: not all was covered")
        equal({row["sampled"] for row in rows}, {"0"}, "column sampled")
        check_truth(target.truth, rows)
        check_totals(target.truth, rows)


@test(seconds=120, alone=True)
def budget__children__each_seen_in_windows(case):
    """The second program most likely starts while no probe stands; it gets its own in the next window."""
    timeline, steady = case.path("timeline.csv"), target_path("steady")
    tracer = case.tracer("--max-overhead", "12", "-i", "0.2", "--csv-timeline", timeline, "--", "sh", "-c",
                         f"{steady} 200000 4000 --now; {steady} 100000000 4000 --now")

    def seen():
        rows = parse_table(read_text(timeline), TIMELINE_COLUMNS) if os.path.exists(timeline) else []
        return {row["pid"] for row in rows if row["comm"] == "steady" and int(row["outstanding_count"]) > 0}
    try:
        until(lambda: len(seen()) == 2, "blocks of both programs", 90)
        tracer.stop()
    finally:
        # the command runs on: the first program has ended by itself, the shell ends with the second
        for pid in seen():
            if os.path.exists(f"/proc/{pid}") and read_text(f"/proc/{pid}/comm") == "steady\n":
                os.kill(int(pid), signal.SIGKILL)
    traced(tracer)
    summaries = [summary for summary in tracer.summaries().values() if summary.comm == "steady"]
    equal(len(summaries), 2, "processes called steady")
    for summary in summaries:
        equal(summary.lost, 0, "events lost")


LOADER = """
import ctypes, select, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
print('ready', flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    for _ in range(100):
        libc.free(libc.malloc(100))
j = ctypes.CDLL(sys.argv[1], mode=0)
j.mallocx.restype = ctypes.c_void_p
j.mallocx.argtypes = [ctypes.c_size_t, ctypes.c_int]
j.dallocx.argtypes = [ctypes.c_void_p, ctypes.c_int]
while True:
    j.dallocx(j.mallocx(7777, 0), 0)
"""


@test(seconds=150, alone=True)
def budget__allocator_loaded_in_a_pause__seen_in_the_next_window(case):
    library = find_library("libjemalloc.so.2")
    # jemalloc wants more static thread storage than a library loaded late is given by default
    target = case.start(python(), "-S", "-c", LOADER, library, env={"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=16384"})
    target.out.wait_for("^ready")
    read, path = byte_at_free(target.pid), case.path("sites.csv")
    clean = read()
    tracer = case.attach(target.pid, "-i", "0.2", "--max-overhead", "20", "--csv", path)
    until(lambda: read() == BREAKPOINT, "a window", 60)
    until(lambda: read() == clean, "a pause", 60)
    target.write()
    until(lambda: any(row["api"] == "mallocx" for row in sites_so_far(path)), "allocations by mallocx", 90)
    tracer.stop()
    check(target.running(), "the target has ended")
