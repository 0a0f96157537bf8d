# SPDX-License-Identifier: GPL-2.0-or-later
"""The process beside its heap: resident memory, its peak, and the limit that it meets."""

import json
import os
import re

from lib import Skip, check, equal, read_text, tell, test, until

MB = 1 << 20
SMALL = 1009
GROUPS = "/sys/fs/cgroup/memory" if os.path.isdir("/sys/fs/cgroup/memory") else "/sys/fs/cgroup"
LIMIT_FILE = "memory.limit_in_bytes" if GROUPS.endswith("/memory") else "memory.max"
UNITS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def bytes_of(words):
    return float(words[:-1]) * UNITS[words[-1]]


def order(report):
    """The sites of the last report, from the top."""
    return re.findall(r"^\t\t(site_\w+)\+0x", report.split("stacks with outstanding allocations:")[-1], re.M)


@test()
def report__pss__beside_rss_without_v(case):
    target = case.target("tide")
    tracer = case.attach(target, "-i", "0.2")
    target.go()
    tell(target, "+f 40")
    found = tracer.out.wait_for(r"^\t\(\d+ tide: RSS (\S+) \(anonymous 4\d\.\d+M, .*\), PSS (4\S+M), .*outstanding 40\.0M\)$")
    rss, pss = map(bytes_of, found.groups())
    check(40 * MB <= pss <= rss, f"PSS {pss}, RSS {rss}")
    target.close_stdin()
    target.wait_done()
    tracer.end()


@test()
def sort__at_peak__order_and_bytes_of_that_moment(case):
    """At the peak a has 3000 blocks and b 1000; at the end b has more, and m, which has most, came after the peak."""
    at_peak = {"site_a": 3000 * SMALL, "site_b": 1000 * SMALL, "site_mapped": 0}
    now = {"site_a": 100 * SMALL, "site_b": 900 * SMALL, "site_mapped": MB}
    for key, expected in (("at-peak", at_peak), ("outstanding", now)):
        target, facts = case.target("tide"), case.path(f"{key}.json")
        tracer = case.attach(target, "-v", "-i", "600", "--sort", key, "--json", facts)
        target.go()
        tell(target, "+b 1000", "+a 3000", "-a 2900", "-b 100", "+m 1")
        tracer.stop()
        target.close_stdin()
        target.wait_done()
        equal(order(tracer.out.text()), sorted(expected, key=expected.get, reverse=True), f"sites by {key}")
        last = json.loads(read_text(facts).splitlines()[-1])
        equal({site["function"]: site["bytes_at_peak"] for site in last["sites"]}, at_peak, "bytes at the peak")
        for size in (at_peak["site_a"], at_peak["site_b"]):
            check(f"{size} at the peak of the process" in tracer.out.text(), f"{size} bytes at the peak are not in the report")


@test()
def show_allocs__resident__what_was_touched(case):
    target = case.target("tide")
    tracer = case.attach(target, "-a", "-i", "0.2")
    target.go()
    tell(target, "+f 7", "+m 11")
    tracer.out.wait_for(rf"^\t{11 * MB} bytes in 11 allocations from stack$")
    untouched = tracer.out.wait_for(r"\[resident (\d+) of (\d+) bytes in (\d+) blocks").groups()
    tracer.out.wait_for(rf"^\t{7 * MB} bytes in 7 allocations from stack$")
    filled = tracer.out.wait_for(r"\[resident (\d+) of (\d+) bytes in (\d+) blocks").groups()
    target.close_stdin()
    target.wait_done()
    tracer.end()
    equal([int(n) for n in filled], [7 * MB, 7 * MB, 7], "resident, looked at, blocks of what is filled")
    equal([int(n) for n in untouched[1:]], [11 * MB, 11], "looked at, blocks of what is not touched")
    # the allocator writes the size of a block before it, on the same page
    check(int(untouched[0]) <= 11 * 4096, f"{untouched[0]} bytes are resident of blocks that were not touched")


class Group:
    """A control group with a memory limit."""

    def __init__(self, limit):
        self.path = os.path.join(GROUPS, f"tracer-test-{os.getpid()}")
        try:
            os.mkdir(self.path)
            with open(os.path.join(self.path, LIMIT_FILE), "w", encoding="ascii") as f:
                f.write(str(limit))
        except OSError as error:
            self.close()
            raise Skip(f"no control group with a memory limit can be made: {error}") from None

    def take(self, pid):
        with open(os.path.join(self.path, "cgroup.procs"), "w", encoding="ascii") as f:
            f.write(str(pid))

    def close(self):
        """Its last process may have ended a moment ago."""
        def gone():
            try:
                os.rmdir(self.path)
            except FileNotFoundError:
                pass
            except OSError:
                return False
            return True
        until(gone, f"{self.path} to be empty")


@test()
def limit__control_group__said_before_it_is_met(case):
    group = Group(200 * MB)
    try:
        check_limit(case, group)
    finally:
        case.close()
        group.close()


def check_limit(case, group):
    target = case.target("tide")
    group.take(target.pid)
    tracer = case.attach(target, "-i", "0.2", "--leak-interval", "0.1", "--leak-window", "2", "--json", case.path("facts"))
    target.go()
    words = rf"^\t\({target.pid} tide: growing as it does now, it meets the limit of its cgroup, 200M, of which (\S+) are left, in (\S+)\)$"
    until(lambda: tell(target, "+f 1") or re.search(words, tracer.out.text(), re.M), "the words about its limit")
    left, seconds = re.search(words, tracer.out.text(), re.M).groups()
    check(0 < bytes_of(left) < 200 * MB, f"left: {left}")
    check(seconds.endswith("s"), f"time to the limit: {seconds}")
    target.close_stdin()
    target.wait_done()
    tracer.end()
