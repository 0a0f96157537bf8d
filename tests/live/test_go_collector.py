# SPDX-License-Identifier: GPL-2.0-or-later
"""The collector of Go programs, read from outside, and the advice that comes of it."""

import os
import re
import signal

from lib import ROOT, Target, check, equal, last_process, test, until
from test_go import build, command, rows_of
from test_metrics import ask, free_port, parse, value

STEADY = os.path.join(ROOT, "tests", "go", "steady.go")


def steady(case, *arguments, environment=None):
    return case.keep(Target([build("steady", source=STEADY), *map(str, arguments)], env=environment)).wait_ready()


def last_go(path):
    """The figures of the last whole line of a JSON file; {} when there is none."""
    process = last_process(path)
    return process and process["go"] or {}


@test()
def go_collector__forced_collections__each_counted_once(case):
    """As many as the program asks for, whenever they are looked at; their pauses are those that it knows itself."""
    target = case.keep(Target([build("world")], env={"GOGC": "off"})).wait_ready()
    command(target, "keep 1000 1000")
    path = case.path("go.csv")
    tracer = case.attach(target, "--csv-go", path, "-i", "0.1")
    until(lambda: rows_of(path), "a row")
    for _ in range(20):
        command(target, "gc")
    until(lambda: rows_of(path)[-1]["CyclesTraced"] == "20", "all collections")
    tracer.stop()
    row = rows_of(path)[-1]
    equal((row["CyclesTraced"], row["TracedPauses"], row["MissedPauses"]), ("20", "20", "0"), "cycles, pauses, missed")
    counts = [int(r["CyclesTraced"]) for r in rows_of(path)]
    equal(counts, sorted(counts), "counts of cycles")
    check(int(row["PauseP50Ns"]) <= int(row["PauseP90Ns"]) <= int(row["PauseP99Ns"]) <= int(row["PauseMaxNs"]), f"pauses: {row}")
    equal(row["TracedPauseMaxNs"], row["PauseMaxNs"], "the longest pause")
    equal(row["PauseMaxNs"], row["MaxPauseNs"], "the longest pause, read in another way")
    equal(row["LiveHeapGrows"], "0", "growth")
    equal((row["GOGC"], row["GOMAXPROCS"]), ("-1", str(len(os.sched_getaffinity(0)))), "GOGC and GOMAXPROCS")


@test()
def go_collector__tracer_stopped__missed_pauses_are_counted(case):
    """The runtime keeps 256 pauses: of 300 collections that end while the tracer does not run the others are lost, and counted."""
    target = case.keep(Target([build("world")], env={"GOGC": "off"})).wait_ready()
    path = case.path("go.csv")
    tracer = case.attach(target, "--csv-go", path, "-i", "0.1")
    until(lambda: rows_of(path), "the first reading, from which on collections are counted")
    command(target, "gc")
    until(lambda: rows_of(path)[-1]["CyclesTraced"] == "1", "the first collection")
    tracer.signal(signal.SIGSTOP)
    for _ in range(300):
        command(target, "gc")
    tracer.signal(signal.SIGCONT)
    until(lambda: rows_of(path)[-1]["CyclesTraced"] == "301", "all collections")
    tracer.stop()
    row = rows_of(path)[-1]
    equal(int(row["TracedPauses"]) + int(row["MissedPauses"]), 301, "pauses, seen and missed")
    # the oldest of the 256 may be about to be overwritten
    equal(int(row["MissedPauses"]), 300 - 255, "missed pauses")


@test()
def go_collector__load__costs_of_this_version(case):
    """Shares and rates are there after some collections; assists only where this Go has them, and that is said."""
    target = steady(case, "nodes", 10, 200)
    path = case.path("go.csv")
    tracer = case.attach(target, "--csv-go", path, "-i", "0.2")
    until(lambda: rows_of(path) and int(rows_of(path)[-1]["CollectorWindowCycles"]) >= 10, "ten collections")
    tracer.stop()
    row = rows_of(path)[-1]
    check(0 < float(row["GCCPUShare"]) < 1 and float(row["CyclesPerS"]) > 0, f"share and rate: {row}")
    check(20 << 20 < float(row["AllocBytesPerS"]) < 400 << 20, f"allocated a second: {row['AllocBytesPerS']}")
    check(5 << 20 < int(row["HeapMarked"]) < 40 << 20, f"live: {row['HeapMarked']}")
    old = row["TotalCPUNs"] == ""
    equal("does not keep" in tracer.out.text(), old, "what is said of assists")
    equal(all(row[name] for name in ("GCAssistCPUNs", "GCDedicatedCPUNs", "GCIdleCPUNs", "AssistCPUShare")), not old, "processor times")


@test()
def go_collector__leak__live_heap_grows(case):
    target = steady(case, "nodes", 4, 100)
    path = case.path("go.json")
    command(target, "leak 4000")
    tracer = case.attach(target, "--json", path, "-i", "0.2", "--go-workload", "low-latency")
    until(lambda: last_go(path).get("collector", {}).get("LiveHeapGrows"), "that the live heap grows", 30)
    until(lambda: "the live heap grows" in (last_go(path)["advice"] or {}).get("text", ""), "that there is no advice", 30)
    tracer.stop()
    collector = last_go(path)["collector"]
    check(collector["LiveHeapBytesPerSLow"] > 0 and collector["LiveHeapBytesPerCycle"] > 0, f"slopes: {collector}")
    points = collector["LiveHeap"]
    equal([p[0] for p in points], sorted({p[0] for p in points}), "numbers of collections")
    check(points[-1][2] > points[0][2], f"points: {points}")
    check("live heap grows: +" in tracer.out.text(), "the report does not say it")


@test()
def go_advice__too_few_collections__said(case):
    target = steady(case, "buffers", 50, 1)
    tracer = case.run("-b", "-p", target.pid, "--go-workload", "high-throughput", "0.2", "1")
    equal(tracer.process.returncode, 0, "exit status")
    check(re.search(r"advice for high-throughput: not enough evidence yet: \d+ collections seen", tracer.out.text()),
          tracer.out.text())


@test()
def go_advice__steady__live_and_replayed_the_same(case):
    """What is advised comes of the recorded figures: a replay says the same, and another kind of work can be asked for."""
    target = steady(case, "nodes", 10, 200)
    live, recording, again = case.path("live.json"), case.path("go.rec"), case.path("again.json")
    tracer = case.attach(target, "--json", live, "-w", recording, "-i", "0.2", "--go-workload", "high-throughput")
    until(lambda: (last_go(live).get("advice") or {}).get("wanted"), "advice", 60)
    tracer.stop()
    advice = last_go(live)["advice"]
    check(advice["cycles"] >= 10 and advice["before"]["cycles_per_s"] > 0, f"advice: {advice}")
    if advice["change"]:
        check(advice["wanted"]["GOGC"] > 100, f"advice: {advice}")
        check(advice["after"]["cycles_per_s"] < advice["before"]["cycles_per_s"], f"advice: {advice}")
        check(advice["after"]["heap_peak_bytes"] > advice["before"]["heap_peak_bytes"], f"advice: {advice}")
    case.run("-b", "-r", recording, "--json", again, "-i", "0.2", "--go-workload", "high-throughput")
    equal(last_go(again), last_go(live), "the replay")
    memory = case.run("-b", "-r", recording, "-i", "0.2", "--go-workload", "memory-constrained")
    check("advice for memory-constrained: " in memory.out.text(), "another kind of work")


@test()
def go_collector__metrics__names_of_prometheus(case):
    """As Prometheus' own parser reads them."""
    target, port = steady(case, "nodes", 10, 200), free_port()
    tracer = case.attach(target, "--metrics", port, "-i", "0.2")

    def settled():
        text = ask(port)[2]
        return "tracer_go_gc_cpu_share_ratio{" in text and text
    families = parse(until(settled, "what the collector takes"))
    equal(families["go_gc_duration_seconds"]["type"], "summary", "type of the pauses")
    for name in ("go_gc_gogc_percent", "go_gc_gomemlimit_bytes", "go_gc_heap_live_bytes", "go_sched_gomaxprocs_threads",
                 "tracer_go_live_heap_grows", "go_cpu_classes_gc_mark_assist_cpu_seconds"):
        check(name in families, f"no {name}")
    equal(value(families, "go_gc_gogc_percent"), 100, "GOGC")
    check(value(families, "go_gc_duration_seconds_count") > 0, "no pause")
    check("# TYPE go_gc_duration_seconds summary\n" in ask(port, accept="*/*")[2], "no pauses in the classic format")
    tracer.stop()
