# SPDX-License-Identifier: GPL-2.0-or-later
"""The export formats: one run writes all of them, and each has to say the same as the CSV file."""

import collections
import json
import os
import signal

from lib import ROOT, check, equal, read_sites, read_text, test, until

SCHEMA = os.path.join(ROOT, "docs", "tracer.schema.json")


def known_keys(schema, value, definitions, where):
    """No field that the schema does not speak of."""
    schema = definitions[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    if isinstance(value, dict) and "properties" in schema:
        equal(set(value) - set(schema["properties"]), set(), f"fields of {where} without a word in the schema")
        for key, item in value.items():
            known_keys(schema["properties"][key], item, definitions, f"{where}.{key}")
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            known_keys(schema["items"], item, definitions, f"{where}[]")


def check_json(path, sites, pid):
    text = read_text(path)
    check(text.endswith("\n"), "the last line has no end")
    lines = [json.loads(line) for line in text.splitlines()]
    schema = json.loads(read_text(SCHEMA))
    for line in lines:
        known_keys(schema, line, schema["definitions"], "a line")
    equal([line["time"] for line in lines], sorted({line["time"] for line in lines}), "times of the lines")
    check(lines[-1]["complete"], "the last line has not all sites")
    rows = {row["site"]: row for row in sites.last(pid)}
    equal({site["site"] for site in lines[-1]["sites"]}, set(rows), "sites, JSON against CSV")
    for site in lines[-1]["sites"]:
        row = rows[site["site"]]
        for key in ("outstanding_bytes", "outstanding_count", "alloc_bytes", "free_count", "peak_bytes", "rank", "pid"):
            equal(site[key], row[key], f"{key} of site {site['site']}")
        frames = [lines[-1]["frames"][number] for number in reversed(site["stack"])]
        equal(";".join(frame["function"].replace(";", ":") for frame in frames), row["stack"], "stack, JSON against CSV")
        for frame in frames:
            check(lines[-1]["modules"][frame["module"]]["build_id"], f"no build id behind {frame}")
    equal(sum(site["outstanding_bytes"] for site in lines[-1]["sites"]), sites.total("outstanding_bytes", pid),
          "outstanding bytes, JSON against CSV")
    return lines


def validate(lines):
    """The schema itself; a skip without the library is none: the other checks were made."""
    try:
        import jsonschema
    except ImportError:
        return
    validator = jsonschema.Draft7Validator(json.loads(read_text(SCHEMA)))
    for line in lines:
        errors = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(line)]
        check(not errors, f"against the schema: {errors[:3]}")


def read_folded(path):
    """{stack: value}; a stack stands in one line only."""
    lines = [line.rsplit(" ", 1) for line in read_text(path).splitlines()]
    values = {stack: int(value) for stack, value in lines}
    equal(len(values), len(lines), "different stacks")
    equal(list(values), sorted(values), "order of the stacks")
    return values


def check_folded(path, rows, column="outstanding_bytes"):
    wanted = collections.Counter()
    for row in rows:
        if row[column]:
            wanted[f"{row['comm']};{row['stack']}"] += row[column]
    equal(read_folded(path), dict(wanted), f"{column} by stack, folded against CSV")


@test()
def exports__all_at_once__agree_with_the_csv(case):
    target = case.target("every")
    path = {name: case.path(name) for name in ("csv", "json", "folded")}
    options = [word for name in path for word in (f"--{name}", path[name])]
    tracer = case.attach(target, "-i", "0.3", *options)
    target.work()
    tracer.stop()
    sites = read_sites(path["csv"])
    check(sites.total("outstanding_bytes", target.pid) > 100000, "the target has worked")
    validate(check_json(path["json"], sites, target.pid))
    check_folded(path["folded"], sites.last(target.pid))


@test()
def folded__sigusr1__whole_file_now_and_anew_at_the_end(case):
    target = case.target("every")
    path = case.path("folded")
    tracer = case.attach(target, "-i", "600", "--csv", case.path("csv"), "--folded", path, "--folded-value", "allocated")
    check(not os.path.exists(path), "a file before there is anything to write")
    tracer.signal(signal.SIGUSR1)
    until(lambda: os.path.exists(path), "a file after SIGUSR1")
    equal(read_text(path), "", "stacks of a target that has not worked yet")
    target.work()
    tracer.stop()
    check_folded(path, read_sites(case.path("csv")).last(target.pid), "alloc_bytes")
    equal(sorted(os.listdir(case.directory)), ["csv", "folded"], "files that are left")
