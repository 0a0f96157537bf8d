# SPDX-License-Identifier: GPL-2.0-or-later
"""A few of the configurations of truth.py, with few stacks: `make truth` is the whole."""

import os
import re
import subprocess

import truth
from lib import ROOT, Skip, check, equal, need, read_text, test

STACKS = 1000


def right(case, name):
    """No stack is wrong, and some are whole; how many were taken before the mappings were read hangs on the load."""
    c = next(c for c in truth.configurations() if c.name == name)
    result = truth.measure(case, c, STACKS)
    check(result.stacks >= STACKS, f"only {result.stacks} stacks")
    check(not result.wrong, f"{len(result.wrong)} of {result.stacks} stacks are wrong")
    settled = result.stacks - result.cut["changed"] - result.cut["no mapping"]
    check(result.right > settled // 10, f"only {result.right} of {result.stacks} stacks are whole: {result.cut}")


@test(120)
def truth__gcc_without_frame_pointers__as_another_unwinder_says(case):
    right(case, "gcc -O2 no fp")


@test(120)
def truth__clang_with_exceptions_and_plugins__as_another_unwinder_says(case):
    right(case, "clang -O2 cet")


@test(120)
def truth__static__as_another_unwinder_says(case):
    right(case, "gcc -O2 static")


@test(120)
def truth__debug_frame_only__as_the_program_says(case):
    right(case, "gcc -O2 .debug_frame only")


@test(120)
def truth__forms_that_no_table_has__cut_and_said_so(case):
    right(case, "gcc -O2 odd forms")


def sites_of(path):
    """The stacks of a process as addresses, with what is said of each, and how many allocations it has."""
    found = {}
    for words in (line.split() for line in read_text(path).splitlines()):
        if words[0] == "site":
            found[(words[3], *words[5:])] = int(words[4])
    return found


@test(120)
def stacks__compared_in_place_and_copied__the_same(case):
    """What is known is not copied, where the kernel allows it (bpf/stack_page.bpf.h). One process, so the same addresses both times."""
    work = case.start(os.path.join(ROOT, "build", "bench", "work"))
    pid, found = int(work.out.wait_for(r"^ready (\d+)").group(1)), {}
    for way in ("in place", "copied"):
        env = {"TRACER_DUMP_STACKS": case.path("stacks"), **({"TRACER_COPY_STACKS": "1"} if way == "copied" else {})}
        tracer = case.attach(pid, "-v", env=env)
        if way == "in place" and not re.search("known stacks are compared where they lie", tracer.err.text()):
            raise Skip("this kernel does not let programs read stacks in place")
        for load in ("run 18 1 2000", "run 6 50 5000", "run 40 7 2100", "run 12 300 6000"):
            work.write(load + "\n")
            work.out.wait_for("^ns ")
        tracer.stop()
        equal(tracer.summary(pid).lost, 0, "lost events")
        found[way] = sites_of(case.path("stacks"))
    check(len(found["in place"]) >= 300, f"only {len(found['in place'])} stacks")
    equal(found["in place"], found["copied"], "stacks and their allocations")


class ReturnProbes:
    """Of another tracer (the kernel's own), on the functions of a program: each hides where its function returns to."""

    EVENTS = "/sys/kernel/tracing/uprobe_events"

    def __init__(self, program, names):
        if not os.path.exists(self.EVENTS):
            raise Skip("no tracefs at /sys/kernel/tracing")
        self.group, self.count = f"truth{os.getpid()}", 0
        self.file = os.open(self.EVENTS, os.O_WRONLY | os.O_APPEND)
        listing = subprocess.run([need("nm"), program], capture_output=True, text=True, check=True).stdout
        for address, name in re.findall(r"^0*([0-9a-f]+) [tT] (\S+)$", listing, re.M):
            # not position-independent: the first page of the file is at 0x400000
            if re.fullmatch(names, name):
                os.write(self.file, f"r:{self.group}/p{self.count} {program}:{int(address, 16) - 0x400000:#x}\n".encode())
                self.count += 1

    def enable(self, number):
        with open(f"/sys/kernel/tracing/events/{self.group}/enable", "w", encoding="ascii") as file:
            file.write(number)

    def close(self):
        if self.count:
            self.enable("0")
        for number in range(self.count):
            os.write(self.file, f"-:{self.group}/p{number}\n".encode())
        os.close(self.file)


# The kernel keeps so many pending return probes of a thread; the allocator's own is one of them.
PENDING_MAX = 64


@test(120)
def truth__return_probes_of_another_tracer_on_each_frame__as_without_them(case):
    """One thread and one seed do the same each time: the truth is that of a run without return probes."""
    c = next(c for c in truth.configurations() if c.name == "gcc -O2 lazy binding, no pie")
    program, arguments = truth.build(c), (STACKS, "--plain", "--threads", "0")
    fixed = (need("setarch"), "-R")
    plain = case.target(program, case.path("plain"), *arguments, prefix=fixed)
    plain.go()
    plain.out.wait_for("^done$")
    said = list(truth.read_records(case.path("plain")).values())
    probes = ReturnProbes(program, "shape_.*|recursion|compare|with_many|truth_next|tail")
    try:
        probes.enable("1")
        target = case.target(program, case.path("probed"), *arguments, prefix=fixed)
        tracer = case.attach(target, env={"TRACER_DUMP_STACKS": case.path("stacks")})
        target.go()
        target.out.wait_for("^done$", 60)
        dump = truth.read_dump(case.path("stacks"), target.pid) if tracer.stop(seconds=60) else {}
    finally:
        probes.close()
    blocks = list(truth.read_records(case.path("probed")))
    equal(len(blocks), len(said), "stacks of two runs")
    verdicts = [truth.judge(*dump[block], there) for block, there in zip(blocks, said) if block in dump]
    deep = sum(len(there[2]) >= PENDING_MAX for there in said)
    equal(set(verdicts), {"right"}, "verdicts")
    check(len(verdicts) >= len(said) - deep, f"only {len(verdicts)} of {len(said)} allocations were seen, {deep} were deep")
