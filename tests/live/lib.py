# SPDX-License-Identifier: GPL-2.0-or-later
"""What live tests are made of: programs with a known heap, the tracer, its CSV files, exact comparison.

Nothing here sleeps in place of a condition: every wait is for a line, a file or an exit, with a deadline.
"""

import errno
import collections
import csv
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TRACER = os.path.join(ROOT, "build", "tracer")
TARGETS = os.path.join(ROOT, "build", "targets")
WAIT_SECONDS = 20
# On an emulated machine every deadline is that many times later (scripts/test-vm.sh).
SLOW = int(os.environ.get("TRACER_TEST_SLOW", "1"))
METHOD = os.environ.get("TRACER_TEST_METHOD", "")
# Nothing is left over from one test to the next; those of the cache name a directory of their own.
os.environ.setdefault("TRACER_CACHE_DIR", "none")

ATTACHED = re.compile(r"^tracer: attached to (\d+) \((.*)\): (\d+) probes in (\d+) modules$")
SUMMARY = re.compile(r"^tracer: (\d+) \((.*)\): (\d+) events, (\d+) lost, (\d+) bytes outstanding in "
                     r"(\d+) allocations from (\d+) stacks$")
Summary = collections.namedtuple("Summary", "pid comm events lost bytes count stacks")

SITE_COLUMNS = ("time,elapsed_s,pid,comm,site,rank,outstanding_bytes,outstanding_count,alloc_bytes,alloc_count,"
                "free_bytes,free_count,peak_bytes,temporary_count,growth_bytes_per_s,leak_score,verdict,oldest_s,"
                "sampled,api,function,source,module,stack")
BLOCK_COLUMNS = "time,pid,address,bytes,age_s,tid,site"
TIMELINE_COLUMNS = ("time,elapsed_s,pid,comm,outstanding_bytes,outstanding_count,alloc_bytes_per_s,allocs_per_s,"
                    "frees_per_s,growth_bytes_per_s,rss_bytes,sites,leak_sites,lost_events,tracer_cpu_percent,"
                    "tracer_rss_bytes")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
INTEGER = re.compile(r"^\d+$")
DECIMAL = re.compile(r"^-?\d+(\.\d+)?$")


class Failure(Exception):
    """The tested program is wrong."""


class Skip(Exception):
    """This cannot be tested here; the reason is shown."""


def test(seconds=60, alone=False):
    """`alone`: it measures, or fills the machine; no other test runs beside it."""
    def mark(function):
        function.is_test = True
        function.alone = alone
        function.seconds = seconds
        return function
    return mark


def check(condition, why):
    if not condition:
        raise Failure(why)


def equal(actual, expected, what):
    check(actual == expected, f"{what}: {actual!r} instead of {expected!r}")


def deadline(seconds):
    return time.monotonic() + seconds * SLOW


def until(condition, why, seconds=WAIT_SECONDS):
    """Polls for what announces itself by no line: a file, a state in /proc."""
    end = deadline(seconds)
    while True:
        value = condition()
        if value:
            return value
        check(time.monotonic() < end, f"not within {seconds} s: {why}")
        time.sleep(0.01)


class Lines:
    """All lines of a pipe, read by a thread, so that the writer never blocks."""

    def __init__(self, pipe):
        self.lines = []
        self.fresh = queue.Queue()
        self.thread = threading.Thread(target=self.read, args=(pipe,), daemon=True)
        self.thread.start()

    def read(self, pipe):
        for raw in pipe:
            line = raw.decode("utf-8", "backslashreplace").rstrip("\n")
            self.lines.append(line)
            self.fresh.put(line)
        pipe.close()
        self.fresh.put(None)

    def wait_for(self, pattern, seconds=WAIT_SECONDS):
        """The match of the next line that has one. Lines before it are not looked at again."""
        end = deadline(seconds)
        while True:
            try:
                line = self.fresh.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise Failure(f"no line /{pattern}/ within {seconds} s") from None
            if line is None:
                self.fresh.put(None)
                raise Failure(f"ended without a line /{pattern}/")
            found = re.search(pattern, line)
            if found:
                return found

    def text(self):
        return "\n".join(self.lines)


def spawn(arguments, **more):
    """A file that was just written cannot be run while a child that another thread has forked still has it open."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return subprocess.Popen(arguments, **more)
        except OSError as error:
            if error.errno != errno.ETXTBSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


class Program:
    """A started program. Its own session, so that all of it can be ended."""

    def __init__(self, arguments, name=None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=None, **more):
        self.name = name or os.path.basename(arguments[0])
        self.arguments = arguments
        environment = dict(os.environ)
        environment.update(env or {})
        self.process = spawn(arguments, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment,
                             start_new_session=True, **more)
        self.pid = self.process.pid
        self.out = Lines(self.process.stdout) if stdout == subprocess.PIPE else None
        self.err = Lines(self.process.stderr)

    def write(self, text="\n"):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def close_stdin(self):
        self.process.stdin.close()

    def signal(self, number):
        os.kill(self.pid, number)

    def running(self):
        return self.process.poll() is None

    def wait(self, seconds=WAIT_SECONDS):
        """Exit status; all output has been read then."""
        try:
            status = self.process.wait(timeout=seconds * SLOW)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} has not ended within {seconds} s") from None
        for lines in (self.out, self.err):
            if lines:
                lines.thread.join(timeout=2)
        return status

    def kill(self):
        # Only while it is not reaped: until then its number, and that of its session, belong to it.
        if self.process.poll() is None:
            for number in (signal.SIGCONT, signal.SIGKILL):
                try:
                    os.killpg(self.pid, number)
                except OSError:
                    pass
            self.process.wait()
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except OSError:
                pass


class Target(Program):
    """A program of tests/targets: `ready PID`, works after a line, says the truth, `done`, ends after a line."""

    def __init__(self, arguments, **more):
        super().__init__(arguments, **more)
        self.truth = {}

    def wait_ready(self):
        self.inner_pid = int(self.out.wait_for(r"^ready (\d+)").group(1))
        return self

    def go(self):
        self.write()

    def wait_done(self, seconds=WAIT_SECONDS):
        self.out.wait_for(r"^done$", seconds)
        return self.read_truth()

    def work(self, seconds=WAIT_SECONDS):
        self.go()
        return self.wait_done(seconds)

    def read_truth(self):
        self.truth = parse_truth(self.out.lines)
        check(self.truth, f"{self.name} said no truth")
        return self.truth

    def finish(self, seconds=WAIT_SECONDS):
        self.write()
        status = self.wait(seconds)
        equal(status, 0, f"exit status of {self.name}")


def tell(tide, *commands):
    """A target `tide` does this; None."""
    for line in commands:
        tide.write(line + "\n")
        tide.out.wait_for(r"^did$")


class Tracer(Program):
    def __init__(self, arguments, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        # TRACER_TEST_METHOD=session|multi|perf runs every test that does not choose for itself with that way of attaching
        if METHOD and "--attach-method" not in arguments:
            arguments = ("--attach-method", METHOD, *arguments)
        super().__init__([TRACER, *arguments], name="tracer", **more)

    def wait_attached(self, pid=None, seconds=WAIT_SECONDS):
        """Probes that were set, once recording has begun."""
        who = str(pid) if pid else r"\d+"
        line = self.err.wait_for(rf"^tracer: attached to {who} \(", seconds).string
        found = ATTACHED.match(line)
        check(found, f"malformed line: {line}")
        return int(found.group(3))

    def stop(self, number=signal.SIGINT, status=0, seconds=WAIT_SECONDS):
        self.signal(number)
        return self.end(status, seconds)

    def end(self, status=0, seconds=WAIT_SECONDS):
        equal(self.wait(seconds), status, "exit status of the tracer")
        return self

    def summaries(self):
        """The last lines on stderr, one per process."""
        found = {}
        for line in reversed(self.err.lines):
            match = SUMMARY.match(line)
            if not match:
                break
            numbers = [int(n) for n in match.group(3, 4, 5, 6, 7)]
            found[int(match.group(1))] = Summary(int(match.group(1)), match.group(2), *numbers)
        return found

    def summary(self, pid=None):
        found = self.summaries()
        check(found, "the last line on stderr is no summary")
        if pid is None:
            equal(len(found), 1, "number of summary lines")
            return next(iter(found.values()))
        check(pid in found, f"no summary line for {pid}")
        return found[pid]


class Case:
    """One test: its directory, and every program it has started."""

    def __init__(self, name):
        self.name = name
        self.directory = tempfile.mkdtemp(prefix="tracer-live-")
        os.chmod(self.directory, 0o755)
        self.programs = []
        self.print_outputs = False
        self.paths = []

    def path(self, name):
        return os.path.join(self.directory, name)

    def keep(self, program):
        self.programs.append(program)
        return program

    def start(self, *arguments, **more):
        return self.keep(Program(list(arguments), **more))

    def target(self, name, *arguments, prefix=(), **more):
        """Starts a target and waits until it is ready."""
        path = name if name.startswith("/") else target_path(name)
        return self.keep(Target([*prefix, path, *map(str, arguments)], **more)).wait_ready()

    def tracer(self, *arguments, **more):
        return self.keep(Tracer([str(a) for a in arguments], **more))

    def attach(self, target, *arguments, **more):
        """A tracer whose probes stand."""
        pid = target if isinstance(target, int) else target.pid
        tracer = self.tracer("-b", "-p", pid, *arguments, **more)
        tracer.wait_attached(pid)
        return tracer

    def run(self, *arguments, seconds=WAIT_SECONDS, **more):
        """A tracer that ends by itself."""
        tracer = self.tracer(*arguments, **more)
        tracer.wait(seconds)
        return tracer

    def close(self):
        report = []
        for program in reversed(self.programs):
            program.kill()
        if self.print_outputs:
            for program in self.programs:
                report += self.describe(program)
        shutil.rmtree(self.directory, ignore_errors=True)
        return report

    def describe(self, program):
        if not isinstance(program, Tracer) and not program.err.lines:
            return []
        lines = program.err.lines[-15:]
        return [f"{' '.join(program.arguments)}: exit status {program.process.returncode}, its stderr:",
                *[f"    {line}" for line in lines]]


def target_path(name):
    """A target that could not be built for want of something optional is skipped; else its absence is a failure."""
    path = os.path.join(TARGETS, name)
    if os.path.exists(path):
        return path
    if "musl" in name and not shutil.which("musl-gcc"):
        raise Skip("musl-gcc is not installed")
    if name == "mallocx" and not os.path.exists("/usr/include/jemalloc/jemalloc.h"):
        raise Skip("jemalloc's headers are not installed")
    raise Failure(f"build/targets/{name} is not there")


TRUTH = re.compile(r"^truth (.+?)((?: -?\d+)+)$")


def parse_truth(lines):
    """truth KEY NUMBER... -> {KEY: [NUMBER...]}; a key may have spaces."""
    truth = {}
    for line in lines:
        found = TRUTH.match(line)
        if found:
            truth[found.group(1)] = [int(word) for word in found.group(2).split()]
    return truth


def parse_processes(lines):
    """What forks says of each of its processes, between `process NAME PID` and `end NAME PID`: {NAME: (PID, truth)}"""
    processes, name, start = {}, None, 0
    for number, line in enumerate(lines):
        words = line.split()
        if len(words) == 3 and words[0] == "process":
            name, start = words[1], number
        elif len(words) == 3 and words[0] == "end" and words[1] == name:
            processes[name] = (int(words[2]), parse_truth(lines[start:number]))
    return processes


def find_library(*names):
    """The first of these shared libraries that the dynamic linker knows, as a path."""
    listing = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=False,
                             env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}).stdout
    for name in names:
        found = re.search(rf"^\s*{re.escape(name)} \(.*x86-64.*=> (\S+)$", listing, re.M)
        if found:
            return os.path.realpath(found.group(1))
    raise Skip(f"{names[0]} is not installed")


def need(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Skip(f"{program} is not installed")
    return path


def python():
    """The system's own, not a wrapper that only finds one."""
    return "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else need("python3")


def children(pid):
    return [int(word) for word in read_text(f"/proc/{pid}/task/{pid}/children").split()]


def kernel_at_least(major, minor):
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (int(found.group(1)), int(found.group(2))) >= (major, minor)


# Ways of attaching and the first kernels that have them, the best first.
METHODS = {"session": (6, 13), "multi": (6, 6), "perf": (5, 15)}


def need_method(method):
    """A way of attaching that this kernel does not have is nothing to test."""
    since = METHODS[method]
    if not kernel_at_least(*since):
        raise Skip(f"attach method {method} needs Linux {since[0]}.{since[1]}")


def methods_here(wanted=tuple(METHODS)):
    """Those of them that this kernel has; a skip when it has none."""
    found = [method for method in wanted if kernel_at_least(*METHODS[method])]
    if not found:
        need_method(wanted[0])
    return found


def read_text(path):
    with open(path, "rb") as file:
        return file.read().decode("utf-8")


def read_whole_lines(path):
    """The text of a file that is being written, up to the last line end: a reader may see a part of a write."""
    text = read_text(path)
    return text[:text.rfind("\n") + 1]


def read_json_lines(path):
    """The snapshots of a --json file that may still be being written; none before it is there."""
    return [json.loads(line) for line in read_whole_lines(path).splitlines()] if os.path.exists(path) else []


def last_process(path):
    """The first process of the last snapshot of a --json file so far; {} before there is one."""
    lines = read_json_lines(path)
    processes = lines[-1]["processes"] if lines else []
    return processes[0] if processes else {}


def code_mappings(pid):
    for line in read_text(f"/proc/{pid}/maps").splitlines():
        words = line.split(None, 5)
        if len(words) == 6 and words[5].startswith("/") and "x" in words[1]:
            first, last = (int(n, 16) for n in words[0].split("-"))
            yield first, last, int(words[2], 16), words[5]


def breakpoints(pid):
    """Addresses in the code of a process at which it differs from its files."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for first, last, offset, path in code_mappings(pid):
            with open(path, "rb") as file:
                file.seek(offset)
                code = file.read(last - first)
            memory.seek(first)
            there = memory.read(len(code))
            if code == there:
                continue
            for at in range(0, len(code), 4096):
                if code[at:at + 4096] != there[at:at + 4096]:
                    pairs = zip(code[at:at + 4096], there[at:at + 4096])
                    found.update(first + at + i for i, (a, b) in enumerate(pairs) if a != b)
    return found


def wait_clean(pid, seconds=WAIT_SECONDS):
    until(lambda: not breakpoints(pid), f"process {pid} has breakpoints left", seconds)


def parse_table(text, columns):
    """Rows of a CSV text as dictionaries, after checking its form to the letter."""
    check(text.endswith("\n"), "the CSV does not end with a line end")
    check("\r" not in text, "the CSV has carriage returns")
    header = text.split("\n", 1)[0]
    equal(header, columns, "CSV header")
    names = columns.split(",")
    rows = []
    for values in list(csv.reader(text.splitlines(keepends=True), strict=True))[1:]:
        equal(len(values), len(names), f"number of columns in the row {values}")
        rows.append(dict(zip(names, values)))
    return rows


def integers(row, *names):
    for name in names:
        check(INTEGER.match(row[name]), f"column {name} is no plain integer: {row[name]!r}")
        row[name] = int(row[name])


def decimals(row, *names):
    for name in names:
        check(row[name] == "" or DECIMAL.match(row[name]), f"column {name} is no plain number: {row[name]!r}")
        row[name] = float(row[name]) if row[name] else None


class Sites:
    """A --csv file, checked row by row: what must hold in every one of them."""

    def __init__(self, text):
        self.rows = parse_table(text, SITE_COLUMNS)
        self.snapshots = collections.OrderedDict()
        newest = ""
        for row in self.rows:
            self.check_row(row)
            if row["time"] not in self.snapshots:
                check(row["time"] > newest, f"snapshots do not go forward: {row['time']} after {newest}")
                newest = row["time"]
            equal(row["time"], newest, "rows of a snapshot stand together: time")
            key = (row["pid"], row["site"])
            snapshot = self.snapshots.setdefault(row["time"], {})
            check(key not in snapshot, f"site {key} twice in the snapshot {row['time']}")
            snapshot[key] = row

    def check_row(self, row):
        check(TIME.match(row["time"]), f"malformed time {row['time']!r}")
        if row["api"] == "go" and not row["temporary_count"]:
            row["temporary_count"] = "0"  # not known
        integers(row, "pid", "rank", "outstanding_bytes", "outstanding_count", "alloc_bytes", "alloc_count",
                 "free_bytes", "free_count", "peak_bytes", "temporary_count")
        decimals(row, "elapsed_s", "growth_bytes_per_s", "leak_score", "oldest_s")
        check(re.match(r"^[0-9a-f]{16}$", row["site"]), f"malformed site {row['site']!r}")
        check(row["verdict"] in ("leak", "growing", "steady", "new", ""), f"verdict {row['verdict']!r}")
        check(row["sampled"] in ("0", "1"), f"sampled {row['sampled']!r}")
        check(0 <= (row["leak_score"] or 0) <= 100, f"leak_score {row['leak_score']}")
        for unit in ("bytes", "count"):
            equal(row[f"alloc_{unit}"] - row[f"free_{unit}"], row[f"outstanding_{unit}"],
                  f"alloc_{unit} - free_{unit} of site {row['site']} ({row['function']})")
        check(row["peak_bytes"] >= row["outstanding_bytes"], f"peak below outstanding: {row}")
        check(row["temporary_count"] <= row["free_count"], f"more temporary than freed: {row}")
        check(row["outstanding_count"] or not row["outstanding_bytes"], f"bytes in no block: {row}")

    def last(self, pid=None):
        """The rows of the last snapshot, of one process or all."""
        check(self.snapshots, "the CSV has no snapshot")
        rows = list(next(reversed(self.snapshots.values())).values())
        return [row for row in rows if pid is None or row["pid"] == pid]

    def total(self, column, pid=None):
        return sum(row[column] for row in self.last(pid))


def read_sites(path):
    return Sites(read_text(path))


def sites_so_far(path):
    """The rows of a --csv file that is still being written, none before its header is there."""
    text = read_whole_lines(path)
    return Sites(text).rows if text else []


def read_blocks(path):
    rows = parse_table(read_text(path), BLOCK_COLUMNS)
    for row in rows:
        check(TIME.match(row["time"]), f"malformed time {row['time']!r}")
        check(re.match(r"^0x[0-9a-f]+$", row["address"]), f"malformed address {row['address']!r}")
        integers(row, "pid", "bytes", "tid")
        decimals(row, "age_s")
    addresses = [(row["pid"], row["address"]) for row in rows]
    equal(len(set(addresses)), len(addresses), "different addresses among the outstanding blocks")
    return rows


def frames(row):
    return row["stack"].split(";")


def site_of(row):
    """The site_* function that called the allocator, itself or through another library function."""
    name = next((name for name in reversed(frames(row)) if name.startswith("site_")), None)
    return name and name.split("(")[0]


def rows_of(rows, site):
    return [row for row in rows if site_of(row) == site]


def outstanding(rows):
    return [sum(row["outstanding_bytes"] for row in rows), sum(row["outstanding_count"] for row in rows)]


def check_summary(tracer, sites, pid):
    """The last line and the last snapshot say the same. Returns the summary."""
    summary = tracer.summary(pid)
    rows = sites.last(pid)
    equal(summary.bytes, sum(row["outstanding_bytes"] for row in rows), "outstanding bytes, summary against CSV")
    equal(summary.count, sum(row["outstanding_count"] for row in rows), "outstanding count, summary against CSV")
    equal(summary.stacks, sum(1 for row in rows if row["outstanding_count"]), "stacks, summary against CSV")
    return summary


# Calls the allocator through a function of the C library that keeps no frame pointer. A test of its own looks at it, so
# that a walk which skips such callers does not hide everything else; the sums include it everywhere.
THROUGH_LIBRARY = "site_strdup"


def check_truth(truth, rows):
    """Every site that the program speaks of, exactly."""
    said = {key: values for key, values in truth.items() if key.startswith("site_") and key != THROUGH_LIBRARY}
    check(said, "the program said nothing about its sites")
    for site, values in said.items():
        equal(outstanding(rows_of(rows, site)), values, f"outstanding bytes and count of {site}")


def check_totals(truth, rows):
    """The sums, too: nothing was counted that the program did not do."""
    for key in ("outstanding_bytes", "outstanding_count", "alloc_bytes", "alloc_count", "free_count"):
        if key in truth:
            equal(sum(row[key] for row in rows), truth[key][0], f"{key} of all sites")


def trace_exactly(case, target, *options, pid=None, seconds=WAIT_SECONDS, totals=True):
    """Attaches, lets the target work, stops, compares with the truth. Returns sites and summary."""
    path = case.path("sites.csv")
    pid = pid or target.pid
    tracer = case.attach(pid, "--csv", path, *options)
    truth = target.work(seconds)
    tracer.stop()
    sites = read_sites(path)
    check_truth(truth, sites.last(pid))
    if totals:
        check_totals(truth, sites.last(pid))
    summary = check_summary(tracer, sites, pid)
    equal(summary.lost, 0, "lost events")
    target.finish()
    return sites, summary


def command(case, *arguments, **more):
    """A tracer that has run a command to its end, and its sites."""
    path = case.path("sites.csv")
    tracer = case.run("--csv", path, "-q", *arguments, **more)
    equal(tracer.wait(), 0, "exit status of the tracer")
    return tracer, read_sites(path)
