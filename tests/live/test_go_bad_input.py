# SPDX-License-Identifier: GPL-2.0-or-later
"""Go programs of unusual make, and such as end, change or hide while they are looked at: right figures, or clear words and none; and the
program is well."""

import os
import re
import shutil
import signal
import subprocess

from lib import Failure, Skip, Target, check, equal, need, sites_so_far, test, until
from test_go import BUILT, ROOT, STRIPPED, build, command, rows_of
from test_go_heap import ERROR, build_of, live, program

LIBRARY = os.path.join(ROOT, "tests", "go", "library.go")
LIBRARY_MAIN = os.path.join(ROOT, "tests", "go", "library_main.c")


def is_well(target, *commands):
    """It works on, and ends as it should."""
    for text in commands:
        command(target, text)
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")


# ---- other ways of building ----

@test(180)
def go_bad__plugin__its_sites_are_those_of_the_program(case):
    """A plugin has the runtime of the program that opened it: what it keeps is seen, with its names."""
    plugin = build_of("plugged.go", "plugged.so", "-buildmode=plugin", cgo=True)
    target = program(case, build_of("plugin_host.go", "plugin-host", cgo=True), arguments=[plugin])
    sites, go = case.path("csv"), case.path("go.csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites, "--csv-go", go)
    command(target, "40000")

    def seen():
        command(target, "1")
        return sum(row["outstanding_bytes"] for row in {row["site"]: row for row in sites_so_far(sites)}.values()
                   if row["function"].endswith(".KeepPlugged")) > 0.8 * 40000 * 1024

    until(seen, "what the plugin keeps")
    tracer.stop()
    check(int(rows_of(go)[-1]["HeapAlloc"]) > 40000 * 1024, "the heap of its runtime")
    is_well(target, "100")


def c_program(name, mode, kind):
    """A C program with a Go library in it."""
    library = build(f"libkeep{kind}", f"-buildmode={mode}", source=LIBRARY, cgo=True)
    path = os.path.join(BUILT, name)
    made = subprocess.run([need("gcc"), "-O2", "-o", path, LIBRARY_MAIN, library, "-lpthread"], capture_output=True, text=True, check=False)
    equal(made.returncode, 0, f"gcc: {made.stderr}")
    return path


def c_heap(case, path, words):
    """The C heap is exact, and it is said that Go's is not known, and why; or it is known, and right."""
    target, sites = program(case, path), case.path("csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites)
    command(target, "101")
    until(lambda: sum(row["outstanding_bytes"] for row in sites_so_far(sites) if row["api"] == "malloc") >= 101 * 1009, "the C heap")
    tracer.stop()
    rows = [row for row in sites_so_far(sites) if row["outstanding_bytes"] == 101 * 1009]
    equal({(row["outstanding_count"], row["api"]) for row in rows}, {(101, "malloc")}, "the C heap")
    of_go = live(sites)["main.KeepInLibrary"]
    if re.search(words, tracer.err.text()):
        equal(of_go, 0, "what the library keeps, where its heap is not known")
    else:
        check(abs(of_go - 101 * 1024) <= 8192, f"neither said nor right: {of_go} bytes; {tracer.err.text()}")
    is_well(target, "100")


@test(180)
def go_bad__library_in_a_c_program__said(case):
    c_heap(case, c_program("library-main", "c-shared", ".so"),
                 r"its Go heap cannot be sampled: unsupported build: its Go runtime \(go1\.[0-9.]+\) is in the library 'libkeep\.so'")


@test(180)
def go_bad__archive_in_a_c_program__said_or_right(case):
    """Up to 1.26 the linker of C hides the table of functions."""
    c_heap(case, c_program("archive-main", "c-archive", ".a"), r"its Go heap cannot be sampled: unsupported build: built with go1\.")


def changed_code(case, flag):
    """The compiler has put calls into all functions: sites are right all the same, by the size classes of this build."""
    try:
        path = build_of("sites.go", f"sites{flag}", flag, cgo=True)
    except Failure as failure:
        if "C compiler is not gcc or clang" not in str(failure):
            raise
        raise Skip(f"this Go has no {flag} with this compiler") from None
    target, sites = program(case, path), case.path("csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites)
    for text in ("large 30 100000", "gc"):
        command(target, text)

    def is_true():
        for text in ("large 1 100000", "gc"):
            command(target, text)
        said = dict(line.split()[1:] for line in command(target, "truth") if line.startswith("truth "))
        true = int(said["main.keepLarge"])
        until(lambda: live(sites)["main.keepLarge"], "its large objects")
        return abs(live(sites)["main.keepLarge"] - true) <= max(ERROR * true, 2 * 106496)

    until(is_true, "its large objects", 40)
    tracer.stop()
    is_well(target, "garbage 1000 100", "gc", "deep 10000")


@test(240)
def go_bad__race_build__sites_are_true(case):
    changed_code(case, "-race")


@test(240)
def go_bad__asan_build__sites_are_true(case):
    changed_code(case, "-asan")


@test()
def go_bad__names_of_the_runtime_gone__refused(case):
    """As an obfuscated build: stripped, and no function of the runtime has its name."""
    path = case.path("obfuscated")
    with open(build_of("sites.go", "sites-stripped", STRIPPED), "rb") as file:
        data = file.read()
    check(data.count(b"\0runtime.") > 1000, "no table of functions")
    with open(path, "wb") as file:
        file.write(data.replace(b"\0runtime.", b"\0rqjtxkv."))
    os.chmod(path, 0o755)
    target, go = program(case, path), case.path("go.csv")
    tracer = case.run("-b", "-p", target.pid, "--csv-go", go, "0.1", "2")
    equal(tracer.process.returncode, 1, "exit status")
    check(re.search(r"no figures of its Go runtime: unsupported build: built with go1\.\S+, but 'runtime\.\w+' is not where that has it",
                    tracer.err.text()), f"it is not said: {tracer.err.text()}")
    equal(rows_of(go) if os.path.exists(go) else [], [], "figures")
    is_well(target, "nodes 1000", "gc")


# ---- elsewhere ----

def await_kept(target, sites):
    command(target, "bytes 20000 1000")

    def kept():
        for text in ("bytes 20 1000", "gc"):
            command(target, text)
        return live(sites)["main.keepBytes"] >= (1 - ERROR) * 20000 * 1024

    until(kept, "what it keeps")


def seen_in_its_own_world(case, prefix, inside):
    """Its file is found through the process: no path of ours leads to it."""
    target, sites = case.keep(Target([*prefix, inside])).wait_ready(), case.path("csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites)
    await_kept(target, sites)
    tracer.stop()
    rows = [row for row in sites_so_far(sites) if row["function"] == "main.keepBytes"]
    check(rows[-1]["source"].startswith("sites.go:") or "/sites.go:" in rows[-1]["source"], f"source: {rows[-1]['source']}")
    is_well(target, "gc")


@test()
def go_bad__chroot__sites_are_there(case):
    os.makedirs(case.path("root/proc"))
    shutil.copy(build_of("sites.go", "sites"), case.path("root/inside"))
    seen_in_its_own_world(case, ["chroot", case.path("root")], "/inside")


@test()
def go_bad__mount_namespace__sites_are_there(case):
    """The program is on a file system that only it has mounted."""
    hidden = case.path("hidden")
    os.makedirs(hidden)
    script = 'mount -t tmpfs none "$1" && cp "$2" "$1/inside" && exec "$3"'
    seen_in_its_own_world(case, ["unshare", "-m", "sh", "-c", script, "sh", hidden, build_of("sites.go", "sites")], f"{hidden}/inside")
    equal(os.listdir(hidden), [], "what we see of it")


# ---- ends and changes ----

@test()
def go_bad__killed_at_any_moment__tracer_ends_in_order(case):
    """While it is attached to, afterwards, and between two reports of a program that allocates and collects all the time."""
    for moment in ("at once", r"its live heap by call site", r"^tracer: attached", r"Top \d+ stacks"):
        target = program(case, build_of("sites.go", "sites"), env={"GOGC": "20"})
        command(target, "load 2")
        tracer = case.tracer("-b", "-p", target.pid, "-i", "0.1")
        if moment != "at once":
            (tracer.out if moment.startswith("Top") else tracer.err).wait_for(moment)
        target.signal(signal.SIGKILL)
        target.wait()
        status = tracer.wait()
        check(status in ((0, 1) if moment == "at once" else (0,)), f"killed {moment}: exit status {status} of the tracer")
        if status == 0:
            equal(tracer.summary().lost, 0, f"killed {moment}: lost events")


@test()
def go_bad__exec_of_another_go_program__its_heap_alone(case):
    """The heap of the program that was is gone; that of the new one, with another runtime's state, is there."""
    target, sites = program(case, build("world")), case.path("csv")
    tracer = case.attach(target, "-i", "0.2", "--csv", sites)

    def kept_first():
        for text in ("keep 500 1000", "gc"):
            command(target, text)
        return live(sites)["main.keep"] > 1000 * 1024

    until(kept_first, "the heap of the first program")
    target.write(f"exec {build_of('sites.go', 'sites')}\n")
    target.wait_ready()

    def kept():
        """What it allocates until the exec is noticed is not seen."""
        for text in ("bytes 2000 1000", "gc"):
            command(target, text)
        return live(sites)["main.keepBytes"] >= 3 * 2000 * 1024

    until(kept, "the heap of the second program")
    until(lambda: live(sites)["main.keep"] == 0, "the heap of the first program to go")
    tracer.stop()
    is_well(target, "gc")
