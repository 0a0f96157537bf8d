# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs servers under load that their heap is looked at: throughput, latency, processor time.

As root, after `make bench-servers` (which builds what is needed and runs it):
  python3 tests/bench/servers.py [--quick] [--rounds N] [--seconds N] [--csv FILE] [--ways WAY,...] [SERVER...]

Each round starts the server anew for each way, so that what else the machine does hits all alike. Ratios are taken within
a round; shown are the medians of the rounds. The processor time is that of the server and of the tool together while the
load runs; allocations are those that the tracer counts in its own run, for each request. Where others are at work on the
machine, throughput and latency are theirs, too, and the processor time for a request is what holds; the row of redis with
the allocator preloaded that it has anyway says how much. The CSV has every single value.
A bench, not a test: nothing is judged.
"""

import argparse
import os
import statistics
import sys
import time

from loads import LOAD_CPU, SERVER_CPU, SERVERS, cpu_seconds, descendants, forget_database, lib
from server_ways import WAYS
import sampled

UNITS = {"rate": "1/s", "p50": "us", "p99": "us", "p999": "us", "requests": "count", "server_cpu": "s", "tool_cpu": "s",
         "allocations_per_request": "count", "events": "count", "lost": "count", "allocations": "count",
         "cpu_per_million_allocations": "s"}


def measure(server_class, way, seconds):
    """One round of one way: its figures."""
    case = lib.Case("servers")
    try:
        server = server_class(case, way.environment(case), way.prefix(case))
        tools = way.attach(case, server)
        begin = time.time()
        used = [tool.pid for tool in tools] + server.helpers()
        before = cpu_seconds(server.pids()), cpu_seconds(descendants_of(used))
        server.load(seconds)
        after = cpu_seconds(server.pids()), cpu_seconds(descendants_of(used))
        end = time.time()
        figures = way.detach(tools, server)
        figures.update(server.finish()._asdict())
        figures.update(server_cpu=after[0] - before[0], tool_cpu=after[1] - before[1])
        if "allocations" in figures:
            figures["allocations_per_request"] = figures["allocations"] / server.requests_between(begin, end)
        server.stop()
        return figures
    finally:
        case.close()


def descendants_of(pids):
    return {found for pid in pids for found in descendants(pid)}


class Results:
    def __init__(self):
        self.rounds = {}

    def add(self, workload, way, number, figures):
        self.rounds.setdefault((workload, way), {})[number] = figures

    def complete(self, workload):
        """Processor time for a million allocations, of rounds in which the tracer has counted them."""
        for (of, _), rounds in self.rounds.items():
            for number, figures in rounds.items() if of == workload else ():
                counted = self.rounds.get((workload, "tracer"), {}).get(number, {}).get("allocations_per_request")
                if counted:
                    figures["cpu_per_million_allocations"] = cpu_per_request(figures) / counted * 1e6

    def value(self, workload, way, metric):
        values = [figures[metric] for figures in self.rounds.get((workload, way), {}).values() if metric in figures]
        return statistics.median(values) if values else None

    def ratio(self, workload, way, other, function):
        """Of values of the same round."""
        mine, theirs = self.rounds.get((workload, way), {}), self.rounds.get((workload, other), {})
        ratios = [function(mine[n]) / function(theirs[n]) for n in mine if n in theirs and function(theirs[n])]
        return statistics.median(ratios) if ratios else None

    def write(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write("workload,way,metric,unit,round,value\n")
            for (workload, way), rounds in self.rounds.items():
                for number, figures in rounds.items():
                    for metric, value in figures.items():
                        file.write(f"{workload},{way},{metric},{UNITS[metric]},{number},{value:.9g}\n")


def cpu_per_request(figures):
    return (figures["server_cpu"] + figures["tool_cpu"]) / figures["requests"]


def server_cpu_per_request(figures):
    return figures["server_cpu"] / figures["requests"]


def cell(value, form):
    return "-" if value is None else form.format(value)


def show(results, server, ways):
    name = server.name
    allocations = results.value(name, "tracer", "allocations_per_request")
    print(f"\n{name}. {server.what}. Allocations for a request: {cell(allocations, '{:.2f}')}, "
          f"events lost: {cell(results.value(name, 'tracer', 'lost'), '{:.0f}')}\n")
    print("| way | requests/s | p50 us | p99 us | p99.9 us | compared with | rate | p50 | p99 | p99.9 | CPU | rate / floor | "
          "server's CPU / floor | CPU s per M allocations | of it the tool |")
    print("|---" * 15 + "|")
    for way in ways:
        if (name, way.name) not in results.rounds:
            continue
        values = [cell(results.value(name, way.name, metric), "{:.0f}") for metric in ("rate", "p50", "p99", "p999")]
        ratios = [cell(results.ratio(name, way.name, way.base, lambda f, m=metric: f[m]), "{:.3f}")
                  for metric in ("rate", "p50", "p99", "p999")]
        ratios.append(cell(results.ratio(name, way.name, way.base, cpu_per_request), "{:.2f}"))
        floors = [cell(results.ratio(name, way.name, "floor", lambda f: f["rate"]), "{:.3f}"),
                  cell(results.ratio(name, way.name, "floor", server_cpu_per_request), "{:.2f}")]
        cpu = cell(results.value(name, way.name, "cpu_per_million_allocations"), "{:.2f}")
        tool, server_cpu = results.value(name, way.name, "tool_cpu"), results.value(name, way.name, "server_cpu")
        print(f"| {way.name} | " + " | ".join([*values, way.base, *ratios, *floors, cpu, f"{tool / (tool + server_cpu):.0%}"]) + " |")


def run(server, ways, rounds, seconds, results):
    skipped = {}
    for number in range(1, rounds + 1):
        for way in ways:
            try:
                if way.name not in skipped:
                    way.fits(server)
                    results.add(server.name, way.name, number, measure(server, way, seconds))
            except lib.Skip as skip:
                skipped[way.name] = skip
                print(f"{server.name}: {way.name} is left out: {skip}")
        print(f"{server.name}: round {number} done", flush=True)
    results.complete(server.name)


def arguments_of(words):
    parser = argparse.ArgumentParser(description="servers under load, in several ways of being traced")
    parser.add_argument("servers", nargs="*", default=list(SERVERS), help=", ".join(SERVERS))
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="length of a load")
    parser.add_argument("--ways", default=",".join(way.name for way in WAYS))
    parser.add_argument("--csv", default=os.path.join(lib.ROOT, "build", "bench", "servers.csv"))
    found = parser.parse_args(words)
    unknown = set(found.servers) - set(SERVERS) or set(found.ways.split(",")) - {way.name for way in WAYS}
    if unknown:
        parser.error(f"not known: {', '.join(unknown)}")
    if found.quick:
        found.rounds, found.seconds = 1, 1
    return found


def main(words):
    options, results = arguments_of(words), Results()
    ways = [way for way in WAYS if way.name in options.ways.split(",")]
    print(f"{os.uname().release}, {os.cpu_count()} CPUs, {options.rounds} rounds of {options.seconds:g} s; the server runs on CPU "
          f"{SERVER_CPU}, the generator on CPU {LOAD_CPU}, tools where the scheduler puts them")
    for way in ways:
        print(f"  {way.name:16} {way.says}")
    try:
        for name in options.servers:
            try:
                run(SERVERS[name], ways, options.rounds, options.seconds, results)
                show(results, SERVERS[name], ways)
            except lib.Skip as skip:
                print(f"{name} is left out: {skip}")
            if name == "redis" and any(way.name == "jemalloc-prof" for way in ways):
                sampled.show()
            results.write(options.csv)
    finally:
        forget_database()
    print(f"\nevery value: {options.csv}")
    return 0 if results.rounds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
