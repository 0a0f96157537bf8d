# SPDX-License-Identifier: GPL-2.0-or-later
"""Go programs: what their runtime counts, read from outside, beside what it says itself."""

import csv
import fcntl
import os
import re
import subprocess

from lib import ROOT, Target, check, equal, need, read_json_lines, read_whole_lines, test

SOURCE = os.path.join(ROOT, "tests", "go", "world.go")
# TRACER_TEST_GOROOT: an unpacked toolchain that builds the programs, instead of the installed one (tests/live/go_versions.py).
GOROOT = os.environ.get("TRACER_TEST_GOROOT", "")
BUILT = os.path.join(ROOT, "build", "go", os.path.basename(GOROOT.rstrip("/")))
STRIPPED = "-ldflags=-s -w"
EXACT = ("Lookups", "MCacheInuse", "MCacheSys", "BuckHashSys", "NextGC", "LastGC", "PauseTotalNs", "NumGC", "NumForcedGC")
ROOM = 1 << 20


def toolchain():
    """The go command; a skip when Go is not installed, a failure when the one that was asked for is not there."""
    if not GOROOT:
        return need("go")
    go = os.path.join(GOROOT, "bin", "go")
    check(os.access(go, os.X_OK), f"TRACER_TEST_GOROOT: {go} is not there")
    return go


def go_environment(cgo=False):
    return {**os.environ, "CGO_ENABLED": str(int(cgo)), "GO111MODULE": "off", "GOFLAGS": "", "GOPROXY": "off", "GOTOOLCHAIN": "local",
            "HOME": os.environ.get("HOME", "/root"), "GOCACHE": os.path.join(BUILT, "cache"), **({"GOROOT": GOROOT} if GOROOT else {})}


def build(name, *flags, source=SOURCE, cgo=False):
    """The program, built once, also when two tests want it at a time; a skip when Go is not installed, or with cgo no compiler for C."""
    go, path = toolchain(), os.path.join(BUILT, name)
    if cgo:
        need("gcc")
    os.makedirs(BUILT, exist_ok=True)
    with open(f"{path}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed, by whatever end of the test
        if os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(source):
            return path
        own = f"{path}.part"
        made = subprocess.run([go, "build", *flags, "-o", own, source], env=go_environment(cgo), capture_output=True, text=True, check=False)
        check(made.returncode == 0, f"go build: {made.stderr}")
        os.replace(own, path)
    return path


def command(target, text):
    """What it says until `done`."""
    before = len(target.out.lines)
    target.write(text + "\n")
    target.out.wait_for(r"^done$", 60)
    return target.out.lines[before:]


def stats(target):
    pairs = [line.split()[1:] for line in command(target, "stats") if line.startswith("stat ")]
    return {name: float(value) if name == "GCCPUFraction" else int(value) for name, value in pairs}


def rows_of(path):
    return list(csv.DictReader(read_whole_lines(path).splitlines()))


def world(case, path):
    target = case.keep(Target([path], env={"GOGC": "80", "GOMEMLIMIT": "300MiB"})).wait_ready()
    for text in ("keep 1000 1000", "keep 50 100000", "park 30", "gc"):
        command(target, text)
    stats(target)
    return target


def compare(row, before, after):
    for name in ("TotalAlloc", "Mallocs", "Frees"):
        check(before[name] <= int(row[name]) <= after[name], f"{name}: {row[name]}, not in {before[name]}..{after[name]}")
    for name in EXACT:
        equal(int(row[name]), int(after[name]), name)
    equal(float(row["GCCPUFraction"]), after["GCCPUFraction"], "GCCPUFraction")
    equal(int(row["LastPauseNs"]), int(after["LastPause"]), "last pause")
    equal(int(row["Goroutines"]), int(after["Goroutines"]), "goroutines")
    for name, value in after.items():
        if name in row and name not in EXACT and name != "GCCPUFraction":
            check(abs(float(row[name]) - value) < ROOM, f"{name}: {row[name]} instead of {value}")


def traced(case, target, *arguments):
    path = case.path(f"go-{target.pid}.csv")
    tracer = case.run("-b", "-p", target.pid, "--csv-go", path, *arguments)
    equal(tracer.process.returncode, 0, "exit status")
    return tracer, rows_of(path)


def same_as_the_runtime(case, path, sampled=True):
    target = world(case, path)
    before = stats(target)
    tracer, rows = traced(case, target, "0.1", "2")
    after = stats(target)
    check(len(rows) >= 2, f"{len(rows)} rows")
    equal(rows[-1]["Consistent"], "1", "consistent")
    equal((rows[-1]["GOGC"], rows[-1]["GOMEMLIMIT"]), ("80", str(300 << 20)), "GOGC and GOMEMLIMIT")
    compare(rows[-1], before, after)
    equal("The call sites of its Go heap explain" in tracer.out.text(), sampled, "the report says what its sites are of")
    check(re.search(r"Go heap \S+ in \S+ objects.* 31 goroutines\)", tracer.out.text()), "no figures in the report")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


@test()
def go__executable__equals_the_runtime(case):
    same_as_the_runtime(case, build("world"))


@test()
def go__pie__equals_the_runtime(case):
    same_as_the_runtime(case, build("world-pie", "-buildmode=pie"))


@test()
def go__stripped__equals_the_runtime(case):
    same_as_the_runtime(case, build("world-stripped", STRIPPED))


@test()
def go__stripped_pie__equals_the_runtime(case):
    same_as_the_runtime(case, build("world-stripped-pie", "-buildmode=pie", STRIPPED))


@test()
def go__under_load__never_runs_back(case):
    """Counts never run back, and lie between what the runtime says before and after."""
    target = world(case, build("world"))
    command(target, "load 2")
    before = stats(target)
    _, rows = traced(case, target, "0.1", "5")
    after = stats(target)
    check(rows, "no row")
    for name in ("TotalAlloc", "Mallocs", "Frees", "NumGC", "PauseTotalNs"):
        values = [int(row[name]) for row in rows if row["Consistent"] == "1"]
        check(all(a <= b for a, b in zip(values, values[1:])), f"{name} runs back: {values}")
        check(all(before[name] <= v <= after[name] for v in values), f"{name}: {values}, not in {before[name]}..{after[name]}")
    command(target, "rest")


@test()
def go__exec__no_more_figures(case):
    """After an exec there are no figures of the program that was."""
    target = world(case, build("world"))
    path = case.path("go.csv")
    tracer = case.attach(target, "--csv-go", path, "-i", "0.1")
    target.write("exec /bin/cat\n")
    tracer.out.wait_for(r"Top \d+ stacks")
    exe = os.readlink(f"/proc/{target.pid}/exe")
    while not exe.endswith("cat"):
        exe = os.readlink(f"/proc/{target.pid}/exe")
    tracer.out.wait_for(r"Top \d+ stacks")
    before = len(rows_of(path))
    for _ in range(3):
        tracer.out.wait_for(r"Top \d+ stacks")
    check(len(rows_of(path)) <= before + 1, "figures of a program that is gone")
    tracer.stop()


def with_version(case, path, minor):
    """The same program, which says that Go 1.MINOR built it; no minor: another one that is known, whose runtime differs."""
    other = case.path("other")
    with open(path, "rb") as file:
        data = file.read()
    at = data.index(b"\xff Go buildinf:") + 32
    own = re.match(rb"go1\.(\d\d)", data[at + 1:at + 7])
    check(own, "it does not say which Go built it")
    minor = minor or (25 if int(own.group(1)) < 24 else 19)
    with open(other, "wb") as file:
        file.write(data[:at + 1] + b"go1.%d" % minor + data[at + 7:])
    os.chmod(other, 0o755)
    return other


@test()
def go__lying_version__refused(case):
    """A program that says that another Go built it has no figures, and that is said."""
    target = world(case, with_version(case, build("world-no-dwarf", "-ldflags=-w"), None))
    tracer, rows = traced(case, target, "0.1", "2")
    equal(rows, [], "rows of a version that is not its own")
    check("unsupported build" in tracer.err.text(), "it is not said")


@test()
def go__unknown_version_with_debug_information__equals_the_runtime(case):
    """Its own debug information says where everything is; where probes may stand in its code nobody knows."""
    same_as_the_runtime(case, with_version(case, build("world"), 98), sampled=False)


@test()
def go__unknown_version__refused(case):
    target = world(case, with_version(case, build("world-stripped", STRIPPED), 98))
    tracer = case.run("-b", "-p", target.pid, "0.1", "2")
    equal(tracer.process.returncode, 1, "exit status")
    check("whose runtime is not known" in tracer.err.text(), "it is not said")


@test()
def go__started_by_the_tracer__figures(case):
    """Started by the tracer, it is traced from its beginning."""
    path = case.path("go.csv")
    tracer = case.run("-b", "-i", "0.1", "--csv-go", path, "--", "sh", "-c", f"sleep 2 | {build('world')}")
    equal(tracer.process.returncode, 0, "exit status")
    check(any(row["comm"] == "world" for row in rows_of(path)), "no row of the program")
    check("Go heap" in tracer.out.text(), "no figures in the report")


@test()
def go__json_and_metrics__the_same_figures(case):
    """All ways out say the same, and what was recorded says it again."""
    target = world(case, build("world"))
    recording, live, again = case.path("go.rec"), case.path("go.json"), case.path("again.csv")
    tracer, rows = traced(case, target, "--json", live, "-w", recording, "0.1", "2")
    found = [process["go"] for line in read_json_lines(live) for process in line.get("processes", [])]
    check(found and all(found), "no Go figures in JSON")
    for name in ("HeapAlloc", "NumGC", "GOGC", "GOMEMLIMIT", "Goroutines"):
        equal(found[-1][name], int(rows[-1][name]), name)
    equal(found[-1]["Consistent"], rows[-1]["Consistent"] == "1", "consistent")
    replay = case.run("-b", "-r", recording, "--csv-go", again, "-i", "0.1")
    equal(replay.process.returncode, 0, "exit status of the replay")
    equal([list(row.values())[2:] for row in rows_of(again)], [list(row.values())[2:] for row in rows], "rows of the replay")


@test()
def go__dry_run__says_what_it_is(case):
    target = world(case, build("world"))
    tracer = case.run("--dry-run", "-p", target.pid)
    equal(tracer.process.returncode, 0, "exit status")
    check("is a Go program (go1." in tracer.out.text(), "it is not said")
