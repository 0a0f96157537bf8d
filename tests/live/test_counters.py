# SPDX-License-Identifier: GPL-2.0-or-later
"""Every counter of include/counters.h above zero, and found by its name in the report."""

import ctypes
import os
import re
import resource
import signal

from lib import (ROOT, Skip, check, check_truth, children, equal, find_library, frames, outstanding, parse_truth,
                 python, read_sites, read_text, rows_of, target_path, test, until)

HEADER = re.compile(r"^\[\d\d:\d\d:\d\d\] Top ", re.M)
SMALL_RINGS = {"TRACER_RING_BYTES": "8192"}
MIMALLOC = ("libmimalloc.so.3", "libmimalloc.so.2.0", "libmimalloc.so.2")

# What nothing can be made to do from outside, and why: for unit tests.
NOT_FROM_OUTSIDE = {
    "no_storage": "the kernel refuses task storage only in a race, or with 262144 processes at once",
    "stack_failed": "no probe would find a return address that cannot be read",
    "late_event": "a thread has to be preempted between reading the clock and reserving its record",
    "stack_changed": "the mappings would have to be published anew in the microseconds of one walk",
    "pending_unsure": "row__context_switch_inside_malloc of tests/harm forces it and counts what is lost",
    "vfork_unseen": "vfork__child_that_allocates__seen_or_counted of tests/harm forces it, on each way of attaching",
    "missed_alloc": "half_an_allocator__without_a_known_name__said of tests/harm forces it, and that it is said",
    "go_bad": "the runtime's data would have to make no sense at the places that are probed",
    "bad_record": "the kernel side would have to send nonsense",
    "stack_collision": "two stacks would need the same 64-bit hash",
}


def last_report(tracer):
    return HEADER.split(tracer.out.text())[-1]


def counts(tracer):
    """The counters that the last report names: {name: count}. Lost ones stand in one line, the others in one each."""
    last = last_report(tracer)
    found = {name: int(count) for name, count in re.findall(r"^\t\((\w+) (\d+): ", last, re.M)}
    lost = re.search(r"^\t\(\d+ events lost: (.*);", last, re.M)
    if lost:
        found.update((name, int(count)) for name, count in re.findall(r"(\w+) (\d+)", lost.group(1)))
    unknown = re.search(r"^\t\((\d+) frees of unknown blocks", last, re.M)
    if unknown:
        found["unknown_free"] = int(unknown.group(1))
    return found


def work(case, mode, *options, **more):
    """Attached to the program of losses that does this: its truth, the tracer after its end, its last rows."""
    target = case.target("losses", mode)
    path = case.path("sites.csv")
    tracer = case.attach(target, "-i", "600", "--csv", path, *options, **more)
    truth = target.work()
    tracer.stop()
    target.finish()
    return truth, tracer, last_rows(path)


def last_rows(path):
    """None when nothing was recorded at all."""
    sites = read_sites(path)
    return sites.last() if sites.snapshots else []


def stopped_while_working(case, target, *options):
    """The tracer reads nothing while the target works, and its rings are as small as can be."""
    os.sched_setaffinity(target.pid, {min(os.sched_getaffinity(target.pid))})
    path = case.path("sites.csv")
    tracer = case.attach(target, "-v", "-i", "600", "--csv", path, *options, env=SMALL_RINGS)
    tracer.signal(signal.SIGSTOP)
    until(lambda: ") T " in read_text(f"/proc/{tracer.pid}/stat"), "the tracer to stop")
    return tracer, path


def check_count(tracer, truth, name):
    equal(counts(tracer).get(name, 0), truth[name][0], f"counter {name} in the report")


@test()
def counters__list__each_is_forced_here_or_cannot_be(case):
    names = re.findall(r'^\tX\(\w+, *"(\w+)"', read_text(os.path.join(ROOT, "include", "counters.h")), re.M)
    check(len(names) >= 17, f"only {len(names)} counters in include/counters.h")
    text = read_text(os.path.abspath(__file__))
    for name in names:
        check(name in NOT_FROM_OUTSIDE or f"def counter__{name}__" in text, f"no test forces the counter {name}")


@test()
def counter__result_fault__named_and_lost(case):
    truth, tracer, _ = work(case, "fault")
    check_count(tracer, truth, "result_fault")
    equal(tracer.summary().lost, truth["result_fault"][0], "lost events in the summary")


@test()
def counter__pending_stale__named_and_nothing_else_is_lost(case):
    truth, tracer, rows = work(case, "jump", "-v")
    check_truth(truth, rows)
    check_count(tracer, truth, "pending_stale")


@test()
def counter__pending_stale__calls_further_down_are_seen(case):
    truth, tracer, rows = work(case, "under", "-v")
    check_truth(truth, rows)
    check_count(tracer, truth, "pending_stale")


def caught(case, *libraries):
    environment = {"LD_PRELOAD": find_library(*libraries)} if libraries else {}
    if "caught" not in parse_truth(run_untraced(case, environment)):
        raise Skip(f"{os.path.basename(environment['LD_PRELOAD'])} does not let the untraced program catch bad_alloc")
    target = case.target("thrown", env=environment)
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    truth = target.work()
    tracer.stop()
    target.finish()
    rows = rows_of(last_rows(path), "site_after")
    equal(outstanding(rows), truth["site_after"], "outstanding bytes and count of site_after")
    equal(sum(row["alloc_count"] for row in rows), truth["alloc_count"][0], "allocations of site_after")


def run_untraced(case, environment):
    program = case.start(target_path("thrown"), "--now", env=environment)
    program.wait()
    return program.out.lines


@test()
def exception__caught__calls_after_it_are_seen(case):
    caught(case)


@test()
def exception__caught_tcmalloc__calls_after_it_are_seen(case):
    caught(case, "libtcmalloc_minimal.so.4")


@test()
def exception__caught_jemalloc__calls_after_it_are_seen(case):
    caught(case, "libjemalloc.so.2")


@test()
def exception__caught_mimalloc__calls_after_it_are_seen(case):
    caught(case, *MIMALLOC)


@test()
def counter__reused_address__named(case):
    truth, tracer, rows = work(case, "reuse", "-v")
    check_truth(truth, rows)
    check_count(tracer, truth, "reused_address")


@test()
def counter__stack_cut__named(case):
    truth, tracer, rows = work(case, "deep", "-v")
    check_truth(truth, rows)
    check_count(tracer, truth, "stack_cut")


@test()
def counter__no_scratch__named_and_no_block_is_lost(case):
    """No memory for walks at all: no stack is walked, no figure suffers."""
    target = case.target("threads", 8, 1009)
    path = case.path("sites.csv")
    tracer = case.attach(target, "-v", "-i", "600", "--csv", path, env={"TRACER_NO_SCRATCH": "1"})
    truth = target.work(60)
    tracer.stop()
    target.finish()
    rows = last_rows(path)
    equal(counts(tracer).get("no_scratch", 0), truth["alloc_count"][0], "counter no_scratch in the report")
    equal(tracer.summary().lost, 0, "lost events in the summary")
    equal(outstanding(rows), [truth["outstanding_bytes"][0], truth["outstanding_count"][0]], "outstanding")


def check_cut(case, mode, name, reason, word="cut"):
    """One block whose stack says why it is not whole, is counted under that reason alone, and loses nothing. Its frames."""
    truth, tracer, rows = work(case, mode, "-v")
    check_truth(truth, rows)
    check_count(tracer, truth, name)
    equal([other for other in counts(tracer) if other.startswith("stack_")], [name], "counters of stacks")
    equal(re.findall(r"\[(?:cut|guessed): .*\]$", last_report(tracer), re.M), [f"[{word}: {reason}]"], "reasons in the report")
    equal(tracer.summary().lost, 0, "lost events in the summary")
    return frames(rows_of(rows, "site_malloc")[0])


@test()
def counter__stack_no_info__named_and_the_stack_says_so(case):
    stack = check_cut(case, "bare", "stack_no_info", "no unwind information for losses")
    equal(stack, ["call_bare", "one_block", "site_malloc"], "frames as far as they are known")


@test()
def counter__stack_guessed__named_and_the_stack_goes_on(case):
    stack = check_cut(case, "jit", "stack_guessed", "walked by frame pointers, functions without one are missing",
                      "guessed")
    equal(stack[-5:-3] + stack[-2:], ["main", "work_jit", "one_block", "site_malloc"], "frames around generated code")


@test()
def counter__stack_no_mapping__named_and_the_stack_says_so(case):
    stack = check_cut(case, "nowhere", "stack_no_mapping", "an address in no module")
    equal(stack[-3:], ["on_other_stack", "one_block", "site_malloc"], "frames as far as they are known")


@test()
def counter__stack_fault__named_and_the_stack_says_so(case):
    stack = check_cut(case, "beyond", "stack_fault", "the stack could not be read")
    equal(stack, ["caller_above", "on_other_stack", "one_block", "site_malloc"], "frames as far as they are known")


@test()
def counter__stack_broken__named_and_the_stack_says_so(case):
    stack = check_cut(case, "twisted", "stack_broken", "the frames make no sense")
    equal(stack, ["caller_by_pointer", "on_other_stack", "one_block", "site_malloc"], "frames as far as they are known")


@test()
def counter__unknown_free__named_without_asking(case):
    truth, tracer, _ = work(case, "free")
    check_count(tracer, truth, "unknown_free")
    equal(tracer.summary().lost, 0, "lost events in the summary")


@test()
def counter__ring_full__named_without_asking_and_adds_up(case):
    target = case.target("losses", "fill")
    tracer, path = stopped_while_working(case, target)
    truth = target.work()
    tracer.signal(signal.SIGCONT)
    tracer.stop()
    found, summary = counts(tracer), tracer.summary()
    check(found.get("ring_full", 0) > 0, f"no ring_full in the report: {found}")
    equal(summary.lost, found["ring_full"], "lost events, summary against report")
    equal(summary.events + summary.lost, truth["alloc_count"][0], "recorded and lost events")
    equal(sum(row["alloc_count"] for row in read_sites(path).last()), summary.events, "allocations recorded")


@test()
def counter__stack_ring_full__named(case):
    """A large stack no longer fits into what is left of the ring, a small record does."""
    target = case.target("losses", "fill")
    tracer, _ = stopped_while_working(case, target)
    target.work()
    tracer.signal(signal.SIGCONT)
    tracer.stop()
    check(counts(tracer).get("stack_ring_full", 0) > 0, f"no stack_ring_full in the report: {counts(tracer)}")


@test()
def counter__stack_unknown__named_and_its_bytes_are_kept(case):
    target = case.target("losses", "fill")
    tracer, path = stopped_while_working(case, target)
    target.work()
    tracer.signal(signal.SIGCONT)
    tracer.stop()
    unknown = counts(tracer).get("stack_unknown", 0)
    check(unknown > 0, f"no stack_unknown in the report: {counts(tracer)}")
    rows = [row for row in read_sites(path).last() if not row["stack"]]
    equal(sum(row["alloc_count"] for row in rows), unknown, "allocations in rows without a stack")


@test()
def counter__no_process__child_whose_start_was_lost(case):
    """The ring is full when the child begins: what it does must not vanish without a word."""
    target = case.target("losses", "fork")
    tracer, path = stopped_while_working(case, target, "-f")
    target.go()
    child = until(lambda: children(target.pid), "the child")[0]
    tracer.signal(signal.SIGCONT)
    tracer.signal(signal.SIGUSR1)
    tracer.out.wait_for("stacks with outstanding allocations:$")  # all that was in the rings has been read
    target.write()
    target.wait_done()
    tracer.stop()
    found = counts(tracer)
    seen = sum(row["alloc_count"] for row in read_sites(path).last(child))
    # its own events may overrun the small rings, too: then they are lost, and counted, as its own
    lost = tracer.summary(child).lost
    check(seen + lost + found.get("no_process", 0) >= 11, f"{seen} of the child's 11 blocks, {lost} lost, {found}")
    check(found.get("late_child", 0) > 0, f"no late_child in the report: {found}")


@test()
def counter__unknown_unmap__named(case):
    script = ("import mmap, sys; m = [mmap.mmap(-1, 1 << 20) for _ in range(5)]; print('ready', flush=True);"
              "sys.stdin.readline(); [x.close() for x in m]; print('done', flush=True); sys.stdin.readline()")
    target = case.start(python(), "-S", "-c", script)
    target.out.wait_for("^ready")
    tracer = case.attach(target, "--mmap", "-v", "-i", "600")
    target.write()
    target.out.wait_for("^done")
    tracer.stop()
    check(counts(tracer).get("unknown_unmap", 0) >= 5, f"counters in the report: {counts(tracer)}")


def address_space(pid):
    return int(re.search(r"^VmSize:\s+(\d+) kB", read_text(f"/proc/{pid}/status"), re.M).group(1)) * 1024


@test()
def counter__no_memory__named_and_lost(case):
    """A tracer that may not grow any more says so, goes on, and the target notices nothing."""
    target = case.target("churn", 400003, 400000)
    timeline = case.path("timeline.csv")
    # The arena of a thread takes 64 MB of addresses at once, and grows in them whatever the limit.
    tracer = case.attach(target, "-i", "0.2", "--csv-timeline", timeline,
                         env={"GLIBC_TUNABLES": "glibc.malloc.arena_max=1"})
    resource.prlimit(tracer.pid, resource.RLIMIT_AS, (address_space(tracer.pid) + (8 << 20), resource.RLIM_INFINITY))
    target.go()
    target.wait_done(40)
    check(tracer.running(), f"the tracer has ended: {tracer.err.text()}")
    resource.prlimit(tracer.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    # not before: there may have been no memory for a snapshot, either
    until(lambda: re.search(r",[1-9]\d*,[^,\n]*,[^,\n]*$", read_text(timeline), re.M) or not tracer.running(),
          "lost events in the timeline")
    tracer.stop()
    check(counts(tracer).get("no_memory", 0) > 0, f"counters in the report: {counts(tracer)}")
    check(tracer.summary().lost > 0, "no lost event in the summary")
    target.finish()


PTRACE_CONT, PTRACE_SEIZE = 7, 0x4206


class Debugger:
    """Holds a process as a debugger does that only looks on. All calls have to come from one thread."""

    def __init__(self, pid):
        self.pid = pid
        self.call = ctypes.CDLL(None, use_errno=True).ptrace
        self.call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        if self.call(PTRACE_SEIZE, pid, None, None):
            raise Skip(f"cannot act as a debugger here: {os.strerror(ctypes.get_errno())}")

    def pass_signals_on(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid and os.WIFSTOPPED(status):
            self.call(PTRACE_CONT, self.pid, None, os.WSTOPSIG(status))


@test()
def counter__late_child__of_a_process_under_a_debugger(case):
    """Such a process cannot be held: its child is noticed late, which is said and counted."""
    target = case.target("losses", "fork")
    debugger = Debugger(target.pid)
    tracer = case.attach(target, "-f", "-v", "-i", "600", "--csv", case.path("sites.csv"))
    target.go()
    child = int(target.out.wait_for(r"^child (\d+)$").group(1))
    target.write()
    until(lambda: debugger.pass_signals_on() or "done" in target.out.lines, "the target to finish its work")
    tracer.stop()
    check(re.search(rf"^tracer: .*\b{child}\b.* late", tracer.err.text(), re.M),
          f"no word of the late child {child}: {tracer.err.text()}")
    check(counts(tracer).get("late_child", 0) > 0, f"counters in the report: {counts(tracer)}")
