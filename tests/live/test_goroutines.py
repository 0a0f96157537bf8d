# SPDX-License-Identifier: GPL-2.0-or-later
"""Goroutines of Go programs, beside what the programs say of them; the heaps of Go and of C in one program."""

import collections
import json
import os
import re

from lib import ROOT, Target, check, equal, read_json_lines, read_text, test, until
from test_exports import SCHEMA, known_keys, validate
from test_go import STRIPPED, build, command, rows_of
from test_metrics import ask, free_port, parse, value

SOURCE = os.path.join(ROOT, "tests", "go", "goroutines.go")
BOTH = os.path.join(ROOT, "tests", "go", "both.go")
KINDS = ("leak 31", "pool 7", "select 5", "sleep 4", "mutex 3", "group 2", "none 6", "leak 100", "end 29", "gc")
# Histories of some seconds instead of some half minutes: an elder is 4 s old.
SHORT = ("--leak-window", "6", "--leak-interval", "0.2")
MANY = 140000
MIB = 1 << 20


def start(case, path, *commands):
    target = case.keep(Target([path])).wait_ready()
    for text in commands:
        command(target, text)
    return target


def truth(target):
    """{(wait, function, creator): goroutines}, and how many there are."""
    lines = command(target, "truth")
    groups = collections.Counter()
    for line in lines:
        if line.startswith("group "):
            count, *key = line[6:].split("|")
            groups[tuple(key)] = int(count)
    return groups, sum(groups.values())


def goroutines_of(line, pid):
    return next(p["goroutines"] for p in line["processes"] if p["pid"] == pid)


def name_of(frame):
    return frame["function"] if frame else ""


def seen(goroutines):
    groups = collections.Counter()
    for group in goroutines["groups"]:
        groups[(group["does"], name_of(group["start"]), name_of(group["creator"]))] += group["count"]
    return groups


def without_moving(groups):
    """The main goroutine runs while it says what there is, and reads afterwards; workers and their feeder change all the time."""
    sums = collections.Counter()
    for (does, function, creator), count in groups.items():
        if function in ("main.main", "runtime.main"):
            continue
        moves = function in ("main.worker", "main.feed")
        sums[("" if moves else does, function, creator)] += count
    return sums


def traced(case, target, *arguments):
    json_path, csv_path = case.path(f"{target.pid}.json"), case.path(f"{target.pid}.csv")
    tracer = case.run("-b", "-p", target.pid, "--json", json_path, "--csv-go", csv_path, *arguments)
    equal(tracer.process.returncode, 0, "exit status")
    return tracer, read_json_lines(json_path), rows_of(csv_path)


def same_as_the_runtime(case, path):
    target = start(case, path, *KINDS)
    groups, count = truth(target)
    tracer, lines, rows = traced(case, target, "-v", "-T", "50", "0.1", "2")
    now = goroutines_of(lines[-1], target.pid)
    schema = json.loads(read_text(SCHEMA))
    known_keys({"$ref": "#/definitions/goroutines"}, now, schema["definitions"], "goroutines")
    validate(lines)
    equal(now["count"], count, "goroutines")
    equal(sum(group["count"] for group in now["groups"]), count, "goroutines of all groups")
    equal((now["whole"], now["left_out"], now["round_s"]), (True, 0, 0), "all were looked at")
    equal(without_moving(seen(now)), without_moving(groups), "groups")
    waits = [g["longest_wait_s"] for g in now["groups"] if g["does"] == "select"]
    check(len(waits) == 1 and waits[0] is not None and waits[0] < 60, f"the collection saw them wait: {waits}")
    equal((int(rows[-1]["Goroutines"]), int(rows[-1]["GoroutineGroups"])), (count, now["group_count"]), "CSV")
    equal(int(rows[-1]["LargestGoroutineGroup"]), now["largest"], "the largest group")
    equal(now["largest"], 102, "the largest group")
    check(re.search(rf"\({target.pid} \S+: {count} goroutines in \d+ groups\)", tracer.out.text()), "no word in the report")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def goroutines__groups__equal_the_programs_own(case):
    same_as_the_runtime(case, build("goroutines", source=SOURCE))


@test()
def goroutines__stripped_pie__groups_with_names(case):
    same_as_the_runtime(case, build("goroutines-stripped-pie", "-buildmode=pie", STRIPPED, source=SOURCE))


@test(90)
def goroutines__leak__found_and_others_are_not(case):
    """Those that come and never end are called a leak; a pool that came up, and work that ends, are not."""
    target = start(case, build("goroutines", source=SOURCE), "pool 60", "work 20", "grow 40")
    path = case.path("leak.json")
    tracer = case.attach(target, "-i", "0.5", "--json", path, "--alert", "leaks>0", *SHORT)
    found = tracer.out.wait_for(r"^\t\t(\d+) chan receive: (main\.\w+) \(goroutines\.go:\d+\), started by (main\.\w+) ", 40)
    equal(found.groups()[1:], ("main.stuck", "main.grow"), "where they come from")
    why = tracer.out.wait_for(r"^\t\t\t\[goroutine leak, score \d+: grew [\d.]+/s for \S+ \(p .*still there\]$").group()
    check("goroutines older than 4s" in why, why)
    # the heap of those goroutines leaks, too, and may be found by then
    tracer.err.wait_for(rf"alert leaks>0: {target.pid} \(\w+\) has [12]$")
    until(lambda: len(read_json_lines(path)) > 40, "more reports", 40)
    tracer.stop(status=3)
    last = goroutines_of(read_json_lines(path)[-1], target.pid)
    equal({name_of(g["start"]) for g in last["groups"] if g["verdict"] == "leak"}, {"main.stuck"}, "leaks")
    equal(last["leak_groups"], 1, "leaking groups")
    groups = [group for line in read_json_lines(path) for group in goroutines_of(line, target.pid)["groups"]]
    ever = {name_of(group["start"]) for group in groups if group["verdict"] == "leak"}
    check("main.worker" not in ever, f"called a leak: {ever}")
    stuck = next(g for g in last["groups"] if name_of(g["start"]) == "main.stuck")
    check(15 < stuck["growth_per_s"] < 26, f"growth of 25 a second: {stuck['growth_per_s']}")


@test()
def goroutines__recorded__the_same_again(case):
    target = start(case, build("goroutines", source=SOURCE), "pool 5", "grow 50")
    recording, again, csv_again = case.path("go.rec"), case.path("again.json"), case.path("again.csv")
    tracer, lines, rows = traced(case, target, "-v", "-w", recording, "0.5", "24", *SHORT)
    replay = case.run("-b", "-v", "-r", recording, "--json", again, "--csv-go", csv_again, "0.5", "24")
    equal(replay.process.returncode, 0, "exit status of the replay")
    # With a COUNT a replay ends at its last report, the live run a moment later: a goroutine may have begun between.
    for one, other in zip(lines[:-1], read_json_lines(again)):
        for key in ("goroutines", "memory", "go"):
            equal(other["processes"][0][key], one["processes"][0][key], f"{key} of the replay")
    equal(len(read_json_lines(again)), len(lines), "lines of the replay")
    ours, its = ([list(row.values())[2:] for row in some[:-1]] for some in (rows, rows_of(csv_again)))
    equal(its, ours, "rows of the replay")
    ours, its = ([line for line in run.out.lines if "goroutine" in line] for run in (tracer, replay))
    check(any("[goroutine leak" in line for line in ours), "nothing was called a leak")
    for one, other in zip(ours, its):
        equal(other, one, "lines of the report")
    equal(len(its), len(ours), "lines of the report")


@test()
def goroutines__very_many__a_part_at_a_time(case):
    """No reading is without a bound; all are counted at once, and looked at in turn."""
    target = start(case, build("goroutines", source=SOURCE), f"leak {MANY}")
    path = case.path("many.json")
    tracer = case.attach(target, "-i", "0.5", "--json", path)
    tracer.out.wait_for(r"goroutines in 2 groups, still being read for the first time; \d+ are in none of those shown")
    tracer.out.wait_for(rf"{MANY + 1} goroutines in 2 groups; there are so many that each is looked at every ", 40)
    tracer.stop()
    first, last = (goroutines_of(read_json_lines(path)[i], target.pid) for i in (0, -1))
    equal((first["whole"], last["whole"]), (False, True), "whether all were looked at")
    for now in (first, last):
        equal(now["count"], MANY + 1, "goroutines")
        # of those that were not looked at some may be the runtime's own
        there = sum(g["count"] for g in now["groups"]) + now["left_out"]
        check(MANY + 1 <= there < MANY + 20, f"{there} goroutines in groups and others")
    check(all(g["verdict"] == "new" for g in first["groups"]), "a verdict before all were looked at")
    check(last["round_s"] > 0, "how old it may be")


@test()
def goroutines__metrics__the_largest_groups(case):
    target = start(case, build("goroutines", source=SOURCE), *KINDS)
    port = free_port()
    tracer = case.attach(target, "-i", "0.2", "-T", "2", "--metrics", str(port))
    text = until(lambda: (lambda t: "tracer_goroutines{" in t and "main." in t and t)(ask(port)[2]), "metrics of goroutines")
    families = parse(text)
    equal(value(families, "tracer_goroutine_leaks", pid=str(target.pid)), 0, "leaks")
    equal(value(families, "tracer_goroutines", function="main.leaked", creator="main.leak", does="chan receive"), 102, "goroutines")
    equal(len(families["tracer_goroutines"]["samples"]), 2, "series")
    tracer.stop()


def memory_of(line, pid):
    return next(p["memory"] for p in line["processes"] if p["pid"] == pid)


def stats(target):
    return {name: int(v) for _, name, v in (line.split() for line in command(target, "stats") if line.startswith("stat "))}


def report_after(case, target, tracer, path, text):
    """What is known after the program has done that."""
    command(target, text)
    now, before = stats(target), len(read_json_lines(path))
    until(lambda: len(read_json_lines(path)) > before + 1, "another report")
    return now, memory_of(read_json_lines(path)[-1], target.pid), tracer.out.lines[-30:]


@test()
def cgo__each_side_grows__explained_by_its_own(case):
    """The C heap and the Go heap side by side: each explains its part of a growth."""
    target = start(case, build("both", source=BOTH, cgo=True))
    path = case.path("both.json")
    tracer = case.attach(target, "-v", "-i", "0.3", "--json", path)
    first, memory, _ = report_after(case, target, tracer, path, "c 1 1")
    before = memory["heap_bytes"][1]
    now, memory, _ = report_after(case, target, tracer, path, "c 300 100000")
    equal(memory["heap_bytes"][1] - before, 300 * 100000, "outstanding of C")
    check(abs(memory["go_bytes"][1] - memory["go_bytes"][0]) < MIB, f"Go did not grow: {memory}")
    check(28 * MIB < memory["growth_by_heap_bytes"] < 29 * MIB, f"C explains its growth: {memory}")
    check(memory["growth_by_go_bytes"] < MIB, f"Go explains none of it: {memory}")
    now, memory, lines = report_after(case, target, tracer, path, "go 200 100000")
    equal(memory["heap_bytes"][1] - before, 300 * 100000, "outstanding of C")
    check(abs(memory["go_bytes"][1] - now["Resident"]) < MIB, f"what the runtime says: {memory}, {now}")
    check(19 * MIB < memory["growth_by_go_bytes"] < 24 * MIB, f"Go explains its growth: {memory}")
    check(28 * MIB < memory["growth_by_heap_bytes"] < 29 * MIB, f"C explains its own: {memory}")
    check(memory["now"]["rss_bytes"] >= memory["go_bytes"][1] + memory["heap_bytes"][1] + memory["other_bytes"] - MIB, f"parts: {memory}")
    words = "\n".join(lines)
    check(re.search(r"RSS grew \S+: the C heap explains 28\.\dM, the Go heap (19|2\d)\.\dM", words), words)
    check(re.search(r"Go heap \S+: HeapAlloc \S+ of HeapInuse .* C heap \S+ outstanding in \d+ blocks; other \S+ of RSS", words), words)
    tracer.stop()


@test()
def cgo__calls_from_c__are_goroutines_of_no_go_statement(case):
    target = start(case, build("both", source=BOTH, cgo=True), "call 3")
    now = stats(target)
    _, lines, _ = traced(case, target, "0.1", "2")
    found = goroutines_of(lines[-1], target.pid)
    equal(found["count"], now["Goroutines"], "goroutines")
    equal(sum(g["count"] for g in found["groups"]), now["Goroutines"], "goroutines of all groups")
    equal([(g["does"], g["count"]) for g in found["groups"] if g["start"] is None], [("chan receive", 3)], "calls from C")


@test()
def go__without_cgo__no_figures_of_c(case):
    target = start(case, build("goroutines", source=SOURCE), "leak 2000")
    tracer, lines, _ = traced(case, target, "-v", "0.1", "2")
    memory = memory_of(lines[-1], target.pid)
    equal((memory["heap_bytes"], memory["growth_by_heap_bytes"]), (None, 0), "figures of C")
    check(memory["go_bytes"][1] > 4 * MIB, f"stacks of 2,000 goroutines: {memory}")
    check("C heap" not in tracer.out.text(), "words about C")
