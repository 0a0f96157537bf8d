# SPDX-License-Identifier: GPL-2.0-or-later
"""The benches run and give all their figures. What the figures are is not judged: speed lives in the bench."""

import csv
import os
import subprocess

from lib import ROOT, Skip, check, equal, test

PROGRAM = os.path.join(ROOT, "build", "bench", "consume")

COUNTS = ("cpus", "sites", "threads", "blocks", "events")
FIGURES = ("event_ns", "best_event_ns", "growing_event_ns", "block_bytes", "peak_block_bytes", "heap_bytes",
           "longest_batch_us", "longest_steady_batch_us")


def consume(path, *arguments):
    """The table, and its rows from the CSV file."""
    if not os.access(PROGRAM, os.X_OK):
        raise Skip("no build/bench/consume; run: make bench-programs")
    done = subprocess.run([PROGRAM, "--quick", "--csv", path, *arguments], capture_output=True, text=True)
    equal(done.returncode, 0, f"exit status ({done.stderr})")
    with open(path, newline="") as file:
        return done.stdout, list(csv.DictReader(file))


@test()
def bench__consume__all_figures(case):
    table, rows = consume(case.path("consume.csv"))
    equal({row["workload"] for row in rows}, {"random", "realloc", "pairs", "handoff", "curve"}, "workloads")
    equal({row["cpus"] for row in rows}, {"1", "2", "8"}, "CPUs")
    equal(len(table.splitlines()), len(rows) + 2, "lines of the table")
    for row in rows:
        for name in COUNTS:
            check(int(row[name]) > 0, f"{name} is {row[name]}")
        for name in FIGURES:
            check(float(row[name]) > 0, f"{name} is {row[name]}")
        float(row["private_bytes"])  # what the C library kept from the row before may serve a small one
    blocks = [int(row["blocks"]) for row in rows if row["workload"] == "curve"]
    check(len(blocks) > 1 and blocks == sorted(blocks), f"not a curve: {blocks}")
    check(all(float(row["block_bytes"]) <= 40 for row in rows), "more than 40 bytes a block")


@test()
def bench__consume__recorded_program(case):
    """A real run in place of made-up ones."""
    target, recording = case.target("churn", 300007, 3000), case.path("run.rec")
    tracer = case.attach(target, "-w", recording)
    target.work()
    tracer.stop()
    _, rows = consume(case.path("consume.csv"), "--replay", recording)
    equal([row["workload"] for row in rows], ["recorded"], "rows")
    check(float(rows[0]["event_ns"]) > 0 and int(rows[0]["events"]) >= 50000, f"no figures: {rows}")
    # it is measured in its midst, so that its blocks are not those of the end
    check(2000 < int(rows[0]["blocks"]) < 4000, f"about 3000 blocks: {rows}")
    bad = subprocess.run([PROGRAM, "--replay", PROGRAM], capture_output=True, text=True)
    equal((bad.returncode, f"consume: '{PROGRAM}': no recording" in bad.stderr), (1, True), f"exit status ({bad.stderr})")
