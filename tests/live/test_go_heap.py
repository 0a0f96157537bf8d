# SPDX-License-Identifier: GPL-2.0-or-later
"""The live heap of Go programs by call site: samples, and what collections leave of them, beside what the program keeps."""

import collections
import os
import re

from lib import ROOT, Failure, Target, check, equal, last_process, read_sites, read_text, sites_so_far, test, until
from test_go import STRIPPED, build, command
from test_metrics import ask, free_port, parse, value

PROGRAMS = os.path.join(ROOT, "tests", "go")
PIE = "-buildmode=pie"
SITES = ("main.keepNodes", "main.keepBytes", "main.keepLarge")
WORK = ("nodes 200000", "bytes 40000 1000", "garbage 200000 300", "large 10 100000", "bytes 1000 20000", "gc", "garbage 30000 1000", "half",
        "gc", "garbage 100000 1000", "garbage 100000 64", "gc")
# The draw of a span's first object among thousands of spans; what one span more or less is.
ERROR = 0.02


def build_of(source, name, *flags, **more):
    return build(name, *flags, source=os.path.join(PROGRAMS, source), **more)


def program(case, path, arguments=(), **more):
    return case.keep(Target([path, *arguments], **more)).wait_ready()


def truth(target):
    said = [line.split()[1:] for line in command(target, "truth") if line.startswith("truth ")]
    return {name: int(size) for name, size in said}


def live(path):
    """Bytes by function, of the last rows so far."""
    rows, sums = {}, collections.Counter()
    for row in sites_so_far(path):
        rows[row["site"]] = row
    for row in rows.values():
        sums[row["function"]] += int(row["outstanding_bytes"])
    return sums


def is_true(sums, expected):
    return all(abs(sums[site] - expected[site]) <= ERROR * expected[site] for site in SITES) and sums["main.makeGarbage"] < 1 << 20


def warm_up(target, path):
    """Rows are written again only when they change: until the names are there the program makes some more."""
    def named():
        for text in ("nodes 300", "bytes 20 1000", "large 1 100000", "garbage 100 300", "gc"):
            command(target, text)
        return all(site in live(path) for site in (*SITES, "main.makeGarbage"))

    until(named, "names of all sites")


def await_truth(path, expected):
    try:
        until(lambda: is_true(live(path), expected), "sites")
    except Failure:
        raise Failure(f"{dict(live(path))} instead of {expected}") from None


def equals_the_truth(case, path):
    """Each site has what the program keeps from it, garbage is gone, and places that are used again do not count as alive."""
    target, sites = program(case, path), case.path("sites.csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites)
    warm_up(target, sites)
    for text in WORK:
        command(target, text)
    expected = truth(target)
    await_truth(sites, expected)
    tracer.stop()
    check(is_true(live(sites), expected), f"{dict(live(sites))} instead of {expected}")
    rows = [row for row in read_sites(sites).last() if row["function"] in SITES]
    equal({(row["api"], int(row["sampled"])) for row in rows}, {("go", 1)}, "api and sampled")
    for row in rows:
        check(row["stack"].startswith("runtime.goexit") and ";runtime.main;main.main;" in row["stack"], f"stack {row['stack']}")
        check(row["stack"].split(";")[-1].startswith("main."), f"ends in the allocator: {row['stack']}")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")
    return tracer


@test()
def go_heap__executable__sites_are_true(case):
    tracer = equals_the_truth(case, build_of("sites.go", "sites"))
    check(re.search(r"call sites of its Go heap explain \S+ of \S+, by \d+ samples", tracer.out.text()), "no word on the samples")


@test()
def go_heap__pie__sites_are_true(case):
    equals_the_truth(case, build_of("sites.go", "sites-pie", PIE))


@test()
def go_heap__stripped__sites_are_true(case):
    equals_the_truth(case, build_of("sites.go", "sites-stripped", STRIPPED))


@test()
def go_heap__stripped_pie__sites_are_true(case):
    equals_the_truth(case, build_of("sites.go", "sites-stripped-pie", PIE, STRIPPED))


@test()
def go_heap__drop__all_is_freed(case):
    """Dead objects become frees: bytes freed are those that were allocated."""
    target, sites = program(case, build_of("sites.go", "sites")), case.path("sites.csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites)
    warm_up(target, sites)
    for text in ("nodes 100000", "bytes 20000 1000", "gc", "drop", "gc"):
        command(target, text)
    until(lambda: live(sites)["main.keepNodes"] == 0 and live(sites)["main.keepBytes"] == 0, "all to be freed")
    tracer.stop()
    for row in read_sites(sites).last():
        if row["function"] in SITES:
            equal(row["alloc_bytes"], row["free_bytes"], f"freed by {row['function']}")
    equal(tracer.summary().lost, 0, "lost events")


@test()
def go_heap__recording__replay_is_equal(case):
    """A replay has the frees, too, and writes the same."""
    target = program(case, build_of("sites.go", "sites"))
    sites, again, recording = case.path("sites.csv"), case.path("again.csv"), case.path("go.rec")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites, "-w", recording)
    warm_up(target, sites)
    for text in WORK:
        command(target, text)
    expected = truth(target)
    await_truth(sites, expected)
    tracer.stop()
    replay = case.run("-b", "-r", recording, "--csv", again)
    equal(replay.process.returncode, 0, "exit status of the replay")
    with open(sites, encoding="utf-8") as first, open(again, encoding="utf-8") as second:
        check(first.read() == second.read(), "the replay wrote another file")


@test()
def go_heap__started_by_the_tracer__stripped_pie(case):
    """At its exec, before it has relocated itself, its tables are found all the same; all that it allocates is seen."""
    path = build_of("sites.go", "sites-stripped-pie", PIE, STRIPPED)
    sites = case.path("sites.csv")
    tracer = case.run("-b", "-i", "0.2", "--csv", sites, "--", "sh", "-c",
                      f"(for i in 1 2 3 4 5; do echo bytes 4000 1000; echo gc; sleep 0.3; done) | {path}", seconds=40)
    equal(tracer.process.returncode, 0, "exit status")
    check(abs(live(sites)["main.keepBytes"] - 20000 * 1024) < ERROR * 20000 * 1024, f"{live(sites)}: {tracer.err.text()}")
    check("unsupported build" not in tracer.err.text(), tracer.err.text())


@test()
def go_heap__leak_beside_a_cache__the_leak_alone(case):
    target, sites = program(case, build_of("sites.go", "sites")), case.path("sites.csv")
    command(target, "cache 200 4000")
    tracer = case.attach(target, "-v", "-i", "0.5", "--leak-window", "6", "--leak-interval", "0.2", "--csv", sites)
    command(target, "leak 4000")

    def called():
        return {row["function"] for row in sites_so_far(sites) if row["verdict"] == "leak"}

    until(lambda: "main.keepLeak" in called(), "the leak to be called one", 50)
    tracer.stop()
    check("main.fillCache" not in called(), "the cache was called a leak")


@test(90)
def go_heap__attached_and_detached_under_load__program_is_well(case):
    """A program that collects without end, and moves its stacks after the probes are gone."""
    target = program(case, build_of("sites.go", "sites"), env={"GOGC": "20"})
    command(target, "bytes 20000 1000")
    expected = truth(target)
    command(target, "load 2")
    for _ in range(4):
        tracer = case.attach(target, "-i", "0.1")
        tracer.out.wait_for(r"call sites of its Go heap")
        tracer.stop()
    command(target, "deep 20000")
    command(target, "rest")
    equal(truth(target), expected, "what it keeps")
    equal(command(target, "deep 100000")[0], "deep 100000", "a deep recursion")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def go_heap__cgo__both_heaps(case):
    """The C heap exactly and the Go heap by samples, in one process."""
    target, sites = program(case, build_of("heaps.go", "heaps", cgo=True)), case.path("sites.csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites)
    command(target, "c 1000 5000")

    def true_again():
        command(target, "go 20000 1000")
        command(target, "gc")
        return abs(live(sites)["main.keepGo"] - 20000 * 1024) < ERROR * 20000 * 1024

    until(true_again, "the Go heap")
    tracer.stop()
    rows = read_sites(sites).last()
    of_c = [row for row in rows if row["api"] == "malloc" and int(row["outstanding_bytes"]) == 5000000]
    equal([(int(row["outstanding_count"]), int(row["sampled"])) for row in of_c], [(1000, 0)], "the C heap")
    equal({int(row["sampled"]) for row in rows if row["api"] == "go"}, {1}, "marks of the Go heap")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def go_heap__dry_run__names_the_places(case):
    target = program(case, build_of("sites.go", "sites"))
    tracer = case.run("--dry-run", "-p", target.pid)
    equal(tracer.process.returncode, 0, "exit status")
    for place in ("(*mcache).nextFree+", "(*mcache).allocLarge+", "(*mcache).releaseAll+"):
        line = next((text for text in tracer.out.lines if place in text), "")
        check("emulated (entry only)" in line, f"{place}: {line!r}")


@test()
def go_heap__other_code__refused(case):
    """A runtime whose code is another than what is known is not probed, and that is said."""
    path, other = build_of("sites.go", "sites"), case.path("other")
    with open(path, "rb") as file:
        data = file.read()
    # what nextFree does behind the refill, in every version; the last instruction with another register
    found = re.subn(rb"(\x48\x8b\x44\xca.\x48\x89\x44)\x24", rb"\1d", data, flags=re.DOTALL)
    check(found[1] >= 1, "the pattern is not in the program")
    with open(other, "wb") as file:
        file.write(found[0])
    os.chmod(other, 0o755)
    target = program(case, other, name="other")
    tracer = case.run("-b", "-p", target.pid, "0.1", "2")
    check("its Go heap cannot be sampled: unsupported build" in tracer.err.text(), f"it is not said: {tracer.err.text()}")


def threads(pid):
    return {read_text(f"/proc/{pid}/task/{tid}/comm").strip() for tid in os.listdir(f"/proc/{pid}/task")}


@test()
def go_heap__thread_of_the_samples__only_where_there_are_some(case):
    """A tracer of a program that is not Go's has no thread for it; one whose second process is has it from then on."""
    target, of_c = program(case, build_of("sites.go", "sites")), case.target("every")
    tracer = case.attach(of_c)
    check("tracer-go" not in threads(tracer.pid), f"threads: {threads(tracer.pid)}")
    tracer.stop()
    tracer = case.tracer("-b", "-p", f"{of_c.pid},{target.pid}")
    tracer.wait_attached(target.pid)
    check("tracer-go" in threads(tracer.pid), f"threads: {threads(tracer.pid)}")
    tracer.stop()


# ---- what is uncertain, and what is thinned ----

def heap_of(path):
    """go_heap of the last whole line of a JSON file; {} when there is none."""
    process = last_process(path)
    return process and process["go_heap"] or {}


@test(90)
def go_heap__collections_too_fast__uncertain_until_they_are_gone(case):
    """Where a collection is missed, samples that are found alive are counted as uncertain; none is so any more when all are gone."""
    target, path, sites = program(case, build_of("sites.go", "sites"), env={"GOGC": "1"}), case.path("json"), case.path("csv")
    tracer = case.attach(target, "-i", "0.2", "--json", path, "--csv", sites)
    command(target, "bytes 5000 1000")
    # a collection each few hundred microseconds, of a heap that is small
    command(target, "load 2")
    until(lambda: heap_of(path).get("missed_cycles", 0) > 0 and heap_of(path)["uncertain_samples"] > 0, "missed collections", 40)
    figures = heap_of(path)
    check(figures["uncertain_samples"] <= figures["samples"], f"more uncertain than there are: {figures}")
    for text in ("rest", "drop", "gc"):
        command(target, text)

    def gone():
        command(target, "gc")
        return live(sites)["main.keepBytes"] == 0 and heap_of(path)["uncertain_samples"] < 64

    until(gone, "all to be freed")
    tracer.stop()
    check(re.search(r"of them uncertain \(\d+ collections were missed\)", tracer.out.text()), "it is not said")
    equal(tracer.summary().lost, 0, "lost events")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test(120)
def go_heap__very_fast__thinned_and_still_true(case):
    """With more spans a second than are worth it only some are drawn, which stand for the others; when it is calm again all are."""
    target, path, sites = program(case, build_of("sites.go", "sites"), env={"GOGC": "400"}), case.path("json"), case.path("csv")
    tracer = case.attach(target, "-i", "0.2", "--json", path, "--csv", sites)
    command(target, "load 2")
    until(lambda: heap_of(path).get("thinned_bytes", 0) > 8192, "thinning", 60)
    command(target, "bytes 40000 1000")
    command(target, "rest")
    command(target, "gc")
    true = 40000 * 1024

    def is_near():
        for text in ("bytes 20 1000", "gc"):
            command(target, text)
        return abs(live(sites)["main.keepBytes"] - true) < 0.35 * true

    until(is_near, "an estimate of what it keeps")
    until(lambda: heap_of(path)["thinned_bytes"] == 0, "the end of the thinning", 40)
    tracer.stop()
    equal(tracer.summary().lost, 0, "lost events")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def go_heap__metrics__live_and_how_sure(case):
    target, port, sites = program(case, build_of("sites.go", "sites")), free_port(), case.path("csv")
    tracer = case.attach(target, "--metrics", port, "-i", "0.2", "--csv", sites)
    for text in ("bytes 4000 1000", "gc"):
        command(target, text)

    def seen():
        families = parse(ask(port)[2])
        return "tracer_go_heap_live_bytes" in families and value(families, "tracer_go_heap_live_bytes") > 4000 * 1000 and families

    families = until(seen, "the live heap")
    check(value(families, "tracer_go_heap_samples") > 0 and value(families, "tracer_go_heap_live_objects") >= 4000, "samples and objects")
    equal(value(families, "tracer_go_heap_thinned_bytes"), 0, "thinning")
    for name in ("tracer_go_heap_uncertain_samples", "tracer_go_heap_missed_cycles"):
        check(name in families, f"no {name}")
    equal(families["tracer_go_heap_missed_cycles"]["type"], "counter", "type of missed collections")
    equal(families["tracer_go_heap_fresh_bytes"]["samples"], [], "what no samples know")
    tracer.stop()
