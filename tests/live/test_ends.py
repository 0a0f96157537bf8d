# SPDX-License-Identifier: GPL-2.0-or-later
"""How it ends: a terminal that goes away, a tracer that is killed, a target that becomes another program."""

import os
import re
import signal

from lib import (Failure, TRACER, check, check_truth, command, equal, find_library, need_method, parse_truth, python,
                 read_sites, read_text, target_path, test, until)


def vanish(case, target, *arguments):
    """A tracer of this target on a terminal that is then closed under it. The other end is held by a helper process,
    so that killing it closes the last descriptor."""
    helper = case.start(python(), "-S", "-c", HOLDER, TRACER, *map(str, arguments), "-p", str(target.pid))
    pid = int(helper.out.wait_for(r"^tracer (\d+)$").group(1))
    helper.out.wait_for("^shown$")
    helper.signal(signal.SIGKILL)
    helper.wait()
    return pid


# Holds the master side, so that its death is the end of the terminal.
HOLDER = r"""
import os, pty, sys
pid, master = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
    os.execv(sys.argv[1], sys.argv[1:])
print("tracer", pid, flush=True)
seen, said = b"", False
while True:
    seen += os.read(master, 4096)
    if not said and (b"attached to" in seen or b"OUTSTAND" in seen):
        said = True
        print("shown", flush=True)
"""


def exists(pid):
    try:
        return read_text(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pid):
    try:
        until(lambda: not exists(pid), "the tracer to end after its terminal")
    except Failure:
        os.kill(pid, signal.SIGKILL)
        raise


@test()
def terminal__gone_under_the_live_view__tracer_ends(case):
    target = case.target("leak")
    target.go()
    gone(vanish(case, target))
    check(target.running(), "the target has ended")


@test()
def terminal__gone_under_batch_reports__tracer_ends(case):
    target = case.target("leak")
    target.go()
    gone(vanish(case, target, "-b", "-i", "0.2"))
    check(target.running(), "the target has ended")


@test()
def terminal__gone_long_before_the_next_report__tracer_ends(case):
    target = case.target("leak")
    target.go()
    gone(vanish(case, target, "-b", "-i", "600"))
    check(target.running(), "the target has ended")


@test()
def terminal__gone__csv_is_whole(case):
    target = case.target("every")
    path = case.path("sites.csv")
    pid = vanish(case, target, "--csv", path)
    gone(pid)
    read_sites(path)
    target.work()
    target.finish()


PAIRS = 200003


def pairs_time(target):
    target.work(40)
    return int(re.search(r"^elapsed_ns (\d+)$", target.out.text(), re.M).group(1)) / PAIRS


@test()
def kill__tracer_killed__target_works_at_its_own_speed(case):
    """How fast it was is printed for who looks (-v), never judged: the machine may be busy with something else."""
    never = case.target("churn", PAIRS)
    before = pairs_time(never)
    target = case.target("churn", PAIRS)
    tracer = case.attach(target, "-i", "600")
    tracer.signal(signal.SIGKILL)
    tracer.wait()
    after = pairs_time(target)
    print(f"# a pair of calls took {before:.0f} ns untraced, {after:.0f} ns after the tracer was killed: "
          f"ratio {after / before:.2f}")
    target.finish()
    never.finish()


@test()
def kill__stopped_child_of_a_killed_tracer__runs_on(case):
    """A tracer that dies holds no one: neither its command nor that command's children."""
    mark = case.path("mark")
    tracer = case.tracer("-f", "--", "sh", "-c", f"echo $$ > {mark}.part; mv {mark}.part {mark};"
                         f"while [ ! -e {mark}.stop ]; do /bin/true; done; echo over > {mark}.over")
    until(lambda: os.path.exists(mark), "the command to run")
    tracer.signal(signal.SIGKILL)
    tracer.wait()
    with open(mark + ".stop", "w", encoding="utf-8"):
        pass
    until(lambda: os.path.exists(mark + ".over"), "the command to end by itself")


@test()
def exec__of_a_command__old_heap_gone_and_new_one_exact(case):
    tracer, sites = command(case, "--", "sh", "-c", f"exec {target_path('every-static')} --now")
    check_truth(parse_truth(tracer.out.lines), sites.last())
    equal(tracer.summary().comm, "every-static", "name in the summary")


def caught_beside_another(case, method, together):
    """Both processes have the same allocator, whose operator new throws in one of them: a return probe that was meant
    for the other process must not stand in the exception's way."""
    need_method(method)
    environment = {"LD_PRELOAD": find_library("libjemalloc.so.2")}
    targets = [case.target("cxx", env=environment) for _ in range(2)]
    pids = [str(target.pid) for target in targets]
    for group in [",".join(pids)] if together else pids:
        tracer = case.tracer("-b", "-i", "600", "--attach-method", method, "-p", group)
        for pid in group.split(","):
            tracer.wait_attached(pid)
    for target in targets:
        equal(target.work()["caught"], [2], "exceptions that were caught")
        target.finish()


@test()
def exception__beside_another_traced_process__caught_session(case):
    caught_beside_another(case, "session", True)


@test()
def exception__beside_another_traced_process__caught_multi(case):
    caught_beside_another(case, "multi", True)


@test()
def exception__beside_another_tracer__caught_session(case):
    caught_beside_another(case, "session", False)


@test()
def exception__beside_another_tracer__caught_multi(case):
    caught_beside_another(case, "multi", False)
