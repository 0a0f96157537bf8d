# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that fork their workers: the parent is traced, its children are not, and must not pay for it.

A child of fork inherits the breakpoints in its copy of the memory. On each way of attaching: what it has is gone soon (with
perf events, where it is met), the parent is still traced, the server answers right, and nothing is left in the end.
"""

import glob
import os
import re
import shutil
import socket
import subprocess

from lib import (Program, Skip, breakpoints, check, children, equal, find_library, methods_here, need, test, until,
                 wait_clean)

NOBODY = "65534"


def libraries_of_its_own(case):
    """
    Environment of a server. Where another tracer uses another way of attaching to the same file at the same time, perf events
    leave breakpoints in children: what is tested here must not depend on who else is at work on this machine.
    """
    folder = case.path("lib")
    os.mkdir(folder)
    for name in ("libc.so.6", "libjemalloc.so.2"):
        try:
            shutil.copy(find_library(name), os.path.join(folder, name))
        except Skip:
            pass
    return {"LD_LIBRARY_PATH": folder}


def wait_free(method, parent, child, work):
    """The child is free of the breakpoints that its work meets."""
    if method != "perf":
        wait_clean(child)
        return
    # The kernel removes each of them at its first hit: work that removes none has met none.
    def meets_none():
        before = breakpoints(child)
        work()
        return breakpoints(child) == before
    work()
    until(meets_none, f"child {child} goes on meeting breakpoints")
    check(len(breakpoints(child)) < len(breakpoints(parent)), "the child has met no breakpoint at all")


def trace_parent(case, parent, method):
    tracer = case.attach(parent, "--attach-method", method)
    check(breakpoints(parent), "no breakpoint in the traced server: the test sees nothing")
    return tracer


def end(tracer, parent, method):
    check(breakpoints(parent), f"{method}: the server is not traced any more")
    tracer.stop()
    summary = tracer.summary(parent)
    equal(summary.lost, 0, f"{method}: lost events")
    check(summary.events > 0, f"{method}: nothing was seen of the server itself")
    check("not seen" not in tracer.err.text(), f"{method}: blindness that is none")
    wait_clean(parent)


# PostgreSQL: a backend for each connection


def as_nobody():
    return [need("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def postgres_folder():
    for folder in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True):
        if os.path.exists(f"{folder}/initdb") and os.path.exists(f"{folder}/psql"):
            return folder
    raise Skip("PostgreSQL is not installed")


def start_postgres(case, folder):
    data = case.path("data")
    os.mkdir(data, 0o700)
    os.chown(data, int(NOBODY), int(NOBODY))
    made = subprocess.run([*as_nobody(), f"{folder}/initdb", "-D", data, "-A", "trust", "-U", "test", "-E", "UTF8",
                           "--no-locale", "--no-sync"], capture_output=True, text=True, timeout=60, check=False, cwd="/")
    equal(made.returncode, 0, f"exit status of initdb: {made.stderr}")
    server = case.start(*as_nobody(), f"{folder}/postgres", "-D", data, "-k", data, "-h", "", "-F", "-c",
                        "autovacuum=off", cwd="/", env=libraries_of_its_own(case))
    until(lambda: os.path.exists(f"{data}/.s.PGSQL.5432") and "ready to accept" in server.err.text(), "PostgreSQL to listen")
    return server, data


class Psql:
    """A connection, and so a backend of its own."""

    def __init__(self, case, folder, data):
        self.program = case.keep(Program([f"{folder}/psql", "-h", data, "-U", "test", "-XAtq", "postgres"]))
        self.backend = int(self.ask("select pg_backend_pid()"))

    def ask(self, query):
        self.program.write(f"{query};\n\\echo end\n")
        lines = []
        while True:
            line = self.program.out.wait_for("").string
            if line == "end":
                return "\n".join(lines)
            lines.append(line)

    def work(self):
        equal(self.ask("select count(*), sum(length(a)) from (select repeat('x', i % 999) a from "
                       "generate_series(1, 2000) i group by 1) t"), "999|498501", "answer of PostgreSQL")

    def close(self):
        self.program.close_stdin()
        equal(self.program.wait(), 0, "exit status of psql")


@test(90)
def postgresql__backends_not_followed__free_and_right(case):
    folder = postgres_folder()
    server, data = start_postgres(case, folder)
    for method in methods_here():
        tracer = trace_parent(case, server.pid, method)
        connection = Psql(case, folder, data)
        check(connection.backend in children(server.pid), "the backend is no child of the traced process")
        connection.work()
        wait_free(method, server.pid, connection.backend, connection.work)
        connection.work()
        Psql(case, folder, data).close()
        end(tracer, server.pid, method)
        connection.work()
        connection.close()


# nginx: new workers at each reload


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_nginx(case):
    port = free_port()
    prefix = case.directory
    with open(case.path("nginx.conf"), "w", encoding="utf-8") as file:
        file.write(f"daemon off; worker_processes 2; user nobody nogroup; pid {prefix}/pid; error_log stderr;\n"
                   "events { worker_connections 64; }\n"
                   f"http {{ access_log off; client_body_temp_path {prefix}/b; proxy_temp_path {prefix}/p; "
                   f"fastcgi_temp_path {prefix}/f; uwsgi_temp_path {prefix}/u; scgi_temp_path {prefix}/s;\n"
                   f"server {{ listen 127.0.0.1:{port}; return 200 'worker $pid\\n'; }} }}\n")
    nginx = case.start(need("nginx"), "-p", prefix, "-c", case.path("nginx.conf"), env=libraries_of_its_own(case))
    until(lambda: answering_worker(port), "nginx to answer")
    return nginx, port


def answering_worker(port):
    """Which worker has answered; None while there is none."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while True:
                piece = connection.recv(4096)
                if not piece:
                    break
                answer += piece
    except OSError:
        return None
    found = re.search(rb"^HTTP/1.1 200.*\r\n\r\nworker (\d+)\n$", answer, re.S)
    return int(found.group(1)) if found else None


@test(90)
def nginx__workers_of_a_reload_not_followed__free_and_right(case):
    nginx, port = start_nginx(case)
    for method in methods_here():
        old = set(children(nginx.pid))
        tracer = trace_parent(case, nginx.pid, method)
        nginx.signal(1)
        fresh = until(lambda: len(set(children(nginx.pid)) - old) >= 2 and set(children(nginx.pid)) - old, "new workers")

        def work():
            until(lambda: answering_worker(port) in fresh, "an answer of a new worker")
        work()
        if method == "perf":
            for worker in fresh & {answering_worker(port)}:
                wait_free(method, nginx.pid, worker, lambda: [work() for _ in range(8)])
        else:
            for worker in fresh:
                wait_clean(worker)
        work()
        end(tracer, nginx.pid, method)
        work()


# Redis: a child that saves


class Redis:
    def __init__(self, case):
        self.port = free_port()
        self.program = case.start(need("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                                  "--dir", case.directory, env=libraries_of_its_own(case))
        self.socket = until(self.connect, "Redis to listen")
        self.file = self.socket.makefile("rb")

    def connect(self):
        try:
            return socket.create_connection(("127.0.0.1", self.port), timeout=20)
        except OSError:
            return None

    def ask(self, *words):
        self.socket.sendall((" ".join(words) + "\r\n").encode())
        line = self.file.readline().decode().rstrip("\r\n")
        if line.startswith("$") and line != "$-1":
            return self.file.read(int(line[1:]) + 2)[:-2].decode()
        return line

    def saved(self):
        text = self.ask("INFO", "persistence")
        return "rdb_bgsave_in_progress:0" in text and re.search(r"rdb_last_bgsave_status:(\w+)", text).group(1)

    def work(self):
        for number in range(200):
            equal(self.ask("SET", f"key{number}", "x" * (number + 1)), "+OK", "answer of Redis to SET")
        equal(self.ask("GET", "key150"), "x" * 151, "answer of Redis to GET")


@test(90)
def redis__child_that_saves_not_followed__free_and_right(case):
    redis = Redis(case)
    redis.work()
    for method in methods_here():
        tracer = trace_parent(case, redis.program.pid, method)
        # so long for each key that the child is there to be looked at
        equal(redis.ask("CONFIG", "SET", "rdb-key-save-delay", "100000"), "+OK", "answer of Redis to CONFIG")
        check("started" in redis.ask("BGSAVE"), "Redis does not save")
        child = until(lambda: children(redis.program.pid), "a child of Redis")[0]
        redis.work()
        if method == "perf":
            check(len(breakpoints(child)) <= len(breakpoints(redis.program.pid)), "the child has more than its parent")
        else:
            wait_clean(child)
        equal(redis.ask("CONFIG", "SET", "rdb-key-save-delay", "0"), "+OK", "answer of Redis to CONFIG")
        os.kill(child, 10)  # SIGUSR1: Redis' own way to end its child
        until(lambda: redis.saved(), "the child to end")
        check("started" in redis.ask("BGSAVE"), "Redis does not save")
        until(lambda: redis.saved() == "ok", "Redis to have saved")
        end(tracer, redis.program.pid, method)
        redis.work()
