# SPDX-License-Identifier: GPL-2.0-or-later
"""What an event costs where others are at work on the machine: many short slices, of which the quickest count.

As root, after `make bench-programs` (`make bench-slices` does both):
    tests/bench/slices.py [--rounds N] [--slices N] [--ways WAY,...] [--csv FILE] [--quick] [WORKLOAD...]

Each round switches all ways (those of ways.py) on and off in turn on one living process and measures some slices of work in each. What
others do to the machine only makes slices slower, and not all of them; so the mean of the quickest twelfth is what the work costs when
it is let alone. Medians are shown beside it. For redis it is the processor time of the server for a SET, while redis-benchmark asks
without a pause from the other processor, which is what its throughput goes by; for pairs that of a malloc and a free.
A bench, not a test: nothing is judged.
"""

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time

from loads import BUILD, Redis, lib, on_load_cpu
import machine
import results as figures
import ways
import workloads

QUICKEST = 12  # one slice in so many


class Sets:
    """SETs of a redis server."""
    unit = "ns/SET"
    seconds = 0.05

    def __init__(self, case, _words):
        self.server = Redis(case)
        self.pid = self.server.pid
        self.load = subprocess.Popen(on_load_cpu(*self.server.benchmark(10**9), "-q"), stdout=subprocess.DEVNULL)
        self.socket = socket.create_connection(("127.0.0.1", self.server.port))

    def commands(self):
        self.socket.sendall(b"INFO stats\r\n")
        text = b""
        while b"total_commands_processed:" not in text or not text.endswith(b"\r\n"):
            text += self.socket.recv(65536)
        return int(text.split(b"total_commands_processed:")[1].split(b"\r")[0])

    def slice(self):
        commands, cpu = self.commands(), machine.cpu_ns(self.pid)
        time.sleep(self.seconds)
        return (machine.cpu_ns(self.pid) - cpu) / (self.commands() - commands)

    def stop(self):
        self.load.kill()
        self.load.wait()
        self.server.stop()


class Pairs:
    """Pairs of malloc and free under a number of frames, of a number of stacks in turn."""
    unit = "ns/pair"
    count = 3000

    def __init__(self, case, words):
        group = workloads.Chains("slices", "work", [])
        self.target = group.start(case, [])
        self.pid = self.target.pid
        self.work = workloads.OnChains("pairs", "", "run", int(words[0]), int(words[1]), self.count, ())
        group.begin(self.target)

    def slice(self):
        return self.work.ask(self.target, "run", self.count) / self.count

    def stop(self):
        self.target.close_stdin()
        self.target.wait(60)


WORKLOADS = {"redis": (Sets, ()), **{workloads.pairs_name(frames, stacks): (Pairs, (frames, stacks))
                                     for frames in (6, 18, 40) for stacks in (1, workloads.ALTERNATING)}}


def measure(name, wanted, rounds, slices, output):
    """{way: all its slices}"""
    maker, words = WORKLOADS[name]
    found, number = {way.name: [] for way in wanted}, 0
    with contextlib.closing(lib.Case("slices")) as case:
        subject = maker(case, words)
        for turn in range(rounds):
            for way in wanted[turn % len(wanted):] + wanted[:turn % len(wanted)]:
                with way.on(case, subject.pid) as tool:
                    tool.cpu_ns()  # once it has done what it does after attaching
                    subject.slice()
                    for _ in range(slices):
                        number += 1
                        found[way.name].append(subject.slice())
                        output.add(name, way.name, "slice", subject.unit, number, found[way.name][-1])
                lib.wait_clean(subject.pid)
        subject.stop()
    return found, subject.unit


def quickest(values):
    return statistics.mean(sorted(values)[:max(1, len(values) // QUICKEST)])


def show(name, unit, found):
    rows = []
    for way, values in found.items():
        low, base = quickest(values), quickest(found["floor"])
        median = statistics.median(values)
        rows.append([way, figures.form(low), figures.form(low - base), f"{low / base:.3f}", f"{base / low:.3f}", figures.form(median),
                     f"{median / statistics.median(found['floor']):.3f}"])
    figures.show(f"{name}, {unit}", ["way", "quickest slices", "above the floor", "x floor", "floor / it", "median", "x floor's median"], rows)


def arguments_of(words):
    parser = argparse.ArgumentParser(prog="slices.py")
    parser.add_argument("workloads", nargs="*", default=["redis", "pairs-18x1", f"pairs-18x{workloads.ALTERNATING}"])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--slices", type=int, default=40)
    parser.add_argument("--ways", default="tracer,ring-only")
    parser.add_argument("--csv", default=os.path.join(BUILD, "slices.csv"))
    parser.add_argument("--quick", action="store_true")
    found = parser.parse_args(words)
    known = {way.name for way in ways.WAYS}
    unknown = (set(found.workloads) - set(WORKLOADS)) | (set(found.ways.split(",")) - known)
    if unknown:
        parser.error(f"not known: {', '.join(sorted(unknown))}; workloads: {', '.join(WORKLOADS)}; ways: {', '.join(sorted(known))}")
    if found.quick:
        found.rounds, found.slices = 1, 3
    return found


def main(words):
    options = arguments_of(words)
    wanted = [ways.named("floor")] + [ways.named(name) for name in options.ways.split(",") if name != "floor"]
    print(f"{machine.describe()}\n{options.rounds} rounds of {options.slices} slices for each way", flush=True)
    for way in wanted:
        print(f"  {way.name:10} {way.say}")
    if not options.quick:
        machine.go_first()
    output = figures.Results(options.csv)
    try:
        for name in options.workloads:
            found, unit = measure(name, wanted, options.rounds, options.slices, output)
            show(name, unit, found)
    finally:
        output.close()
    print(f"\nevery slice: {os.path.relpath(options.csv)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
