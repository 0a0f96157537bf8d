# SPDX-License-Identifier: GPL-2.0-or-later
"""What tracing costs: every workload in every way of being traced, beside empty probes and beside other tools.

As root, after `make bench-programs` (`make bench` does both):
    tests/bench/run.py [--rounds N] [--only PATTERN] [--csv FILE] [--quick] [-l]

Each round measures all ways in turn, so that what else the machine does hits all alike; shown are the medians of the
rounds and their middle half. Ratios are taken within a round. PATTERN is a regular expression that is searched in
WORKLOAD/WAY (-l lists them); native and the floor are measured with whatever it finds. --quick: one short round, to see
that all works.

The target's time is processor time, its traps included. "Tool" is the processor time of who traces. "BPF" is the time
of the BPF programs themselves as the kernel accounts it, measured apart since counting costs time. A bench, not a test:
nothing is judged.
"""

import argparse
import contextlib
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "live"), HERE]

import lib  # noqa: E402
import machine  # noqa: E402
import results as figures  # noqa: E402
import tables  # noqa: E402
import times  # noqa: E402
import ways  # noqa: E402
import workloads  # noqa: E402

BLOCKS = 1000000
QUICK_SCALE = 0.05
# the other tools with one program only: starting them is what takes long
QUICK_ONLY = "^(?!.*/(bpftrace|heaptrack|valgrind)$)|^(pairs|threads|handover|live)"


class Plan:
    """What of all this is measured."""

    def __init__(self, only, scale, blocks):
        self.only, self.scale = re.compile(only), scale
        self.groups = [group for group in workloads.groups(blocks) if any(self.wanted(w) for w in group.workloads)]

    def wanted(self, workload):
        """The ways of this workload that were asked for."""
        return [way for way in ways.WAYS + ways.STARTED
                if way.name in workload.ways and self.only.search(f"{workload.name}/{way.name}")]

    def ways(self, workload):
        """With what they are compared with."""
        wanted = self.wanted(workload)
        floors = [way.floor for way in wanted]
        return [way for way in ways.WAYS + ways.STARTED if way in wanted or way.name in floors]

    def has(self, workload, way):
        if way in (ways.NATIVE, ways.AFTER):
            return bool(self.wanted(workload))
        return not way.missing() and way in self.ways(workload)

    def times(self):
        return [name for name in times.TARGETS if self.only.search(f"attach-{name}/tracer")]


class Bench:
    def __init__(self, plan, output):
        self.plan, self.results = plan, output
        self.left_out = {}

    def cell(self, number, workload, way, target, tool):
        scale = way.scale * self.plan.scale
        workload.prepare(target, scale)
        before = tool.cpu_ns()
        done = workload.work(target, scale)
        spent = tool.cpu_ns() - before

        def add(metric, unit, value):
            self.results.add(workload.name, way.name, metric, unit, number, value)
        add("target", f"ns/{workload.unit}", done.ns / done.units)
        add("wall", f"ns/{workload.unit}", done.wall_ns / done.units)
        if done.rate:
            add("rate", f"{workload.unit}s/s", done.rate)
        if tool.find_pids():
            add("tool", f"ns/{workload.unit}", spent / done.units)
            add("total", f"ns/{workload.unit}", (done.ns + spent) / done.units)
            add("tool-share", "% of a core", 100 * spent / done.wall_ns)
        if tool.tracer and way.accounted and workload.bpf:
            self.account(number, workload, way, target, tool.tracer)
        workload.clean(target)

    def account(self, number, workload, way, target, tracer):
        """The run time of the BPF programs, in work of its own."""
        with machine.bpf_accounting():
            before = machine.bpf_ns(tracer.pid)
            done = workload.work(target, self.plan.scale)
            between = machine.bpf_ns(tracer.pid)
            self.results.add(workload.name, way.name, "bpf", f"ns/{workload.unit}", number,
                             (between - before) / done.units)
            if workload.stacks == 1:
                pairs = workload.cold(target)
                if pairs:
                    self.results.add(workload.name, way.name, "bpf-cold", f"ns/{workload.unit}", number,
                                     (machine.bpf_ns(tracer.pid) - between) / pairs)

    def session(self, number, group, way, target, tool):
        """All workloads of a group while one tool is on."""
        group.begin(target)
        before = tool.cpu_ns()
        for workload in group.workloads:
            if self.plan.has(workload, way):
                self.cell(number, workload, way, target, tool)
        self.results.add(group.name, way.name, "tool-memory", "bytes", number, tool.highest_bytes())
        return tool.cpu_ns() - before

    def attached(self, case, number, group, way, target):
        others = len(case.programs)
        try:
            with way.on(case, target.pid) as tool:
                spent = self.session(number, group, way, target, tool)
        except lib.Failure:
            for program in case.programs[others:]:
                program.kill()
            raise
        if tool.events is not None:
            self.results.add(group.name, way.name, "events", "events", number, tool.events)
            self.results.add(group.name, way.name, "lost", "events", number, tool.lost)
            if tool.events:
                self.results.add(group.name, way.name, "tool-event", "ns/event", number, spent / tool.events)

    def living(self, number, group, wanted):
        """Ways that are switched on a living process; it is native before the first and after the last of them."""
        with case_of(group.name) as case:
            target = group.start(case, [])
            self.session(number, group, ways.NATIVE, target, ways.Tool())
            for way in wanted[number % len(wanted):] + wanted[:number % len(wanted)] if wanted else ():
                self.guarded(number, f"{group.name}, {way.name}", self.attached, case, number, group, way, target)
            if wanted:
                lib.wait_clean(target.pid)
                self.session(number, group, ways.AFTER, target, ways.Tool())
            group.stop(target)

    def started(self, number, group, way):
        with case_of(group.name) as case:
            target = group.start(case, way.prefix(case))
            self.session(number, group, way, target, ways.Tool(target.tool_pids))
            group.stop(target)

    def guarded(self, number, what, function, *arguments):
        """One way that fails must not take the figures of all others with it."""
        try:
            function(*arguments)
        except lib.Skip as skip:
            self.left_out[what] = str(skip)
        except (lib.Failure, OSError) as failure:
            self.left_out[what] = f"failed in round {number}: {failure}"

    def group(self, number, group):
        lacks = group.missing()
        if lacks:
            self.left_out[group.name] = f"{lacks} is not installed"
            return
        def any_of(candidates):
            return [way for way in candidates if any(self.plan.has(w, way) for w in group.workloads)]
        self.guarded(number, group.name, self.living, number, group, any_of(ways.WAYS))
        for way in any_of(ways.STARTED):
            self.guarded(number, f"{group.name} under {way.name}", self.started, number, group, way)

    def times(self, number):
        for name in self.plan.times():
            with case_of("times") as case:
                self.guarded(number, f"attach-{name}", times.measure, case, name, number, self.results)

    def round(self, number):
        for group in self.plan.groups:
            self.group(number, group)
        self.times(number)


@contextlib.contextmanager
def case_of(name):
    case = lib.Case(name)
    try:
        yield case
    finally:
        case.close()


def frames_found(way):
    """Of a stack of 18, which the harness counts on."""
    with case_of("frames") as case:
        group = workloads.Chains("frames", "work-pointers" if way == "pointers" else "work", [])
        target, path = group.start(case, []), case.path("dump")
        tracer = case.attach(target.pid, env={"TRACER_STACKS": way, "TRACER_DUMP_STACKS": path})
        target.program.write(f"keep {18 - workloads.OTHER_FRAMES + 1}\n")
        target.program.out.wait_for("^kept")
        tracer.stop()
        found = [len(line.split()) - 5 for line in lib.read_text(path).splitlines() if line.startswith("site")]
        return max(found, default=0)


def arguments_of(words):
    parser = argparse.ArgumentParser(prog="run.py")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--only", default="")
    parser.add_argument("--csv", default=os.path.join(workloads.BUILD, "results.csv"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("-l", "--list", action="store_true")
    return parser.parse_args(words)


def main(words):
    options = arguments_of(words)
    if options.quick:
        plan = Plan(options.only or QUICK_ONLY, QUICK_SCALE, BLOCKS // 50)
    else:
        plan = Plan(options.only, 1.0, BLOCKS)
    if options.list:
        print("\n".join(f"{w.name}/{way.name}" for g in plan.groups for w in g.workloads for way in plan.ways(w)))
        return 0
    if not plan.groups and not plan.times():
        print(f"nothing matches {options.only!r}: see -l", file=sys.stderr)
        return 2
    rounds = options.rounds or (1 if options.quick else 5)
    print(f"{machine.describe()}\n{rounds} rounds; frames found of 18: by tables {frames_found('tables')}, "
          f"by the kernel's walker {frames_found('pointers')}", flush=True)
    if not options.quick:
        machine.go_first()
    output = figures.Results(options.csv)
    bench = Bench(plan, output)
    try:
        for number in range(1, rounds + 1):
            bench.round(number)
            print(f"round {number} done", flush=True)
    except KeyboardInterrupt:
        print("stopped: what follows is of the rounds until here")
    finally:
        output.close()
    tables.show_all(plan, output, bench.left_out)
    print(f"\nall figures: {os.path.relpath(options.csv)}")
    return 0 if output.values else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
