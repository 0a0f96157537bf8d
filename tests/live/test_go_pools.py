# SPDX-License-Identifier: GPL-2.0-or-later
"""The pools (sync.Pool) of Go programs: their calls, counted in slices of the time, beside what the program counts itself."""

import os
import re

from lib import ROOT, Target, check, equal, read_json_lines, test, until
from test_go import STRIPPED, build, command
from test_metrics import ask, free_port

SOURCE = os.path.join(ROOT, "tests", "go", "pools.go")
POOLS = {"main.newBlock": "block", "main.newTiny": "tiny", "main.newValue": "value", "main.newHidden": "hidden"}
WORK = ("loop block 2000", "take block 300", "gc", "loop block 1", "give block 50", "loop tiny 500", "loop value 300", "take empty 40",
        "give empty 7", "loop hidden 99")
# The stack grows in Get and Put now and then, which run again from their beginning.
DEEP = "deep block 400"


def pools(case, name="pools", *flags, **more):
    """The program, with each of its pools in use."""
    target = case.keep(Target([build(name, *flags, source=SOURCE, **more)])).wait_ready()
    for pool in (*POOLS.values(), "empty"):
        command(target, f"loop {pool} 10")
    return target


def counts(target):
    """Name -> (gets, puts, calls of New), as the program has counted them."""
    words = [line.split() for line in command(target, "counts") if line.startswith("pool ")]
    return {w[1]: tuple(map(int, w[3::2])) for w in words}


def since(after, before):
    return {name: tuple(a - b for a, b in zip(after[name], before[name])) for name in after}


def start(case, target, *arguments):
    """A tracer that counts by now."""
    tracer = case.attach(target, "-v", "--pools", *arguments)
    tracer.err.wait_for(r"calls of sync\.Pool are counted in 1 processes")
    return tracer


def last_of(path):
    return read_json_lines(path)[-1]["processes"][0]["go_pools"]


def seen(figures):
    """The same as counts(), of what the tracer has counted."""
    found = {}
    for pool in figures["pools"]:
        name = POOLS.get(pool["new"]) or ("empty" if not pool["has_new"] and pool["type"] == "*main.block" else None)
        if name:
            found[name] = (pool["gets"], pool["puts"], pool["new_calls"])
    return found


def equals_the_program(case, target):
    path = case.path("pools.json")
    tracer = start(case, target, "--go-pool-share", "100", "--json", path, "-i", "1")
    before = counts(target)
    for text in (*WORK, DEEP):
        command(target, text)
    done = since(counts(target), before)
    tracer.stop()
    figures = last_of(path)
    equal(seen(figures), done, "gets, puts and calls of New")
    equal((figures["slices"], figures["lost_calls"], figures["all_listed"]), (1, 0, True), "slices, lost calls, all listed")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")
    return tracer, figures


@test(seconds=240)
def go_pools__whole_time__equal_to_the_program(case):
    tracer, figures = equals_the_program(case, pools(case))
    equal({pool["variable"] for pool in figures["pools"] if pool["variable"] and pool["variable"].startswith("main.")},
          {"main.blockPool", "main.tinyPool", "main.valuePool", "main.emptyPool"}, "variables")
    empty = next(pool for pool in figures["pools"] if pool["variable"] == "main.emptyPool")
    equal((empty["misses"], empty["new_calls"], empty["new"]), (40, 0, None), "misses of a pool without New")
    report = tracer.out.text()
    for words in (r"pool main\.blockPool$", r"pool of main\.newHidden$", r"New is main\.newBlock; \d+ gets", r"of \*main\.block \(512 bytes\)",
                  r"so small that allocating them costs no more than the pool \(8 bytes", r"each Put allocates 24 bytes"):
        check(re.search(words, report, re.M), f"no /{words}/ in the report")


@test(seconds=240)
def go_pools__stripped_pie__equal_to_the_program(case):
    _, figures = equals_the_program(case, pools(case, "pools-stripped-pie", "-buildmode=pie", STRIPPED))
    check(all(pool["variable"] is None for pool in figures["pools"]), "names of variables of a stripped program")


@test(seconds=240)
def go_pools__race_build__is_said(case):
    target = pools(case, "pools-race", "-race", cgo=True)
    tracer, figures = equals_the_program(case, target)
    check(figures["race"], "not said in JSON")
    check("built with -race, which drops one Put in four" in tracer.out.text(), "not said in the report")


@test()
def go_pools__slices_under_load__healthy(case):
    """Probes come and go while goroutines work, and what these work out is right."""
    target, path = pools(case), case.path("pools.json")
    command(target, "load 3")
    tracer = start(case, target, "--go-pool-share", "90", "--max-overhead", "90", "--json", path, "-i", "0.2")
    for _ in range(4):
        tracer.err.wait_for(r"calls of sync\.Pool were counted for \d+ ms")
        tracer.err.wait_for(r"calls of sync\.Pool are counted in 1 processes")
    sums = command(target, "rest")
    equal(sums, ["sum 3", "done"], "what the goroutines worked out")
    done = counts(target)
    tracer.stop()
    figures = last_of(path)
    check(figures["slices"] >= 5, f"{figures['slices']} slices")
    block = next(pool for pool in figures["pools"] if pool["new"] == "main.newBlock")
    check(0 < block["gets"] < done["block"][0], f"{block['gets']} gets in a part of the time, of {done['block'][0]}")
    check(abs(block["gets"] - block["puts"]) <= 8 * figures["slices"], f"{block['gets']} gets and {block['puts']} puts")
    low, high = block["hit_rate_interval"]
    check(low <= block["hit_rate"] <= high, "the rate is not in its interval")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def go_pools__without_the_option__no_probe(case):
    target, path = pools(case), case.path("pools.json")
    tracer = case.run("-b", "-v", "-p", target.pid, "--json", path, "0.4", "3")
    equal(tracer.process.returncode, 0, "exit status")
    check("sync.Pool" not in tracer.err.text() + tracer.out.text(), "counted without being asked")
    equal(last_of(path), None, "pools in JSON")


@test()
def go_pools__recorded__the_same_again(case):
    """Live and replayed, report and JSON say the same."""
    target, live, again, recording = pools(case), case.path("live.json"), case.path("again.json"), case.path("pools.rec")
    tracer = start(case, target, "--go-pool-share", "100", "--json", live, "-w", recording, "-i", "0.5")
    for text in WORK:
        command(target, text)
    tracer.stop()
    replay = case.run("-b", "-v", "--pools", "-r", recording, "--json", again, "-i", "0.5")
    equal(replay.process.returncode, 0, "exit status of the replay")
    check(last_of(live)["pools"], "no pools")
    equal(last_of(again), last_of(live), "pools of the replay")

    def lines(text):
        return [line for line in text.splitlines() if "sync.Pool" in line or ": pool " in line][-5:]
    equal(lines(replay.out.text()), lines(tracer.out.text()), "the report of the replay")


@test()
def go_pools__metrics__bounded(case):
    target, port = pools(case), free_port()
    tracer = start(case, target, "--go-pool-share", "100", "--metrics", str(port), "-i", "0.2")
    command(target, "take block 77")

    def page():
        return ask(port)[2]
    until(lambda: re.search(r'^tracer_go_pool_gets_total\{pid="\d+",comm="pools",pool="main\.blockPool",address="0x[0-9a-f]+"\} 77$',
                            page(), re.M), "77 gets in the metrics")
    check(re.search(r"^tracer_go_pool_covered_seconds_total\{", page(), re.M), "no time that was covered")
    tracer.stop()


@test()
def go_pools__ends_in_a_slice__last_figures(case):
    target, path = pools(case), case.path("pools.json")
    tracer = start(case, target, "--go-pool-share", "100", "--json", path)
    command(target, "take block 123")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")
    equal(tracer.wait(), 0, "exit status")
    gets, puts, misses = seen(last_of(path))["block"]
    equal((gets, puts), (123, 0), "gets and puts before its end")
    check(misses in (122, 123), f"{misses} misses: one was in the pool, unless collections had emptied it")
