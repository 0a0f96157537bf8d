# SPDX-License-Identifier: GPL-2.0-or-later
"""Unwind tables: kept between runs, not waited for when they are long, and given up for others when there are many."""

import os
import re
import shutil
import subprocess

from lib import (check, check_totals, check_truth, equal, frames, need, read_sites, read_text, rows_of, target_path,
                 test, until)

TABLE = r"^tracer: unwind table of '(.*)': \d+ rows, \d+ pages, \d+\.\d ms(, from the cache)?$"


def tables(tracer):
    """Path of each file that got a table, and whether it came from the cache."""
    found = [re.match(TABLE, line) for line in tracer.err.lines]
    return {match.group(1): bool(match.group(2)) for match in found if match}


def attach_and_stop(case, directory):
    """What a tracer says of its tables, which are exact whatever becomes of the cache."""
    target = case.target("unwind")
    tracer = case.attach(target, "-v", env={"TRACER_CACHE_DIR": directory})
    tracer.stop()
    target.kill()
    check(tables(tracer), "no table was made")
    return tracer


@test()
def tables__second_run__from_the_cache(case):
    directory = case.path("cache")
    first = tables(attach_and_stop(case, directory))
    check(not any(first.values()), f"from a cache that was empty: {first}")
    second = tables(attach_and_stop(case, directory))
    equal(sorted(second), sorted(first), "files with a table")
    check(all(second.values()), f"made again though they were kept: {second}")
    equal(os.stat(directory).st_mode & 0o777, 0o700, "mode of the directory")
    for name in os.listdir(directory):
        equal(os.stat(os.path.join(directory, name)).st_mode & 0o777, 0o600, f"mode of {name}")


def stacks_of_every(case, directory):
    target = case.target("every")
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path, env={"TRACER_CACHE_DIR": directory})
    truth = target.work()
    tracer.stop()
    rows = read_sites(path).last(target.pid)
    check_truth(truth, rows)
    check_totals(truth, rows)
    target.finish()
    return sorted(row["stack"] for row in rows)


@test()
def tables__from_the_cache__stacks_are_the_same(case):
    fresh = stacks_of_every(case, case.path("cache"))
    equal(stacks_of_every(case, case.path("cache")), fresh, "stacks")


@test()
def tables__damaged_cache__made_again(case):
    directory = case.path("cache")
    kept = tables(attach_and_stop(case, directory))
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if name.endswith(".unwind"):
            with open(path, "r+b") as file:
                file.truncate(os.path.getsize(path) - 1)
    again = attach_and_stop(case, directory)
    check(any("is not used: damaged" in line for line in again.err.lines), "not a word about the damage")
    equal(tables(again), kept, "tables that were made")
    check(all(tables(attach_and_stop(case, directory)).values()), "the damaged tables were not replaced")


@test()
def tables__directory_that_others_can_write__not_believed(case):
    directory = case.path("cache")
    attach_and_stop(case, directory)
    os.chmod(directory, 0o777)
    tracer = attach_and_stop(case, directory)
    check(any(line.startswith(f"tracer: unwind tables are not kept in '{directory}': ") for line in tracer.err.lines),
          "not a word about the directory")
    check(not any(tables(tracer).values()), "tables were taken from it")


@test()
def tables__cache_switched_off__nothing_is_kept(case):
    for value in ("", "none"):
        for _ in range(2):
            check(not any(tables(attach_and_stop(case, value)).values()), "tables came from a cache")


def wait_for_table(tracer, path, pid):
    tracer.err.wait_for(rf"^tracer: unwind table of '{re.escape(path)}': not waited for$")
    tracer.err.wait_for(rf"^tracer: unwind table of '{re.escape(path)}': \d+ rows")
    tracer.err.wait_for(rf"^tracer: process {pid}: unwinds with the late tables, 0 still to come$")


def check_whole(rows):
    rows = rows_of(rows, "site_malloc")
    equal(len(rows), 1, "stacks of site_malloc")
    names = frames(rows[0])
    equal(names[-3:], ["main", "outer", "site_malloc"], "innermost frames")
    check(names[0] in ("_start", "__libc_start_main"), f"the stack does not go back to the start: {names}")


@test()
def tables__huge_executable__not_waited_for(case):
    target = case.target("huge")
    path = case.path("sites.csv")
    tracer = case.tracer("-b", "-v", "-p", target.pid, "--csv", path)
    wait_for_table(tracer, target_path("huge"), target.pid)
    truth = target.work()
    tracer.stop()
    rows = read_sites(path).last(target.pid)
    check_truth(truth, rows)
    check_totals(truth, rows)
    check_whole(rows)
    check(not any(line.startswith("[cut") for line in tracer.out.lines), "a stack is cut")
    target.finish()


@test()
def tables__huge_executable__a_stack_before_it_is_ready_says_so(case):
    """The work may begin before or after the table is there: whole, or cut with the reason, but never something else."""
    tracer = case.tracer("-v", "--csv", case.path("sites.csv"), "--", target_path("huge"), "--now")
    tracer.end()
    reasons = set(re.findall(r"\[cut: .*\]", tracer.out.text()))
    check(reasons <= {"[cut: the unwind table of huge was not ready]"}, f"reasons: {reasons}")


@test()
def tables__huge_executable__tracer_ends_without_waiting_for_it(case):
    target = case.target("huge")
    tracer = case.attach(target, "-v")
    tracer.stop()
    equal(len(tracer.summaries()), 1, "summary lines")
    target.work()
    target.finish()


@test()
def tables__many_programs__those_without_a_process_make_room(case):
    """One chunk of the arena holds one of these tables, not two."""
    tracer = case.tracer("-b", "-v", "-n", "hugeuniq", "--csv", case.path("sites.csv"),
                         env={"TRACER_UNWIND_CHUNKS": "1"})
    tracer.err.wait_for("waiting for one to start$")
    paths = []
    pids = []
    for number in range(3):
        os.mkdir(case.path(str(number)))
        paths.append(os.path.join(case.path(str(number)), "hugeuniq"))
        shutil.copy(target_path("huge"), paths[-1])
        target = case.target(paths[-1])
        wait_for_table(tracer, paths[-1], target.pid)
        target.work()
        target.finish()
        pids.append(target.pid)
        until(lambda pid=target.pid: not os.path.exists(f"/proc/{pid}"), "the target to be gone")
    tracer.stop()
    sites = read_sites(case.path("sites.csv"))
    for pid in pids:
        check_whole(sites.last(pid))
    check(not any("no room for more" in line for line in tracer.err.lines), "there was no room")
    for path in paths[:2]:
        check(any(line.startswith(f"tracer: the unwind table of '{path}', which no process uses, is dropped")
                  for line in tracer.err.lines), f"the table of {path} was not dropped")


@test()
def tables__child_of_a_process_that_has_loaded_more__whole(case):
    """The first child shares its parent's mappings until that one loads a library; the second is born when it is gone."""
    target = case.target("reforks", target_path("plugin.so"))
    path = case.path("sites.csv")
    tracer = case.attach(target, "-v", "-f", "-i", "0.2", "--csv", path)
    target.go()
    target.out.wait_for("^loaded")
    tracer.err.wait_for(r"^tracer: unwind table of '.*/plugin\.so'")
    target.go()
    until(lambda: "site_child" in read_text(path), "the second child to be seen allocating")
    tracer.stop()
    rows = rows_of(read_sites(path).last(), "site_child")
    equal(len(rows), 1, "stacks of site_child")
    check("main" in frames(rows[0]), f"the stack is cut: {rows[0]['stack']}")
    target.go()
    target.wait_done()
    target.finish()


# Tables from .debug_frame

def depth(case, target):
    """Frames of the stack of site_malloc, and why it is cut."""
    path = case.path("sites.csv")
    tracer = case.attach(target, "--csv", path)
    truth = target.work()
    tracer.stop()
    target.finish()
    rows = read_sites(path).last(target.pid)
    equal([row["outstanding_bytes"] for row in rows], [truth["outstanding_bytes"][0]], "bytes of the only stack")
    return len(frames(rows[0])), re.findall(r"\[cut: .*\]", tracer.out.text())


def copy_of_root(case):
    """A root directory with the target in it, and with what it needs to run."""
    root = case.path("root")
    listing = subprocess.run([need("ldd"), target_path("tableless")], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"(/\S+) \(0x", listing):
        os.makedirs(root + os.path.dirname(library), exist_ok=True)
        shutil.copy(library, root + library)
    return root


def debug_path(program):
    notes = subprocess.run([need("readelf"), "-n", program], capture_output=True, text=True, check=True).stdout
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes).group(1)
    return f"/usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug"


@test()
def tables__only_debug_frame__whole(case):
    count, reasons = depth(case, case.target("tableless"))
    check(count >= 5, f"{count} frames")
    equal(reasons, [], "reasons")


@test()
def tables__stripped__by_the_debug_file_below_the_root_of_the_process(case):
    root, program = copy_of_root(case), target_path("tableless")
    subprocess.run([need("strip"), "-o", root + "/tableless", program], check=True)
    count, reasons = depth(case, case.target("/tableless", prefix=(need("chroot"), root)))
    equal(count, 1, "frames without the debug file")
    equal(reasons, ["[cut: no unwind information for tableless]"], "reasons without the debug file")
    os.makedirs(os.path.dirname(root + debug_path(program)))
    os.mkfifo(root + debug_path(program))
    count, reasons = depth(case, case.target("/tableless", prefix=(need("chroot"), root)))
    equal(count, 1, "frames with a pipe in place of the debug file")
    os.unlink(root + debug_path(program))
    subprocess.run([need("objcopy"), "--only-keep-debug", program, root + debug_path(program)], check=True)
    count, reasons = depth(case, case.target("/tableless", prefix=(need("chroot"), root)))
    check(count >= 5, f"{count} frames with the debug file")
    equal(reasons, [], "reasons with the debug file")
