# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/monitoring with a real Prometheus (Debian: prometheus; skipped without it): configuration, rules, and each panel's queries."""

import json
import os
import subprocess
import urllib.parse
import urllib.request

from lib import ROOT, check, equal, need, read_text, test, until
from test_metrics import free_port

FOLDER = os.path.join(ROOT, "docs", "monitoring")
# What Grafana puts in place of its variables; for the duration of a test.
VARIABLES = {"$instance": ".*", "$comm": ".*", "$__range": "1m", "$__rate_interval": "10s"}
FILTER = " > 0"


def panels():
    """[(title, expression)] of the dashboard"""
    dashboard = json.loads(read_text(os.path.join(FOLDER, "grafana.json")))
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", [])]


def variables():
    """[(match, label)] of what the dashboard lets one choose from"""
    dashboard = json.loads(read_text(os.path.join(FOLDER, "grafana.json")))
    queries = [v["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
    return [query.removeprefix("label_values(").removesuffix(")").rsplit(", ", 1) for query in queries]


def fill_in(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


class Prometheus:
    def __init__(self, case, tracer_port):
        self.port = free_port()
        text = read_text(os.path.join(FOLDER, "prometheus.yml")).replace("127.0.0.1:9464", f"127.0.0.1:{tracer_port}")
        self.config = case.path("prometheus.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("global:\n  evaluation_interval: 1s\n" + text.replace("scrape_interval: 15s", "scrape_interval: 1s"))
        with open(case.path("tracer.rules.yml"), "w", encoding="utf-8") as file:
            file.write(read_text(os.path.join(FOLDER, "tracer.rules.yml")))
        case.start(need("prometheus"), f"--config.file={self.config}", f"--storage.tsdb.path={case.path('data')}",
                   f"--web.listen-address=127.0.0.1:{self.port}")

    def ask(self, what, **parameters):
        query = urllib.parse.urlencode({name.replace("match", "match[]"): value for name, value in parameters.items()})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{what}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]

    def series(self, expression):
        return self.ask("query", query=expression)["result"]

    def is_up(self):
        try:
            targets = self.ask("targets")["activeTargets"]
        except OSError:
            return False
        return [target["health"] for target in targets] == ["up"]


def promtool(*arguments):
    run = subprocess.run([need("promtool"), "check", *arguments], capture_output=True, text=True, check=False)
    equal(run.returncode, 0, f"promtool check {' '.join(arguments)}: {run.stdout}{run.stderr}")


@test()
def monitoring__configuration_and_rules__accepted_by_promtool(_case):
    promtool("config", os.path.join(FOLDER, "prometheus.yml"))
    promtool("rules", os.path.join(FOLDER, "tracer.rules.yml"))


@test(seconds=120)
def monitoring__prometheus_asks_tracer__every_panel_has_data(case):
    need("prometheus")
    target, port = case.target("leak", "1000", "1000"), free_port()
    tracer = case.attach(target, "-i", "1", "--metrics", port)
    target.go()
    prometheus = Prometheus(case, port)
    until(prometheus.is_up, "the tracer is up", 60)
    for title, expression in panels():
        # what only shows trouble has nothing to show; what it looks for is there
        wanted = fill_in(expression).removesuffix(FILTER)
        until(lambda query=wanted: prometheus.series(query), f"data for '{title}': {wanted}", 30)
    for match, label in variables():
        check(prometheus.ask(f"label/{label}/values", match=fill_in(match)), f"no values of {label}")
    rules = lambda: [rule["health"] for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    until(lambda: rules() and set(rules()) == {"ok"}, "all rules were evaluated", 30)
    summed = prometheus.series("sum(tracer_outstanding_bytes)")
    check(float(summed[0]["value"][1]) > 0, f"nothing outstanding: {summed}")
    tracer.stop()
