# SPDX-License-Identifier: GPL-2.0-or-later
"""Outputs whose reader is slow or has stopped: nothing else waits for it, and what it does not get is counted and said."""

import json
import os
import re
import signal
import sys
import threading

from lib import ROOT, Sites, breakpoints, check, check_summary, equal, test, wait_clean

sys.path.insert(0, os.path.join(ROOT, "tests", "bench"))
import terminal  # noqa: E402

SITES = 3000
# Each interval brings a new row for most of the sites: soon they are more than is kept for a reader.
RATE = 60000


def start_sites(case):
    program = case.start(os.path.join(ROOT, "build", "bench", "sites"), str(SITES), "2", str(RATE))
    program.out.wait_for(r"^ready")
    return program


def fill(program):
    program.write()
    program.out.wait_for("^filled", 60)


class Reader:
    """Of a FIFO: it is there, and reads nothing until it is asked to."""

    def __init__(self, path):
        os.mkfifo(path)
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.pieces, self.thread = [], None

    def begin(self):
        """Until the writer closes its end."""
        os.set_blocking(self.fd, True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while piece := os.read(self.fd, 1 << 20):
            self.pieces.append(piece)

    def text(self):
        self.thread.join()
        os.close(self.fd)
        return b"".join(self.pieces).decode("utf-8")


def left_out(tracer):
    found = re.search(r"is without (\d+) snapshots", tracer.err.text())
    return int(found.group(1)) if found else 0


@test(seconds=120)
def view__reader_has_stopped__keys_are_answered_and_nothing_is_lost(case):
    program, reader = start_sites(case), Reader(case.path("fifo"))
    screen = terminal.Terminal(200, 60)
    tracer = terminal.start_view(case, screen, "-p", program.pid, "-i", "0.1", "--json", case.path("fifo"))
    screen.wait_for("Help")
    fill(program)
    screen.wait_for("its reader is too slow", 60)
    screen.see("?", "Scroll")
    screen.see("q", "Filter")
    screen.forget()
    screen.wait_for("up ")  # figures go on
    reader.begin()
    screen.press("q")
    tracer.end(seconds=60)
    lines = reader.text().splitlines()
    snapshots = [json.loads(line) for line in lines]
    check(left_out(tracer) > 0, f"nothing is said to be left out:\n{tracer.err.text()}")
    check(len(snapshots) > 2 and snapshots[-1]["complete"], f"{len(snapshots)} snapshots, the last one not whole")
    summary = tracer.summary()
    equal(summary.lost, 0, "events lost")
    equal(sum(site["outstanding_bytes"] for site in snapshots[-1]["sites"]), summary.bytes, "bytes in the last snapshot")
    screen.close()


@test(seconds=120)
def batch__reader_has_stopped__ends_in_time_and_waits_detached(case):
    program, reader = start_sites(case), Reader(case.path("fifo"))
    tracer = case.attach(program.pid, "-i", "0.1", "-d", "4", "--csv", case.path("fifo"))
    fill(program)
    check(breakpoints(program.pid), "no breakpoints while it traces")
    tracer.err.wait_for("waiting for the reader of ", 60)
    wait_clean(program.pid)
    reader.begin()
    tracer.end(seconds=60)
    check_summary(tracer, Sites(reader.text()), program.pid)
    check(left_out(tracer) > 0, f"nothing is said to be left out:\n{tracer.err.text()}")


@test()
def batch__reader_never_comes_back__interrupt_gives_it_up(case):
    program, reader = start_sites(case), Reader(case.path("fifo"))
    tracer = case.attach(program.pid, "-i", "0.1", "-d", "1", "--json", case.path("fifo"))
    fill(program)
    tracer.err.wait_for("waiting for the reader of ", 60)
    tracer.stop(signal.SIGINT, status=1)
    check("has not taken the last " in tracer.err.text(), f"not said:\n{tracer.err.text()}")
    check(tracer.summary(), "no summary")
    os.close(reader.fd)


@test(seconds=120)
def replay__slow_reader__gets_every_byte(case):
    program, reader = start_sites(case), Reader(case.path("fifo"))
    record, whole = case.path("run.rec"), case.path("whole.json")
    tracer = case.attach(program.pid, "-i", "0.1", "-d", "4", "-w", record)
    fill(program)
    tracer.end(seconds=60)
    equal(case.run("-b", "-r", record, "--json", whole, seconds=60).wait(), 0, "exit status of the replay to a file")
    replay = case.tracer("-b", "-r", record, "--json", case.path("fifo"))
    replay.err.wait_for("waiting for the reader of ", 60)
    reader.begin()
    replay.end(seconds=60)
    with open(whole, encoding="utf-8") as file:
        check(reader.text() == file.read(), "the reader got something else than a file")
