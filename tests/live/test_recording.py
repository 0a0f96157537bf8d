# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings: what a replay writes is what the live run has written, whatever ends the recording."""

import csv
import os
import re
import signal
import subprocess

from lib import TRACER, check, equal, need, read_text, read_whole_lines, target_path, test, until

OUTPUTS = ("csv", "csv-blocks", "csv-timeline")


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def outputs(case, name, kinds=OUTPUTS):
    options = []
    for kind in kinds:
        options += [f"--{kind}", case.path(f"{name}.{kind}")]
    return options


def replay(case, path, *options, status=0):
    tracer = case.run("-b", "-r", path, *options)
    equal(tracer.wait(), status, f"exit status of the replay; it said {tracer.err.text()}")
    return tracer


def same_outputs(case, first, second, kinds=OUTPUTS):
    for kind in kinds:
        live, again = (read_bytes(case.path(f"{name}.{kind}")) for name in (first, second))
        check(live.count(b"\n") > (kind != "json"), f"--{kind} of the live run has no rows")
        pairs = list(zip(live.split(b"\n"), again.split(b"\n")))
        check(live == again, f"--{kind} of the replay is another one: " +
              next((f"{a!r} became {b!r}" for a, b in pairs if a != b), "other lengths"))


@test()
def recording__of_children_and_dlopen__replay_writes_the_same(case):
    """Name spaces of several processes, modules that come and go."""
    for name in ("forks", "dl"):
        tracer = case.tracer("-b", "-i", "0.5", "-w", case.path(f"{name}.rec"), *outputs(case, f"{name}-live"), "--",
                             "sh", "-c", f"(echo; echo; echo) | {target_path(name)}")
        equal(tracer.wait(), 0, "exit status")
        replay(case, case.path(f"{name}.rec"), *outputs(case, f"{name}-again"))
        same_outputs(case, f"{name}-live", f"{name}-again")


@test()
def recording__of_redis_under_load__same_and_few_bytes(case):
    server, load = need("redis-server"), need("redis-benchmark")
    kinds = (*OUTPUTS, "json")
    socket = case.path("redis.sock")
    redis = case.start(server, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")
    until(lambda: os.path.exists(socket), "redis' socket")
    tracer = case.attach(redis.pid, "-i", "0.5", "-w", case.path("run.rec"), *outputs(case, "live", kinds))
    subprocess.run([load, "-s", socket, "-n", "30000", "-P", "16", "-r", "100000", "-q", "-t", "set"], check=True,
                   stdout=subprocess.DEVNULL)
    tracer.stop()
    replay(case, case.path("run.rec"), *outputs(case, "again", kinds))
    same_outputs(case, "live", "again", kinds)
    events, size = tracer.summary().events, os.path.getsize(case.path("run.rec"))
    check(events > 50000, f"only {events} events")
    check(size <= 6 * events, f"{size} bytes for {events} events")


@test()
def blocks__while_the_target_allocates__of_the_moment_of_the_snapshot(case):
    """Block by block they add up to the totals of the same snapshot, live and in the replay, which writes the same file."""
    target = case.target("churn", 200003, 200003)
    tracer = case.attach(target, "-i", "0.2", "-w", case.path("run.rec"), *outputs(case, "live"))
    target.go()
    until(lambda: any(int(row["outstanding_count"]) > 17 for row in timeline(case)), "blocks at an interval")
    for count in range(1, 4):
        tracer.signal(signal.SIGUSR1)
        until(lambda: len(block_sums(case.path("live.csv-blocks"))) == count, "blocks after SIGUSR1")
    target.close_stdin()
    target.wait_done(50)
    tracer.stop()
    sums = block_sums(case.path("live.csv-blocks"))
    totals = {row["time"]: (int(row["outstanding_bytes"]), int(row["outstanding_count"])) for row in timeline(case)}
    check(len(sums) >= 4, f"snapshots with blocks: {sums}")
    for time, found in sums.items():
        equal(found, totals[time], f"bytes and count of the blocks at {time}")
    kinds = ("csv-blocks", "csv-timeline")
    replay(case, case.path("run.rec"), *outputs(case, "again", kinds))
    same_outputs(case, "live", "again", kinds)


def timeline(case):
    return list(csv.DictReader(read_whole_lines(case.path("live.csv-timeline")).splitlines()))


def block_sums(path):
    """{time: (bytes, count)} of what is written whole"""
    sums = {}
    for row in csv.DictReader(read_whole_lines(path).splitlines()):
        size, count = sums.get(row["time"], (0, 0))
        sums[row["time"]] = (size + int(row["bytes"]), count + 1)
    return sums


@test()
def recording__sampled_and_filtered__replay_knows_it(case):
    target = case.target("sampled")
    tracer = case.attach(target, "-i", "0.5", "-s", "4k", "-z", "16", "-w", case.path("run.rec"), *outputs(case, "live"))
    target.work()
    tracer.stop()
    replay(case, case.path("run.rec"), *outputs(case, "again"))
    same_outputs(case, "live", "again")


def read_rows(path):
    return [row for row in csv.DictReader(read_whole_lines(path).splitlines()) if row.get("stack")]


@test()
def recording__larger_than_it_may_be__totals_stay_exact(case):
    """The two files of figures at every report are the same; single blocks are not known any more."""
    target = case.target("churn", 800011, 3000)
    path = case.path("run.rec")
    tracer = case.attach(target, "-i", "0.5", "-w", path, "--max-file-size", "1M", *outputs(case, "live"))
    target.work()
    tracer.stop()
    check("as large as it may be" in tracer.err.text(), tracer.err.text())
    check(os.path.getsize(path) <= 1 << 20, f"{os.path.getsize(path)} bytes")
    again = replay(case, path, *outputs(case, "again"))
    check("no single blocks" in again.err.text(), again.err.text())
    same_outputs(case, "live", "again", ("csv", "csv-timeline"))
    equal(read_text(case.path("again.csv-blocks")).count("\n"), 1, "lines of --csv-blocks")
    equal(again.summaries(), tracer.summaries(), "summary lines")


@test()
def recording__tracer_killed__readable_with_names_of_this_machine(case):
    target = case.target("steady", 0)
    path = case.path("run.rec")
    tracer = case.attach(target, "-w", path)
    target.go()
    until(lambda: os.path.getsize(path) > 20000, "blocks in the file")
    tracer.signal(signal.SIGKILL)
    tracer.wait()
    target.kill()
    again = replay(case, path, "--csv", case.path("again.csv"))
    check("ends in the middle" in again.err.text(), "not a word about the missing end")
    check(again.summary().events > 10000, "hardly any event")
    check(any(row["function"] == "site_short" for row in read_rows(case.path("again.csv"))), "no name was found")


@test()
def recording__file_cannot_be_written__said_before_anything_begins(case):
    full = case.run("-b", "-w", "/dev/full", "--", "true")
    equal(full.wait(), 1, "exit status")
    check(re.search(r"cannot write '/dev/full': no space", full.err.text()), full.err.text())


@test()
def recording__disk_fills_up__said_and_tracing_goes_on(case):
    """The recording is good up to there, the other files are whole."""
    target, folder = case.target("steady", 0), case.path("small")
    os.mkdir(folder)
    script = (f"mount -t tmpfs -o size=128k none {folder} && exec {TRACER} -b -p {target.pid} -i 0.1 -w {folder}/run.rec "
              f"--csv {case.path('live.csv')}")
    tracer = case.start(need("unshare"), "--mount", "sh", "-c", script)
    tracer.err.wait_for(r"attached to")
    target.go()
    tracer.err.wait_for(r"cannot write '.*run\.rec': no space left on the device; tracing goes on")
    seen = float(read_rows(case.path("live.csv"))[-1]["elapsed_s"])
    until(lambda: float(read_rows(case.path("live.csv"))[-1]["elapsed_s"]) > seen + 0.2, "snapshots after that")
    with open(f"/proc/{tracer.pid}/root{folder}/run.rec", "rb") as file, open(case.path("part.rec"), "wb") as part:
        part.write(file.read())
    tracer.signal(signal.SIGINT)
    equal(tracer.wait(), 1, "exit status")
    target.kill()
    again = replay(case, case.path("part.rec"))
    check("ends in the middle" in again.err.text(), "not a word about the missing end")
    check(again.summary().events > 1000, "hardly any event")


@test()
def replay__what_is_no_recording__refused(case):
    files = {"empty": b"", "csv": b"time,elapsed_s,pid,comm,site\n", "newer": b"\x89tracer\n\x63\0\0\0\0\0\0\0"}
    words = {"empty": "empty", "csv": "no recording", "newer": "newer"}
    for name, data in files.items():
        with open(case.path(name), "wb") as file:
            file.write(data)
        tracer = replay(case, case.path(name), status=1)
        equal(len(tracer.err.lines), 1, f"lines about {name}")
        check(words[name] in tracer.err.text(), tracer.err.text())
    with open(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "replay", "every.rec"), "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    with open(case.path("damaged"), "wb") as file:
        file.write(data)
    check("damaged at byte" in replay(case, case.path("damaged"), status=1).err.text(), "not a word about the damage")
    for path in ("/nonexistent", "/dev/zero", "/"):
        replay(case, path, status=1)


@test()
def replay__of_stdout_without_privileges__the_same(case):
    with open(case.path("run.rec"), "wb") as file:
        tracer = case.tracer("-w", "-", "--csv-timeline", case.path("live.csv"), "--", "sh", "-c", "true", stdout=file)
        equal(tracer.wait(), 0, "exit status")
    os.chmod(case.path("run.rec"), 0o644)
    again = subprocess.run([need("setpriv"), "--reuid", "65534", "--regid", "65534", "--clear-groups",
                            "--inh-caps=-all", TRACER, "-b", "-r", case.path("run.rec"), "--csv-timeline", "-"],
                           check=True, capture_output=True, stdin=subprocess.DEVNULL)
    equal(again.stdout.decode(), read_text(case.path("live.csv")), "CSV")
