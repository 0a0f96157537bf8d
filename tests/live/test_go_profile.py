# SPDX-License-Identifier: GPL-2.0-or-later
"""The live heap of Go programs by call site, from the profile that their runtime keeps of itself."""

import collections
import math
import os
import signal
import subprocess

from lib import ROOT, Target, check, equal, read_sites, sites_so_far, test, until
from test_exports import check_folded, check_json, check_pprof, validate
from test_go import STRIPPED, build, command, with_version
from test_metrics import ask, free_port, parse, value

SOURCE = os.path.join(ROOT, "tests", "go", "profiled.go")
MPROF = os.path.join(ROOT, "build", "go", "mprof")
DEPTH = 32  # of a runtime.MemProfileRecord

Record = collections.namedtuple("Record", "allocs alloc_bytes frees free_bytes")


def profiled(name="profiled", *flags):
    return build(name, *flags, source=SOURCE)


def start(case, path, *commands):
    target = case.keep(Target([path])).wait_ready()
    for text in commands:
        command(target, text)
    return target


def records(lines):
    """{(stack, size of object): sums}, and the rate."""
    found, rate = {}, None
    for line in lines:
        words = line.split()
        if words[:1] == ["rate"]:
            rate = int(words[1])
        if words[:1] != ["record"] or words[1] == "0":
            continue
        numbers = list(map(int, words[1:5]))
        key = (",".join(words[5].split(",")[:DEPTH]), numbers[1] // numbers[0])
        found[key] = Record(*(a + b for a, b in zip(numbers, found.get(key, (0, 0, 0, 0)))))
    return found, rate


def read_outside(target):
    made = subprocess.run([MPROF, str(target.pid)], capture_output=True, text=True, check=False)
    equal(made.returncode, 0, f"exit status of {MPROF}: {made.stderr}{made.stdout[-200:]}")
    return records(made.stdout.splitlines())


def same_records(case, path, rate):
    target = start(case, path, f"rate {rate}", "leak 5003 1024", "nodes 30011", "inlined 1009", "garbage 70001 256", "gc")
    for text in ("gc", "leak 100 2048", "garbage 5000 512", "drop", "gc", "gc"):
        outside, seen_rate = read_outside(target)
        inside, own_rate = records(command(target, "profile"))
        equal(seen_rate, own_rate, "rate")
        check(outside, "no record")
        if outside != inside:  # saying it may make the program collect
            outside, _ = read_outside(target)
        equal(outside, inside, f"records before '{text}'")
        command(target, text)
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def go_profile__executable__records_equal_the_runtime(case):
    same_records(case, profiled(), 1)


@test()
def go_profile__stripped_pie__records_equal_the_runtime(case):
    same_records(case, profiled("profiled-stripped-pie", "-buildmode=pie", STRIPPED), 16384)


def scaled(inside, rate):
    """Outstanding bytes as pprof scales them up."""
    return sum((r.alloc_bytes - r.free_bytes) / (1 - math.exp(-size / rate) if rate > 1 else 1) for (_, size), r in inside.items())


def by_function(rows):
    sums = collections.Counter()
    for row in rows:
        sums[row["function"]] += row["outstanding_bytes"]
    return sums


def unnamed(sites):
    """Before the end live rows may come before their names are found; those of a replay have them."""
    return [{key: value for key, value in row.items() if key not in ("function", "source", "stack")} for row in sites.rows]


@test()
def go_profile__every_export__the_same_sites_as_the_runtime(case):
    """At rate 1 all is exact: what the program keeps, in all ways out, and again from the recording."""
    target = start(case, profiled(), "rate 1", "leak 5003 1024", "nodes 30011", "inlined 1009", "garbage 70001 256", "gc")
    path = {name: case.path(name) for name in ("csv", "json", "folded", "pprof", "rec", "again")}
    inside, _ = records(command(target, "profile"))
    tracer = case.run("-b", "-p", target.pid, "-v", "-w", path["rec"], "0.2", "2",
                      *(word for name in ("csv", "json", "folded", "pprof") for word in (f"--{name}", path[name])))
    equal(tracer.process.returncode, 0, "exit status")
    sites = read_sites(path["csv"])
    rows = sites.last(target.pid)
    equal(sum(row["outstanding_bytes"] for row in rows), sum(r.alloc_bytes - r.free_bytes for r in inside.values()), "bytes")
    equal(sum(row["outstanding_count"] for row in rows), sum(r.allocs - r.frees for r in inside.values()), "objects")
    sums = by_function(rows)
    check(sums["main.leakBytes"] >= 5003 * 1024 and sums["main.leakNodes"] >= 30011 * 32, f"by function: {sums}")
    check(sums["main.smallBuffer"] == 1009 * 512, f"inlined: {sums}")
    stack = next(row["stack"] for row in rows if row["function"] == "main.smallBuffer")
    check(stack.endswith("main.leakInlined;main.wrapBuffer;main.smallBuffer"), f"inlined functions have a frame each: {stack}")
    equal({(row["api"], row["sampled"], row["oldest_s"]) for row in rows}, {("go", "1", None)}, "api, sampled, oldest")
    equal({row["verdict"] for row in rows} - {"new", "steady"}, set(), "what was there before is no growth")
    check("from before tracing began" in tracer.out.text(), "it is not said what is from before")
    validate(check_json(path["json"], sites, target.pid, build_ids=False))
    check_folded(path["folded"], rows)
    check_pprof(path["pprof"], rows, target.pid, "profiled")
    equal(case.run("-b", "-r", path["rec"], "--csv", path["again"]).process.returncode, 0, "exit status of the replay")
    again = read_sites(path["again"])
    equal(again.last(target.pid), rows, "last rows of the replay")
    equal(unnamed(again), unnamed(sites), "rows of the replay")


@test()
def go_profile__sampled__scaled_as_pprof(case):
    target = start(case, profiled(), "rate 32768", "leak 5003 1024", "nodes 30011", "gc")
    inside, rate = records(command(target, "profile"))
    path = case.path("csv")
    equal(case.run("-b", "-p", target.pid, "--csv", path, "0.2", "1").process.returncode, 0, "exit status")
    rows = read_sites(path).last(target.pid)
    found, wanted = sum(row["outstanding_bytes"] for row in rows), scaled(inside, rate)
    check(abs(found - wanted) <= len(inside), f"{found} bytes instead of {wanted}")


@test()
def go_profile__grows_after_the_attach__is_a_leak_and_the_rest_is_not(case):
    """Only what is kept after the attach is growth; what frees is seen, too."""
    target = start(case, profiled(), "rate 1", "nodes 20000", "leak 2000 1024", "gc")
    path = case.path("csv")
    tracer = case.attach(target, "--csv", path, "-i", "0.2", "--leak-window", "3", "--leak-interval", "0.1")

    def leaks():
        command(target, "leak 50 1024")
        command(target, "gc")
        last = {row["function"]: row for row in sites_so_far(path)}
        return last.get("main.leakBytes", {}).get("verdict") == "leak" and last

    last = until(leaks, "the verdict leak", 30)
    check(last["main.leakBytes"]["growth_bytes_per_s"] > 0, "no growth")
    command(target, "drop")
    command(target, "gc")

    def freed():
        rows = [row for row in sites_so_far(path) if row["function"] == "main.leakNodes"]
        return rows and rows[-1]["free_bytes"] >= 20000 * 32 and rows[-1]

    row = until(freed, "the frees")
    check(row["verdict"] in ("new", "steady"), f"what was there before has not grown: {row}")
    tracer.stop()


@test()
def go_profile__not_linked__sampled_instead(case):
    target = start(case, build("world"), "keep 1000 1000", "gc")
    tracer = case.run("-b", "-p", target.pid, "0.1", "1")
    equal(tracer.process.returncode, 0, "exit status")
    check("is drawn where its Go runtime allocates" in tracer.err.text(), "it is not said")
    check("profile" not in tracer.err.text(), f"two sources are named: {tracer.err.text()}")


RATE = "524288"


def rate_of(target):
    """As the program's own memory has it now."""
    made = subprocess.run([MPROF, str(target.pid)], capture_output=True, text=True, check=False)
    return made.stdout.splitlines()[-1].split()[1]


def enabled(case, path, end):
    target = start(case, path, "keep 1000 1000", "load 1")
    equal(rate_of(target), "0", "rate before")
    csv = case.path("csv")
    tracer = case.attach(target, "--go-enable-profile", "--csv", csv, "-i", "0.2")
    equal(rate_of(target), RATE, "rate while tracing")
    command(target, "keep 20000 1000")

    def kept():
        """A row is written again only when it changes: until its name is there the program keeps some more."""
        command(target, "keep 1000 1000")
        return any(row["function"] == "main.keep" and row["outstanding_bytes"] > 8 << 20 for row in sites_so_far(csv))

    until(kept, "the blocks that are kept")
    # before its end: a killed tracer writes no further report after the files
    until(lambda: "MemProfileRate was 0 and is 524288 now" in tracer.err.text(), "the change is said")
    until(lambda: "switched on by --go-enable-profile" in tracer.out.text(), "the report says it")
    end(tracer)
    return target, tracer


def check_put_back(target, tracer):
    equal(rate_of(target), "0", "rate after")
    check("MemProfileRate is 0 again" in tracer.err.text(), "putting back is not said")
    command(target, "rest")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def go_enable_profile__until_ctrl_c__put_back(case):
    check_put_back(*enabled(case, build("world"), lambda tracer: tracer.stop()))


@test()
def go_enable_profile__stripped_pie_until_sigterm__put_back(case):
    path = build("world-stripped-pie", "-buildmode=pie", STRIPPED)
    check_put_back(*enabled(case, path, lambda tracer: tracer.stop(signal.SIGTERM)))


@test()
def go_enable_profile__tracer_killed__stays_and_the_program_works(case):
    """What remains is what the manual says; the next run does not take it for its own."""
    def kill(tracer):
        tracer.kill()
    target, _ = enabled(case, build("world"), kill)
    equal(rate_of(target), RATE, "rate after")
    again = case.run("-b", "-p", target.pid, "--go-enable-profile", "0.1", "1")
    equal(again.process.returncode, 0, "exit status")
    check("switched on" not in again.err.text(), "it is on already")
    equal(rate_of(target), RATE, "a rate that is not ours is left as it is")
    command(target, "rest")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def go_enable_profile__changed_by_the_program__left_alone(case):
    target = start(case, profiled(), "rate 0", "leak 1000 1024", "gc")
    tracer = case.attach(target, "--go-enable-profile", "-i", "0.2")
    equal(rate_of(target), RATE, "rate while tracing")
    command(target, "rate 4096")
    tracer.stop()
    equal(rate_of(target), "4096", "the program's own value")
    check("was changed meanwhile" in tracer.err.text(), "it is not said")


@test()
def go_enable_profile__unasked_and_dry_run__nothing_is_written(case):
    target = start(case, build("world"), "keep 1000 1000")
    equal(case.run("-b", "-p", target.pid, "0.1", "1").process.returncode, 0, "exit status")
    equal(rate_of(target), "0", "rate")
    tracer = case.run("--dry-run", "--go-enable-profile", "-p", target.pid)
    check("8 bytes are written" in tracer.out.text(), "it is not said what would be")
    equal(rate_of(target), "0", "rate")


@test()
def go_enable_profile__lying_version__refused(case):
    """Where the runtime is another than its version says nothing is written."""
    lie = with_version(case, build("world-no-dwarf", "-ldflags=-w"), None)
    target = start(case, lie, "keep 1000 1000")
    tracer = case.run("-b", "-p", target.pid, "--go-enable-profile", "0.1", "1")
    check("cannot switch on its heap profile" in tracer.err.text(), "it is not refused")
    equal(rate_of(target), "0", "rate")
    command(target, "gc")


@test()
def go_profile__stripped_pie__functions_inlined_ones_and_lines(case):
    """A stripped program has them from the tables of its runtime, the same as one with debug information."""
    found = []
    for path in (profiled(), profiled("profiled-stripped-pie", "-buildmode=pie", STRIPPED)):
        target = start(case, path, "rate 1", "inlined 1009", "nodes 3000", "gc")
        csv = case.path(f"{len(found)}.csv")
        equal(case.run("-b", "-p", target.pid, "--csv", csv, "0.1", "1").process.returncode, 0, "exit status")
        found.append({(row["function"], row["source"], row["stack"].replace(".abi0", ""))
                      for row in read_sites(csv).last(target.pid) if row["function"].startswith("main.")})
    check(any(stack.endswith("main.leakInlined;main.wrapBuffer;main.smallBuffer") for _, _, stack in found[0]), f"inlined: {found[0]}")
    equal(found[1], found[0], "functions, lines and stacks of the stripped program")


@test()
def go_profile__metrics__live_and_fresh(case):
    target, port = start(case, profiled(), "rate 1", "leak 5003 1024", "gc", "gc", "leak 1000 1024"), free_port()
    tracer = case.attach(target, "--metrics", port, "-i", "0.2")

    def seen():
        families = parse(ask(port)[2])
        return "tracer_go_heap_live_bytes" in families and value(families, "tracer_go_heap_live_bytes") and families

    families = until(seen, "the live heap")
    check(5003 * 1024 <= value(families, "tracer_go_heap_live_bytes") < 5900 * 1024, "live bytes")
    check(1000 * 1024 <= value(families, "tracer_go_heap_fresh_bytes") < 1500 * 1024, "fresh bytes")
    check(value(families, "tracer_go_heap_before_bytes") >= 5003 * 1024, "bytes of before")
    equal(value(families, "tracer_go_heap_profile_rate_bytes"), 1, "rate")
    equal(families["tracer_go_heap_samples"]["samples"], [], "what no profile has")
    tracer.stop()
