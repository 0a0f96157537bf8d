# SPDX-License-Identifier: GPL-2.0-or-later
"""The benches run and give all their figures. What the figures are is not judged: speed lives in the bench."""

import csv
import os
import subprocess

from lib import ROOT, Skip, check, equal, test

COUNTS = ("cpus", "sites", "threads", "blocks", "events")
FIGURES = ("event_ns", "best_event_ns", "growing_event_ns", "block_bytes", "peak_block_bytes", "heap_bytes",
           "longest_batch_us", "longest_steady_batch_us")


@test()
def bench__consume__all_figures(case):
    program = os.path.join(ROOT, "build", "bench", "consume")
    if not os.access(program, os.X_OK):
        raise Skip("no build/bench/consume; run: make bench-programs")
    path = case.path("consume.csv")
    done = subprocess.run([program, "--quick", "--csv", path], capture_output=True, text=True)
    equal(done.returncode, 0, f"exit status ({done.stderr})")
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    equal({row["workload"] for row in rows}, {"random", "realloc", "pairs", "handoff", "curve"}, "workloads")
    equal({row["cpus"] for row in rows}, {"1", "2", "8"}, "CPUs")
    equal(len(done.stdout.splitlines()), len(rows) + 2, "lines of the table")
    for row in rows:
        for name in COUNTS:
            check(int(row[name]) > 0, f"{name} is {row[name]}")
        for name in FIGURES:
            check(float(row[name]) > 0, f"{name} is {row[name]}")
        float(row["private_bytes"])  # what the C library kept from the row before may serve a small one
    blocks = [int(row["blocks"]) for row in rows if row["workload"] == "curve"]
    check(len(blocks) > 1 and blocks == sorted(blocks), f"not a curve: {blocks}")
    check(all(float(row["block_bytes"]) <= 40 for row in rows), "more than 40 bytes a block")
