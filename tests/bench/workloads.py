# SPDX-License-Identifier: GPL-2.0-or-later
"""The columns of the bench: programs that allocate, each a living process that works when it is told to.

A group is one program; its workloads are what it is told. A process is started for each round of a group, and all ways
that can be switched are switched on it in turn. What is measured is the processor time of the target, per unit of work:
others want the processors, too. Its libraries are copies of its own: whoever else is traced on this machine has other
probes then.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import time

import lib
import machine

BUILD = os.path.join(lib.ROOT, "build", "bench")
LIBRARIES = ("libc.so.6", "libjemalloc.so.2", "libstdc++.so.6")
# Frames that are not the chain's: what lies between it and the start of the program, and its end.
OTHER_FRAMES = 6
ALTERNATING = 1000
SLICES = 5


def own_libraries():
    folder = os.path.join(BUILD, "lib")
    os.makedirs(folder, exist_ok=True)
    for name in LIBRARIES:
        try:
            source = lib.find_library(name)
        except lib.Skip:
            continue
        copy = os.path.join(folder, name)
        if not os.path.exists(copy) or os.path.getmtime(copy) != os.path.getmtime(source):
            # another bench may make the same copy at the same time
            mine = f"{copy}.{os.getpid()}"
            shutil.copy2(source, mine)
            os.replace(mine, copy)
    return {"LD_LIBRARY_PATH": folder}


class Measured:
    """What one piece of work took. `ns`: processor time of the target."""

    def __init__(self, units, ns, wall_ns, rate=None):
        self.units, self.ns, self.wall_ns, self.rate = units, ns, wall_ns, rate


class Workload:
    """
    `unit`: what the work consists of. `ways`: those that are tried. `wall`: its wall time is shown, too. `bpf`: so is the
    run time of BPF programs.
    """
    wall = False
    bpf = False

    def __init__(self, name, say, unit, ways):
        self.name, self.say, self.unit, self.ways = name, say, unit, ways

    def prepare(self, target, scale):
        """Before the work and not measured."""

    def clean(self, target):
        """After it."""

    def work(self, target, scale):
        raise NotImplementedError


class Group:
    """`program`: what must be installed."""
    program = None

    def __init__(self, name, workloads):
        self.name, self.workloads = name, workloads

    def missing(self):
        return self.program if self.program and not shutil.which(self.program) else None

    def start(self, case, prefix):
        """A running target with `pid`."""
        raise NotImplementedError

    def begin(self, target):
        """Before all of its work in one way."""

    def stop(self, target):
        target.close_stdin()
        target.wait(120)


def outer_clock(target, command, answer, seconds=300):
    """(processor ns, wall ns) of a command"""
    cpu, wall = machine.cpu_ns(target.pid), time.monotonic_ns()
    target.program.write(command + "\n")
    target.program.out.wait_for(answer, seconds)
    return machine.cpu_ns(target.pid) - cpu, time.monotonic_ns() - wall


class Target:
    """A program that was started, itself or under a prefix, and the process that works in it."""

    def __init__(self, program, pid):
        self.program, self.pid = program, pid

    def close_stdin(self):
        self.program.close_stdin()

    def wait(self, seconds):
        self.program.wait(seconds)

    def tool_pids(self):
        """Those of the prefix."""
        return [pid for pid in machine.same_session(self.program.pid) if pid != self.pid]


class OnChains(Workload):
    """A command of work.c."""

    def __init__(self, name, say, command, frames, stacks, count, ways, factor=1, blocks=0, bpf=False):
        super().__init__(name, say, "pair", ways)
        self.command, self.frames, self.stacks, self.count = command, frames, stacks, count
        self.factor, self.blocks, self.bpf = factor, blocks, bpf

    def arguments(self, count):
        return f"{self.frames - OTHER_FRAMES + 1} {self.stacks} {count}"

    def ask(self, target, command, count):
        target.program.write(f"{command} {self.arguments(count)}\n")
        return int(target.program.out.wait_for(r"^ns (\d+)$", 300).group(1))

    def prepare(self, target, scale):
        if self.blocks:
            self.ask(target, "fill", max(1000, int(self.blocks * min(scale * 2, 1))))
        self.ask(target, self.command, max(self.stacks, int(self.count * scale / 10)))

    def clean(self, target):
        if self.blocks:
            self.ask(target, "drain", self.blocks)

    def work(self, target, scale):
        """The median of slices: whatever else disturbs, it does not disturb them all."""
        count = max(self.stacks, int(self.count * scale / SLICES))
        begun = time.monotonic_ns()
        ns = statistics.median(self.ask(target, self.command, count) for _ in range(SLICES))
        units = count * self.factor
        return Measured(units * SLICES, ns * SLICES, time.monotonic_ns() - begun)

    def cold(self, target):
        """Pairs, each under a chain whose return addresses were never seen before: how many."""
        target.program.write(f"once {self.frames - OTHER_FRAMES + 1}\n")
        return int(target.program.out.wait_for(r"^pairs (\d+) ns").group(1))


class Chains(Group):
    def __init__(self, name, binary, workloads):
        super().__init__(name, workloads)
        self.binary = os.path.join(BUILD, binary)

    def start(self, case, prefix):
        program = case.start(*prefix, self.binary, env=own_libraries())
        return Target(program, int(program.out.wait_for(r"^ready (\d+)", 60).group(1)))

    def begin(self, target):
        target.program.write("again\n")
        target.program.out.wait_for("^ok$")


class Told(Workload):
    """COUNT units by one command of a program that reads commands."""
    wall = True

    def __init__(self, name, say, unit, count, command, ways):
        super().__init__(name, say, unit, ways)
        self.count, self.command = count, command

    def prepare(self, target, scale):
        self.tell(target, max(1, int(self.count * scale / 10)))

    def tell(self, target, count):
        return outer_clock(target, self.command(count), "^done")

    def work(self, target, scale):
        count = max(1, int(self.count * scale))
        ns, wall = self.tell(target, count)
        return Measured(count, ns, wall)


class Containers(Group):
    def start(self, case, prefix):
        program = case.start(*prefix, os.path.join(BUILD, "containers"), env=own_libraries())
        return Target(program, int(program.out.wait_for(r"^ready (\d+)", 60).group(1)))


PYTHON = """
import json, os, sys
with open(sys.argv[1]) as file:
    text = file.read()
print("ready", os.getpid(), flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        json.loads(text)
    print("done", flush=True)
"""


def some_json():
    """About 40 KB of what services send each other."""
    return json.dumps([{"id": i, "name": f"item {i}", "tags": ["a", "b", f"tag {i % 17}"], "price": i / 7,
                        "parent": {"id": i // 2, "path": f"/items/{i // 2}/{i}"}, "ok": i % 3 == 0}
                       for i in range(300)])


class Python(Group):
    program = "python3"

    def __init__(self, name, workloads, env=None):
        super().__init__(name, workloads)
        self.env = env or {}

    def start(self, case, prefix):
        for name, text in (("parse.py", PYTHON), ("data.json", some_json())):
            with open(case.path(name), "w", encoding="ascii") as file:
                file.write(text)
        program = case.start(*prefix, lib.python(), case.path("parse.py"), case.path("data.json"),
                             env={**own_libraries(), **self.env})
        return Target(program, int(program.out.wait_for(r"^ready (\d+)", 60).group(1)))


SQL_ROWS = 40000
SQL_START = f"""CREATE TABLE t(a TEXT, b INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SQL_ROWS})
INSERT INTO t SELECT 'row ' || (i * 7919 % 100003) || ' of the table', i FROM n;
SELECT 'ready';
"""


def build_indexes(count):
    return "CREATE INDEX x ON t(a, b); DROP INDEX x;\n" * count + "SELECT 'done';"


class Sqlite(Group):
    program = "sqlite3"

    def start(self, case, prefix):
        program = case.start(*prefix, lib.need("sqlite3"), "-batch", ":memory:", env=own_libraries())
        program.write(SQL_START)
        program.out.wait_for("^ready", 120)
        return Target(program, find_process(program.pid, "sqlite3"))


def find_process(root, name):
    """Of a started program and its descendants the last that has this name, or is valgrind in its place."""
    names = {pid: lib.read_text(f"/proc/{pid}/comm") for pid in machine.descendants(root)}
    found = [pid for pid in names if names[pid].startswith((name, "massif"))]
    lib.check(found, f"no process {name} under {root}, only {names}")
    return found[-1]


KEYS = 100000


def set_keys(socket, count, *options):
    """What redis-benchmark says."""
    return subprocess.run([lib.need("redis-benchmark"), "-s", socket, "-t", "set", "-n", str(count), "-r", str(KEYS),
                           "-d", "64", "--csv", *options], capture_output=True, text=True, check=True, timeout=300).stdout


class Requests(Workload):
    """redis-benchmark: requests a second, and the server's processor time for one."""

    def __init__(self, name, say, count, *options, ways):
        super().__init__(name, say, "request", ways)
        self.count, self.options = count, options

    def request(self, target, count):
        """Requests a second."""
        return float(re.search(r'^"SET","([0-9.]+)"', set_keys(target.socket, count, *self.options), re.M).group(1))

    def prepare(self, target, scale):
        self.request(target, max(100, int(self.count * scale / 10)))

    def work(self, target, scale):
        """The rate is the median of slices: server, benchmark and tracer want more than two processors."""
        count = max(100, int(self.count * scale / SLICES))
        cpu, wall = machine.cpu_ns(target.pid), time.monotonic_ns()
        rate = statistics.median(self.request(target, count) for _ in range(SLICES))
        return Measured(count * SLICES, machine.cpu_ns(target.pid) - cpu, time.monotonic_ns() - wall, rate)


class Redis(Group):
    program = "redis-server"

    def missing(self):
        return next((name for name in ("redis-server", "redis-benchmark") if not shutil.which(name)), None)

    def start(self, case, prefix):
        path = case.path("socket")
        program = case.start(*prefix, lib.need("redis-server"), "--port", "0", "--unixsocket", path, "--save", "",
                             "--appendonly", "no", "--dir", case.directory, env=own_libraries())
        program.out.wait_for("ready to accept connections", 120)
        target = Target(program, find_process(program.pid, "redis-server"))
        target.socket = path
        # most of the keys that there will ever be
        set_keys(path, KEYS, "-P", "16")
        return target

    def stop(self, target):
        os.kill(target.pid, 15)
        target.wait(120)


MAIN = ("floor", "tracer", "bpftrace", "heaptrack", "valgrind")
FEATURES = (*MAIN, "entries", "no-memo", "copied", "ring-only", "sampled", "filtered")
PROGRAMS = (*MAIN, "sampled")
STACKS = ("floor", "tracer", "no-memo", "ring-only")
PAIRS = 100000


def pairs_name(frames, stacks):
    return f"pairs-{frames}x{stacks}"


def pair_workloads(prefix="", more=()):
    """A pair in a loop. All features are measured with 18 frames, what a stack costs with all."""
    found = []
    for frames in (6, 18, 40):
        for stacks in (1, ALTERNATING):
            ways = more or (FEATURES if frames == 18 else STACKS)
            what = f"{stacks} stacks in turn" if stacks > 1 else "one stack"
            found.append(OnChains(prefix + pairs_name(frames, stacks), f"malloc and free in a loop, {frames} frames, {what}",
                                  "run", frames, stacks, PAIRS, ways, bpf=True))
    return found


def groups(blocks):
    return [
        Chains("chains", "work", [
            *pair_workloads(),
            OnChains("threads", "two threads, each a pair in a loop, 18 frames", "threads", 18, 1, PAIRS, FEATURES,
                     factor=2),
            OnChains("handover", "one thread allocates, another one frees, 18 frames", "handover", 18, 1, PAIRS,
                     FEATURES),
            OnChains("live", f"random sizes, {blocks} live blocks, 18 frames, 64 stacks", "churn", 18, 64, PAIRS,
                     PROGRAMS, blocks=blocks),
        ]),
        Chains("pointers", "work-pointers", pair_workloads("fp-", ("walker",))),
        Containers("containers", [Told("containers", "C++: map, unordered_map, list, vectors and strings", "round", 300,
                         lambda count: f"run {count}", PROGRAMS)]),
        Redis("redis", [Requests("redis", "redis-server, SET by redis-benchmark", 60000, ways=PROGRAMS),
                        Requests("redis-P16", "the same, 16 requests in one packet", 200000, "-P", "16",
                                 ways=PROGRAMS)]),
        Sqlite("sqlite3", [Told("sqlite3", f"sqlite3 building an index of {SQL_ROWS} rows", "index", 10, build_indexes,
                                PROGRAMS)]),
        Python("python3", [Told("python3", "python3 parsing 40 KB of JSON", "text", 1000, str, PROGRAMS)]),
        Python("python3-malloc", [Told("python3-malloc", "the same with PYTHONMALLOC=malloc", "text", 100, str,
                                       PROGRAMS)], {"PYTHONMALLOC": "malloc"}),
    ]
