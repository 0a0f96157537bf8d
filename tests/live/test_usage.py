# SPDX-License-Identifier: GPL-2.0-or-later
"""Command lines that cannot work, and processes that cannot be traced: one clear line, the right exit status."""

import os
import re
import shutil
import subprocess

from lib import METHODS, TRACER, Program, check, equal, kernel_at_least, need, python, read_text, test, until


def refused(case, arguments, *words, status=2):
    """Ends at once with one line that names what is wrong."""
    tracer = case.run(*arguments, seconds=10)
    equal(tracer.wait(), status, f"exit status of {arguments}")
    lines = [line for line in tracer.err.lines if line.startswith("tracer: ")]
    check(lines, f"no line `tracer: ...` for {arguments}: {tracer.err.text()}")
    for word in words:
        check(word in tracer.err.text(), f"no word {word!r} for {arguments}: {tracer.err.text()}")
    equal(tracer.out.text(), "", f"stdout of {arguments}")


@test()
def usage__malformed_numbers__named(case):
    me = str(os.getpid())
    for arguments, word in ((["-p", "0"], "0"), (["-p", "-1"], "-1"), (["-p", "x"], "x"), (["-p", ""], ""),
                            (["-p", "1x"], "1x"), (["-p", "99999999999999"], "99999999999999"),
                            (["-p", me + ","], me), (["-p", me, "-z", "10q"], "10q"), (["-p", me, "-z", "-1"], "-1"),
                            (["-p", me, "-i", "0"], "0"), (["-p", me, "-i", "-1"], "-1"),
                            (["-p", me, "-i", "x"], "x"), (["-p", me, "-i", "nan"], "nan"),
                            (["-p", me, "0"], "0"), (["-p", me, "1", "0"], "0"), (["-p", me, "1", "x"], "x"),
                            (["-p", me, "-d", "0"], "0"), (["-p", me, "-T", "x"], "x"),
                            (["-p", me, "-o", "x"], "x")):
        refused(case, arguments, word)


@test()
def usage__no_target_or_two__said(case):
    me = str(os.getpid())
    for arguments in ([], ["-p", me, "-n", "x"], ["-p", me, "--", "true"], ["-n", "x", "-c", "true"],
                      ["-c", "true", "--", "true"]):
        refused(case, arguments)


@test()
def usage__unknown__named(case):
    me = str(os.getpid())
    refused(case, ["-p", me, "--no-such-option"], "no-such-option")
    refused(case, ["-p", me, "--sort", "beauty"], "beauty")
    refused(case, ["-p", me, "--attach-method", "magic"], "magic")
    refused(case, ["-p", me, "1", "2", "3"], "3")
    refused(case, ["-p"])


@test()
def usage__contradictions__both_named(case):
    me = str(os.getpid())
    refused(case, ["-p", me, "-b", "--live"], "batch", "live")
    refused(case, ["-p", me, "-z", "2k", "-Z", "1k"], "min-size", "max-size")
    refused(case, ["-p", me, "-f", "--no-follow"], "follow")
    refused(case, ["-p", me, "-u", "nobody"], "user")


@test()
def usage__letters_of_memleak__say_what_to_use(case):
    for letter in ("-t", "-C", "-F", "-S", "-P"):
        refused(case, ["-p", str(os.getpid()), letter], letter)


@test()
def usage__skip_regex_malformed__named(case):
    refused(case, ["-p", str(os.getpid()), "--skip", "(["], "([")


@test()
def help_and_version__stdout__success(case):
    for option in ("-h", "--help"):
        tracer = case.run(option)
        equal(tracer.wait(), 0, f"exit status of {option}")
        for word in ("--pid", "--csv", "--interval", "tracer -p PID"):
            check(word in tracer.out.text(), f"no {word} in the help")
        equal(tracer.err.text(), "", "stderr")
    for option in ("-V", "--version"):
        tracer = case.run(option)
        equal(tracer.wait(), 0, f"exit status of {option}")
        check(re.search(r"\b\d+\.\d+\.\d+\b", tracer.out.text()), f"version: {tracer.out.text()}")


@test()
def process__not_there__named(case):
    gone = subprocess.Popen(["true"])
    gone.wait()
    refused(case, ["-b", "-p", str(gone.pid)], str(gone.pid), status=1)


@test()
def process__one_of_two_not_there__named(case):
    target = case.target("every")
    gone = subprocess.Popen(["true"])
    gone.wait()
    tracer = case.run("-b", "-d", "1", "-p", f"{target.pid},{gone.pid}", seconds=15)
    equal(tracer.wait(), 1, "exit status")
    check(str(gone.pid) in tracer.err.text(), f"message: {tracer.err.text()}")


@test()
def process__kernel_thread__named(case):
    thread = next((pid for pid in os.listdir("/proc") if pid.isdigit() and is_kernel_thread(pid)), None)
    check(thread, "no kernel thread in /proc")
    refused(case, ["-b", "-p", thread], thread, "kernel thread", status=1)


def is_kernel_thread(pid):
    try:
        flags = int(read_text(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[6])
    except (OSError, IndexError):
        return False
    return bool(flags & 0x00200000)


@test()
def process__zombie__named(case):
    parent = case.start("sh", "-c", "sh -c 'echo $$; exit 0' & exec sleep 30")
    zombie = int(parent.out.wait_for(r"^(\d+)$").group(1))
    until(lambda: ") Z " in read_text(f"/proc/{zombie}/stat"), "the zombie")
    refused(case, ["-b", "-p", str(zombie)], str(zombie), status=1)


@test()
def process__id_of_a_thread__its_process_or_a_word(case):
    """`ps -L` and `top -H` show ids of threads: a slip that must not look like an idle process."""
    target = case.start(python(), "-S", "-c", "import threading, sys; e = threading.Event();"
                        "t = threading.Thread(target=e.wait); t.start(); print('tid', t.native_id, flush=True);"
                        "sys.stdin.readline(); e.set()")
    thread = int(target.out.wait_for(r"^tid (\d+)$").group(1))
    tracer = case.run("-b", "-d", "1", "-p", thread)
    if tracer.wait() == 0:
        check(str(target.pid) in tracer.err.text(), f"no word of the process {target.pid}: {tracer.err.text()}")
    else:
        equal(tracer.wait(), 1, "exit status")
        check(str(thread) in tracer.err.text(), f"message: {tracer.err.text()}")
    check(target.running(), "the target has ended")


@test()
def rights__unprivileged__clear_line_and_failure(case):
    need("setpriv")
    program = case.path("tracer")
    shutil.copy(TRACER, program)
    os.chmod(program, 0o755)
    target = case.target("every")
    tracer = case.keep(Program(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                                "--inh-caps=-all", program, "-b", "-d", "1", "-p", str(target.pid)]))
    equal(tracer.wait(), 1, "exit status")
    lines = [line for line in tracer.err.lines if line.startswith("tracer: ")]
    check(lines and len(tracer.err.lines) <= 4, f"not a clear line: {tracer.err.text()}")
    check(re.search(r"root|sudo|CAP_|privilege", tracer.err.text()), f"no advice: {tracer.err.text()}")


@test()
def dry_run__a_line_a_probe__and_nothing_attached(case):
    target = case.target("every")
    tracer = case.run("--dry-run", "-p", target.pid)
    equal(tracer.wait(), 0, "exit status")
    for function in ("malloc", "calloc", "realloc", "free", "posix_memalign", "(memalign|aligned_alloc)"):
        check(re.search(rf"\b{function}\b", tracer.out.text()), f"no line for {function}: {tracer.out.text()}")
    check("[uprobes]" not in read_text(f"/proc/{target.pid}/maps"), "something was attached")
    check("attached to" not in tracer.err.text(), "it says that it attached")
    target.work()


@test()
def check_option__kernel_features__listed(case):
    tracer = case.run("--check")
    equal(tracer.wait(), 0, "exit status")
    check(len(tracer.out.lines) >= 3, f"stdout: {tracer.out.text()}")


@test()
def check_option__ways_to_attach__as_this_kernel_has_them(case):
    """Each way says yes, or no with what that costs; the best one that works is taken."""
    tracer = case.run("--check")
    rows = dict(zip(METHODS, (re.search(rf"^ +{name} +(yes|no) +(.*)$", tracer.out.text(), re.M)
                              for name in ("uprobe session", "uprobe multi", "uprobe by perf event"))))
    for method, row in rows.items():
        check(row, f"no row for {method}: {tracer.out.text()}")
        equal(row.group(1), "yes" if kernel_at_least(*METHODS[method]) else "no", f"has {method}")
        check(row.group(1) == "yes" or "without it" in row.group(2), f"not what its lack costs: {row.group(0)}")
    best = next(method for method, since in METHODS.items() if kernel_at_least(*since))
    check(f"Attaching by: {best}" in tracer.out.lines, f"not by {best}: {tracer.out.text()}")


KNOWN = "result of an earlier run in this boot"


@test()
def selftest__second_start__result_kept(case):
    """What was found out is not tried again, but only when nobody else can have written it."""
    directory = case.path("kept")
    os.mkdir(directory, 0o700)

    def knows():
        tracer = case.run("-v", "--", "/bin/true", env={"TRACER_RUN_DIR": directory})
        return KNOWN in tracer.err.text()
    check(not knows(), "the first start knows already")
    kept = os.listdir(directory)
    check(kept and all(name.startswith(("attach-", "cost-", "direct-")) for name in kept), f"files: {kept}")
    check(knows(), "the second start tries again")
    for name in kept:
        with open(os.path.join(directory, name), "r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"\x55")
    check(not knows(), "a damaged file was believed")
    check(knows(), "the damaged file was not replaced")
    os.chmod(directory, 0o770)
    check(not knows(), "a directory that others can write was believed")
    os.chmod(directory, 0o700)
    tracer = case.run("--check", "-v", env={"TRACER_RUN_DIR": directory})
    check(KNOWN not in tracer.err.text(), "--check does not try anew")


@test()
def attached_line__probes__as_many_as_the_dry_run_has(case):
    target = case.target("every")
    plan = case.run("--dry-run", "-p", target.pid)
    tracer = case.attach(target)
    probes = int(re.search(r"(\d+) probes in", tracer.err.text()).group(1))
    tracer.stop()
    lines = [line for line in plan.out.lines if line.strip()]
    check(5 <= probes <= 2 * len(lines), f"{probes} probes, but {len(lines)} lines of --dry-run")
