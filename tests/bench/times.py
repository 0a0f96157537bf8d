# SPDX-License-Identifier: GPL-2.0-or-later
"""How long attaching, the first screen and detaching take: of a small program and of one with much code."""

import os
import pty
import re
import select
import signal
import time

import lib
import workloads

SCREEN_SECONDS = 30
LARGE = """
import ctypes, os, sys
ctypes.CDLL(sys.argv[1])
print("ready", os.getpid(), flush=True)
sys.stdin.read()
"""


def code_megabytes(pid):
    return sum(last - first for first, last, *_ in lib.code_mappings(pid)) / 1e6


def start_small(case):
    return case.start(os.path.join(workloads.BUILD, "work"), env=workloads.own_libraries())


def start_large(case):
    llvm = next((name for name in sorted(os.listdir("/usr/lib/x86_64-linux-gnu"), reverse=True)
                 if re.match(r"libLLVM[-.].*so", name)), None)
    if not llvm:
        raise lib.Skip("libLLVM is not installed")
    return case.start(lib.python(), "-c", LARGE, f"/usr/lib/x86_64-linux-gnu/{llvm}")


TARGETS = {"small": start_small, "large": start_large}


def batch(case, pid, env):
    """(attach, detach) in seconds"""
    begun = time.monotonic()
    tracer = case.attach(pid, "-i", "600", env=env)
    attached = time.monotonic()
    tracer.signal(signal.SIGINT)
    tracer.wait(60)
    return attached - begun, time.monotonic() - attached


def read_until(terminal, word, seconds):
    """Reads on from what the tracer draws until the word is there."""
    text, end = b"", lib.deadline(seconds)
    while word not in text:
        lib.check(time.monotonic() < end, f"no {word!r} on the screen within {seconds} s")
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 65536)


def screen(pid, env):
    """(first screen, from `q` to the end) in seconds. The program's header is the screen's first line."""
    begun = time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        try:
            os.execve(lib.TRACER, [lib.TRACER, "-p", str(pid)],
                      {**os.environ, **env, "TERM": "xterm", "LINES": "24", "COLUMNS": "80"})
        finally:
            os._exit(127)
    try:
        read_until(terminal, b"Heap", SCREEN_SECONDS)
        shown = time.monotonic()
        os.write(terminal, b"q")
        drain_until_end(terminal)
        return shown - begun, time.monotonic() - shown
    finally:
        os.close(terminal)
        try:
            os.kill(child, signal.SIGKILL)
        except OSError:
            pass
        os.waitpid(child, 0)


def drain_until_end(terminal):
    """The other side closes its terminal when it ends."""
    end = lib.deadline(SCREEN_SECONDS)
    while time.monotonic() < end:
        try:
            if select.select([terminal], [], [], 0.1)[0] and not os.read(terminal, 65536):
                return
        except OSError:
            return
    raise lib.Failure("the screen does not end on `q`")


def measure(case, name, number, results):
    """One round of one target: without tables that were kept, and with them."""
    target = TARGETS[name](case)
    target.out.wait_for("^ready", 60)
    workload = f"attach-{name}"
    results.add(workload, "tracer", "code", "MB", number, code_megabytes(target.pid))
    cache = {"TRACER_CACHE_DIR": case.path("cache")}
    batch(case, target.pid, cache)
    for way, env in (("tracer", {"TRACER_CACHE_DIR": "none"}), ("tracer-kept", cache)):
        attach, detach = batch(case, target.pid, env)
        first, leave = screen(target.pid, env)
        for metric, value in (("attach", attach), ("detach", detach), ("first-screen", first), ("quit", leave)):
            results.add(workload, way, metric, "s", number, value)
    target.kill()
