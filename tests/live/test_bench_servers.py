# SPDX-License-Identifier: GPL-2.0-or-later
"""The benches of servers and of the soak run, and give every figure that they promise. Times are not judged; that counts are exact is."""

import csv
import os
import re
import subprocess
import sys

import lib
from lib import Skip, check, equal, need, test

BENCH = os.path.join(lib.ROOT, "tests", "bench")
EACH = ("rate", "p50", "p99", "p999", "requests", "server_cpu", "cpu_per_million_allocations")


def bench(case, program, *arguments):
    """What it prints, and its figures: {(workload, way): {metric: value}}"""
    if not os.path.isdir(BENCH):
        raise Skip("the benches are not here")
    path = case.path("figures.csv")
    done = subprocess.run([sys.executable, "-B", os.path.join(BENCH, program), "--csv", path, *arguments], capture_output=True, text=True,
                          check=False)
    equal(done.returncode, 0, f"exit status of {program}: {done.stdout}{done.stderr}")
    figures = {}
    with open(path, encoding="ascii") as file:
        rows = list(csv.reader(file))
    equal(rows[0], ["workload", "way", "metric", "unit", "round", "value"], "header")
    for workload, way, metric, unit, number, value in rows[1:]:
        check(unit and int(number) > 0, f"unit and round of {metric}")
        figures.setdefault((workload, way), {})[metric] = float(value)
    return done.stdout, figures


@test(150)
def bench_servers__redis_quick__every_figure(case):
    need("redis-server"), need("redis-benchmark")
    text, figures = bench(case, "servers.py", "--quick", "--ways", "native,floor,tracer", "redis")
    ways = ["native", "tracer"] + ["floor"] * lib.kernel_at_least(*lib.METHODS["session"])
    equal(sorted(figures), sorted(("redis", way) for way in ways), "ways that were measured")
    for (_, way), values in figures.items():
        for metric in EACH:
            check(values.get(metric, 0) > 0, f"{metric} of {way}: {values}")
        check(f"\n| {way} | " in text, f"no row for {way}:\n{text}")
    traced = figures["redis", "tracer"]
    equal(traced["lost"], 0, "lost events")
    check(traced["allocations_per_request"] >= 1, f"a SET takes a block: {traced}")
    check(traced["tool_cpu"] > 0, f"processor time of the tracer: {traced}")


@test(120)
def bench_slices__quick__every_slice(case):
    need("redis-server"), need("redis-benchmark"), lib.need_method("session")
    text, figures = bench(case, "slices.py", "--quick", "--ways", "tracer", "redis", "pairs-18x1")
    equal(sorted(figures), [(workload, way) for workload in ("pairs-18x1", "redis") for way in ("floor", "tracer")], "what was measured")
    for (workload, way), values in figures.items():
        check(values["slice"] > 0, f"slices of {way}: {values}")
        check(re.search(rf"\n\| {way} +\| [\d,.]+ ", text.split(f"\n{workload}, ")[1]), f"no row of {way} for {workload}:\n{text}")


@test(60, alone=True)
def bench_soak__two_seconds__exact(case):
    text, figures = bench(case, "soak.py", "--seconds", "2")
    equal(sorted(figures), [("live", "tracer"), ("pairs", "tracer")], "soaks")
    for (soak, _), values in figures.items():
        equal((values["exact"], values["lost"]), (1, 0), f"exact and lost of the soak {soak}:\n{text}")
        for metric in ("seconds", "events", "rate", "tracer_cpu", "target_cpu", "tracer_per_event", "tracer_peak"):
            check(values[metric] > 0, f"{metric} of the soak {soak}")
