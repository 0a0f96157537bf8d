# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs under the tracer against an independent account of the same: prints a table and judges nothing.
As root, after `make` and `make targets`: python3 tests/live/compare.py [WORD...], only rows with a WORD in their name.

The accounts are: the program's own; valgrind's of a second run of the same command, for each process; and the kernel's
own counts of entries to the same functions (perf events on uprobes) in the same run.
"""

import collections
import ctypes
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys

import lib
from lib import TRACER, check, children, find_library, need, python, read_text, until

Counts = collections.namedtuple("Counts", "allocs frees bytes")
Row = collections.namedtuple("Row", "what allocator tracer truth source lost note")
MIMALLOC = ("libmimalloc.so.3", "libmimalloc.so.2.0", "libmimalloc.so.2")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "PYTHONHASHSEED": "0",
               "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
               "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
               "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000", "GIT_PAGER": "cat"}


def functions(pid):
    """What the tracer finds in a process: [(function, module, offset)]"""
    text = subprocess.run([TRACER, "--dry-run", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    return [(name, module, int(offset, 16))
            for name, module, offset in re.findall(r"^(\S+)\s+(/\S+)\s+0x([0-9a-f]+)\s", text, re.M)]


def allocator(pid):
    modules = [module for name, module, _ in functions(pid) if name in ("malloc", "mallocx", "free", "operator new")]
    return ", ".join(sorted({os.path.basename(module) for module in modules}))


def totals(path, pid=None):
    rows = lib.read_sites(path)
    rows = rows.last(pid) if rows.snapshots else []
    return Counts(*(sum(row[name] for row in rows) for name in ("alloc_count", "free_count", "alloc_bytes")))


def plus_unknown(counts, report):
    """Frees of blocks from before are frees, too."""
    unknown = re.findall(r"^\t\((\d+) frees of unknown blocks", report, re.M)
    return counts._replace(frees=counts.frees + int(unknown[-1])) if unknown else counts


# Accounts

def own_account(case, what, target, pid=None, note=""):
    pid = pid or target.pid
    found = allocator(pid)
    path = case.path("sites.csv")
    tracer = case.attach(pid, "--csv", path, "-i", "600")
    truth = target.work()
    tracer.stop()
    target.finish()
    said = Counts(truth["alloc_count"][0], truth["free_count"][0], truth["alloc_bytes"][0])
    return Row(what, found, totals(path, pid), said, "its own account", tracer.summary(pid).lost, note)


VALGRIND = ("valgrind", "--trace-children=yes", "--run-libc-freeres=no", "--run-cxx-freeres=no", "--leak-check=no",
            "--child-silent-after-fork=yes")
HEAP_USAGE = re.compile(r"total heap usage: ([\d,]+) allocs, ([\d,]+) frees, ([\d,]+) bytes allocated")


# Valgrind adds these to the environment of its programs, some of which copy it: what they are set to does no harm, that
# they are there makes the two runs alike.
AS_UNDER_VALGRIND = {"LD_PRELOAD": "", "LD_LIBRARY_PATH": "/usr/lib/debug", "GLIBCPP_FORCE_NEW": "1",
                     "GLIBCXX_FORCE_NEW": "1", "VALGRIND_LIB": "/usr/libexec/valgrind"}


def run_with(arguments, more=None):
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**ENVIRONMENT, **(more or {})})
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def under_valgrind(case, arguments):
    logs = case.path("valgrind")
    os.makedirs(logs, exist_ok=True)
    run_with([need("valgrind"), *VALGRIND[1:], f"--log-file={logs}/%p", *arguments])
    found = []
    for name in sorted(os.listdir(logs), key=int):
        text = read_text(os.path.join(logs, name))
        usage = HEAP_USAGE.search(text)
        command = re.search(r"^==\d+== Command: (.*)$", text, re.M).group(1)
        if usage:
            found.append((command, Counts(*(int(number.replace(",", "")) for number in usage.groups()))))
    shutil.rmtree(logs)
    return found


def under_tracer(case, arguments):
    """{pid: (name, counts, events)} and the tracer's stderr."""
    path = case.path("sites.csv")
    status, _, err = run_with([TRACER, "-b", "-q", "-i", "600", "--csv", path, "--", *arguments],
                              AS_UNDER_VALGRIND)
    check(status == 0, f"exit status {status}: {err}")
    found = {}
    for line in err.splitlines():
        said = lib.SUMMARY.match(line)
        if said:
            pid = int(said.group(1))
            found[pid] = (said.group(2), totals(path, pid), int(said.group(3)), int(said.group(4)))
    return found, err


def against_valgrind(case, what, arguments, waiting=None, note=""):
    """One process. `waiting` starts the same program so that it stays: what the tracer finds in it."""
    found = "libc.so.6 (not looked up: nothing to wait for)"
    if waiting:
        process = subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=ENVIRONMENT)
        try:
            found = until(lambda: try_allocator(process.pid), f"an allocator in {waiting[0]}")
        finally:
            process.kill()
            process.wait()
    traced, _ = under_tracer(case, arguments)
    (_, counts, _, lost) = next(iter(traced.values()))
    (_, truth) = under_valgrind(case, arguments)[0]
    return Row(what, found, counts, truth, "valgrind, second run", lost, note)


def try_allocator(pid):
    try:
        return allocator(pid)
    except subprocess.CalledProcessError:
        return ""


class Entries:
    """The kernel counts how often each function is entered, for the threads that are there now and their children."""

    def __init__(self, pid):
        kind = int(read_text("/sys/bus/event_source/devices/uprobe/type"))
        libc = ctypes.CDLL(None, use_errno=True)
        self.names, self.descriptors = [], []
        for name, module, offset in functions(pid):
            place = ctypes.create_string_buffer(f"/proc/{pid}/root{module}".encode())
            for task in os.listdir(f"/proc/{pid}/task"):
                attributes = struct.pack("=IIQQQQQIIQQ", kind, 72, 0, 0, 0, 0, 2, 0, 0, ctypes.addressof(place), offset)
                descriptor = libc.syscall(298, attributes, int(task), -1, -1, 8)
                check(descriptor >= 0, f"cannot count {name}: {os.strerror(ctypes.get_errno())}")
                self.names.append(name)
                self.descriptors.append(descriptor)

    def read(self):
        counts = collections.Counter()
        for name, descriptor in zip(self.names, self.descriptors):
            counts[name] += struct.unpack("=Q", os.read(descriptor, 8))[0]
            os.close(descriptor)
        return counts


def against_entries(case, what, pid, drive):
    """Both accounts begin and end while the process is stopped: not one call lies between them."""
    found = allocator(pid)
    path = case.path("sites.csv")
    os.kill(pid, signal.SIGSTOP)
    tracer = case.attach(pid, "--csv", path, "-i", "600")
    entries = Entries(pid)
    os.kill(pid, signal.SIGCONT)
    drive()
    os.kill(pid, signal.SIGSTOP)
    until(lambda: ") T " in read_text(f"/proc/{pid}/stat"), "the process to stop")
    counts = entries.read()
    tracer.stop()
    os.kill(pid, signal.SIGCONT)
    frees = sum(counts[name] for name in counts if name in ("free", "cfree", "sdallocx", "dallocx", "realloc"))
    allocs = sum(number for name, number in counts.items()
                 if re.fullmatch(r"(m|c|re)alloc|reallocarray|memalign|aligned_alloc|posix_memalign|(m|r)allocx", name))
    used = " ".join(f"{name} {number}" for name, number in sorted(counts.items()) if number)
    mine = collections.Counter()
    for row in lib.read_sites(path).last(pid):
        mine[row["api"]] += row["alloc_count"]
    return Row(what, found, plus_unknown(totals(path, pid), tracer.out.text()), Counts(allocs, frees, None),
               "kernel's counts of entries, same run", tracer.summary(pid).lost,
               f"entries: {used}; allocations by outermost function: "
               + " ".join(f"{name} {number}" for name, number in sorted(mine.items())))


# Programs

def every(name, libraries=(), note=""):
    def run(case, what):
        environment = {"LD_PRELOAD": find_library(*libraries)} if libraries else {}
        return [own_account(case, what, case.target(name, env=environment), note=note)]
    return run


def cplusplus(case, what):
    return [against_valgrind(case, what, [need("apt-config"), "dump"])]


def operators(case, what):
    """What it has left is compared: the exception objects that the C++ library allocates are not in its account."""
    target = case.target("cxx")
    path = case.path("sites.csv")
    tracer = case.attach(target.pid, "--csv", path, "-i", "600")
    found, truth = allocator(target.pid), target.work()
    tracer.stop()
    left = Counts(*lib.outstanding(lib.read_sites(path).last())[::-1], None)
    target.finish()
    return [Row(what, found, left, Counts(truth["outstanding_count"][0], truth["outstanding_bytes"][0], None),
                "its own account", tracer.summary(target.pid).lost, "here: blocks / bytes outstanding")]


def python3(case, what):
    script = "import json, sqlite3, decimal; x = [str(i) * 50 for i in range(20000)]; json.dumps(x)"
    return [against_valgrind(case, what, [python(), "-S", "-E", "-c", script], [python(), "-S", "-c", "input()"])]


def sqlite3(case, what):
    script = ("create table t(a,b); with recursive c(x) as (select 1 union all select x+1 from c where x<3000) "
              "insert into t select x, hex(zeroblob(x % 70)) from c; select count(*), max(length(b)) from t;")
    program = need("sqlite3")
    return [against_valgrind(case, what, [program, "-init", "/dev/null", ":memory:", script],
                             [program, "-init", "/dev/null", ":memory:"])]


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def redis(case, what):
    port = free_port()
    server = case.start(need("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                        "--dir", case.directory)
    until(lambda: listens(port), "redis to listen")

    def benchmark():
        subprocess.run([need("redis-benchmark"), "-p", str(port), "-n", "5000", "-c", "10", "-q", "-r", "1000", "-t",
                        "set,get,lpush,hset,zadd"], stdout=subprocess.DEVNULL, check=True, timeout=90)
    return [against_entries(case, what, server.pid, benchmark)]


def nginx(case, what):
    port = free_port()
    config = case.path("nginx.conf")
    places = " ".join(f"{name}_temp_path {case.directory}/{name};"
                      for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"daemon off; worker_processes 1; user root; pid {case.directory}/pid; error_log stderr;\n"
                   f"events {{ worker_connections 64; }}\nhttp {{ access_log off; {places}\n"
                   f"server {{ listen 127.0.0.1:{port}; return 200 'hello'; }} }}\n")
    server = case.start(need("nginx"), "-c", config)
    until(lambda: listens(port), "nginx to listen")
    worker = until(lambda: children(server.pid), "a worker of nginx")[0]

    def requests():
        for _ in range(1009):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                while connection.recv(4096):
                    pass
    return [against_entries(case, what, worker, requests)]


def namespaces(case, what):
    target = case.target("every", prefix=("unshare", "-m", "-p", "-f", "--mount-proc"))
    inner = until(lambda: children(target.pid), "the process in the namespace")[0]
    return [own_account(case, what, target, inner)]


def repository(case):
    """A scratch repository that is the same each time."""
    path = case.path("repository")
    shutil.rmtree(path, ignore_errors=True)
    git = [need("git"), "-C", path]
    subprocess.run([git[0], "init", "-q", "-b", "main", path], check=True, env=ENVIRONMENT)
    for number in range(12):
        with open(os.path.join(path, f"file{number % 5}"), "w", encoding="utf-8") as file:
            file.write("".join(f"line {number * line}\n" for line in range(200)))
        subprocess.run([*git, "add", "."], check=True, env=ENVIRONMENT)
        subprocess.run([*git, "commit", "-q", "-m", f"commit {number}"], check=True, env=ENVIRONMENT)
    for key in ("pack.threads", "index.threads"):
        subprocess.run([*git, "config", key, "1"], check=True, env=ENVIRONMENT)
    return path


def pair_off(traced, truths):
    """Each traced process with the valgrind account that is nearest, exact ones first: pids differ between two runs."""
    pairs, left = [], list(truths)
    for exact in (True, False):
        for pid in [pid for pid in traced if pid not in [done for done, _ in pairs]]:
            name, _, events, _ = traced[pid]
            mine = [t for t in left if os.path.basename(t[0].split()[0]) == name] or left
            near = min(mine, key=lambda t: abs(t[1].allocs + t[1].frees - events), default=None)
            if near and (not exact or near[1].allocs + near[1].frees == events):
                left.remove(near)
                pairs.append((pid, near))
    return pairs, left


def git_command(*words):
    def run(case, what):
        git = need("git")
        traced, err = under_tracer(case, [git, "-C", repository(case), *words])
        truths = under_valgrind(case, [git, "-C", repository(case), *words])
        pairs, left = pair_off(traced, truths)
        late = len(re.findall(r"noticed [\d.]+ ms late", err))
        rows = []
        for pid, (command, truth) in pairs:
            name, counts, events, lost = traced[pid]
            # A child's rows hold the blocks of its parent, too, which it had until its exec: its events are its own.
            rows.append(Row(f"{what}: {command.replace(case.directory, '...')[:60]}", "libc.so.6",
                            Counts(events, None, None), Counts(truth.allocs + truth.frees, None, None),
                            "valgrind --trace-children", lost,
                            f"allocations and frees together; inherited: {counts.allocs - truth.allocs}"))
        unmatched = [name for pid, (name, *_) in traced.items() if pid not in [done for done, _ in pairs]]
        print(f"{what}: {len(traced)} processes traced, {len(truths)} seen by valgrind, {late} noticed late; "
              f"only traced: {unmatched}; only valgrind: {[t[0][:50] for t in left]}\n")
        return rows
    return run


PROGRAMS = {
    "redis-server, redis-benchmark": redis,
    "nginx worker, 1009 requests": nginx,
    "python3": python3,
    "sqlite3": sqlite3,
    "C++ program (apt-config dump)": cplusplus,
    "C++ program, all forms of new": operators,
    "glibc program": every("every"),
    "static glibc program": every("every-static"),
    "musl program, dynamic": every("every-musl"),
    "musl program, static": every("every-musl-static"),
    "tcmalloc preloaded": every("every", ("libtcmalloc_minimal.so.4",)),
    "mimalloc preloaded": every("every", MIMALLOC),
    "jemalloc preloaded": every("every", ("libjemalloc.so.2",)),
    "other mount and pid namespaces": namespaces,
    "git log": git_command("log", "-p", "--stat"),
    "git gc": git_command("gc", "-q"),
}


def show(row):
    def numbers(counts):
        return " / ".join("-" if value is None else f"{value}" for value in counts)

    difference = [mine - said for mine, said in zip(row.tracer, row.truth) if said is not None and mine is not None]
    return (f"| {row.what} | {row.allocator} | {numbers(row.tracer)} | {numbers(row.truth)} | {row.source} | "
            f"{' / '.join(f'{d:+d}' for d in difference)} | {row.lost} | {row.note} |")


def main(words):
    print("Counts are allocations / frees / bytes allocated.\n")
    rows = []
    for what, run in PROGRAMS.items():
        if words and not any(word in what for word in words):
            continue
        case = lib.Case("compare")
        try:
            rows += run(case, what)
        except lib.Skip as skip:
            rows.append(f"| {what} | left out: {skip} |")
        except Exception as error:
            rows.append(f"| {what} | failed: {type(error).__name__}: {error} |")
        finally:
            case.close()
    print("| program | allocator found | tracer | truth | whose | difference | lost | note |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(row if isinstance(row, str) else show(row))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
