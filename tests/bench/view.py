# SPDX-License-Identifier: GPL-2.0-or-later
"""What the live view costs, and how soon it answers. As root, after `make bench-programs` (make bench-view does both):

    tests/bench/view.py [--rounds N] [--only screen,keys,writing,batch,steps] [--csv FILE] [--tracer FILE] [--quick]

  screen   processor time of the tracer's threads, one interval a second, on three pages, with a program that
           allocates at all of its sites
  keys     from a key to the first and to the last byte of the screen that follows
  writing  from a key to what it shows, without a pause between two of them, while figures are written each second;
           in turn with keys for a program that does nothing but answer (echo.c): the floor. What the scheduler let the
           main thread wait for a processor meanwhile is told apart
  batch    the same without a screen: reports alone, and with a CSV of the sites
  steps    the steps of the main thread one by one, on a made-up heap (view.c)

With --tracer, each round measures that other build of the tracer as well. A bench, not a test: nothing is judged.
"""

import argparse
import os
import signal
import subprocess
import sys
import time

import results
import terminal
from terminal import lib

BUILD = os.path.join(lib.ROOT, "build", "bench")
SIZES = ((80, 24), (200, 60))
KEYS = {"down": "\033OB", "page": "\033[6~", "sort by count": "N", "sort by bytes": "M", "open": "\r", "back": "q",
        "callers": "t", "turn the tree": "r", "turn it back": "r", "sites": "t"}
PAGES = {"sites": "M", "callers": "t", "threads": "H"}
PARTS = ("screen", "keys", "writing", "batch", "steps")
# Help and back: each shows a word that the other has not.
HELP, BACK = ("?", "Scroll"), ("q", "Filter")
# Written at every interval, and at SIGUSR1.
STREAMED, WHOLE = ("csv", "json"), ("folded", "pprof", "html")


class Plan:
    def __init__(self, quick):
        self.sites = 300 if quick else 10000
        self.many_sites = 600 if quick else 100000
        self.rate = 2000 if quick else 20000
        self.settle_s = 0.2 if quick else 6
        self.seconds = 1 if quick else 10
        self.presses = 1 if quick else 10
        self.steps = (100, 300) if quick else (100, 1000, 10000, 100000)
        self.intervals = 4 if quick else 60


class Run:
    """A program with that many active sites, and what is started on it."""

    def __init__(self, sites, rate):
        self.case = lib.Case("bench")
        self.program = self.case.start(os.path.join(BUILD, "sites"), str(sites), "2", str(rate))
        self.program.out.wait_for(r"^ready")
        self.terminal = self.floor = self.tracer = None

    def view(self, size, interval, *options):
        self.terminal = terminal.Terminal(*size)
        self.tracer = terminal.start_view(self.case, self.terminal, "-p", self.program.pid, "-i", interval, *options)
        self.terminal.wait_for("Help")
        return self.fill(self.tracer)

    def echo(self, size):
        """The floor: a program on a terminal of its own, that answers and does nothing else."""
        self.floor = terminal.Terminal(*size)
        self.case.start(os.path.join(BUILD, "echo"), *map(str, size), stdin=self.floor.slave, stdout=self.floor.slave)
        self.floor.wait_for("ready")

    def batch(self, *arguments):
        return self.fill(self.case.attach(self.program.pid, "-i", "1", *arguments, stdout=subprocess.DEVNULL))

    def fill(self, tracer):
        self.program.write()
        self.program.out.wait_for("^filled", 120)
        return tracer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.case.close()
        for each in (self.terminal, self.floor):
            if each:
                each.close()


def add_shares(output, workload, way, number, tracer, plan):
    time.sleep(plan.settle_s)
    shares = terminal.shares(tracer.pid, plan.seconds)
    for thread, share in [*shares.items(), ("tracer", sum(shares.values()))]:
        output.add(workload, way, thread, "% of a processor", number, share)


def measure_screen(output, number, plan, way):
    for size in SIZES:
        with Run(plan.sites, plan.rate) as run:
            tracer = run.view(size, 1)
            for page, key in PAGES.items():
                run.terminal.press(key)
                add_shares(output, f"{plan.sites} sites, {page}, {size[0]}x{size[1]}", way, number, tracer, plan)


def measure_keys(output, number, plan, way):
    for size in SIZES:
        workload = f"{plan.sites} sites, keys, {size[0]}x{size[1]}"
        with Run(plan.sites, plan.rate) as run:
            run.view(size, 3600)
            for key in "  ":  # pause and on again: figures of now, and no others while keys are pressed
                run.terminal.press(key)
            for i in range(plan.presses):
                for name, key in KEYS.items():
                    first, last = run.terminal.press(key)[:2]
                    output.add(workload, way, f"{name}, first byte", "ms", number * plan.presses + i, first)
                    output.add(workload, way, f"{name}, last byte", "ms", number * plan.presses + i, last)


def see(run, key, word):
    """ms until the word was shown, and how long the tracer's main thread waited for a processor meanwhile."""
    waited = terminal.waited_ms(run.tracer.pid)
    took = run.terminal.see(key, word)
    return took, terminal.waited_ms(run.tracer.pid) - waited


def press_for(output, run, workload, way, number, plan, each_second):
    """Keys for a while; `each_second` is called about once a second."""
    end = lib.deadline(plan.seconds)
    next_call, count = 0.0, 0
    while time.monotonic() < end:
        if time.monotonic() >= next_call:
            each_second()
            next_call = time.monotonic() + 1
        for key, word in (HELP, BACK):
            took, waited = see(run, key, word)
            floor = run.floor.see(key, "answered")
            for metric, ms in (("key to what it shows", took), ("less the wait for a processor", max(took - waited, 0.0)), ("floor", floor)):
                output.add(workload, way, metric, "ms", number * 1000000 + count, ms)
            count += 1


def measure_writing(output, number, plan, way):
    for size in SIZES:
        for name in ("nothing", *STREAMED, *WHOLE):
            with Run(plan.sites, plan.rate) as run:
                options = () if name == "nothing" else (f"--{name}", run.case.path(name))
                tracer = run.view(size, 1, *options)
                run.echo(size)
                ask = (lambda: tracer.signal(signal.SIGUSR1)) if name in WHOLE else lambda: None
                press_for(output, run, f"{plan.sites} sites, writing {name}, {size[0]}x{size[1]}", way, number, plan, ask)


def measure_batch(output, number, plan, way):
    for sites in (plan.sites, plan.many_sites):
        for csv in (False, True):
            with Run(sites, plan.rate) as run:
                arguments = ("--csv", run.case.path("sites.csv")) if csv else ()
                tracer = run.batch("-T", "10", *arguments)
                add_shares(output, f"{sites} sites, batch{' and CSV' if csv else ''}", way, number, tracer, plan)


def measure_steps(output, number, plan, way):
    for sites in plan.steps:
        for size in SIZES:
            text = subprocess.run([os.path.join(BUILD, "view"), str(sites), str(plan.intervals), *map(str, size)],
                                  capture_output=True, text=True, check=True).stdout
            for line in text.splitlines():
                step, i, ms = line.split()
                output.add(f"{sites} sites, steps, {size[0]}x{size[1]}", way, step, "ms", number * plan.intervals + int(i), float(ms))


MEASURE = dict(zip(PARTS, (measure_screen, measure_keys, measure_writing, measure_batch, measure_steps)))


def rows_of(output):
    rows = []
    for workload, way, metric in output.values:
        values = output.of(workload, way, metric)
        rows.append((workload, way, metric, results.cell(values), results.form(max(values))))
    return sorted(rows, key=lambda row: row[0].split(",", 1)[1])


def parse(words):
    parser = argparse.ArgumentParser(prog="view.py")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--csv", default=os.path.join(BUILD, "view.csv"))
    parser.add_argument("--tracer", default=None)
    parser.add_argument("--quick", action="store_true")
    return parser.parse_args(words)


def main(words):
    options = parse(words)
    plan, output = Plan(options.quick), results.Results(options.csv)
    ways = {"tracer": lib.TRACER, **({"other": options.tracer} if options.tracer else {})}
    for number in range(options.rounds or (1 if options.quick else 3)):
        for part in options.only.split(","):
            for way in ways if part != "steps" else ("made-up heap",):
                lib.TRACER = ways.get(way, lib.TRACER)
                MEASURE[part](output, number, plan, way)
        print(f"round {number + 1} done", flush=True)
    output.close()
    results.show("median (middle half) and largest of the rounds", ("workload", "way", "what", "value", "largest"), rows_of(output))
    print(f"\nall figures: {os.path.relpath(options.csv)}")
    return 0 if output.values else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
