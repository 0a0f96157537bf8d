# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs, of modest size: nothing lost, figures that agree with each other, and the programs are well."""

import os
import re
import socket
import subprocess

from lib import check, check_summary, children, command, equal, need, python, read_sites, test, until


def listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def named_share(rows):
    """How many of the stacks are complete down to the program's start."""
    whole = sum(1 for row in rows if re.search(r"(^|;)(_start|main|__libc_start|clone|start_thread)", row["stack"]))
    return whole / max(1, len(rows))


@test()
def redis__benchmark__exact_and_answers(case):
    server, load = need("redis-server"), need("redis-benchmark")
    port = free_port()
    redis = case.start(server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", case.directory)
    until(lambda: listening(port), "redis to listen")
    path = case.path("sites.csv")
    tracer = case.attach(redis.pid, "--csv", path)
    done = subprocess.run([load, "-p", str(port), "-n", "3000", "-c", "5", "-q", "-t", "set,lpush", "-r", "1000"],
                          capture_output=True, text=True, timeout=40, check=False)
    equal(done.returncode, 0, "exit status of redis-benchmark")
    tracer.stop()
    sites = read_sites(path)
    summary = check_summary(tracer, sites, redis.pid)
    equal(summary.lost, 0, "lost events")
    check(summary.events > 3000, f"only {summary.events} events")
    check(summary.bytes > 0, "nothing outstanding, though keys were set")
    check(listening(port), "redis does not answer any more")


@test()
def sqlite__inserts__exact(case):
    script = ("create table t(a,b); with recursive c(x) as (select 1 union all select x+1 from c where x<5000) "
              "insert into t select x, hex(randomblob(20)) from c; select count(*) from t;")
    tracer, sites = command(case, "--", need("sqlite3"), ":memory:", script)
    check("5000" in tracer.out.lines, f"stdout: {tracer.out.text()}")
    summary = check_summary(tracer, sites, sites.last()[0]["pid"])
    equal(summary.lost, 0, "lost events")
    check(summary.events > 1000, f"only {summary.events} events")


@test()
def python3__list_that_grows__seen(case):
    script = ("import sys; print('ready', flush=True); sys.stdin.readline();"
              "keep = [bytes(5000) for _ in range(2003)]; print('done', flush=True); sys.stdin.readline()")
    program = case.start(python(), "-S", "-c", script)
    program.out.wait_for("^ready")
    path = case.path("sites.csv")
    tracer = case.attach(program.pid, "--csv", path)
    program.write()
    program.out.wait_for("^done")
    tracer.stop()
    sites = read_sites(path)
    summary = check_summary(tracer, sites, program.pid)
    equal(summary.lost, 0, "lost events")
    most = max(sites.last(), key=lambda row: row["outstanding_bytes"])
    check(most["outstanding_count"] >= 2003, f"largest site has {most['outstanding_count']} blocks")
    check(2003 * 5000 <= most["outstanding_bytes"] <= 2003 * 5100 + 100000, f"{most['outstanding_bytes']} bytes")


@test()
def nginx__requests__workers_followed(case):
    server = need("nginx")
    port = free_port()
    config = case.path("nginx.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"daemon off; worker_processes 1; user root; pid {case.directory}/pid; error_log stderr;\n"
                   "events { worker_connections 64; }\n"
                   f"http {{ access_log off; client_body_temp_path {case.directory}/b; "
                   f"proxy_temp_path {case.directory}/p; fastcgi_temp_path {case.directory}/f; "
                   f"uwsgi_temp_path {case.directory}/u; scgi_temp_path {case.directory}/s;\n"
                   f"server {{ listen 127.0.0.1:{port}; return 200 'hello'; }} }}\n")
    nginx = case.start(server, "-c", config)
    until(lambda: listening(port), "nginx to listen")
    worker = until(lambda: children(nginx.pid), "a worker of nginx")[0]
    path = case.path("sites.csv")
    tracer = case.attach(worker, "--csv", path)
    for _ in range(101):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            check(connection.recv(4096).startswith(b"HTTP/1.1 200"), "nginx does not answer")
            while connection.recv(4096):
                pass
    tracer.stop()
    summary = check_summary(tracer, read_sites(path), worker)
    equal(summary.lost, 0, "lost events")
    check(summary.events >= 202, f"only {summary.events} events for 101 requests")
    check(listening(port), "nginx does not answer any more")


@test()
def git__log_with_children__each_a_process(case):
    git = need("git")
    repository = case.path("repository")
    environment = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
                   "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": case.directory}
    for arguments in (["init", "-q", repository], ["-C", repository, "commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run([git, *arguments], check=True, env={**os.environ, **environment})
    tracer, sites = command(case, "-f", "--", git, "-C", repository, "gc", "-q", env=environment)
    summaries = tracer.summaries()
    check(len(summaries) > 1, "no child of git gc was traced")
    for pid, summary in summaries.items():
        equal(summary.lost, 0, f"lost events of {pid}")
        if sites.last(pid):
            check_summary(tracer, sites, pid)


@test()
def stacks__distribution_binary_without_frame_pointers__complete(case):
    """Debian's own programs keep no frame pointers: their stacks have to be whole all the same."""
    _, sites = command(case, "--", need("sqlite3"), ":memory:", "select hex(randomblob(100)), upper('a');")
    rows = [row for row in sites.last() if row["api"] != "mmap"]
    share = named_share(rows)
    check(share >= 0.99, f"only {share:.0%} of {len(rows)} stacks go down to the start of the program")


@test()
def shell_pipeline__short_children__all_seen(case):
    tracer, _ = command(case, "--", "sh", "-c", "for i in 1 2 3 4 5; do /bin/true; done; seq 100 | sort -n | tail -1")
    check("100" in tracer.out.lines, f"stdout: {tracer.out.text()}")
    names = [summary.comm for summary in tracer.summaries().values()]
    equal(names.count("true"), 5, "summaries of true")
    check({"sort", "tail", "seq"} <= set(names), f"summaries: {names}")
