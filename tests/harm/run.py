# SPDX-License-Identifier: GPL-2.0-or-later
"""The harm suite: whatever a program does, it must do the same while it is traced.

Each row is a program run once by itself and then under the tracer: attached while it runs, and started by it; where the way
of attaching matters, by each of them. Output, exit status and signal must be the same, and the tracer must have seen
something or say why not. A row is ok, refused (with words, the program unharmed), blind (nothing seen, not a word) or
harmed. The cases behind the rows look at what remains in memory.

  run.py [-v] [-l] [-jN] [WORD...]    tests, N at a time; -l lists them; with WORDs: only those whose name contains one
  run.py --table                the rows as a table, bpftrace doing the same work beside the tracer where it is installed
  run.py --rounds N             so many rounds of kill -9 instead of 40
"""

import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "live"))

import lib  # noqa: E402
import run as live  # noqa: E402
from lib import Failure, Skip, breakpoints, check, equal, until, wait_clean  # noqa: E402

HARM = os.path.join(lib.ROOT, "build", "harm")
SAYS = re.compile(r"^(?!ready |worker )[a-z_]+ -?\d+$")
WORDS = re.compile(r"not probed|blind|cannot|not traced|refused")
METHODS = ("session", "multi", "perf")
FAST = ("session", "multi")


class Row:
    """
    A program and what is to be known about it. `refused`: the tracer may (and must) decline with words. `emulated`: also on
    an emulated machine, where each run takes long; then only attached.
    """

    def __init__(self, name, *arguments, methods=("session",), command=True, refused=False, env=None, options=(),
                 symbols="malloc", where=None, check=None, lost=0, emulated=False):
        self.name, self.arguments, self.methods, self.command = name, arguments, methods, command
        self.refused, self.env, self.options = refused, env or {}, options
        self.symbols, self.where, self.check, self.lost = symbols, where, check, lost
        self.emulated = emulated

    def methods_here(self):
        if lib.SLOW > 1 and not self.emulated:
            raise Skip("left out on an emulated machine")
        return lib.methods_here(self.methods)


def program(name):
    path = os.path.join(HARM, name)
    if not os.path.exists(path):
        raise Skip(f"build/harm/{name} could not be built here")
    return path


def counter(tracer, name):
    """A counter from the last report (with -v)."""
    found = [line for line in tracer.out.lines if f"({name} " in line]
    return int(re.search(rf"\({name} (\d+)", found[-1]).group(1)) if found else 0


def abandoned(tracer):
    check(counter(tracer, "pending_stale") >= 499, "calls that never returned are not counted")
    seen(998)(tracer)


def seen(count):
    """Whoever is blind after the first abandoned call would see fewer events."""
    def check_events(tracer):
        events = sum(s.events for s in tracer.summaries().values())
        check(events >= count, f"only {events} events of more than {count}")
    return check_events


JEMALLOC = {"LD_PRELOAD": "libjemalloc.so.2"}
TCMALLOC = {"LD_PRELOAD": "libtcmalloc_minimal.so.4"}

# In arguments and environments `@` begins a path that each run has for itself.
ROWS = [
    Row("exceptions through operator new", "throws", emulated=True, methods=METHODS, where="libstdc++.so.6", symbols="_Znwm _Znam", check=seen(2000)),
    Row("exceptions, jemalloc", "throws", methods=METHODS, env=JEMALLOC, where="libjemalloc.so.2",
        symbols="_Znwm _Znam", check=seen(2000)),
    Row("exceptions, tcmalloc", "throws", methods=METHODS, env=TCMALLOC, where="libtcmalloc_minimal.so.4",
        symbols="_Znwm _Znam", check=seen(2000)),
    Row("siglongjmp out of malloc", "signals", "jump", emulated=True, methods=METHODS, check=abandoned),
    Row("allocation in a signal handler", "signals", "handler", emulated=True, methods=METHODS, check=seen(1400)),
    # without sessions the kernel keeps return addresses by their stack address alone, whatever the probes do: it ends both
    Row("the same on an alternate stack", "signals", "altstack", check=seen(900)),
    Row("context switch inside malloc", "signals", "preempt", lost=499),
    Row("coroutines", "stacks", "coroutines", emulated=True, methods=METHODS, check=seen(1400)),
    Row("300 calls deep", "stacks", "deep", emulated=True, methods=METHODS),
    Row("backtrace() inside malloc", "stacks", "walk", emulated=True, methods=METHODS),
    Row("backtrace() in a preloaded malloc", "plain", methods=METHODS, env={"LD_PRELOAD": "walker.so"}, check=seen(3000)),
    # their functions get probes at ret instructions, whatever the way of attaching
    Row("heap profiler of jemalloc", "profiled", "@", methods=FAST, where="libjemalloc.so.2",
        env={**JEMALLOC, "MALLOC_CONF": "prof:true,lg_prof_sample:0"}),
    Row("the same, of a program with a title", "profiled", "@", "title", methods=FAST, where="libjemalloc.so.2",
        env={**JEMALLOC, "MALLOC_CONF": "prof:true,lg_prof_sample:0"}),
    Row("heap profiler of gperftools", "profiled", "@", methods=FAST, where="libtcmalloc.so.4",
        env={"LD_PRELOAD": "libtcmalloc.so.4", "HEAPPROFILE": "@"}),
    Row("vfork", "processes", "vfork", methods=METHODS),
    Row("posix_spawn", "processes", "spawn", methods=METHODS),
    Row("fork without exec", "processes", "prefork", emulated=True, methods=METHODS),
    Row("fork without exec, twice", "processes", "prefork", "twice"),
    Row("fork, all followed", "processes", "prefork", options=("-f",)),
    Row("exec while threads allocate", "processes", "exec", methods=METHODS),
    Row("abort", "processes", "abort"),
    Row("threads that exit in malloc", "threads", "exit", methods=METHODS),
    Row("threads cancelled in malloc", "threads", "cancel", emulated=True, methods=METHODS),
    Row("exit while threads allocate", "threads", "leave"),
    Row("SIGSEGV while threads allocate", "threads", "kill", methods=METHODS),
    Row("dlclose of a probed library", "load", "plugin.so", methods=METHODS),
    Row("seccomp, before the attach", "guard", methods=METHODS),
    Row("seccomp, after the attach", "guard", "late", methods=METHODS),
    Row("seccomp, refusing", "guard", "errno"),
    Row("seccomp, strict mode", "guard", "strict"),
    Row("seccomp, as containers have it", "guard", "docker", "errno", emulated=True, methods=METHODS),
    Row("the same, killing", "guard", "docker"),
    Row("malloc patched in memory", "text", "hook", emulated=True, methods=METHODS, command=False, refused=True),
    Row("text in anonymous memory", "text", "huge", emulated=True, methods=METHODS, command=False, refused=True),
    Row("its allocator's pages only", "text", "huge", "allocator", command=False, refused=True),
    Row("one page of it", "text", "huge", "part", command=False, refused=True),
    Row("static PIE", "plain-static-pie", emulated=True, methods=METHODS),
    Row("LD_AUDIT", "plain", env={"LD_AUDIT": "audit.so"}),
]


def library(name):
    own = os.path.join(HARM, name)
    return own if os.path.exists(own) else lib.find_library(name)


def copied(case, path, run):
    """A file of the same contents that no other run maps."""
    folder = case.path(run)
    os.makedirs(folder, exist_ok=True)
    return shutil.copy(path, folder)


def start(case, row, run):
    """Arguments and environment; with program and libraries of its own, because it runs beside others."""
    def own(path):
        return copied(case, path, run)

    arguments = [own(program(row.arguments[0]))]
    arguments += [own(program(a)) if a.endswith(".so") else a.replace("@", case.path(f"{run}.file")) for a in row.arguments[1:]]
    env = {name: own(library(value)) if name in ("LD_PRELOAD", "LD_AUDIT") else value.replace("@", case.path(f"{run}.file"))
           for name, value in row.env.items()}
    return arguments, env


def outcome(process):
    """What the program did, as far as others can see it."""
    return [line for line in process.out.lines if SAYS.match(line)], process.wait()


def run_alone(case, row):
    arguments, env = start(case, row, "alone")
    process = case.keep(lib.Program(arguments + ["--now"], env=env))
    process.close_stdin()
    status = process.wait()
    return outcome(process)[0], status


def run_attached(case, row, method):
    arguments, env = start(case, row, method)
    process = case.keep(lib.Program(arguments, env=env))
    process.out.wait_for(r"^ready ")
    tracer = case.tracer("-v", "-p", process.pid, "--attach-method", method, *row.options)
    until(lambda: not tracer.running() or any("attached to" in line for line in tracer.err.lines), "attached")
    try:
        process.write()
    except BrokenPipeError:
        pass
    process.wait()
    tracer.wait()
    return outcome(process), tracer


def status_of_command(tracer):
    for line in tracer.err.lines:
        found = re.search(r"exited with status (\d+)$|was killed by signal (\d+)", line)
        if found:
            return int(found.group(1)) if found.group(1) else -int(found.group(2))
    raise Failure("the tracer does not say how the command ended")


def run_as_command(case, row):
    arguments, env = start(case, row, "command")
    more = [f"{name}={value}" for name, value in env.items()]
    prefix = [lib.need("env"), *more] if more else []
    tracer = case.tracer("-v", *row.options, "--", *prefix, *arguments, "--now")
    tracer.wait()
    said = [line for line in tracer.out.lines if SAYS.match(line)]
    return (said, status_of_command(tracer)), tracer


def judge(row, expected, actual, tracer):
    """ok, refused, blind or harmed; raises when it is not what the row says."""
    equal(actual[1], expected[1], "exit status (or signal) of the program")
    equal(actual[0], expected[0], "output of the program")
    spoken = [line for line in tracer.err.lines if WORDS.search(line)]
    if row.refused:
        check(spoken, "not a word about what cannot be seen")
        return "refused"
    equal(tracer.process.returncode, 0, "exit status of the tracer")
    check(sum(s.events for s in tracer.summaries().values()) > 0, "nothing was seen")
    equal(sum(s.lost for s in tracer.summaries().values()), row.lost, "lost events, counted")
    if row.check:
        row.check(tracer)
    return "ok"


def attach_and_judge(case, row, method, expected):
    try:
        actual, tracer = run_attached(case, row, method)
        judge(row, expected, actual, tracer)
    except Failure as failure:
        raise Failure(f"attached by {method}: {failure}") from None


def run_row(case, row, methods, command):
    """One after the other: attached by each of the methods, then started by the tracer."""
    if not methods and not command:
        raise Skip("attached by perf events alone here, which is a test of its own")
    expected = run_alone(case, row)
    for method in methods:
        attach_and_judge(case, row, method, expected)
    if command:
        try:
            actual, tracer = run_as_command(case, row)
            judge(row, expected, actual, tracer)
        except Failure as failure:
            raise Failure(f"as a command: {failure}") from None


def run_all_of_row(case, row):
    run_row(case, row, row.methods_here(), row.command and lib.SLOW == 1)


def row_name(row):
    return "row__" + re.sub(r"\W+", "_", row.name)


def named(name, function):
    function.__name__ = name
    function.seconds = 60
    return function


def row_tests(row):
    """By perf events the end alone takes seconds, in which the kernel waits and nobody works: such a run is a test of its own."""
    def fast(case):
        run_row(case, row, [method for method in row.methods_here() if method != "perf"], row.command and lib.SLOW == 1)

    def slow(case):
        row.methods_here()
        lib.need_method("perf")
        run_row(case, row, ["perf"], False)

    tests = [named(row_name(row), fast)]
    return [named(row_name(row) + "__by_perf", slow), *tests] if "perf" in row.methods else tests


# What stays in memory


def start_plain(case, *words):
    process = case.keep(lib.Program([program("plain"), *words]))
    process.out.wait_for(r"^ready ")
    return process


def detach__every_method__nothing_left_in_memory(case):
    for method in lib.methods_here():
        process = start_plain(case)
        tracer = case.attach(process.pid, "--attach-method", method)
        check(breakpoints(process.pid), "no breakpoint while traced: the test sees nothing")
        tracer.stop()
        wait_clean(process.pid)
        process.write()
        equal(process.wait(), 14, "exit status")


def children_not_followed(case, method, *words):
    # a static one, copied: an allocator that no other traced process shares, whose end would free our children, too
    process = case.keep(lib.Program([copied(case, program("processes-static-pie"), method), "prefork", "linger", *words]))
    process.out.wait_for(r"^ready ")
    tracer = case.attach(process.pid, "--attach-method", method)
    process.write()
    workers = [int(process.out.wait_for(r"^worker (\d+)").group(1)) for _ in range(4)]
    for worker in workers:
        wait_clean(worker)
    check(breakpoints(process.pid), "the parent is not traced any more")
    process.write("\n" * 5)
    equal(process.wait(), 9, "exit status")
    tracer.end()
    check(tracer.summary(process.pid).events > 0, "nothing was seen")


def children__not_followed__free_of_breakpoints(case):
    """With perf events the kernel removes each at its first hit; the others need help."""
    for method in lib.methods_here(FAST):
        children_not_followed(case, method)


def children__not_followed_and_orphaned__free_of_breakpoints(case):
    lib.need_method("session")
    children_not_followed(case, "session", "twice")


ROUNDS = [40]


def start_to_kill(case, pid, method):
    return case.keep(lib.Tracer(["-b", "-p", str(pid), "-d", "0.1", "--attach-method", method]))


def phase(tracer):
    """Where it was when it ended."""
    if tracer.process.returncode != -signal.SIGKILL:
        return "done"
    if tracer.summaries():
        return "detaching"
    return "tracing" if any(lib.ATTACHED.match(line) for line in tracer.err.lines) else "attaching"


def kill__at_random_moments__program_unharmed(case):
    """Attach, trace and detach are cut off at moments spread evenly over the time that they take."""
    process = start_plain(case, "pairs")
    process.write()
    # by perf events the end alone takes seconds: not every third time in the short form
    ways = METHODS if ROUNDS[0] > 100 else (*FAST * 10, "perf")
    length, phases = {}, collections.Counter()
    for method in METHODS:
        lib.need_method(method)
        begun = time.monotonic()
        equal(start_to_kill(case, process.pid, method).wait(60), 0, f"exit status by {method}")
        length[method] = time.monotonic() - begun
    for number in range(ROUNDS[0]):
        method = ways[number % len(ways)]
        tracer = start_to_kill(case, process.pid, method)
        try:
            tracer.process.wait(timeout=length[method] * (number * 7919 % 1000) / 1000)
        except subprocess.TimeoutExpired:
            tracer.signal(signal.SIGKILL)
        tracer.wait(60)
        phases[phase(tracer)] += 1
        check(process.running(), f"the program ended after round {number}, {method}, {phase(tracer)}")
        case.programs.remove(tracer)
    print(f"    {ROUNDS[0]} rounds, killed while:", ", ".join(f"{name} {count}" for name, count in phases.items()))
    check(ROUNDS[0] <= 100 or len(phases) == 4, f"not all phases were met: {dict(phases)}")
    wait_clean(process.pid)
    names = {line.split(None, 5)[5] for line in lib.read_text(f"/proc/{process.pid}/maps").splitlines()
             if len(line.split(None, 5)) == 6}
    check({name for name in names if name.startswith("[")} <= {"[heap]", "[stack]", "[vvar]", "[vdso]", "[vsyscall]",
                                                              "[uprobes]", "[vvar_vclock]"}, f"mappings: {names}")
    process.write()
    equal(process.wait(), 14, "exit status")


def exceptions__in_two_processes_at_once__caught(case):
    """Each process meets the probes that are meant for the other one, too. In jemalloc operator new has probes itself."""
    env = {"LD_PRELOAD": lib.find_library("libjemalloc.so.2")}
    for method in lib.methods_here(FAST):
        both = [case.keep(lib.Program([program("throws")], env=env)) for _ in range(2)]
        for process in both:
            process.out.wait_for("^ready ")
        tracer = case.tracer("-b", "-p", f"{both[0].pid},{both[1].pid}", "--attach-method", method)
        for process in both:
            tracer.wait_attached(process.pid)
        for process in both:
            process.write()
        equal([process.wait() for process in both], [7, 7], f"exit status of both with {method}")
        tracer.end()
        for process in both:
            check(tracer.summary(process.pid).events >= 2000, "not everything was seen")


def growth__without_an_allocation__said(case):
    process = start_plain(case, "grow")
    tracer = case.attach(process.pid, "--csv", case.path("sites.csv"))
    process.write()
    process.out.wait_for("^grown")
    tracer.stop()
    equal(tracer.err.text().count("no allocation was seen"), 1, "how often it is said that memory grew unseen")
    tracer = case.attach(process.pid)
    tracer.stop()
    check("no allocation was seen" not in tracer.err.text(), "said of memory from before the attach")
    process.write()
    equal(process.wait(), 14, "exit status")


def what_is_said(case, words, *options):
    process = case.keep(lib.Program([program("halves"), *words]))
    process.out.wait_for("^ready ")
    tracer = case.attach(process.pid, "--csv", case.path("sites.csv"), *options)
    process.write()
    process.out.wait_for("^worked")
    tracer.stop()
    process.write()
    equal(process.wait(), 15, "exit status")
    return [line for line in tracer.err.lines if "not seen" in line or "was seen" in line]


def half_an_allocator__without_a_known_name__said(case):
    for word, said in (("take", "its allocations are not seen"), ("release", "its frees are not seen")):
        lines = what_is_said(case, [word])
        check(len(lines) == 1 and said in lines[0], f"{word}: {lines}")
        equal(what_is_said(case, [word], "-z", "1"), [], f"{word}, filtered: what is said")


def leaks_and_ends__are_not_blind__nothing_said(case):
    """Programs that never free, or only free, are healthy (or leak, which is another matter)."""
    for word in ("leak", "untouched", "down"):
        equal(what_is_said(case, [word]), [], f"{word}: what is said")


def library_before_the_allocator__is_not_blind__nothing_said(case):
    """Its free calls the one below, of which no allocation is seen."""
    for name in ("libmemusage.so", "libc_malloc_debug.so.0"):
        process = case.keep(lib.Program([program("plain"), "wait"], env={"LD_PRELOAD": lib.find_library(name)}))
        process.out.wait_for("^ready ")
        tracer = case.attach(process.pid)
        process.write("\n\n")
        equal(process.wait(), 14, "exit status")
        tracer.end()
        check(tracer.summary(process.pid).events >= 2000, "not everything was seen")
        equal([line for line in tracer.err.lines if "not seen" in line], [], f"what is said with {name}")


def vfork__child_that_allocates__seen_or_counted(case):
    """Its 7 blocks are in the memory of the parent: a way of attaching that does not see them counts such children."""
    seen = {}
    for method, *follow in (("session",), ("session", "-f"), ("multi",), ("perf",)):
        if method not in lib.methods_here():
            continue
        process = case.keep(lib.Program([program("processes"), "keep"]))
        process.out.wait_for(r"^ready ")
        path = case.path("blocks.csv")
        tracer = case.attach(process.pid, "-v", "--attach-method", method, "--csv-blocks", path, *follow)
        process.write()
        equal(process.wait(), 9, "exit status")
        tracer.end()
        blocks = sum(row["bytes"] == 2003 for row in lib.read_blocks(path))
        seen[method, bool(follow)] = (blocks, counter(tracer, "vfork_unseen"))
    print("    blocks of 7 vfork children that are seen, children that are not:", seen)
    for key, (blocks, unseen) in seen.items():
        check((blocks, unseen) in ((7, 0), (0, 7)), f"{key}: {blocks} blocks seen, {unseen} children counted as not seen")
    for key in seen:
        if key[0] == "perf" or key[1]:
            equal(seen[key], (7, 0), f"blocks seen and children not seen, {key}")


# Debuggers


def gdb(pid):
    return [lib.need("gdb"), "-nx", "-batch", "-p", str(pid), "-ex", "bt", "-ex", "break calloc", "-ex", "detach"]


def gdb__on_a_traced_process__both_work(case):
    for method in lib.methods_here(FAST):
        process = start_plain(case, "wait")
        tracer = case.attach(process.pid, "--attach-method", method)
        debugger = case.start(*gdb(process.pid))
        equal(debugger.wait(60), 0, "exit status of gdb")
        process.write("\n\n")
        equal(process.wait(), 14, "exit status")
        tracer.end()
        check(tracer.summary(process.pid).events >= 4000, "not everything was seen")


def gdb__holds_the_process__tracer_attaches(case):
    """A process that a debugger has stopped is traced when it goes on."""
    process = start_plain(case, "wait")
    debugger = case.keep(lib.Program([lib.need("gdb"), "-nx", "-q", "-p", str(process.pid)]))
    debugger.write("echo stopped-here\\n\n")
    debugger.out.wait_for(r"stopped-here", 60)
    tracer = case.attach(process.pid, "-f")
    debugger.write("detach\nquit\n")
    debugger.wait(60)
    process.write("\n\n")
    equal(process.wait(), 14, "exit status")
    tracer.end()
    check(tracer.summary(process.pid).events >= 4000, "not everything was seen")
    check("noticed late" in tracer.err.text(), "not a word about the debugger")


def command_that_uses_ptrace(case, *command):
    alone = case.start(*command)
    equal(alone.wait(60), 0, f"exit status of {command[0]} alone")
    tracer = case.run("-q", "--", *command, seconds=60)
    equal(status_of_command(tracer), 0, f"exit status of {command[0]}")
    return alone, tracer


def strace__as_the_command__works(case):
    path = case.path("log")
    _alone, tracer = command_that_uses_ptrace(case, lib.need("strace"), "-f", "-o", path, "-e", "trace=write", "/bin/sh",
                                              "-c", "/bin/echo hello 1; true")
    check(any("hello 1" in line for line in tracer.out.lines), "output of the traced program")
    check("write(1, \"hello 1" in lib.read_text(path), "strace saw nothing")


def gdb__as_the_command__works(case):
    _alone, tracer = command_that_uses_ptrace(case, lib.need("gdb"), "-nx", "-batch", "-ex", "break main", "-ex", "run",
                                              "-ex", "bt", "-ex", "continue", "--args", program("throws"), "--now")
    check(any("#0" in line and "main" in line for line in tracer.out.lines), "gdb stopped nowhere")
    check(any("caught 150" in line for line in tracer.out.lines), "the debugged program did not do its work")


# Figures; nothing is asserted but that they come


def stall(case, method):
    process = case.keep(lib.Program([program("stall")]))
    process.out.wait_for(r"^ready ")
    process.write()

    def longest():
        process.write("look\n")
        return int(process.out.wait_for(r"^longest_us (\d+)").group(1)) / 1000
    longest()
    case.run("-p", process.pid, "--dry-run")  # the same work beside the program, without probes
    before = longest()
    attached = time.monotonic()
    tracer = case.attach(process.pid, "-v", "--attach-method", method)
    attached = time.monotonic() - attached
    at_attach = longest()
    detached = time.monotonic()
    tracer.stop()
    detached = time.monotonic() - detached
    at_detach = longest()
    process.write("end\n")
    equal(process.wait(), 0, "exit status")
    return before, at_attach, at_detach, attached, detached, stalls_said(tracer)


def stalls_said(tracer):
    """What the tracer itself has measured, by the words for when, in ms. Empty: the kernel shows no waits."""
    found = (re.search(r"longest stall of a thread (.*?): (-?[\d.]+) ms", line) for line in tracer.err.lines)
    said = {match.group(1): float(match.group(2)) for match in found if match}
    check(said or "longest stall of a thread: not measured" in tracer.err.text(), "not a word about the longest stall")
    return said


def stall__attach_and_detach__measured(case):
    for method in lib.methods_here():
        before, at_attach, at_detach, attached, detached, said = stall(case, method)
        print(f"    {method}: longest gap of a thread {before:.1f} ms beside a tracer that only plans, {at_attach:.1f} ms "
              f"while attaching, {at_detach:.1f} ms while detaching; attached after {attached:.2f} s, detached after "
              f"{detached:.2f} s; the tracer says {said}")


def stall__threads_wait_for_the_memory_map__said(case):
    for method in lib.methods_here():
        process = case.keep(lib.Program([program("stall"), "map"]))
        process.out.wait_for(r"^ready ")
        process.write()
        tracer = case.attach(process.pid, "-v", "--attach-method", method)
        process.write("look\n")
        process.out.wait_for(r"^longest_us (\d+)")
        tracer.stop()
        process.write("end\n")
        equal(process.wait(), 0, "exit status")
        said = stalls_said(tracer)
        if not said:
            raise Skip("this kernel shows no waits")
        equal(sorted(said), ["while attaching", "while detaching", "while no probe changes"], "when")
        check(min(said.values()) >= 0 and max(said.values()) > 0, f"{method}: {said}")
        check("longest stall" not in tracer.err.lines[-1], "the summary is not the last that is said")


def children__cost_of_a_pair__measured(case):
    for method in lib.methods_here():
        process = case.keep(lib.Program([program("stall-static-pie"), "fork"]))
        process.out.wait_for(r"^ready ")
        tracer = case.attach(process.pid, "--attach-method", method)
        process.write()
        worker = int(process.out.wait_for(r"^worker (\d+)").group(1))
        process.write("look\n")
        at_once = int(process.out.wait_for(r"^pair_ns (\d+)").group(1))
        if method in FAST:
            wait_clean(worker)
        process.write("look\n")
        later = int(process.out.wait_for(r"^pair_ns (\d+)").group(1))
        process.write("end\n")
        equal(process.wait(), 0, "exit status")
        tracer.end()
        print(f"    {method}: a pair in a child that is not followed costs {at_once} ns at first, {later} ns then")


# Beside others

PEER = r"""uprobe:"{file}":{symbol} /pid == {pid}/ {{ @bytes[tid] = arg0; }}
uretprobe:"{file}":{symbol} /@bytes[tid]/ {{ @blocks[retval] = @bytes[tid]; delete(@bytes[tid]); }}
"""


def peer_script(row, pid):
    path = lib.find_library(row.where) if row.where else None
    if not path:
        own = row.arguments[0] in ("signals", "stacks", "threads") or "static" in row.arguments[0]
        path = program(row.arguments[0]) if own else lib.find_library("libc.so.6")
    script = "".join(PEER.format(file=path, symbol=symbol, pid=pid) for symbol in row.symbols.split())
    return script + 'interval:ms:200 { printf("tick\\n"); }'


def run_peer(case, row):
    """What bpftrace does to the program: ok, blind or harmed."""
    expected = run_alone(case, row)
    arguments, env = start(case, row, "peer")
    process = case.keep(lib.Program(arguments, env=env))
    process.out.wait_for(r"^ready ")
    peer = case.keep(lib.Program([lib.need("bpftrace"), "-p", str(process.pid), "-e", peer_script(row, process.pid)]))
    peer.out.wait_for("^tick", 30)
    try:
        process.write()
    except BrokenPipeError:
        pass
    try:
        process.wait()
        actual = outcome(process)
    except Failure:
        return "harmed: hangs"
    if peer.running():
        peer.signal(signal.SIGINT)
    peer.wait()
    if actual[1] != expected[1]:
        return f"harmed: {'signal ' + str(-actual[1]) if actual[1] < 0 else 'status ' + str(actual[1])}"
    if actual[0] != expected[0]:
        return "harmed: other output"
    return "ok" if any(line.startswith("@blocks[") for line in peer.out.lines) else "blind"


def one(function, row):
    case = lib.Case(row.name)
    try:
        signal.alarm(90)
        return function(case, row)
    except Skip as skip:
        return f"- ({skip})"
    except (Failure, live.TooLong) as failure:
        return f"harmed: {failure}"
    finally:
        signal.alarm(0)
        case.close()


def table():
    signal.signal(signal.SIGALRM, live.on_alarm)
    harmed = 0
    print(f"| {'what the program does':34} | {'tracer':9} | bpftrace")
    print(f"|{'-' * 36}|{'-' * 11}|{'-' * 24}")
    for row in ROWS:
        mine = one(run_all_of_row, row) or ("refused" if row.refused else "ok")
        harmed += mine.startswith("harmed")
        print(f"| {row.name:34} | {mine:9} | {one(run_peer, row)}", flush=True)
    return 1 if harmed else 0


CASES = [vfork__child_that_allocates__seen_or_counted, detach__every_method__nothing_left_in_memory,
         children__not_followed__free_of_breakpoints, children__not_followed_and_orphaned__free_of_breakpoints, kill__at_random_moments__program_unharmed,
         exceptions__in_two_processes_at_once__caught, growth__without_an_allocation__said,
         half_an_allocator__without_a_known_name__said,
         library_before_the_allocator__is_not_blind__nothing_said, leaks_and_ends__are_not_blind__nothing_said,
         gdb__on_a_traced_process__both_work, gdb__holds_the_process__tracer_attaches, strace__as_the_command__works,
         gdb__as_the_command__works, stall__attach_and_detach__measured,
         stall__threads_wait_for_the_memory_map__said, children__cost_of_a_pair__measured]


def load():
    for case in CASES:
        case.seconds = 120 + (3 * ROUNDS[0] if case is kill__at_random_moments__program_unharmed else 0)
    # the longest first, so that nothing is left to run beside them in the end
    return CASES + [test for row in ROWS for test in row_tests(row)]


def main(arguments):
    if "--table" in arguments:
        return table()
    if "--rounds" in arguments:
        at = arguments.index("--rounds")
        ROUNDS[0] = int(arguments[at + 1])
        arguments = arguments[:at] + arguments[at + 2:]
    live.load = load
    return live.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
