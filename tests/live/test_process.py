# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes as they come: commands, children, names, namespaces, replaced files, and every way to end."""

import os
import re
import shutil
import signal
import subprocess

from lib import (Failure, Skip, Target, check, check_summary, check_truth, children, command, equal, find_library, need,
                 parse_processes, parse_truth, python, read_sites, read_text, rows_of, target_path, test,
                 trace_exactly, until)


def healthy(target):
    """The target works as if nobody had ever watched it."""
    check(target.running(), "the target has ended")
    target.work()
    target.finish()


# Commands


def truth_of(tracer):
    """A command's stdout is the tracer's."""
    return parse_truth(tracer.out.lines)


@test()
def command__from_the_first_instruction__exact(case):
    tracer, sites = command(case, "--", target_path("every"), "--now")
    check_truth(truth_of(tracer), sites.last())
    check_summary(tracer, sites, sites.last()[0]["pid"])


@test()
def command__static__exact(case):
    tracer, sites = command(case, "--", target_path("every-static"), "--now")
    check_truth(truth_of(tracer), sites.last())


@test()
def command__musl_static__exact(case):
    tracer, sites = command(case, "--", target_path("every-musl-static"), "--now")
    check_truth(truth_of(tracer), sites.last())


@test()
def command__constructors__counted(case):
    tracer, sites = command(case, "--", target_path("ctor"), "--now")
    check_truth(truth_of(tracer), sites.last())


@test()
def command__attached_line__before_its_first_instruction(case):
    """Its stderr is the tracer's: the order of the lines is the order of the events."""
    tracer = case.run("--", "sh", "-c", "echo it runs >&2")
    lines = tracer.err.lines
    attached = [n for n, line in enumerate(lines) if line.startswith("tracer: attached to ")]
    check(attached, "no line `attached to`")
    check(attached[0] < lines.index("it runs"), "the command ran before the line `attached to`")


@test()
def command__exit_status__reported(case):
    tracer = case.run("--", "sh", "-c", "exit 37")
    equal(tracer.wait(), 0, "exit status of the tracer")
    check(re.search(r"^tracer: .*\b37\b", tracer.err.text(), re.M), f"no word of status 37: {tracer.err.text()}")
    tracer.summary()


@test()
def command__killed__reported(case):
    tracer = case.run("--", "sh", "-c", "kill -9 $$")
    equal(tracer.wait(), 0, "exit status of the tracer")
    check(re.search(r"^tracer: .*(signal 9|SIGKILL|[Kk]illed)", tracer.err.text(), re.M),
          f"no word of the signal: {tracer.err.text()}")


@test()
def command__stdin__inherited(case):
    tracer = case.tracer("-q", "--", "cat", stdin=subprocess.PIPE)
    tracer.write("something to read\n")
    tracer.close_stdin()
    equal(tracer.wait(), 0, "exit status of the tracer")
    check("something to read" in tracer.out.lines, f"stdout: {tracer.out.text()}")


@test()
def command__not_found__failure(case):
    tracer = case.run("--", "/no/such/program")
    equal(tracer.wait(), 1, "exit status")
    check("'/no/such/program'" in tracer.err.text(), f"message: {tracer.err.text()}")


@test()
def command__string__words_as_a_shell_splits_them(case):
    tracer = case.run("-q", "-c", "printf '%s|' 'a b' c \"d  e\"")
    equal(tracer.wait(), 0, "exit status of the tracer")
    check("a b|c|d  e|" in tracer.out.text(), f"stdout: {tracer.out.text()}")


@test()
def command__user__runs_as_that_one(case):
    tracer = case.run("-q", "-u", "nobody", "--", "id", "-u")
    equal(tracer.wait(), 0, "exit status of the tracer")
    expected = subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True, check=True).stdout.strip()
    check(expected in tracer.out.lines, f"stdout: {tracer.out.text()}")


@test()
def command__tracer_ends_first__it_runs_on(case):
    for end in ("-d", "count", "term"):
        options = {"-d": ["-d", "1"], "count": ["0.2", "2"], "term": []}[end]
        mark = case.path(end)
        tracer = case.tracer(*options, "--", "sh", "-c", f"echo $$ > {mark}.part; mv {mark}.part {mark}; exec sleep 30")
        until(lambda: os.path.exists(mark), "the command to run")
        pid = int(read_text(mark))
        if end == "term":
            tracer.signal(signal.SIGTERM)
        tracer.end()
        check(os.path.exists(f"/proc/{pid}"), f"the command has ended with the tracer ({end})")
        state = read_text(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[0]
        check(state in "RS", f"the command does not run, its state is {state}")
        os.kill(pid, signal.SIGKILL)


@test()
def command__environment_and_directory__inherited(case):
    tracer = case.run("-q", "--", "sh", "-c", 'echo "$MARK $PWD"', env={"MARK": "here"}, cwd=case.directory)
    equal(tracer.wait(), 0, "exit status of the tracer")
    check(f"here {case.directory}" in tracer.out.lines, f"stdout: {tracer.out.text()}")


# Children

@test()
def fork__not_followed__only_the_parent(case):
    target = case.target("forks")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    target.work()
    tracer.stop()
    equal(set(tracer.summaries()), {target.pid}, "processes with a summary")
    sites = read_sites(path)
    equal({row["pid"] for row in sites.rows}, {target.pid}, "processes with rows")
    check_truth(parse_processes(target.out.lines)["parent"][1], sites.last())
    check_summary(tracer, sites, target.pid)
    target.finish()


def check_family(tracer, sites, lines, others=frozenset()):
    """The parent, its fork (which inherits 11 blocks), the vforked and the spawned program; `others` have summaries too."""
    processes = parse_processes(lines)
    equal(set(processes), {"parent", "child", "vforked", "spawned"}, "processes that said their truth")
    equal(set(tracer.summaries()) - others, {pid for pid, _ in processes.values()}, "processes with a summary")
    for name, (pid, truth) in processes.items():
        try:
            check_truth(truth, sites.last(pid))
        except Failure as failure:
            raise Failure(f"process {name}: {failure}") from None
        equal(check_summary(tracer, sites, pid).lost, 0, f"lost events of {name}")


@test()
def fork__followed__children_are_processes_of_their_own(case):
    target = case.target("forks")
    path = case.path("sites.csv")
    tracer = case.attach(target, "-f", "--csv", path)
    target.work()
    tracer.stop()
    check_family(tracer, read_sites(path), target.out.lines)
    target.finish()


@test()
def fork__of_a_command__followed(case):
    tracer, sites = command(case, "--", target_path("forks"), "--now")
    check_family(tracer, sites, tracer.out.lines)


@test()
def fork__of_a_child_that_has_execed__followed(case):
    """Its modules are where they were not when it was forked itself."""
    shell = f"{target_path('forks')} --now; true"
    tracer, sites = command(case, "--", "/bin/sh", "-c", shell)
    check_family(tracer, sites, tracer.out.lines,
                 {pid for pid, summary in tracer.summaries().items() if summary.comm == "sh"})


# While its parent waits for the tracer, a more urgent process takes the only CPU that the child may run on.
STARVED_CHILD = """
import os, time

def urgent(priority):
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
wait, go = os.pipe()
ready, tell = os.pipe()
hog = os.fork()
if not hog:
    urgent(1)
    os.write(tell, b"x")
    os.read(wait, 1)
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        pass
    os._exit(0)
os.read(ready, 1)
urgent(2)
os.write(go, b"x")
child = os.fork()
if not child:
    os.execvp("sleep", ["sleep", "0"])
os.waitpid(child, 0)
os.waitpid(hog, 0)
"""


@test()
def fork__child_that_does_not_get_to_run__is_not_late(case):
    """Its fork is told before it has come to its first stop; taken for a late one, it would be told of its exec twice, and its names be those of no program."""
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("needs a CPU for the tracer")
    path = case.path("sites.csv")
    tracer = case.run("--csv", path, "--", python(), "-c", STARVED_CHILD)
    equal(tracer.wait(), 0, "exit status of the tracer")
    equal([line for line in tracer.err.lines if " late" in line], [], "what is said")
    pid = next(pid for pid, summary in tracer.summaries().items() if summary.comm == "sleep")
    stacks = {row["site"] for row in read_sites(path).last(pid)}
    check(len(stacks) > 5, f"the child has {len(stacks)} stacks")


@test()
def fork__of_a_command_no_follow__only_the_parent(case):
    tracer, sites = command(case, "--no-follow", "--", target_path("forks"), "--now")
    parent, truth = parse_processes(tracer.out.lines)["parent"]
    equal(set(tracer.summaries()), {parent}, "processes with a summary")
    check_truth(truth, sites.last(parent))


@test()
def exec__attached_process__heap_of_the_old_program_is_gone(case):
    target = case.target("execs")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    truth = target.work()
    tracer.stop()
    sites = read_sites(path)
    check_truth(truth, sites.last(target.pid))
    check_summary(tracer, sites, target.pid)


@test()
def children_of_a_shell__followed__each_counted(case):
    every = target_path("every")
    tracer, sites = command(case, "--", "sh", "-c", f"{every} --now; {every} --now; :")
    runs = [pid for pid, summary in tracer.summaries().items() if summary.comm == "every"]
    equal(len(runs), 2, "summaries of the two children")
    for pid in runs:
        check_truth(truth_of(tracer), sites.last(pid))


# Names, which are looked for on the whole machine: no other test, and no other run of the tests, has the same.

@test()
def name__two_running_and_one_later__all_traced(case):
    name = f"several{os.getpid()}"
    program = case.path(name)
    shutil.copy(target_path("every"), program)
    running = [case.target(program), case.target(program)]
    path = case.path("sites.csv")
    tracer = case.tracer("-b", "-n", name, "--csv", path)
    until(lambda: sum("attached to" in line for line in tracer.err.lines) >= 2, "two attached processes")
    later = case.target(program)
    until(lambda: any(f"attached to {later.pid} " in line for line in tracer.err.lines), "the later one attached")
    for target in [*running, later]:
        target.work()
    tracer.stop()
    sites = read_sites(path)
    equal(set(tracer.summaries()), {t.pid for t in [*running, later]}, "processes with a summary")
    for target in [*running, later]:
        check_truth(target.truth, sites.last(target.pid))


@test()
def name__part_of_one__not_traced(case):
    name = f"part{os.getpid()}"
    program = case.path(f"{name}-2")
    shutil.copy(target_path("every"), program)
    case.target(program)
    tracer = case.run("-b", "-n", name, "-d", "1")
    check(not any("attached to" in line for line in tracer.err.lines), "attached to a process of another name")


# Modules

@test()
def dlopen__library_loaded_while_traced__its_frames_have_names(case):
    target = case.target("dl")
    sites, _ = trace_exactly(case, target, totals=False)
    equal({row["module"] for row in rows_of(sites.last(), "site_plugin")}, {"plugin.so"}, "module of the library's site")


@test()
def dlopen__allocator_loaded_while_traced__traced(case):
    """python3 loads jemalloc, which nothing had mapped before, and calls it by its own names."""
    library = find_library("libjemalloc.so.2")
    script = ("import ctypes, sys; print('ready', flush=True); sys.stdin.readline();"
              f"j = ctypes.CDLL({library!r}, mode=0); j.mallocx.restype = ctypes.c_void_p;"
              "j.mallocx.argtypes = [ctypes.c_size_t, ctypes.c_int];"
              "print('loaded', flush=True); sys.stdin.readline();"
              "k = [j.mallocx(100003, 0) for _ in range(7)];"
              "print('done', flush=True); sys.stdin.readline()")
    # jemalloc wants more static thread storage than a library loaded late is given by default
    target = case.start(python(), "-S", "-c", script, env={"GLIBC_TUNABLES": "glibc.rtld.optional_static_tls=16384"})
    target.out.wait_for("^ready")
    path = case.path("sites.csv")
    tracer = case.attach(target.pid, "--csv", path)
    target.write()
    target.out.wait_for("^loaded")
    tracer.err.wait_for(r"has loaded another allocator; what it allocated there in the first [\d.]+ ms is not shown")
    target.write()
    target.out.wait_for("^done")
    tracer.stop()
    rows = [row for row in read_sites(path).last() if row["api"] == "mallocx"]
    equal(sum(row["outstanding_bytes"] for row in rows), 7 * 100003, "bytes through mallocx")


@test()
def executable__deleted__exact(case):
    program = case.path("gone")
    shutil.copy(target_path("every-static"), program)
    target = case.target(program)
    os.unlink(program)
    trace_exactly(case, target)


@test()
def executable__dynamic_and_deleted__names_all_the_same(case):
    program = case.path("gone")
    shutil.copy(target_path("every"), program)
    target = case.target(program)
    os.unlink(program)
    trace_exactly(case, target)


@test()
def library__replaced_on_disk__the_mapped_one_counts(case):
    library = case.path("libswap.so")
    shutil.copy(find_library("libjemalloc.so.2"), library)
    target = case.target("every", env={"LD_PRELOAD": library})
    shutil.copy("/bin/true", case.path("new"))
    os.rename(case.path("new"), library)
    trace_exactly(case, target)


# Allocators that keep a profile: its stacks would end at the trampoline of a return probe

AVOIDED = "walks its own stack: its functions get no return probes"


def avoids(case, name, options="", seen=True):
    environment = {"LD_PRELOAD": find_library("libjemalloc.so.2")}
    if options:
        environment["MALLOC_CONF"] = options
    target = case.target(name, env=environment)
    if name.startswith("title"):
        check(not read_text(f"/proc/{target.pid}/environ").strip("\0"), "the environment can still be seen")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path, "-v")
    truth = target.work()
    tracer.stop()
    check_truth(truth, read_sites(path).last(target.pid))
    said = any("libjemalloc" in line and AVOIDED in line for line in tracer.err.lines)
    equal(said, seen, f"no return probes: {tracer.err.text()}")
    target.finish()


@test()
def profile__environment_as_it_was__no_return_probes(case):
    avoids(case, "every", "prof:true")


@test()
def profile__environment_written_over__no_return_probes(case):
    avoids(case, "title", "prof:true")


@test()
def profile__options_in_the_program__no_return_probes(case):
    avoids(case, "title-conf")


@test()
def profile__options_in_the_command__no_return_probes(case):
    tracer = case.run("-v", "--", target_path("title-conf"), "--now",
                      env={"LD_PRELOAD": find_library("libjemalloc.so.2")})
    equal(tracer.wait(), 0, "exit status of the tracer")
    check(any("libjemalloc" in line and AVOIDED in line for line in tracer.err.lines), tracer.err.text())


@test()
def no_profile__environment_written_over__return_probes(case):
    avoids(case, "title", "lg_prof_sample:0", seen=False)


@test()
def container__other_mounts_and_pids__exact(case):
    need("unshare")
    target = case.target(target_path("every"), prefix=("unshare", "-m", "-p", "-f", "--mount-proc"))
    inner = until(lambda: children(target.pid), "the process in the namespace")[0]
    check(inner != target.inner_pid, "not in a pid namespace of its own")
    trace_exactly(case, target, pid=inner)


@test()
def container__program_that_only_it_can_see__exact(case):
    need("unshare")
    script = f"mount -t tmpfs none {case.directory} && cp {target_path('every')} {case.directory}/hidden && " \
             f"exec {case.directory}/hidden"
    target = case.keep(Target(["unshare", "-m", "-p", "-f", "sh", "-c", script])).wait_ready()
    inner = until(lambda: children(target.pid), "the process in the namespace")[0]
    check(not os.path.exists(case.path("hidden")), "the program is visible outside")
    tracer_csv = "/tmp/" + os.path.basename(case.directory) + ".csv"
    try:
        tracer = case.attach(inner, "--csv", tracer_csv)
        truth = target.work()
        tracer.stop()
        sites = read_sites(tracer_csv)
        check_truth(truth, sites.last(inner))
        check_summary(tracer, sites, inner)
        target.finish()
    finally:
        if os.path.exists(tracer_csv):
            os.unlink(tracer_csv)


# Ends

@test()
def target__exits_while_traced__last_report_and_success(case):
    target = case.target("every")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    truth = target.work()
    target.finish()
    tracer.end()
    sites = read_sites(path)
    check_truth(truth, sites.last(target.pid))
    check_summary(tracer, sites, target.pid)


@test()
def target__killed_while_traced__last_report_and_success(case):
    target = case.target("every")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    truth = target.work()
    target.signal(signal.SIGKILL)
    target.wait()
    tracer.end()
    check_truth(truth, read_sites(path).last(target.pid))


@test()
def target__exits_without_freeing_at_full_speed__nothing_lost(case):
    target = case.target("every")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    target.write("\n\n")
    equal(target.wait(), 0, "exit status of the target")
    tracer.end()
    check_truth(target.read_truth(), read_sites(path).last(target.pid))


@test()
def signals__int_and_term__summary_and_success(case):
    for number in (signal.SIGINT, signal.SIGTERM):
        target = case.target("every")
        tracer = case.attach(target)
        tracer.stop(number)
        tracer.summary(target.pid)
        healthy(target)


@test()
def signals__twice_int__ends(case):
    target = case.target("every")
    tracer = case.attach(target)
    tracer.signal(signal.SIGINT)
    if tracer.running():
        tracer.signal(signal.SIGINT)
    status = tracer.wait()
    check(status in (0, -signal.SIGINT), f"exit status {status}")
    healthy(target)


@test()
def kill__tracer_at_any_moment__target_is_healthy(case):
    target = case.target("leak")
    target.go()
    for _ in range(3):
        tracer = case.attach(target)
        tracer.signal(signal.SIGKILL)
        tracer.wait()
        check(target.running(), "the target has ended")
    tracer = case.tracer("-b", "-p", target.pid)
    tracer.signal(signal.SIGKILL)
    tracer.wait()
    state = read_text(f"/proc/{target.pid}/stat").rsplit(")", 1)[1].split()[0]
    check(state in "RSD", f"the target does not run, its state is {state}")


@test()
def kill__then_again__a_new_tracer_is_exact(case):
    target = case.target("every")
    case.attach(target).kill()
    trace_exactly(case, target)


@test()
def tracers__two_at_once__both_exact(case):
    target = case.target("every")
    paths = [case.path("1.csv"), case.path("2.csv")]
    tracers = [case.attach(target, "--csv", path) for path in paths]
    truth = target.work()
    for tracer, path in zip(tracers, paths):
        tracer.stop()
        check_truth(truth, read_sites(path).last(target.pid))
    target.finish()


@test()
def stopped_target__attached__works_when_it_goes_on(case):
    target = case.target("every")
    target.signal(signal.SIGSTOP)
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    target.signal(signal.SIGCONT)
    truth = target.work()
    tracer.stop()
    check_truth(truth, read_sites(path).last(target.pid))


@test()
def bystander__same_library__not_counted(case):
    target, other = case.target("every"), case.target("every")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    other.work()
    tracer.stop()
    equal(tracer.summary(target.pid).events, 0, "events of a process that does nothing")
    equal([row for row in read_sites(path).rows if row["pid"] != target.pid], [], "rows of others")


@test()
def no_allocator__nothing_to_trace__said(case):
    """A program without libc: nothing to probe is worth a word, not silence."""
    need("gcc")
    source, path = case.path("bare.c"), case.path("bare")
    with open(source, "w", encoding="utf-8") as file:
        file.write("void _start(void)\n{\n\tfor (;;)\n\t\t__asm__ volatile(\"syscall\" : : \"a\"(34) "
                   ": \"rcx\", \"r11\", \"memory\");\n}\n")
    if case.start("gcc", "-nostdlib", "-static", "-O1", "-o", path, source).wait() != 0:
        raise Skip("gcc cannot build a program without libc here")
    bare = case.start(path)
    tracer = case.run("-b", "-p", bare.pid, "-d", "1")
    equal(tracer.wait(), 1, "exit status")
    check(re.search(r"alloc", tracer.err.text()), f"message: {tracer.err.text()}")
    check(bare.running(), "the target has ended")


@test()
def stack_column__frames__root_first(case):
    sites, _ = trace_exactly(case, case.target("every"))
    row = rows_of(sites.last(), "site_malloc")[0]
    names = row["stack"].split(";")
    check(names.index("main") < names.index("site_malloc"), f"stack: {row['stack']}")
