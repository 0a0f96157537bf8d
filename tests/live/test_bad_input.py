# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels, programs and files that are not as they should be: one clear line, nothing half-written, no harm done."""

import os
import re
import resource
import subprocess

from lib import (BLOCK_COLUMNS, SITE_COLUMNS, TRACER, Program, Skip, check, check_truth, equal, need, parse_table,
                 read_sites, read_text, target_path, test, until)


def own_mounts(case, script, *arguments):
    """A tracer that sees the file systems as `script` has arranged them, and nobody else does."""
    need("unshare")
    program = Program(["unshare", "-m", "sh", "-ec", script + '; exec "$@"', "sh", TRACER, *map(str, arguments)],
                      name="tracer", stdin=subprocess.DEVNULL)
    return case.keep(program)


def one_line(tracer, *words, status=1):
    """Says in one line what is wrong with what."""
    equal(tracer.wait(), status, "exit status of the tracer")
    errors = [line for line in tracer.err.lines if line.startswith("tracer: cannot ")]
    equal(len(errors), 1, f"lines `tracer: cannot ...` in: {tracer.err.text()}; their number")
    for word in words:
        check(word in errors[0], f"no word {word!r} in: {errors[0]}")
    check(errors[0].count(": ") >= 2, f"neither reason nor way out in: {errors[0]}")
    return errors[0]


def unharmed(target):
    check(target.running(), "the target has ended")
    check("[uprobes]" not in read_text(f"/proc/{target.pid}/maps"), "a probe was set")
    target.work()
    target.finish()


NO_BTF = "mount -t tmpfs none /sys/kernel/btf"


@test()
def kernel__without_btf__said(case):
    target = case.target("every")
    path = case.path("sites.csv")
    tracer = own_mounts(case, NO_BTF, "-b", "-p", target.pid, "--csv", path)
    one_line(tracer, "'/sys/kernel/btf/vmlinux'", "CONFIG_DEBUG_INFO_BTF")
    equal(len(tracer.err.lines), 1, f"lines on stderr: {tracer.err.text()}; their number")
    unharmed(target)


@test()
def kernel__without_btf__check_says_so(case):
    tracer = own_mounts(case, NO_BTF, "--check")
    equal(tracer.wait(), 1, "exit status")
    check(re.search(r"BTF.* no ", tracer.out.text()), f"stdout: {tracer.out.text()}")


@test()
def kernel__without_tracefs__traces_all_the_same(case):
    """No method needs it: with each of them everything is as always."""
    hide = ("for d in /sys/kernel/tracing /sys/kernel/debug; do if [ -d $d ]; then mount -t tmpfs none $d; fi; done")
    for method in ("session", "multi", "perf"):
        target = case.target("every")
        path = case.path(f"{method}.csv")
        tracer = own_mounts(case, hide, "-b", "-p", target.pid, "--attach-method", method, "--csv", path)
        if "cannot attach by" in tracer.err.wait_for(r"^tracer: (attached to |cannot attach by )").string:
            continue  # this kernel does not have it, with or without tracefs
        truth = target.work()
        os.kill(tracer.pid, 15)
        equal(tracer.wait(), 0, f"exit status with {method}")
        check_truth(truth, read_sites(path).last())


@test()
def kernel__without_proc_of_the_target__said(case):
    """A /proc that shows no other user's processes, or another pid namespace's."""
    target = case.target("every")
    tracer = own_mounts(case, "mount -t tmpfs none /proc", "-b", "-p", target.pid)
    equal(tracer.wait(), 1, "exit status")
    check(str(target.pid) in tracer.err.text(), f"message: {tracer.err.text()}")
    unharmed(target)


BARE_32 = """__asm__(".globl _start\\n_start:\\n\\tmovl $29, %eax\\n\\tint $0x80\\n\\tjmp _start\\n");\n"""


def build_32(case, source, *options):
    path = case.path("small")
    with open(path + ".c", "w", encoding="utf-8") as file:
        file.write(source)
    build = case.start("gcc", "-m32", *options, "-o", path, path + ".c")
    if build.wait() != 0:
        raise Skip("gcc cannot build this for 32 bits here (package gcc-multilib)")
    try:
        return case.start(path)
    except OSError as error:
        raise Skip(f"this kernel runs no 32-bit programs: {error.strerror}") from None


@test()
def bits_32__without_any_library__refused(case):
    """Needs no 32-bit library to build: two instructions that wait for ever."""
    small = build_32(case, BARE_32, "-nostdlib", "-static")
    until(lambda: "small" in read_text(f"/proc/{small.pid}/comm"), "the 32-bit program to run")
    for option in ("-b", "--dry-run"):
        one_line(case.run(option, "-p", small.pid), str(small.pid), "32-bit")
    check(small.running(), "the target has ended")


@test()
def bits_32__command__refused_and_said(case):
    small = case.path("small")
    with open(small + ".c", "w", encoding="utf-8") as file:
        file.write("#include <stdlib.h>\nint main(void)\n{\n\treturn malloc(7) == NULL;\n}\n")
    if case.start(need("gcc"), "-m32", "-o", small, small + ".c").wait() != 0:
        raise Skip("gcc cannot build programs with a C library for 32 bits here (package gcc-multilib)")
    tracer = case.run("-b", "--", small)
    check("32-bit" in tracer.err.text(), f"no word about 32 bits: {tracer.err.text()}")
    check("attached to" not in tracer.err.text(), f"says that it is traced: {tracer.err.text()}")


@test()
def target__neither_numbers_nor_names__named(case):
    for arguments, word in ((["-p", "0"], "0"), (["-p", "1", "-n", "x"], "-n"), (["-p", "1", "--", "true"], "COMMAND"),
                            (["-n", ""], "-n"), (["-c", ""], "-c"), (["--", ""], "")):
        tracer = case.run(*arguments)
        check(tracer.wait() in (1, 2), f"exit status {tracer.wait()} of {arguments}")
        errors = [line for line in tracer.err.lines if line.startswith("tracer: ")]
        check(len(errors) <= 2 and errors, f"not a clear line for {arguments}: {tracer.err.text()}")
        check(word in tracer.err.text() or word.strip("-") in tracer.err.text(),
              f"no word {word!r} for {arguments}: {tracer.err.text()}")


@test()
def command__not_executable__named(case):
    plain = case.path("plain")
    with open(plain, "w", encoding="utf-8") as file:
        file.write("no program\n")
    one_line(case.run("-b", "--", plain), f"'{plain}'")
    one_line(case.run("-b", "--", case.directory), f"'{case.directory}'")


@test()
def process__ends_while_being_attached_to__clear_either_way(case):
    """Lives that are a bit longer each time, so that they end at another step of attaching each time."""
    churn = target_path("churn")
    for turn in range(16):
        shell = case.start("sh", "-c", f"{churn} {turn * 150000} --now >/dev/null & echo $!; wait")
        pid = int(shell.out.wait_for(r"^(\d+)$").group(1))
        tracer = case.run("-b", "-d", "5", "-p", pid, seconds=30)
        status = tracer.wait()
        said = tracer.err.text()
        check(status in (0, 1), f"exit status {status}: {said}")
        check(str(pid) in said, f"the process is not named: {said}")
        if status == 0:
            tracer.summary(pid)
        else:
            one_line(tracer, str(pid))
        equal(shell.wait(), 0, "exit status of the shell that waits for the target")


@test()
def file_limit__too_low__said_or_done(case):
    """Where hardly any file may be opened, there is a word about it and no half-done work."""
    target = case.target("every")
    tracer = case.tracer("-b", "-d", "1", "-p", target.pid,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12)))
    equal(tracer.wait(), 1, f"exit status; stderr: {tracer.err.text()}")
    check(any(line.startswith("tracer: cannot ") for line in tracer.err.lines), f"message: {tracer.err.text()}")
    check(target.running(), "the target has ended")
    target.work()


# Files

def whole_rows(text, columns):
    """Whatever did not fit was left out from the start of a line."""
    check(text == "" or text.endswith("\n"), f"half a line at the end: {text[-60:]!r}")
    if text:
        parse_table(text, columns)


@test()
def csv__file_system_full__message_failure_and_whole_lines(case):
    """A tmpfs of a few pages, seen by the tracer alone: its files are copied out before it goes."""
    need("unshare")
    target = case.target("stacks", 997)
    small, saved = case.path("small"), case.path("saved")
    os.mkdir(small)
    os.mkdir(saved)
    script = (f"mount -t tmpfs -o size=32k none {small}; status=0; "
              f"{TRACER} -b -i 0.2 -p {target.pid} --csv {small}/sites --csv-blocks {small}/blocks || status=$?; "
              f"cp {small}/* {saved}; exit $status")
    tracer = case.start("unshare", "-m", "sh", "-ec", script)
    tracer.err.wait_for("^tracer: attached to ")
    target.work()
    equal(tracer.wait(), 1, "exit status")
    errors = [line for line in tracer.err.lines if line.startswith("tracer: cannot ")]
    check(errors and f"'{small}/sites'" in errors[0] and "space" in errors[0], f"message: {tracer.err.text()}")
    whole_rows(read_text(f"{saved}/sites"), SITE_COLUMNS)
    whole_rows(read_text(f"{saved}/blocks"), BLOCK_COLUMNS)
    target.finish()


@test()
def csv__full_device__each_file(case):
    for option in ("--csv-blocks", "--csv-timeline"):
        target = case.target("every")
        tracer = case.tracer("-b", "-d", "1", "-p", target.pid, option, "/dev/full")
        one_line(tracer, "'/dev/full'", "space")
        target.work()
        target.finish()


@test()
def stdout__full_device__message_and_failure(case):
    target = case.target("every")
    with open("/dev/full", "wb") as full:
        tracer = case.tracer("-b", "-i", "0.2", "-p", target.pid, stdout=full)
    one_line(tracer, "'/dev/stdout'")
    target.work()
    target.finish()


@test()
def stdout__pipe_to_head__ends_by_itself(case):
    target = case.target("leak")
    target.go()
    shell = case.start("bash", "-c", f"set -o pipefail; {TRACER} -b -i 0.2 -p {target.pid} | head -n 1")
    status = shell.wait()
    check(status in (0, 1, 141), f"exit status {status}")
    equal(len(shell.out.lines), 1, "lines from head")
    check(len([line for line in shell.err.lines if "cannot" in line]) <= 1, f"stderr: {shell.err.text()}")
    check(shell.err.lines[-1].startswith(f"tracer: {target.pid} (leak): "), f"the last line: {shell.err.text()}")
    check(target.running(), "the target has ended")


@test()
def stderr__closed__traces_all_the_same(case):
    target = case.target("every")
    path = case.path("sites.csv")
    shell = case.start("sh", "-c", f"exec {TRACER} -b -i 0.2 -p {target.pid} --csv {path} 2>&-")
    shell.out.wait_for("stacks with outstanding allocations")
    truth = target.work()
    os.kill(shell.pid, 15)
    equal(shell.wait(), 0, "exit status")
    check_truth(truth, read_sites(path).last())


@test()
def csv__same_file_twice__refused_or_whole(case):
    target = case.target("every")
    path = case.path("one.csv")
    tracer = case.tracer("-b", "-d", "1", "-p", target.pid, "--csv", path, "--csv-timeline", path)
    equal(tracer.wait(), 2, f"exit status; stderr: {tracer.err.text()}")
    check(path in tracer.err.text(), f"message: {tracer.err.text()}")
