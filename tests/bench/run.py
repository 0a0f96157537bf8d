# SPDX-License-Identifier: GPL-2.0-or-later
"""What a stack costs: a pair of malloc and free under 6, 18 and 40 frames, in several ways of being traced, in turn.

As root, after `make` (make bench does both):  python3 tests/bench/run.py [ROUNDS]

  native    not traced                                          floor    empty programs at the same probes (uprobe sessions)
  none      all of the tracer but stacks                        tables   stacks by unwind tables (what users get)
  pointers  stacks by the kernel's walker (bpf_get_stack), in the same program built with frame pointers
  cold      by tables, each event under a chain whose return addresses were never seen before

Each round measures all of them, so that what else the machine does hits all alike; shown are the medians of the rounds
and their spread (the middle half), and the ratios that are claimed. Ratios are taken within a round. "BPF" is the time of the
programs themselves as the kernel accounts it (kernel.bpf_stats_enabled), in rounds of its own, since counting costs time.
A bench, not a test: nothing is judged.
"""

import os
import re
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import lib  # noqa: E402

BUILD = os.path.join(lib.ROOT, "build", "bench")
STATS = "/proc/sys/kernel/bpf_stats_enabled"
FRAMES = (6, 18, 40)
PAIRS = 20000
ALTERNATING = 1000
# Frames that are not the chain's: pair_once() and what lies between the chain and the start of the program.
OTHERS = {"pairs": 6, "pairs-pointers": 6}


class Pairs:
    def __init__(self, case, name):
        self.name = name
        self.program = case.start(os.path.join(BUILD, name))
        self.pid = int(self.program.out.wait_for(r"^ready (\d+)").group(1))

    def ask(self, command, answer):
        self.program.write(command + "\n")
        return self.program.out.wait_for(answer, 120)

    def run(self, frames, stacks=1, pairs=PAIRS):
        """ns of a pair."""
        found = self.ask(f"run {frames - OTHERS[self.name] + 1} {stacks} {pairs}", r"^ns (\d+)$")
        return int(found.group(1)) / pairs

    def once(self, frames):
        found = self.ask(f"once {frames - OTHERS[self.name] + 1}", r"^pairs (\d+) ns (\d+)$")
        return int(found.group(2)) / max(1, int(found.group(1))), int(found.group(1))


def places(pid):
    """Where the tracer probes malloc and free: (library, offset, offset)"""
    text = subprocess.run([lib.TRACER, "--dry-run", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    found = {name: (library, int(offset, 16) + int(more))
             for name, library, offset, more in re.findall(r"^(malloc|free)\s+(\S+)\s+0x([0-9a-f]+)\s+\+(\d+) ", text, re.M)}
    return found["malloc"][0], found["malloc"][1], found["free"][1]


def start_floor(case, pid):
    library, malloc, free = places(pid)
    floor = case.start(os.path.join(BUILD, "floor"), str(pid), library, hex(malloc), hex(free))
    floor.out.wait_for("^ready")
    return floor


def start_tracer(case, pid, way):
    return case.attach(pid, "-i", "600", env={"TRACER_STACKS": way})


def bpf_time(tracer):
    """ns that the programs of this tracer have run."""
    total, directory = {}, f"/proc/{tracer.pid}/fdinfo"
    for name in os.listdir(directory):
        text = lib.read_text(os.path.join(directory, name))
        program, time = re.search(r"^prog_id:\s+(\d+)$", text, re.M), re.search(r"^run_time_ns:\s+(\d+)$", text, re.M)
        if program and time:
            total[program.group(1)] = int(time.group(1))
    return sum(total.values())


def accounted(tracer, work):
    """ns that the programs ran during the work."""
    before = bpf_time(tracer)
    work()
    return bpf_time(tracer) - before


class Table:
    def __init__(self):
        self.rows = {}

    def add(self, key, value):
        self.rows.setdefault(key, []).append(value)

    def text(self, key, form="{:.0f}"):
        values = self.rows.get(key)
        if not values:
            return "-"
        low, high = (statistics.quantiles(values, n=4)[i] for i in (0, 2)) if len(values) > 2 else (min(values), max(values))
        return f"{form} ({form}..{form})".format(statistics.median(values), low, high)

    def ratios(self, above, below):
        """Of values of the same round."""
        pairs = zip(self.rows.get(above, []), self.rows.get(below, []))
        return [a / b for a, b in pairs if b > 0]


WAYS = {"native": "pairs", "floor": "pairs", "none": "pairs", "tables": "pairs", "pointers": "pairs-pointers"}


def measure(case, way, table):
    """One round of one way: the times of the target, then those of the BPF programs."""
    target = Pairs(case, WAYS[way])
    other = None
    if way == "floor":
        other = start_floor(case, target.pid)
    elif way != "native":
        other = start_tracer(case, target.pid, way)
    for frames in FRAMES:
        target.run(frames, pairs=1000)
        table.add((way, frames, 1), target.run(frames))
        target.run(frames, ALTERNATING, 2000)
        table.add((way, frames, ALTERNATING), target.run(frames, ALTERNATING))
    if isinstance(other, lib.Tracer):
        account(target, other, way, table)
        lost = other.stop(seconds=60).summary(target.pid).lost
        table.add("lost", lost)
    for program in (other, target.program):
        if program:
            program.kill()


def account(target, tracer, way, table):
    with open(STATS, "w", encoding="ascii") as file:
        file.write("1")
    for frames in FRAMES:
        for stacks in (1, ALTERNATING):
            table.add(("bpf", way, frames, stacks),
                      accounted(tracer, lambda: target.run(frames, stacks)) / PAIRS)
        if way != "pointers":
            seen = []
            ns = accounted(tracer, lambda: seen.append(target.once(frames)))
            if seen[0][1]:
                table.add(("bpf", way, frames, "cold"), ns / seen[0][1])
    with open(STATS, "w", encoding="ascii") as file:
        file.write("0")


def frames_of(case, way):
    """Frames that are found of a stack of 18."""
    target = Pairs(case, WAYS[way])
    path = case.path("dump")
    tracer = case.attach(target.pid, env={"TRACER_STACKS": way, "TRACER_DUMP_STACKS": path})
    target.ask(f"keep {18 - OTHERS[target.name] + 1}", "^kept")
    tracer.stop()
    target.program.kill()
    return [len(line.split()) - 5 for line in lib.read_text(path).splitlines() if line.startswith("site")]


def show(table):
    print(f"\nns of the processor for a pair: median (middle half) of the rounds, {PAIRS} pairs each\n")
    print("| frames | stacks | native | floor | none | tables | pointers | BPF none | BPF tables | BPF pointers |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for frames in FRAMES:
        for stacks in (1, ALTERNATING):
            cells = [table.text((way, frames, stacks)) for way in WAYS]
            cells += [table.text(("bpf", way, frames, stacks)) for way in ("none", "tables", "pointers")]
            print(f"| {frames} | {stacks} | " + " | ".join(cells) + " |")
        print(f"| {frames} | cold | | | | | | {table.text(('bpf', 'none', frames, 'cold'))} | "
              f"{table.text(('bpf', 'tables', frames, 'cold'))} | |")
    print("\nratios, of the same round\n\n| frames | stacks | tables / floor | none / floor | stack by tables / by the kernel (BPF) |"
          "\n|---|---|---|---|---|")
    for frames in FRAMES:
        for stacks in (1, ALTERNATING):
            ratios = Table()
            ratios.rows = {"a": table.ratios(("tables", frames, stacks), ("floor", frames, stacks)),
                           "b": table.ratios(("none", frames, stacks), ("floor", frames, stacks)),
                           "c": stack_ratios(table, frames, stacks)}
            print(f"| {frames} | {stacks} | " + " | ".join(ratios.text(key, "{:.2f}") for key in "abc") + " |")
    if any(table.rows["lost"]):
        print(f"\nevents lost: {table.rows['lost']}")


def stack_ratios(table, frames, stacks):
    """What a stack costs alone, by tables over by the kernel's walker: both less what all the rest costs."""
    rounds = zip(*(table.rows.get(("bpf", way, frames, stacks), []) for way in ("tables", "pointers", "none")))
    return [(tables - none) / (pointers - none) for tables, pointers, none in rounds if pointers > none]


def main(arguments):
    rounds = int(arguments[0]) if arguments else 5
    case, table = lib.Case("bench"), Table()
    try:
        print(f"{os.uname().release}, {os.cpu_count()} CPUs, {rounds} rounds; frames found of 18: by tables "
              f"{frames_of(case, 'tables')}, by the kernel {frames_of(case, 'pointers')}")
        for number in range(rounds):
            for way in WAYS:
                measure(case, way, table)
            print(f"round {number + 1} done", flush=True)
    finally:
        if os.access(STATS, os.W_OK):
            with open(STATS, "w", encoding="ascii") as file:
                file.write("0")
        case.close()
    show(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
