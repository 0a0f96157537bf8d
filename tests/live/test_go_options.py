# SPDX-License-Identifier: GPL-2.0-or-later
"""Options and alerts with the heap of Go programs without C, of both sources: samples and the profile of the runtime. Each does what it
says, or it is said that it cannot."""

import json
import os
import re
import shutil

from lib import check, equal, read_blocks, read_sites, read_text, sites_so_far, test, until
from test_go import build, command
from test_go_heap import build_of, live, program, warm_up
from test_go_profile import profiled, start

SOURCES = ("samples", "profile")
# Of each source: the function that keeps blocks of bytes, and the one that keeps small objects.
BYTES = {"samples": "main.keepBytes", "profile": "main.leakBytes"}
NODES = {"samples": "main.keepNodes", "profile": "main.leakNodes"}
VERB = {"samples": "bytes", "profile": "leak"}


def target_of(case, source):
    """At a rate of 1 the profile is exact."""
    return program(case, build_of("sites.go", "sites")) if source == "samples" else start(case, profiled(), "rate 1")


def keep(target, source, count, size):
    command(target, f"{VERB[source]} {count} {size}")
    command(target, "gc")


def rows_of(path, function):
    return [row for row in sites_so_far(path) if row["function"] == function]


def outstanding(path, function):
    return live(path)[function]


def outstanding_of(path, pid, function):
    last = {row["site"]: row["outstanding_bytes"] for row in rows_of(path, function) if row["pid"] == pid}
    return sum(last.values())


def await_sites(target, path, source):
    """Names come late: until then the program makes a little more."""
    if source == "samples":
        warm_up(target, path)
        return

    def named():
        command(target, "nodes 10")
        keep(target, source, 1, 1000)
        return outstanding(path, BYTES[source]) and outstanding(path, NODES[source])

    until(named, "names of both sites")


def sizes(case, source):
    """Only objects within the range are shown: the bytes, not the nodes of 64 and 32 bytes, nor what is larger."""
    target, sites = target_of(case, source), case.path(f"{source}.csv")
    command(target, "nodes 20000")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites, "-z", "512", "-Z", "2k")
    command(target, "nodes 20000")
    keep(target, source, 3000, 1000)
    keep(target, source, 100, 4000)
    keep(target, source, 1, 1000)
    until(lambda: outstanding(sites, BYTES[source]) >= 3000 * 1024 * 0.98, "the bytes")
    tracer.stop()
    rows = [row for row in read_sites(sites).last() if row["outstanding_bytes"]]
    equal([row["function"] for row in rows if row["function"] == NODES[source]], [], "objects that are too small")
    for row in rows:
        mean = row["outstanding_bytes"] / row["outstanding_count"]
        check(512 <= mean <= 2048, f"{mean} bytes an object at {row['function']}")


@test()
def go_option__sizes__of_samples(case):
    sizes(case, "samples")


@test()
def go_option__sizes__of_the_profile(case):
    sizes(case, "profile")


@test()
def go_option__sample__profile_has_its_own_rate(case):
    """It is said, and no range is shown that would come of -s."""
    target, path, sites = target_of(case, "profile"), case.path("json"), case.path("csv")
    keep(target, "profile", 3000, 1024)
    tracer = case.run("-b", "-p", target.pid, "-s", "64k", "--json", path, "--csv", sites, "0.2", "2")
    equal(tracer.process.returncode, 0, "exit status")
    check("-s does not concern its Go heap: the profile has a rate of its own" in tracer.err.text(), "it is not said")
    check("from 0 samples" not in tracer.out.text(), "ranges of a profile, by -s")
    last = json.loads(read_text(path).splitlines()[-1])
    equal([process["intervals"] for process in last["processes"]], [None], "ranges of the process")
    equal({str(site["intervals"]) for site in last["sites"]}, {"None"}, "ranges of sites")
    check(outstanding(sites, "main.leakBytes") >= 3000 * 1024, "bytes of the site")


@test()
def go_option__sample__of_samples_scaled(case):
    """What is drawn with -s stands for all: what is true lies within ten times the standard error of so many samples."""
    target, sites = target_of(case, "samples"), case.path("csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites, "-s", "64k")
    keep(target, "samples", 20000, 1000)
    true = 20000 * 1024
    until(lambda: 0.45 * true < outstanding(sites, "main.keepBytes") < 1.55 * true, "an estimate of the bytes")
    tracer.stop()
    check("sampled: one sample per 65536 bytes on average" in tracer.out.text(), "it is not said")
    check(re.search(r"by \d+ samples as of the last collection", tracer.out.text()), "no word on the samples")


@test()
def go_option__older_and_blocks__of_samples(case):
    """Blocks are the samples that live, with their sizes; none is older than the trace."""
    target, blocks = target_of(case, "samples"), case.path("blocks")
    tracer = case.attach(target, "-i", "0.2", "-a", "-o", "1000000", "--csv-blocks", blocks)
    keep(target, "samples", 3000, 1000)
    tracer.out.wait_for(r"call sites of its Go heap explain")
    tracer.stop()
    check("allocations from stack" not in tracer.out.text(), "a site with blocks that are not so old")
    equal(read_blocks(blocks), [], "blocks that are not so old")
    tracer = case.attach(target, "-i", "0.2", "-a", "--csv-blocks", blocks)
    keep(target, "samples", 3000, 1000)
    tracer.out.wait_for(r"addr = 0x[0-9a-f]+ size = 1024 age = ")
    tracer.stop()
    sizes_seen = [row for row in read_blocks(blocks) if row["bytes"] == 1024]
    check(len(sizes_seen) >= 100, f"{len(sizes_seen)} samples of 1024 bytes")


@test()
def go_option__older_and_blocks__profile_does_not_know(case):
    target, blocks = target_of(case, "profile"), case.path("blocks")
    keep(target, "profile", 3000, 1000)
    tracer = case.run("-b", "-p", target.pid, "-a", "-o", "1", "--csv-blocks", blocks, "0.2", "2")
    equal(tracer.process.returncode, 0, "exit status")
    check("-o shows nothing of its Go heap: the profile does not say how old objects are" in tracer.err.text(), "-o: it is not said")
    check("-a and --csv-blocks show nothing of its Go heap" in tracer.err.text(), "-a: it is not said")
    equal(read_blocks(blocks), [], "blocks")


@test()
def go_option__mmap__nothing_to_see_is_said(case):
    for source in SOURCES:
        tracer = case.run("-b", "-p", target_of(case, source).pid, "--mmap", "0.1", "1")
        equal(tracer.process.returncode, 0, "exit status")
        check("--mmap sees nothing of it: a Go program without C maps memory by system calls" in tracer.err.text(), f"{source}: it is not said")


@test()
def go_option__suppress__no_verdict(case):
    """Sites that a pattern names are counted and get none, whatever they do."""
    patterns = case.path("patterns")
    with open(patterns, "w", encoding="utf-8") as file:
        file.write("leak:main.keepBytes\nleak:main.leakBytes\n")
    for source in SOURCES:
        target, sites = target_of(case, source), case.path(f"{source}.csv")
        tracer = case.attach(target, "-i", "0.2", "--csv", sites, "--suppress", patterns)
        await_sites(target, sites, source)
        keep(target, source, 3000, 1000)
        until(lambda p=sites, s=source: outstanding(p, BYTES[s]) >= 3000 * 1024 * 0.98, f"{source}: the bytes")
        tracer.stop()
        equal({row["verdict"] or "" for row in rows_of(sites, BYTES[source])}, {""}, f"{source}: verdicts of what is suppressed")
        check({row["verdict"] for row in rows_of(sites, NODES[source])} & {"new", "steady"}, f"{source}: verdicts of the other site")


@test()
def go_option__baseline__change_since(case):
    """What was kept before it is no change, what came after is all of it."""
    for source in SOURCES:
        target, sites = target_of(case, source), case.path(f"{source}.csv")
        tracer = case.attach(target, "-v", "-i", "0.2", "--csv", sites, "--baseline", "1.5")
        await_sites(target, sites, source)
        tracer.out.wait_for(r"change since the baseline")
        before = outstanding(sites, BYTES[source])
        keep(target, source, 3000, 1000)
        until(lambda p=sites, s=source, b=before: outstanding(p, BYTES[s]) >= b + 3000 * 1024 * 0.95, f"{source}: the bytes")
        changes = [int(text) for text in re.findall(r"\[since the baseline: ([+-]\d+) bytes in", until(
            lambda t=tracer: "since the baseline: +3" in t.out.text() and t.out.text(), f"{source}: the change"))]
        tracer.stop()
        check(any(abs(change - 3000 * 1024) < 0.05 * 3000 * 1024 for change in changes), f"{source}: changes {changes}")


@test()
def go_option__follow__children_of_a_go_program(case):
    """A Go program that starts another one: with -f the child is a process of its own with its own heap, without it is none."""
    for follow in ("-f", "--no-follow"):
        target, sites = program(case, build("world")), case.path(f"{follow}.csv")
        tracer = case.attach(target, "-i", "0.2", "--csv", sites, follow)
        child = int(next(line for line in command(target, "spawn 20000 1000") if line.startswith("child ")).split()[1])

        def of_the_child(p=sites, c=child):
            return outstanding_of(p, c, "main.keep")

        if follow == "-f":
            until(lambda f=of_the_child: f() >= 0.9 * 20000 * 1024, "the heap of the child")
        else:
            tracer.out.wait_for(r"Top \d+ stacks")
            tracer.out.wait_for(r"Top \d+ stacks")
            equal(of_the_child(), 0, "the heap of a child that is not followed")
        tracer.stop()
        target.close_stdin()
        equal(target.wait(), 0, "exit status of the program")


@test()
def go_option__name__those_that_run_and_that_start_later(case):
    path, sites = case.path("named-program"), case.path("csv")
    shutil.copy(build_of("sites.go", "sites"), path)
    first = program(case, path)
    tracer = case.tracer("-b", "-n", "named-program", "-i", "0.2", "--csv", sites)
    tracer.wait_attached(first.pid)
    second = program(case, path)
    for target in (first, second):
        keep(target, "samples", 3000, 1000)

        def seen(t=target):
            keep(t, "samples", 1, 1000)
            return outstanding_of(sites, t.pid, "main.keepBytes") > 2 << 20

        until(seen, f"the heap of {target.pid}")
    tracer.stop()


@test(90)
def go_option__max_overhead__the_share_is_said_and_the_target_well(case):
    """Drawn in windows of the time, so that figures are estimates: which share that was is said."""
    target, sites = target_of(case, "samples"), case.path("csv")
    command(target, "load 1")
    tracer = case.attach(target, "-i", "0.5", "--csv", sites, "--max-overhead", "0.5", "--leak-interval", "0.2")
    tracer.out.wait_for(r"traced [0-9.]+% of the time", 60)
    tracer.stop()
    check(re.search(r"traced [0-9.]+% of the time, .* in \d+ windows: figures are estimates", tracer.err.text()), "the share is not said")
    command(target, "rest")
    equal(command(target, "deep 20000")[0], "deep 20000", "a deep recursion")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def go_option__top__so_many_sites(case):
    for source in SOURCES:
        target = target_of(case, source)
        command(target, "nodes 30000")
        keep(target, source, 3000, 1000)
        tracer = case.attach(target, "-i", "0.2", "-T", "1")
        command(target, "nodes 30000")
        keep(target, source, 3000, 1000)
        tracer.out.wait_for(r"^Top|Top 1 stacks")
        tracer.out.wait_for(r"allocations from stack")
        tracer.stop()
        reports = re.split(r"^\[.*Top 1 stacks.*$", tracer.out.text(), flags=re.MULTILINE)
        equal(max(report.count("allocations from stack") for report in reports), 1, f"{source}: sites in a report")


# ---- alerts ----

WINDOW = ("--leak-window", "3", "--leak-interval", "0.1", "-i", "0.2")


def facts_of(path):
    return dict(line.split("=", 1) for line in read_text(path).splitlines())


def attach_with_alert(case, target, rule, facts):
    return case.attach(target, *WINDOW, "--alert", rule, "--on-alert", f"env | grep ^TRACER_ >{facts}.new; mv {facts}.new {facts}")


def alert_of(case, source, rule, leak):
    """The rule fires while leak() is called again and again; its command gets the facts."""
    target, facts = target_of(case, source), case.path(f"{source}-facts")
    tracer = attach_with_alert(case, target, rule, facts)

    def fired():
        leak(target, source)
        return os.path.exists(facts)

    until(fired, f"{source}: the alert {rule}", 40)
    tracer.stop(status=3)
    variables = facts_of(facts)
    equal(variables["TRACER_ALERT"], rule, "TRACER_ALERT")
    equal(int(variables["TRACER_PID"]), target.pid, "TRACER_PID")
    check(re.search(rf"^tracer: alert {re.escape(rule)}: {target.pid} ", tracer.err.text(), re.MULTILINE), "no line of the alert")
    return variables


def leak_some(target, source):
    keep(target, source, 50, 1024)


@test(120)
def go_alert__leaks__of_both_sources(case):
    for source in SOURCES:
        variables = alert_of(case, source, "leaks>0", leak_some)
        check(int(variables["TRACER_LEAK_SITES"]) >= 1, f"{source}: leaks: {variables}")
        check(float(variables["TRACER_GROWTH_BYTES_PER_S"]) > 0, f"{source}: growth: {variables}")


@test(120)
def go_alert__growth__of_both_sources(case):
    for source in SOURCES:
        variables = alert_of(case, source, "growth>20k/s", leak_some)
        check(float(variables["TRACER_GROWTH_BYTES_PER_S"]) > 20 << 10, f"{source}: growth: {variables}")


@test()
def go_alert__outstanding__of_both_sources(case):
    for source in SOURCES:
        variables = alert_of(case, source, "outstanding>4M", lambda t, s: keep(t, s, 500, 1024))
        check(int(variables["TRACER_OUTSTANDING_BYTES"]) > 4 << 20, f"{source}: outstanding: {variables}")
        equal(variables["TRACER_ALERT_VALUE"], variables["TRACER_OUTSTANDING_BYTES"], f"{source}: the figure of the rule")


@test()
def go_alert__garbage__no_leak_fires(case):
    """A program that forgets all it makes, over more than a leak window, fires neither."""
    for source in SOURCES:
        target, made = target_of(case, source), 0
        tracer = case.attach(target, *WINDOW, "-v", "--alert", "leaks>0", "--alert", "outstanding>8M")
        while made < 20:
            command(target, "garbage 2000 1024")
            command(target, "gc")
            tracer.out.wait_for(r"Top \d+ stacks")
            made += 1
        tracer.stop()
        check("tracer: alert" not in tracer.err.text(), f"{source}: {tracer.err.text()}")
