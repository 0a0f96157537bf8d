# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the bench: ways of tracing a program, each switched on and off on a living process or started with it."""

import contextlib
import os
import shutil

import lib
import machine
import places

BUILD = os.path.join(lib.ROOT, "build", "bench")


class Tool:
    """What traces, while it does: its processes and, once it has ended, what it said."""

    def __init__(self, pids=(), tracer=None):
        self.find_pids = pids if callable(pids) else lambda: list(pids)
        self.tracer = tracer
        self.events = self.lost = None

    def cpu_ns(self):
        return machine.settled_cpu_ns(self.find_pids()) if self.find_pids() else 0

    def highest_bytes(self):
        return machine.highest_bytes(self.find_pids())


class Way:
    """
    `say`: what it is, for the legend. `floor`: the way that has the same traps and does nothing in them. `scale`: how much
    of the work it is given, for those that would take very long. `program`: what must be installed. `accounted`: the run
    time of its BPF programs is measured, too.
    """
    accounted = False

    def __init__(self, name, say, floor="floor", scale=1.0, program=None):
        self.name, self.say, self.floor, self.scale, self.program = name, say, floor, scale, program

    def prefix(self, _case):
        """What starts the target."""
        return []

    def missing(self):
        return self.program if self.program and not shutil.which(self.program) else None

    @contextlib.contextmanager
    def on(self, _case, _pid):
        yield Tool()


class Floor(Way):
    def __init__(self, name, say, kinds=None):
        super().__init__(name, say)
        self.kinds = kinds or {}

    @contextlib.contextmanager
    def on(self, case, pid):
        floor = case.start(os.path.join(BUILD, "floor"), str(pid))
        floor.write(places.floor_input(places.read(pid), self.kinds))
        floor.out.wait_for("^ready")
        yield Tool()
        floor.close_stdin()
        floor.wait()


class Tracer(Way):
    def __init__(self, name, say, *options, env=None, accounted=False, **more):
        super().__init__(name, say, **more)
        self.options, self.env, self.accounted = options, env or {}, accounted

    @contextlib.contextmanager
    def on(self, case, pid):
        tracer = case.attach(pid, "-i", "600", *self.options, env=self.env)
        tool = Tool([tracer.pid], tracer)
        yield tool
        summary = tracer.stop(seconds=120).summary(pid)
        tool.events, tool.lost = summary.events, summary.lost


# The work of bcc's memleak: the size at the entry, address -> size and stack at the return, gone at free.
BPFTRACE_ALLOCATE = """
uprobe:LIBRARY:FUNCTION { RELEASE@size[tid] = SIZE; }
uretprobe:LIBRARY:FUNCTION /@size[tid]/ { @blocks[retval] = (@size[tid], ustack); delete(@size[tid]); }
"""
BPFTRACE_FREE = """
uprobe:LIBRARY:FUNCTION { delete(@blocks[ARGUMENT]); }
"""
SIZES = {"malloc": "arg0", "calloc": "arg0 * arg1", "realloc": "arg1", "memalign": "arg1", "aligned_alloc": "arg1",
         "_Znwm": "arg0", "_Znam": "arg0"}
FREES = {"free": "arg0", "_ZdlPv": "arg0", "_ZdlPvm": "arg0"}


class Bpftrace(Way):
    def script(self, pid):
        text, names = "", 0
        for library, functions in places.allocators(places.read(pid)).items():
            for name in sorted(functions):
                template = BPFTRACE_ALLOCATE if name in SIZES else BPFTRACE_FREE if name in FREES else ""
                names += bool(template)
                text += template.replace("LIBRARY", library).replace("FUNCTION", name) \
                    .replace("SIZE", SIZES.get(name, "")).replace("ARGUMENT", FREES.get(name, "")) \
                    .replace("RELEASE", "delete(@blocks[arg0]); " if name == "realloc" else "")
        return text, names

    @contextlib.contextmanager
    def on(self, case, pid):
        text, names = self.script(pid)
        path = case.path("memleak.bt")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        before = len(lib.breakpoints(pid))
        peer = case.start("bpftrace", "-p", str(pid), path, env={"BPFTRACE_MAP_KEYS_MAX": "2000000"})
        lib.until(lambda: len(lib.breakpoints(pid)) >= before + names or not peer.running(),
                  "bpftrace has attached", 60)
        lib.check(peer.running(), f"bpftrace has ended: {peer.err.text()}")
        yield Tool([peer.pid])
        # asked to end, it would print all blocks
        peer.kill()


class Started(Way):
    """A program that starts the target itself."""

    def __init__(self, name, say, prefix, **more):
        super().__init__(name, say, floor=None, program=prefix[0], **more)
        self.arguments = prefix

    def prefix(self, case):
        return [word.replace("@", case.path(self.name)) for word in self.arguments]


# more of the work than the others, or it would be over before it can be measured
NATIVE = Way("native", "not traced", floor=None, scale=4)
AFTER = Way("after", "not traced any more, all ways before it detached", floor=None, scale=4)

WAYS = [
    Floor("floor", "empty programs at the places of the tracer's, attached as it does: what the traps cost"),
    Floor("entries", "two empty entry probes: those of `floor` without returns", kinds={"both": "entry"}),
    Tracer("tracer", "as users get it: every event, stacks by unwind tables", accounted=True),
    Tracer("no-memo", "the same, each stack walked anew (TRACER_NO_MEMO=1)",
           env={"TRACER_NO_MEMO": "1"}, accounted=True),
    Tracer("copied", "the same as tracer, each stack copied first, as before Linux 6.2 (TRACER_COPY_STACKS=1)",
           env={"TRACER_COPY_STACKS": "1"}, accounted=True),
    Tracer("ring-only", "all of the tracer but stacks (TRACER_STACKS=none)",
           env={"TRACER_STACKS": "none"}, accounted=True),
    Tracer("walker", "stacks by the kernel's frame-pointer walker (TRACER_STACKS=pointers)",
           env={"TRACER_STACKS": "pointers"}, accounted=True),
    Tracer("sampled", "-s 64k: one sample per 64 KB", "-s", "64k", floor="entries"),
    Tracer("filtered", "-z 1M: no allocation is recorded", "-z", "1M", floor="entries"),
    Bpftrace("bpftrace", "bpftrace doing memleak's work: sizes, addresses, stacks by frame pointers; a tenth of the load",
             scale=0.1, program="bpftrace"),
]
STARTED = [
    # its interpreter, which would read along, ends some of these programs: it aborts (bad_alloc in 1.4.0)
    Started("heaptrack", "started by it, which records and compresses (--raw)", ["heaptrack", "--raw", "-o", "@"]),
    Started("valgrind", "started by its heap profiler, --tool=massif; a tenth of the load",
            ["valgrind", "--quiet", "--tool=massif", "--massif-out-file=@"], scale=0.1),
]
ALL = [NATIVE, *WAYS, *STARTED, AFTER]


def named(name):
    return next(way for way in ALL if way.name == name)
