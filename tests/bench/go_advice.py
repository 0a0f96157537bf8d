# SPDX-License-Identifier: GPL-2.0-or-later
"""What --go-workload predicts, and what comes of it. As root, after `make` (make bench-go does both):

    tests/bench/go_advice.py [--go GOROOT]... [--only WORD] [--seconds N] [--csv FILE]

A program with a steady live heap and rate of allocation (tests/go/steady.go) is built with each Go, started, and traced until it gets
advice; then it is started again with the advised GOGC and GOMEMLIMIT, and says itself what its collector does: collections a second,
the heap's peak (the mean of what there was when a collection ended; in brackets the most), the collector's share of the processors (from GCCPUFraction). Each figure stands beside what
was predicted; `before` is what it said of itself while it was traced, beside the model's figure. A bench, not a test: nothing is judged.
"""

import argparse
import collections
import csv
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import lib  # noqa: E402

SOURCE = os.path.join(lib.ROOT, "tests", "go", "steady.go")
BUILT = os.path.join(lib.ROOT, "build", "go")
GROUPS = "/sys/fs/cgroup/memory" if os.path.isdir("/sys/fs/cgroup/memory") else "/sys/fs/cgroup"
MIB = 1 << 20
OFF = (1 << 63) - 1
# shape, live MiB, MiB a second, environment, MiB of its control group (0: none), kind of work
Scenario = collections.namedtuple("Scenario", "shape live rate environment group work")
SCENARIOS = [
    Scenario("nodes", 120, 400, {}, 0, "high-throughput"),
    Scenario("records", 60, 150, {"GOGC": "50"}, 0, "low-latency"),
    Scenario("buffers", 80, 300, {"GOGC": "200"}, 0, "memory-constrained"),
    Scenario("nodes", 40, 100, {"GOGC": "off", "GOMEMLIMIT": "90MiB"}, 0, "high-throughput"),
    Scenario("records", 40, 100, {}, 160, "high-throughput"),
]
FIGURES = (("cycles_per_s", "cycles_per_s", 1, "{:.2f}"), ("peak_bytes", "heap_peak_bytes", MIB, "{:.0f}"),
           ("cpu_share", "cpu_share", 0.01, "{:.2f}"))
HEAD = f"{'go':8} {'program':22} {'kind of work':18} {'':7} {'GOGC':>5} {'limit':>7}  {'cycles/s':^21}  {'heap peak MiB':^21}  {'share of CPU %':^21}"


def build(goroot):
    go = os.path.join(goroot, "bin", "go") if goroot else "go"
    environment = {**os.environ, "CGO_ENABLED": "0", "GO111MODULE": "off", "GOFLAGS": "", "GOPROXY": "off", "GOTOOLCHAIN": "local",
                   "GOCACHE": os.path.join(BUILT, "cache"), **({"GOROOT": goroot} if goroot else {})}
    version = subprocess.run([go, "version"], env=environment, capture_output=True, text=True, check=True).stdout.split()[2]
    path = os.path.join(BUILT, f"steady-{version}")
    os.makedirs(BUILT, exist_ok=True)
    subprocess.run([go, "build", "-o", path, SOURCE], env=environment, check=True)
    return version, path


class Group:
    """A control group with a limit; nothing with 0."""

    def __init__(self, mib):
        self.path = os.path.join(GROUPS, f"tracer-bench-{os.getpid()}") if mib else None
        if self.path:
            os.makedirs(self.path, exist_ok=True)
            name = "memory.limit_in_bytes" if "memory" in os.path.basename(GROUPS) else "memory.max"
            with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
                file.write(str(mib * MIB))

    def prefix(self):
        return ["sh", "-c", f'echo $$ >"{self.path}/cgroup.procs" && exec "$@"', "sh"] if self.path else []

    def remove(self):
        if self.path:
            lib.until(lambda: self.try_remove(), "that the control group is empty")

    def try_remove(self):
        try:
            os.rmdir(self.path)
        except OSError:
            return False
        return True


def start(case, path, scenario, environment, group):
    clean = {"GOGC": "100", "GOMEMLIMIT": "off", **environment}
    return case.keep(lib.Target([*group.prefix(), path, scenario.shape, str(scenario.live), str(scenario.rate)], env=clean)).wait_ready()


def ask(target, command):
    before = len(target.out.lines)
    target.write(command + "\n")
    target.out.wait_for(r"^done$", 60)
    return {line.split()[1]: float(line.split()[2]) for line in target.out.lines[before:] if line.startswith("stat ")}


def wait_for_cycles(target, count):
    """It goes on from a collection, so that its figures are of whole ones."""
    ask(target, "begin")
    lib.until(lambda: ask(target, "end").get("cycles", 0) >= count, "collections", 120)


def measure(target, seconds, cycles):
    wait_for_cycles(target, 2)
    ask(target, "begin")
    end = time.monotonic() + seconds
    lib.until(lambda: time.monotonic() >= end and ask(target, "end")["cycles"] >= cycles, "collections to measure", 180)
    return ask(target, "end")


def advise(case, target, scenario, seconds):
    path = case.path(f"{target.pid}.json")
    wait_for_cycles(target, 2)
    ask(target, "begin")
    tracer = case.attach(target, "--json", path, "-i", "1", "--go-workload", scenario.work)

    def last():
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if line.endswith("\n")]
        go = json.loads(lines[-1])["processes"][0]["go"] if lines else None
        return go and go["advice"] and go["advice"]["wanted"] and json.loads(lines[-1])["elapsed_s"] >= seconds and go
    go = lib.until(last, "advice", 120)
    tracer.stop()
    return go["advice"], ask(target, "end")


def as_environment(setting):
    limit = setting["GOMEMLIMIT"]
    return {"GOGC": "off" if setting["GOGC"] < 0 else str(setting["GOGC"]), "GOMEMLIMIT": "off" if limit == OFF else str(limit)}


def row(title, environment, predicted, seen):
    """Predicted, seen, and their ratio."""
    limit = environment.get("GOMEMLIMIT", "off")
    line = title + f"{environment.get('GOGC', '100'):>5} {limit if not limit.isdigit() else str(int(limit) // MIB) + 'MiB':>7}"
    for name, model, unit, form in FIGURES:
        a, b = predicted[model] / unit, seen[name] / unit
        line += f"  {form.format(a):>7} {form.format(b):>7} {a / b if b else 0:5.2f}"
        line += f" ({seen['most_bytes'] / MIB:.0f})" if name == "peak_bytes" else ""
    print(line, flush=True)


def run(case, version, path, scenario, seconds, writer):
    group = Group(scenario.group)
    target = start(case, path, scenario, scenario.environment, group)
    advice, before = advise(case, target, scenario, seconds)
    target.close_stdin()
    target.wait()
    name = f"{scenario.shape} {scenario.live}M {scenario.rate}M/s" + (f" of {scenario.group}M" if scenario.group else "")
    row(f"{version:8} {name:22} {scenario.work:18} before  ", scenario.environment, advice["before"], before)
    environment = as_environment(advice["wanted"])
    if not advice["change"]:
        print(f"{'':51}nothing needs changing", flush=True)
        group.remove()
        return
    target = start(case, path, scenario, environment, group)
    after = measure(target, seconds, 5)
    target.close_stdin()
    target.wait()
    row(f"{'':51}after   ", environment, advice["after"], after)
    for when, model, seen in (("before", advice["before"], before), ("after", advice["after"], after)):
        for figure, predicted, _, _ in FIGURES:
            writer.writerow((version, name, scenario.work, when, figure, model[predicted], seen[figure]))
    group.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--go", action="append", metavar="GOROOT", help="an unpacked toolchain; repeatable (default: the installed go)")
    parser.add_argument("--only", default="", help="scenarios with this word")
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--csv", default=os.path.join(lib.ROOT, "build", "bench", "go_advice.csv"))
    options = parser.parse_args()
    os.makedirs(os.path.dirname(options.csv), exist_ok=True)
    print("predicted, seen, predicted / seen\n" + HEAD, flush=True)
    with open(options.csv, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("go", "program", "work", "when", "figure", "predicted", "seen"))
        for goroot in options.go or [None]:
            version, path = build(goroot)
            for scenario in SCENARIOS:
                if not re.search(options.only, f"{scenario.shape} {scenario.work} {scenario.group}"):
                    continue
                case = lib.Case("go_advice")
                try:
                    run(case, version, path, scenario, options.seconds, writer)
                finally:
                    case.close()


main()
