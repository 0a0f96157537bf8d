# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the live tests, several at a time: one line for each, a summary at the end. Started by scripts/run-live.sh.

A test is a function of a test_*.py file beside this one, marked with @test. It gets a Case, which starts programs and ends
them when the test is over, whatever happened. A test that takes too long has failed.
"""

import glob
import importlib
import os
import pickle
import select
import signal
import sys
import time
import traceback

import lib


class TooLong(Exception):
    pass


def on_alarm(_signal, _frame):
    raise TooLong()


def load():
    here = os.path.dirname(os.path.abspath(__file__))
    tests = []
    for path in sorted(glob.glob(os.path.join(here, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        tests += [value for value in vars(module).values()
                  if getattr(value, "is_test", False) and value.__module__ == module.__name__]
    return tests


def where(error):
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "test_" in f.filename]
    return f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""


def run_one(test):
    """The result, one of ok, skip, not ok, and why."""
    case = lib.Case(test.__name__)
    result, why = "ok", ""
    try:
        signal.alarm(test.seconds * lib.SLOW)
        test(case)
    except lib.Skip as skip:
        result, why = "skip", str(skip)
    except TooLong as error:
        result, why = "not ok", f"not finished after {test.seconds} s" + where(error)
    except Exception as error:
        text = str(error) if isinstance(error, lib.Failure) else f"{type(error).__name__}: {error}"
        result, why = "not ok", text + where(error)
    finally:
        signal.alarm(0)
        if result == "not ok":
            case.print_outputs = True
        report = case.close()
    return result, why, report


def start_one(test):
    """In a process of its own, so that several can run at a time. Returns its pid and what its result is read from."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    status = 1
    try:
        os.close(reader)
        with os.fdopen(writer, "wb") as out:
            start = time.monotonic()
            out.write(pickle.dumps((*run_one(test), time.monotonic() - start)))
            sys.stdout.flush()
        status = 0
    finally:
        os._exit(status)


def read_one(pid, reader):
    with os.fdopen(reader, "rb") as source:
        data = source.read()
    _, status, usage = os.wait4(pid, 0)
    if data and not status:
        return (*pickle.loads(data), usage.ru_utime + usage.ru_stime)
    return "not ok", f"the test itself ended with wait status {status}", [], 0.0, 0.0


def run_all(tests, jobs):
    """Yields each test with its result, as they end."""
    running, waiting = {}, list(tests)
    while running or waiting:
        while waiting and len(running) < jobs:
            test = waiting.pop(0)
            pid, reader = start_one(test)
            running[reader] = (test, pid)
        for reader in select.select(list(running), [], [])[0]:
            test, pid = running.pop(reader)
            yield (test, *read_one(pid, reader))


def jobs_of(arguments):
    """
    -jN; without it two for each processor, four at most, because most of a test is waiting: for the kernel to let go of
    probes, for an interval to be over. On an emulated machine one.
    """
    given = [int(a[2:]) for a in arguments if a.startswith("-j")]
    return given[-1] if given else 1 if lib.SLOW > 1 else min(4, 2 * len(os.sched_getaffinity(0)))


def processor_seconds():
    """Of this process and its children that have ended."""
    return sum(os.times()[:4])


def run_here(tests):
    for test in tests:
        start, used = time.monotonic(), processor_seconds()
        result = run_one(test)
        yield (test, *result, time.monotonic() - start, processor_seconds() - used)


def in_turn(tests, jobs):
    """Those that measure come last, each alone. One at a time needs no process of its own."""
    if jobs == 1:
        yield from run_here(tests)
        return
    yield from run_all([t for t in tests if not getattr(t, "alone", False)], jobs)
    yield from run_all([t for t in tests if getattr(t, "alone", False)], 1)


def main(arguments):
    verbose = "-v" in arguments
    words = [a for a in arguments if not a.startswith("-")]
    tests = [t for t in load() if not words or any(w in t.__name__ for w in words)]
    if "-l" in arguments:
        print("\n".join(t.__name__ for t in tests))
        return 0
    signal.signal(signal.SIGALRM, on_alarm)
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    for test, result, why, report, seconds, used in in_turn(tests, jobs_of(arguments)):
        counts[result] += 1
        took = f" ({seconds:.1f} s, {used:.1f} s of processor time)" if verbose else ""
        print(f"{result} {test.__name__}{': ' + why if why else ''}{took}")
        for line in report:
            print(f"    {line}")
    if counts["skip"]:
        print(f"{counts['skip']} skipped, each with its reason above")
    print(f"{counts['ok']} passed, {counts['not ok']} failed")
    return 1 if counts["not ok"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
