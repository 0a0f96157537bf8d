# SPDX-License-Identifier: GPL-2.0-or-later
"""The metrics that others can ask for, with Prometheus' own parsers."""

import http.client
import json
import os
import re
import socket
import subprocess

from lib import ROOT, Skip, check, equal, python, read_sites, read_text, test, until

OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def free_port(family=socket.AF_INET, address="127.0.0.1"):
    with socket.socket(family) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def ask(port, path="/metrics", accept=OPEN, method="GET", address="127.0.0.1", body=None):
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request(method, path, body, {"Accept": accept})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()
    finally:
        connection.close()


def parse(text, kind="open"):
    script = os.path.join(ROOT, "tests", "live", "parse_metrics.py")
    run = subprocess.run([python(), "-B", script, kind], input=text, capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in run.stderr:
        raise Skip("python3-prometheus-client is not installed")
    equal(run.returncode, 0, f"the parser of the {kind} format: {run.stderr}")
    return json.loads(run.stdout)


def value(families, name, **labels):
    """Of the only sample with these labels."""
    found = [sample[2] for family in families.values() for sample in family["samples"]
             if sample[0] == name and all(sample[1].get(key) == wanted for key, wanted in labels.items())]
    equal(len(found), 1, f"samples {name} {labels}")
    return found[0]


def check_families(families, pid, sites, top):
    rows = sites.last(pid)
    for name, column in (("tracer_outstanding_bytes", "outstanding_bytes"), ("tracer_frees_total", "free_count"),
                         ("tracer_outstanding_allocations", "outstanding_count"),
                         ("tracer_allocations_total", "alloc_count"), ("tracer_allocated_bytes_total", "alloc_bytes")):
        equal(value(families, name, pid=str(pid), comm="every"), sum(row[column] for row in rows), name)
    series = families["tracer_site_outstanding_bytes"]["samples"]
    wanted = sorted((row["outstanding_bytes"] for row in rows), reverse=True)[:top]
    equal([sample[2] for sample in series], wanted, "bytes of the largest sites")
    by_site = {row["site"]: row for row in rows}
    for _, labels, bytes_ in series:
        row = by_site[labels["site"]]
        equal((labels["function"], labels["module"], bytes_),
              (row["function"], row["module"], row["outstanding_bytes"]), f"site {labels['site']}")
    equal(value(families, "tracer_lost_events_total", pid=str(pid)), 0, "lost events")
    check(value(families, "tracer_self_resident_memory_bytes") > 1 << 20, "memory of the tracer")
    for name in re.findall(r'X\([A-Z_]+, *"(\w+)", *[01],', read_text(os.path.join(ROOT, "include", "counters.h"))):
        equal(value(families, f"tracer_{name}_total"), 0, f"counter {name}")


def documented(path):
    text = read_text(os.path.join(ROOT, "docs", "monitoring", path))
    if path.endswith(".json"):
        panels = json.loads(text)["panels"]
        text = "\n".join(query["expr"] for panel in panels for query in panel["targets"])
        equal(len({panel["id"] for panel in panels}), len(panels), "numbers of the panels")
    return set(re.findall(r"\btracer_[a-z_]+", text)) - {"tracer_"}


def check_examples(text):
    """No panel, rule or word about a metric that an answer does not have."""
    names = set(re.findall(r"^(?:# TYPE )?(\w+)", text, re.M))
    for path in ("grafana.json", "tracer.rules.yml", "README.md"):
        wanted = documented(path)
        check(len(wanted) > 3, f"nothing found in {path}")
        equal(wanted - names, set(), f"metrics in {path} that are not there")


@test()
def metrics__scraped__agree_with_the_csv(case):
    target = case.target("every")
    port = free_port()
    tracer = case.attach(target, "-i", "0.2", "-T", "7", "--metrics", port, "--csv", case.path("csv"))
    equal(listening(port), ["0100007F"], "addresses listened to")
    first = ask(port)
    truth = target.work()

    def settled():
        status, kind, text = ask(port)
        equal(status, 200, "status")
        equal(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8", "type")
        done = re.search(r"^tracer_allocations_total\{[^}]*\} (\d+)$", text, re.M)
        return done and int(done.group(1)) == truth["alloc_count"][0] and 'function="site_malloc"' in text and text
    text = until(settled, "all allocations in the metrics")
    status, kind, classic = ask(port, accept="*/*")
    equal((status, kind), (200, "text/plain; version=0.0.4; charset=utf-8"), "classic format")
    tracer.stop()
    sites = read_sites(case.path("csv"))
    families = parse(text)
    check_families(families, target.pid, sites, 7)
    check_examples(text)
    check_families(parse(classic, "classic"), target.pid, sites, 7)
    equal(families["tracer_outstanding_bytes"]["unit"], "bytes", "unit")
    equal(families["tracer_build"]["type"], "info", "type of tracer_build")
    check(first[0] == 200 and first[2].endswith("# EOF\n"), f"before the first interval: {first}")
    target.finish()


@test()
def metrics__other_requests__words_and_no_harm(case):
    """Wrong paths, methods, bodies; heads that never end; more connections than there may be."""
    target = case.target("every")
    port = free_port()
    tracer = case.attach(target, "-i", "0.2", "--metrics", port)
    equal(ask(port, "/")[0], 200, "the page at /")
    for path in ("/nothing", "/metrics/", "/../etc/passwd", "//metrics", "/%2e%2e/metrics"):
        status, _, text = ask(port, path)
        equal(status, 404, f"status of {path}")
        check("/metrics" in text, f"words: {text}")
    equal(ask(port, method="POST", body=b"x" * 200000)[0], 405, "status of POST")
    equal(ask(port, method="HEAD")[::2], (200, ""), "HEAD")
    with socket.create_connection(("127.0.0.1", port)) as rude:
        rude.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 100000)
        rude.settimeout(10)
        try:
            answer = rude.recv(4096)
        except ConnectionError:
            answer = b""
        check(b" 200 " not in answer, f"a head of 100 KB was accepted: {answer}")
    with socket.create_connection(("127.0.0.1", port)) as rude:
        rude.sendall(b"\x00\xff\x00 / \r\n\r\n")
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    for connection in slow:
        connection.sendall(b"GET /metr")
    target.work()
    for connection in slow:
        connection.close()
    until(lambda: answers(port), "an answer after slow clients")
    tracer.stop()
    check(tracer.summary(target.pid).bytes > 100000, "traced meanwhile")
    target.finish()


def answers(port):
    try:
        return ask(port)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


@test()
def metrics__port_in_use__said_before_attaching(case):
    target = case.target("every")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        tracer = case.run("-b", "-d", "5", "-p", target.pid, "--metrics", port)
    equal(tracer.wait(), 1, "exit status")
    check(f"cannot listen at '{port}'" in tracer.err.text() and "another program" in tracer.err.text(),
          f"message: {tracer.err.text()}")
    check("attached to" not in tracer.err.text(), "attached first")


def listening(port):
    """Local addresses of the sockets at which this port is listened to, as /proc/net has them."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in read_text(f"/proc/net/{name}").splitlines()[1:]]
    return [words[1].split(":")[0] for words in lines if words[3] == "0A" and words[1].endswith(f":{port:04X}")]


@test()
def metrics__ipv6_address__only_there(case):
    try:
        port = free_port(socket.AF_INET6, "::1")
    except OSError:
        raise Skip("there is no IPv6 here") from None
    tracer = case.attach(case.target("every"), "--metrics", f"[::1]:{port}")
    equal(ask(port, address="::1")[0], 200, "status")
    equal(listening(port), ["00000000000000000000000001000000"], "addresses listened to")
    tracer.stop()
