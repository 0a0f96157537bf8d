# SPDX-License-Identifier: GPL-2.0-or-later
"""The benches of the live view and of attaching: that they run and that their figures are there. No time is judged."""

import csv
import os

from lib import ROOT, check, equal, find_library, python, test

BENCH = os.path.join(ROOT, "tests", "bench")


def figures(case, name):
    """{(workload, way, metric): values} of a quick run"""
    path = case.path(f"{name}.csv")
    bench = case.start(python(), "-B", os.path.join(BENCH, f"{name}.py"), "--quick", "--csv", path)
    equal(bench.wait(100), 0, f"exit status of {name}.py: {bench.err.text()}")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    equal(list(rows[0]), ["workload", "way", "metric", "unit", "round", "value"], "columns")
    found = {}
    for row in rows:
        found.setdefault((row["workload"], row["way"], row["metric"]), []).append(float(row["value"]))
    check(all(value >= 0 for values in found.values() for value in values), f"negative figures: {found}")
    return found


@test(seconds=120)
def bench_view__quick__every_figure(case):
    found = figures(case, "view")
    for size in ("80x24", "200x60"):
        for name in ("nothing", "csv", "json", "folded", "pprof", "html"):
            writing = [found[(f"300 sites, writing {name}, {size}", "tracer", metric)]
                       for metric in ("key to what it shows", "less the wait for a processor", "floor")]
            equal(len({len(values) for values in writing}), 1, "figures of each key")
        for page in ("sites", "callers", "threads"):
            for thread in ("main thread", "events", "tracer"):
                check(max(found[(f"300 sites, {page}, {size}", "tracer", thread)]) > 0, f"{thread} took no time at {size}, {page}")
        for key in ("down", "page", "sort by count", "open", "back", "callers", "turn the tree", "sites"):
            first, last = (found[(f"300 sites, keys, {size}", "tracer", f"{key}, {end} byte")] for end in ("first", "last"))
            check(all(0 < a <= b for a, b in zip(first, last)), f"{key} at {size}: {first}, {last}")
        for step in ("sample", "build", "sample-hold", "build-hold", "fold", "draw", "down", "page", "sort", "open", "back",
                     "callers", "expand", "turn", "modules", "pools", "sites"):
            equal(len(found[(f"100 sites, steps, {size}", "made-up heap", step)]), 4, f"intervals with {step}")
    check(found[("600 sites, batch and CSV", "tracer", "main thread")], "no figures of batch reports")


@test(seconds=120)
def bench_attach__quick__every_figure(case):
    find_library("libc.so.6")
    found = figures(case, "attach")
    for way in ("no tables kept", "tables kept"):
        by_metric = {metric: values for (_, w, metric), values in found.items() if w == way}
        for metric in ("attached", "first screen", "first site", "pair before", "pair traced", "pair after", "after / before"):
            check(min(by_metric[metric]) > 0, f"{metric}, {way}: {by_metric}")
        # of one observer: what stderr has is seen by another
        check(by_metric["first screen"] <= by_metric["first site"], f"a site before the screen: {by_metric}")
        equal(by_metric["lost"], [0.0], "events lost")
