# SPDX-License-Identifier: GPL-2.0-or-later
"""How soon the live view of a program with 100 MB of code is there, and how fast that program is afterwards. As root, after
`make bench-programs` (make bench-attach does both):

    tests/bench/attach.py [--rounds N] [--library FILE] [--csv FILE] [--quick]

The target is a python3 that has loaded libLLVM (or FILE) and goes on allocating. Each round attaches to a new one, first with an
empty directory for kept unwind tables, then with that directory:

  attached       from the start of the tracer to its line that recording has begun
  first screen   from the start of the tracer to a screen with its header and its keys
  first site     to a screen with a call site on it
  pair           of malloc and free: before the attach, traced, and after the detach; ratio: after / before

A bench, not a test: nothing is judged.
"""

import argparse
import os
import sys
import time

import results
import terminal
from terminal import lib

BUILD = os.path.join(lib.ROOT, "build", "bench")
LIBRARIES = [f"libLLVM-{n}.so.1" for n in range(30, 10, -1)] + [f"libLLVM.so.{n}.1" for n in range(30, 17, -1)]
WAYS = ("no tables kept", "tables kept")
# Works until it is asked something: so many pairs, answered by their ns.
TARGET = """
import ctypes, select, sys
ctypes.CDLL(sys.argv[1])
timed = ctypes.CDLL(sys.argv[2]).timed_pairs
timed.argtypes, timed.restype = [ctypes.c_ulong], ctypes.c_ulong
print("ready", flush=True)
kept = []
while True:
    if select.select([sys.stdin], [], [], 0.001)[0]:
        line = sys.stdin.readline()
        if not line:
            break
        timed(int(line) // 10)
        print("ns", timed(int(line)), flush=True)
    kept = kept[-1000:] + ["word" * n for n in range(200)]
"""


class Target:
    def __init__(self, case, library):
        self.program = case.start(lib.python(), "-c", TARGET, library, os.path.join(BUILD, "timed.so"), bufsize=0)
        self.program.out.wait_for("^ready", 60)
        self.pid = self.program.pid

    def pair_ns(self, pairs):
        self.program.write(f"{pairs}\n")
        return int(self.program.out.wait_for(r"^ns (\d+)$", 120).group(1)) / pairs

    def code_mb(self):
        return sum(last - first for first, last, _, _ in lib.code_mappings(self.pid)) >> 20


def attach(case, target, directory):
    """Each moment in ms since the start of the tracer, the pair's time meanwhile, and the losses."""
    screen = terminal.Terminal(80, 24)
    began = time.monotonic()
    tracer = terminal.start_view(case, screen, "-p", target.pid, env={"TRACER_CACHE_DIR": directory})
    tracer.wait_attached(target.pid)
    times = {"attached": time.monotonic(), "first screen": screen.wait_for("Help"), "first site": screen.wait_for("new ", 60)}
    traced = target.pair_ns(2000)
    screen.press("q")
    lib.equal(tracer.wait(60), 0, "exit status of the tracer")
    screen.close()
    return {name: (at - began) * 1000 for name, at in times.items()}, traced, tracer.summary(target.pid).lost


def measure(output, number, library, pairs):
    """Both ways, one after the other, since the second needs what the first has kept."""
    case = lib.Case("bench")
    try:
        for way in WAYS:
            target = Target(case, library)
            workload = f"python3, {target.code_mb()} MB of code"
            before = target.pair_ns(pairs)
            times, traced, lost = attach(case, target, case.path("cache"))
            lib.wait_clean(target.pid)
            after = target.pair_ns(pairs)
            for metric, value in times.items():
                output.add(workload, way, metric, "ms", number, value)
            for metric, value in (("pair before", before), ("pair traced", traced), ("pair after", after)):
                output.add(workload, way, metric, "ns", number, value)
            output.add(workload, way, "after / before", "ratio", number, after / before)
            output.add(workload, way, "lost", "events", number, lost)
            target.program.kill()
    finally:
        case.close()


def parse(words):
    parser = argparse.ArgumentParser(prog="attach.py")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--library", default=None)
    parser.add_argument("--csv", default=os.path.join(BUILD, "attach.csv"))
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args(words)


def main(words):
    options = parse(words)
    library = options.library or lib.find_library(*(["libc.so.6"] if options.quick else LIBRARIES))
    output = results.Results(options.csv)
    for number in range(options.rounds or (1 if options.quick else 5)):
        measure(output, number, library, 10000 if options.quick else 1000000)
    output.close()
    rows = [(*key, results.cell(output.of(*key), 3 if "/" in key[2] else 0), results.form(max(output.of(*key)), 3 if "/" in key[2] else 0))
            for key in output.values]
    results.show("median (middle half) and largest of the rounds", ("workload", "way", "what", "value", "largest"), rows)
    print(f"\nall figures: {os.path.relpath(options.csv)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
