# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench runs, and its figures are there. How large they are is not judged: speed lives in the bench."""

import csv
import os
import re
import subprocess
import sys

import lib
from lib import Skip, check, equal, test

BENCH = os.path.join(lib.ROOT, "tests", "bench", "run.py")
PROGRAMS = os.path.join(lib.ROOT, "build", "bench")
COLUMNS = ["workload", "way", "metric", "unit", "round", "value"]
PAIRS = "pairs-18x1"


def run_bench(case, only):
    """Its table and its rows: {(workload, way, metric): value}"""
    if lib.SLOW > 1:
        raise Skip("left out on an emulated machine")
    check(os.path.exists(os.path.join(PROGRAMS, "work")), "build/bench/work is not there: run: make bench-programs")
    path = case.path("results.csv")
    bench = case.start(sys.executable, "-B", BENCH, "--quick", "--only", only, "--csv", path)
    status = bench.wait(150)
    text = bench.out.text()
    equal(status, 0, f"exit status of the bench, which said:\n{text}\n{bench.err.text()}")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    equal(rows[0], COLUMNS, "columns")
    return text, {tuple(row[:3]): float(row[5]) for row in rows[1:]}


def table_row(text, title, way):
    """The cells of a way in the table with this title."""
    part = text.split(f"\n{title}: ", 1)
    equal(len(part), 2, f"tables of {title} in\n{text}")
    for line in part[1].splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == way:
            return cells
    raise lib.Failure(f"no row {way} under {title} in\n{text}")


def number(text):
    found = re.match(r"^[0-9.,e+]+", text)
    check(found, f"no number: {text!r}")
    return float(found.group(0).replace(",", ""))


def check_figures(text, values, workload, way, metrics=("target",)):
    for metric in metrics:
        check(values.get((workload, way, metric), 0) > 0, f"{metric} of {workload} {way}: {values}")
    cells = table_row(text, workload, way)
    check(number(cells[1]) > 0, f"time of {way} in the table: {cells}")
    check(number(cells[2]) > 0, f"ratio of {way} to native in the table: {cells}")


@test(180)
def bench__pairs_in_every_way_of_the_tracer__each_figure_is_there(case):
    text, values = run_bench(case, f"^{PAIRS}/(floor|entries|tracer|no-memo|ring-only|sampled|filtered)$")
    check(re.search(r"Linux \S+, .*, \d+ CPUs, (virtual machine|bare metal)", text), f"not a word of the machine:\n{text}")
    check("by tables 18" in text, f"not all frames are found:\n{text}")
    for way in ("native", "floor", "entries", "after"):
        check_figures(text, values, PAIRS, way)
    for way in ("tracer", "no-memo", "ring-only"):
        check_figures(text, values, PAIRS, way, ("target", "wall", "total", "bpf"))
        check(number(table_row(text, PAIRS, way)[3]) > 0, f"no ratio of {way} to the floor:\n{text}")
        check(values[("chains", way, "events")] > 0, f"{way} has seen nothing")
        check(values[("chains", way, "tool-memory")] > 0, f"no memory of {way}")
    for way in ("sampled", "filtered"):
        check_figures(text, values, PAIRS, way)
        check(number(table_row(text, PAIRS, way)[3]) > 0, f"no ratio of {way} to two empty probes:\n{text}")
    equal(values[("chains", "filtered", "events")], 0, "events that the filter lets through")


@test(180)
def bench__threads_and_many_blocks__each_figure_is_there(case):
    names = ("threads", "handover", "live", "containers")
    text, values = run_bench(case, f"^({'|'.join(names)})/tracer$")
    for name in names:
        for way in ("native", "floor", "tracer", "after"):
            check_figures(text, values, name, way)


@test(180)
def bench__other_tools__figures_or_that_they_are_not_installed(case):
    text, values = run_bench(case, f"^{PAIRS}/(bpftrace|heaptrack|valgrind)$")
    for way in ("bpftrace", "heaptrack", "valgrind"):
        if not (PAIRS, way, "target") in values:
            equal(table_row(text, PAIRS, way)[1], f"{way} is not installed", "the row of a tool that is missing")
        else:
            check_figures(text, values, PAIRS, way)


@test(180)
def bench__real_programs__figures_or_what_is_not_installed(case):
    text, values = run_bench(case, "^(redis|sqlite3|python3)/tracer$")
    for name, more in (("redis", "rate"), ("sqlite3", "wall"), ("python3", "wall")):
        if (name, "native", "target") in values:
            for way in ("native", "floor", "tracer", "after"):
                check_figures(text, values, name, way, ("target", more))
        else:
            check(re.search(rf"not measured: {name}: \S+ is not installed", text), f"not a word about {name}:\n{text}")


@test(120)
def bench__times_of_attaching__each_figure_is_there(case):
    text, values = run_bench(case, "^attach-small/")
    for way in ("tracer", "tracer-kept"):
        for metric in ("attach", "first-screen", "detach", "quit"):
            check(values.get(("attach-small", way, metric), 0) > 0, f"no {metric} of {way}: {values}")
        check(re.search(rf"^\| small .*\| {way} ", text, re.M), f"no row of {way} in\n{text}")


@test(60)
def bench__nothing_matches__usage_error(case):
    if lib.SLOW > 1:
        raise Skip("left out on an emulated machine")
    run = subprocess.run([sys.executable, "-B", BENCH, "--only", "no such workload", "--csv", case.path("none.csv")],
                         capture_output=True, text=True, check=False)
    equal(run.returncode, 2, "exit status")
    check("nothing matches" in run.stderr, run.stderr)
    check(not os.path.exists(case.path("none.csv")), "a CSV of nothing")
