# SPDX-License-Identifier: GPL-2.0-or-later
"""What sampling the heap of Go programs costs them. As root, after `make bench-go-heap` (which builds what is needed and runs it):

    tests/bench/go_heap.py [--rounds N] [--seconds N] [--csv FILE] [PROGRAM...]

The processor time of the program itself, all its threads, without and with the tracer in turn, the same process for both: of
tests/go/sites.go for each object of a size that it makes and forgets, of servers of Debian, those that are installed, for each request. Shown are medians of the rounds, and
of the differences within a round also the least and the most. The heap is sampled also where the program keeps a profile of itself. A bench, not a
test: nothing is judged.
"""

import argparse
import collections
import csv
import glob
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import lib  # noqa: E402
from test_go import build, command  # noqa: E402

HTTP_LOAD = os.path.join(lib.ROOT, "build", "bench", "http_load")
SOURCE = os.path.join(lib.ROOT, "tests", "go", "sites.go")
ENVIRONMENT = {**os.environ, "TRACER_GO_HEAP": "samples"}
# size, objects of a measurement: a quarter of a second or so
SIZES = ((16, 12000000), (64, 8000000), (256, 3000000), (1024, 1200000), (8192, 200000), (40000, 40000))
CONNECTIONS = 8

Server = collections.namedtuple("Server", "name arguments files path")
SERVERS = (
    Server("prometheus", ("--config.file={dir}/p.yml", "--storage.tsdb.path={dir}/data", "--web.listen-address=127.0.0.1:{port}"),
           {"p.yml": "global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: p\n  static_configs:\n  - targets: ['127.0.0.1:{port}']\n"},
           "/api/v1/query?query=up"),
    Server("caddy", ("run", "--config", "{dir}/Caddyfile"),
           {"Caddyfile": "{{\nadmin off\n}}\nhttp://127.0.0.1:{port} {{\nroot * {dir}\nfile_server\n}}\n", "page": "a page\n" * 100}, "/page"),
    Server("etcd", ("--data-dir", "{dir}/data", "--listen-client-urls", "http://127.0.0.1:{port}", "--advertise-client-urls",
                    "http://127.0.0.1:{port}", "--listen-peer-urls", "http://127.0.0.1:0", "--log-level", "error"), {}, "/health"),
)


def processor_ns(pid):
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def measured(pid, work):
    """Processor time of the process for each piece of work."""
    before = processor_ns(pid)
    pieces = work()
    return (processor_ns(pid) - before) / pieces


def in_turn(case, pid, work, rounds):
    """[(without, with)] of each round, first one, then the other."""
    found = []
    work()
    for number in range(rounds):
        values = {}
        for traced in (False, True) if number % 2 else (True, False):
            tracer = case.attach(pid, "-i", "1", env=ENVIRONMENT) if traced else None
            values[traced] = measured(pid, work)
            if tracer:
                tracer.stop()
        found.append((values[False], values[True]))
    return found


def show(name, unit, found, writer):
    without = statistics.median(a for a, _ in found)
    more = sorted(b - a for a, b in found)
    middle = statistics.median(more)
    print(f"{name:24} {without:10.1f} {middle:+9.2f} ({more[0]:+.2f} to {more[-1]:+.2f}) {unit}  {100 * middle / without:+6.2f} % "
          f"({100 * more[0] / without:+.1f} to {100 * more[-1] / without:+.1f})", flush=True)
    for number, (a, b) in enumerate(found):
        writer.writerow((name, unit, number, a, b))


def make_objects(target, count, size):
    command(target, f"time {count} {size}")
    return count


def run_objects(options, writer):
    case = lib.Case("go_heap")
    try:
        target = case.keep(lib.Target([build("sites", source=SOURCE)])).wait_ready()
        for size, count in SIZES:
            found = in_turn(case, target.pid, lambda count=count, size=size: make_objects(target, count, size), options.rounds)
            show(f"an object of {size} bytes", "ns", found, writer)
    finally:
        case.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def request(port, path, seconds):
    said = subprocess.run([HTTP_LOAD, str(port), str(CONNECTIONS), str(seconds), path], capture_output=True, text=True, check=False)
    lib.check(said.returncode == 0, f"http_load: {said.stderr}")
    return int(re.search(r"requests (\d+)", said.stdout).group(1))


def run_server(server, program, options, writer):
    case = lib.Case("go_heap")
    try:
        port, place = free_port(), case.path("")
        for name, text in server.files.items():
            with open(case.path(name), "w", encoding="utf-8") as file:
                file.write(text.format(dir=place, port=port))
        arguments = [argument.format(dir=place, port=port) for argument in server.arguments]
        process = case.start(program, *arguments, env={**os.environ, "HOME": place})
        lib.until(lambda: listens(port), f"that {server.name} listens", 60)
        time.sleep(2)  # its start is over
        found = in_turn(case, process.pid, lambda: request(port, server.path, options.seconds), options.rounds)
        show(f"{server.name}, a request", "us", [(a / 1000, b / 1000) for a, b in found], writer)
    finally:
        case.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=4, help="of a load")
    parser.add_argument("--csv", default=os.path.join(lib.ROOT, "build", "bench", "go_heap.csv"))
    parser.add_argument("programs", nargs="*", help="of objects, prometheus, caddy, etcd (default: all)")
    options = parser.parse_args()
    print(f"{'processor time of':24} {'without':>10} {'more':>9} (least to most)", flush=True)
    with open(options.csv, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("program", "unit", "round", "without", "with"))
        if not options.programs or "objects" in options.programs:
            run_objects(options, writer)
        for server in SERVERS:
            program = shutil.which(server.name)
            if options.programs and server.name not in options.programs:
                continue
            if program:
                run_server(server, program, options, writer)
            else:
                print(f"{server.name}: not installed")


main()
