# SPDX-License-Identifier: GPL-2.0-or-later
"""Is a healthy server called a leak? As root, after `make bench-programs` (make leaks-live does both):

    tests/leaks/live.py [--seconds N] [--only NAME] [-v]

redis, nginx and python3 under steady load, each traced for two minutes. Every site that has the verdict `leak` in any snapshot is
listed with the reasons of the last report; exit status 1 when there is one.
"""

import argparse
import collections
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
import loads  # noqa: E402
from loads import lib  # noqa: E402

PYTHON = """
import collections, json, random, re, sys, time
print('ready', flush=True)
sys.stdin.readline()
cache, queue, n = collections.OrderedDict(), collections.deque(maxlen=500), 0
while True:
    n += 1
    document = {'id': n, 'words': [random.choice(('red', 'green', 'blue')) * random.randint(1, 9) for _ in range(50)],
                'text': 'x' * random.randint(1, 5000), 'deep': [[i] * 5 for i in range(20)]}
    again = json.loads(json.dumps(document))
    queue.append(again)
    cache[random.randint(1, 3000)] = again['text']
    if len(cache) > 1000:
        cache.popitem(last=False)
    re.findall('[aeiou]+', ' '.join(again['words']))
    time.sleep(0.002)
"""


class Python:
    """Every object by malloc, so that the tracer sees each of them."""
    name = "python3"

    def __init__(self, case):
        self.program = case.start(lib.python(), "-c", PYTHON, env={"PYTHONMALLOC": "malloc"})
        self.program.out.wait_for("^ready")
        self.program.write()

    def pids(self):
        return [self.program.pid]

    def load(self, seconds):
        time.sleep(seconds)

    def stop(self):
        self.program.kill()


class Redis(loads.Redis):
    """
    Under load for so many seconds, whatever else the machine does. Its slow log keeps the last 128 commands that took more than 10 ms, so
    that on a busy machine it fills for minutes, and a list that has not reached its bound grows as a leak does: it is filled at once.
    """
    ROUND_S = 3
    SLOW_ENTRIES = 128

    def warm_up(self):
        """Entries of before are not seen, so this is done when the tracer is there; the load goes on."""
        bound = self.ask("CONFIG", "GET", "slowlog-log-slower-than").split()[-1]
        self.ask("SLOWLOG", "RESET")
        self.ask("CONFIG", "SET", "slowlog-log-slower-than", "0")
        lib.until(lambda: int(self.ask("SLOWLOG", "LEN")) >= self.SLOW_ENTRIES, "Redis' slow log to be full")
        self.ask("CONFIG", "SET", "slowlog-log-slower-than", bound)

    def load(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.rate = self.run(max(500, int(self.rate * self.ROUND_S))).rate


SUBJECTS = {"redis": Redis, "nginx": loads.Nginx, "python3": Python}


def reasons(report):
    """The last words about each stack that is called a leak."""
    blocks, found = report.split("allocations from stack\n"), collections.OrderedDict()
    for block in blocks[1:]:
        lines = [line.strip() for line in block.splitlines()]
        if any("verdict leak" in line for line in lines):
            key = " < ".join(line for line in lines if "+0x" in line)[:300]
            found[key] = next(line for line in lines if line.startswith("[") and "verdict" not in line and "/s for" in line)
    return found


def watch(subject, seconds, verbose):
    case = lib.Case("leaks")
    try:
        server = subject(case)
        path = case.path("sites.csv")
        # the load is there before and goes on after
        load = threading.Thread(target=server.load, args=(seconds + 12,))
        load.start()
        time.sleep(5)
        tracer = case.tracer("-b", "-v", "-T", "100000", "-i", "5", "-d", str(seconds), "--csv", path, "-p",
                             ",".join(map(str, server.pids())))
        tracer.wait_attached()
        if hasattr(server, "warm_up"):
            server.warm_up()
        tracer.wait(seconds + 60)
        load.join()
        server.stop()
        sites = lib.read_sites(path)
        leaks = {row["site"]: row for row in sites.rows if row["verdict"] == "leak"}
        counts = collections.Counter(row["verdict"] for row in sites.last())
        print(f"{subject.name}: {sum(row['alloc_count'] for row in sites.last())} allocations at {len(sites.last())} sites in "
              f"{seconds} s; in the end {dict(counts)}; called a leak at any time: {len(leaks)}")
        for row in leaks.values():
            print(f"  {row['site']} {row['function']} at {row['elapsed_s']:.0f} s: {row['outstanding_bytes']} bytes in "
                  f"{row['outstanding_count']}, {row['growth_bytes_per_s']:.0f} B/s, score {row['leak_score']:.0f}")
            if verbose:
                print("   ", row["stack"])
        for stack, why in reasons(tracer.out.text()).items():
            print(f"  {why} {stack}")
        return not leaks
    finally:
        case.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--only")
    parser.add_argument("-v", dest="verbose", action="store_true")
    options = parser.parse_args()
    good = True
    for name, subject in SUBJECTS.items():
        if options.only in (None, name):
            good &= watch(subject, options.seconds, options.verbose)
            sys.stdout.flush()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
