# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads that allocate at full speed and the tracer, all on the same two CPUs: what is lost, and is every figure exact?

As root, after `make bench-soak` (which builds what is needed and runs it):  python3 tests/bench/soak.py [--seconds N] [--csv FILE]

Two soaks: 2 threads, one malloc and free pair after the other; and 4 threads, random sizes, a million live blocks. Exact: of
allocations, frees and outstanding blocks the tracer says what the program says, to the byte. "ready after" is how long the
tracer takes after the last allocation to apply what is left and to write its reports.
"""

import argparse
import os
import re
import sys
import time

from loads import BUILD, cpu_seconds, lib

CPUS = set(sorted(os.sched_getaffinity(0))[:2])
SOAKS = {"pairs": (2, 0), "live": (4, 1000000)}
TOTALS = ("outstanding_bytes", "outstanding_count", "alloc_bytes", "alloc_count", "free_count")
UNITS = {"seconds": "s", "events": "count", "rate": "1/s", "lost": "count", "exact": "1=yes", "tracer_cpu": "%", "target_cpu": "%",
         "tracer_per_event": "ns", "tracer_peak": "bytes", "ready_after": "s"}


def peak_bytes(pid):
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", lib.read_text(f"/proc/{pid}/status"), re.M).group(1)) * 1024


def differences(truth, sites, summary):
    """Figures of the tracer that are not the program's, by how much."""
    found = {key: sum(row[key] for row in sites.last()) - truth[key][0] for key in TOTALS}
    found["events"] = summary.events - truth["alloc_count"][0] - truth["free_count"][0]
    return {key: value for key, value in found.items() if value}


def soak(name, seconds):
    """The figures, and words on what is wrong."""
    case = lib.Case("soak")
    try:
        target = case.target(os.path.join(BUILD, "soak"), *(SOAKS[name][0], seconds, SOAKS[name][1]))
        path = case.path("sites.csv")
        tracer = case.attach(target, "-i", "1", "--csv", path)
        mine, begun = cpu_seconds([tracer.pid]), time.monotonic()
        theirs = cpu_seconds([target.pid])
        truth = target.work(2 * seconds + 60)
        took, theirs = time.monotonic() - begun, cpu_seconds([target.pid]) - theirs
        peak = peak_bytes(tracer.pid)
        mine = cpu_seconds([tracer.pid]) - mine
        tracer.stop(seconds=60)
        ready = time.monotonic() - begun - took
        summary = tracer.summary(target.pid)
        wrong = differences(truth, lib.read_sites(path), summary)
        target.finish()
    finally:
        case.close()
    words = [f"{key} is {value:+d} off" for key, value in wrong.items()]
    words += [line for line in tracer.err.lines if summary.lost and " lost" in line]
    return {"seconds": took, "events": summary.events, "rate": summary.events / took, "lost": summary.lost,
            "exact": int(not wrong), "tracer_cpu": 100 * mine / took, "target_cpu": 100 * theirs / took,
            "tracer_per_event": 1e9 * mine / max(1, summary.events), "tracer_peak": peak, "ready_after": ready}, words


def show(name, figures, words):
    threads, live = SOAKS[name]
    print(f"| {threads} threads, {f'{live:,} live blocks, random sizes' if live else 'malloc and free in turn'} | {figures['seconds']:.1f} | "
          f"{figures['events']:,} | {figures['rate']:,.0f} | {figures['lost']:,} | {'yes' if figures['exact'] else 'NO'} | "
          f"{figures['target_cpu']:.0f} % | {figures['tracer_cpu']:.1f} % | {figures['tracer_per_event']:.0f} | "
          f"{figures['tracer_peak'] / 1e6:.0f} MB | {figures['ready_after']:.2f} |", flush=True)
    for line in words:
        print(f"    {line}")


def main(words):
    parser = argparse.ArgumentParser(description="allocation at full speed beside the tracer, on two CPUs")
    parser.add_argument("soaks", nargs="*", default=list(SOAKS), help=", ".join(SOAKS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--csv", default=os.path.join(lib.ROOT, "build", "bench", "soak.csv"))
    options = parser.parse_args(words)
    if set(options.soaks) - set(SOAKS):
        parser.error(f"not known: {', '.join(set(options.soaks) - set(SOAKS))}")
    os.sched_setaffinity(0, CPUS)
    print(f"{os.uname().release}, {os.cpu_count()} CPUs, used: {len(CPUS)}\n\n| soak | s | events | events/s | lost | exact | "
          "CPU of the target | CPU of the tracer | ns of it for an event | its peak | ready after s |\n" + "|---" * 11 + "|")
    os.makedirs(os.path.dirname(options.csv), exist_ok=True)
    with open(options.csv, "w", encoding="ascii") as file:
        file.write("workload,way,metric,unit,round,value\n")
        for name in options.soaks:
            figures, said = soak(name, options.seconds)
            show(name, figures, said)
            for metric, value in figures.items():
                file.write(f"{name},tracer,{metric},{UNITS[metric]},1,{value:.12g}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
