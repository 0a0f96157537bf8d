# SPDX-License-Identifier: GPL-2.0-or-later
"""Traced programs whose files are damaged where only tracers look: the figures stay exact, and there are fewer names."""

import re

from hostile import KINDS, damage
from lib import check, check_totals, equal, outstanding, read_sites, read_text, target_path, test

ROUNDS = 3
# Of the tracer with all of them; without any it is below 100 MB.
MEMORY_MAX_KB = 500 << 10


def peak_kb(program):
    return int(re.search(r"^VmHWM:\s*(\d+) kB", read_text(f"/proc/{program.pid}/status"), re.M).group(1))


def libraries(case):
    paths = []
    for number in range(ROUNDS * len(KINDS)):
        paths.append(case.path(f"damaged{number:02}.so"))
        damage(target_path("plugin.so"), paths[-1], number)
    return paths


def by_library(truth, rows):
    for name in truth:
        if name.startswith("damaged"):
            mine = [row for row in rows if row["module"] == name]
            equal(outstanding(mine), truth[name], f"outstanding bytes and count of {name}")


def trace(case, *options, totals=True):
    target = case.target("plugins", *libraries(case), *options)
    path = case.path("sites.csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", path)
    truth = target.work()
    # names are looked up for a report: one after all the blocks are there
    tracer.out.wait_for("stacks with outstanding allocations")
    tracer.out.wait_for("stacks with outstanding allocations")
    check(peak_kb(tracer) < MEMORY_MAX_KB, f"the tracer took {peak_kb(tracer)} kB")
    tracer.stop(seconds=60)
    sites = read_sites(path)
    by_library(truth, sites.last())
    if totals:
        check_totals(truth, sites.last())
    equal(tracer.summary().lost, 0, "lost events")
    damaged = [line for line in tracer.err.lines if line.startswith("tracer: cannot use the unwind information of '")]
    check(damaged, f"no word about damaged unwind information: {tracer.err.text()}")
    target.finish()


@test(seconds=120)
def hostile__libraries_of_a_running_program__exact(case):
    trace(case)


@test(seconds=120)
def hostile__libraries_loaded_while_traced__exact(case):
    trace(case, "--late", totals=False)


@test(seconds=120)
def hostile__executables__exact(case):
    """Their own tables are damaged; the functions that are probed are the C library's."""
    targets = []
    for number in range(len(KINDS)):
        program = case.path(f"damaged{number:02}")
        damage(target_path("every"), program, number)
        targets.append(case.target(program))
    path = case.path("sites.csv")
    tracer = case.tracer("-b", "-p", ",".join(str(target.pid) for target in targets), "--csv", path)
    for target in targets:
        tracer.wait_attached(target.pid)
    for target in targets:
        target.work()
    check(peak_kb(tracer) < MEMORY_MAX_KB, f"the tracer took {peak_kb(tracer)} kB")
    tracer.stop(seconds=60)
    sites = read_sites(path)
    for target in targets:
        check_totals(target.truth, sites.last(target.pid))
        equal(tracer.summary(target.pid).lost, 0, f"lost events of {target.name}")
        target.finish()
