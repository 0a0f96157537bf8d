# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers under load, for servers.py: redis by redis-benchmark, nginx by http_load, PostgreSQL by pgbench.

The server is held on the first CPU and the generator on the last one. Every server has copies of its C library and allocator, so that
who else is at work on this machine with the same files has no part in what is measured. All of them are closed loops:
a client asks again when it has its answer, so that a server that takes longer is asked less.
"""

import collections
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import lib  # noqa: E402
import test_servers  # noqa: E402

BUILD = os.path.join(lib.ROOT, "build", "bench")
SERVER_CPU, LOAD_CPU = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
# latencies in microseconds
Load = collections.namedtuple("Load", "requests rate p50 p99 p999")


def threads(pid):
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def pin(pid, cpu):
    for thread in threads(pid):
        try:
            os.sched_setaffinity(thread, {cpu})
        except OSError:
            pass


def descendants(pid):
    found = [pid]
    for parent in found:
        for thread in threads(parent):
            try:
                words = lib.read_text(f"/proc/{parent}/task/{thread}/children").split()
            except OSError:
                continue
            found += [int(word) for word in words]
    return found


def cpu_seconds(pids):
    """What the scheduler has given to the threads that these processes have now."""
    total = 0
    for pid in pids:
        for thread in threads(pid):
            try:
                total += int(lib.read_text(f"/proc/{pid}/task/{thread}/schedstat").split()[0])
            except OSError:
                pass
    return total / 1e9


def on_load_cpu(*arguments):
    return [lib.need("taskset"), "-c", str(LOAD_CPU), *map(str, arguments)]


def generate(*arguments):
    done = subprocess.run(on_load_cpu(*arguments), capture_output=True, text=True, check=False)
    lib.equal(done.returncode, 0, f"exit status of {arguments[0]}: {done.stderr}")
    return done.stdout


class Server:
    """Started by the command `prefix` (a profiler) where that is not empty."""

    result = None

    def __init__(self, case, environment, prefix):
        self.case, self.prefix = case, list(prefix)
        self.environment = {**test_servers.libraries_of_its_own(case), **environment}
        self.program = None

    def start(self, name, *arguments, **more):
        self.program = self.case.start(*self.prefix, *arguments, env=self.environment, **more)
        path = os.path.realpath(arguments[0])
        if self.prefix:
            self.pid = lib.until(lambda: next((p for p in descendants(self.program.pid) if executable(p) == path), None),
                                 f"{name} to be started by {self.prefix[0]}")
        else:
            self.pid = self.program.pid

    def pids(self):
        """The processes that serve."""
        return [self.pid]

    def helpers(self):
        """Processes of the profiler that has started the server."""
        return [pid for pid in descendants(self.program.pid) if pid not in self.pids()] if self.prefix else []

    def settle(self):
        for pid in self.pids():
            pin(pid, SERVER_CPU)

    def finish(self):
        """What the load has found, once nobody traces any more."""
        return self.result

    def requests_between(self, _begin, _end):
        """While it was traced."""
        return self.result.requests

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        self.program.wait()


def executable(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


class Redis(Server):
    name = "redis"
    what = "redis-benchmark: SET of 100 bytes, 10,000 keys, 50 connections"

    def __init__(self, case, environment=(), prefix=(), options=()):
        super().__init__(case, dict(environment), prefix)
        lib.need("redis-benchmark")
        self.port = test_servers.free_port()
        self.start(self.name, lib.need("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir",
                   case.directory, *options)
        lib.until(lambda: "PONG" in self.ask("PING"), "Redis to answer")
        self.settle()
        self.rate = self.run(20000).rate

    def ask(self, *words):
        return subprocess.run([lib.need("redis-cli"), "-p", str(self.port), *words], capture_output=True, text=True, check=False).stdout

    def benchmark(self, requests):
        return "redis-benchmark", "-p", self.port, "-t", "set", "-n", requests, "-c", 50, "-d", 100, "-r", 10000

    def run(self, requests):
        text = generate(*self.benchmark(requests), "--precision", 3)
        rate = float(re.search(r"throughput summary: ([\d.]+)", text).group(1))
        p50, p99 = re.search(r"avg +min +p50 +p95 +p99 +max\n +\S+ +\S+ +(\S+) +\S+ +(\S+)", text).groups()
        p999 = next(value for share, value in re.findall(r"^([\d.]+)% <= ([\d.]+) mill", text, re.M) if float(share) >= 99.9)
        return Load(requests, rate, *(1000 * float(value) for value in (p50, p99, p999)))

    def load(self, seconds):
        """redis-benchmark runs for a number of requests."""
        first = self.run(2000)
        load = self.run(max(2000, int(first.rate * seconds)))
        self.result = load._replace(requests=first.requests + load.requests)


class Nginx(Server):
    name = "nginx"
    what = "http_load: a file of 1 KB, 50 connections that are kept alive; one process (master_process off)"

    def __init__(self, case, environment=(), prefix=()):
        super().__init__(case, dict(environment), prefix)
        self.port = test_servers.free_port()
        folder = case.directory
        with open(case.path("index.html"), "w", encoding="ascii") as file:
            file.write("x" * 1023 + "\n")
        with open(case.path("nginx.conf"), "w", encoding="utf-8") as file:
            file.write(f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\nevents {{ worker_connections 256; }}\n"
                       f"http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/b; "
                       f"proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; "
                       f"scgi_temp_path {folder}/s; sendfile on;\nserver {{ listen 127.0.0.1:{self.port}; root {folder}; }} }}\n")
        self.start(self.name, lib.need("nginx"), "-p", folder, "-c", case.path("nginx.conf"))
        lib.until(lambda: listens(self.port), "nginx to listen")
        self.settle()
        self.load(0.3)

    def load(self, seconds):
        text = generate(os.path.join(BUILD, "http_load"), self.port, 50, seconds, "/index.html")
        self.result = Load(*map(float, re.match(r"requests (\S+) rate (\S+) p50 (\S+) p99 (\S+) p999 (\S+)", text).groups()))


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


class Postgres(Server):
    """The backends are the children that pgbench keeps for its whole run: they are what is traced, so they come first."""
    name = "postgresql"
    what = "pgbench -S: 4 connections, one row of 100,000 by its key; the 4 backends are traced"
    data = None

    def __init__(self, case, environment=(), prefix=()):
        super().__init__(case, dict(environment), prefix)
        self.folder = test_servers.postgres_folder()
        if not Postgres.data:
            Postgres.data = make_database(self.folder)
        self.start(self.name, *test_servers.as_nobody(), f"{self.folder}/postgres", "-D", self.data, "-k", self.data, "-h", "", "-F",
                   "-c", "autovacuum=off", cwd="/")
        lib.until(lambda: "ready to accept" in self.program.err.text(), "PostgreSQL to listen")
        self.pgbench = case.start(*on_load_cpu(f"{self.folder}/pgbench", "-h", self.data, "-U", "test", "-n", "-S", "-c", "4", "-j",
                                               "1", "-T", "3600", "-l", "--log-prefix", case.path("pgbench"), "postgres"))
        lib.until(lambda: len(self.pids()) == 4, "4 backends")
        self.settle()
        self.times, self.ends = None, []

    def pids(self):
        return [pid for pid in lib.children(self.pid) if b": test postgres" in command_line(pid)]

    def load(self, seconds):
        self.times = (time.time(), time.time() + seconds)
        time.sleep(seconds)

    def finish(self):
        """What pgbench has logged of the time of the load. SIGALRM is how it ends by itself."""
        self.pgbench.signal(signal.SIGALRM)
        lib.equal(self.pgbench.wait(), 0, "exit status of pgbench")
        rows = [line.split() for line in lib.read_text(self.case.path(f"pgbench.{self.pgbench.pid}")).splitlines()]
        self.ends = [(int(row[4]) + int(row[5]) / 1e6, int(row[2])) for row in rows]
        took = sorted(us for end, us in self.ends if self.times[0] <= end < self.times[1])
        at = [took[int(len(took) * share)] for share in (0.5, 0.99, 0.999)]
        return Load(len(took), len(took) / (self.times[1] - self.times[0]), *at)

    def requests_between(self, begin, end):
        return sum(begin <= at < end for at, _ in self.ends)

    def stop(self):
        os.kill(self.pid, signal.SIGINT)
        self.program.wait()


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def make_database(folder):
    """Once for all rounds. The folder is removed by forget_database()."""
    case = lib.Case("database")
    server, data = test_servers.start_postgres(case, folder)
    made = subprocess.run([f"{folder}/pgbench", "-h", data, "-U", "test", "-i", "-q", "postgres"], capture_output=True, text=True,
                          check=False)
    lib.equal(made.returncode, 0, f"exit status of pgbench -i: {made.stderr}")
    server.signal(signal.SIGINT)
    lib.equal(server.wait(), 0, "exit status of PostgreSQL")
    Postgres.case = case
    return data


def forget_database():
    if Postgres.data:
        shutil.rmtree(os.path.dirname(Postgres.data), ignore_errors=True)
        Postgres.data = None


SERVERS = {server.name: server for server in (Redis, Nginx, Postgres)}
