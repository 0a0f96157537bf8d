# SPDX-License-Identifier: GPL-2.0-or-later
"""The export formats: one run writes all of them, and each has to say the same as the CSV file."""

import collections
import gzip
import json
import os
import signal
import subprocess

from lib import ROOT, check, equal, need, read_sites, read_text, test, until

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


def fields(data):
    """(number, value) of a message: bytes for what has a length, else an integer."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value
    while at < len(data):
        number, kind = divmod(varint(), 8)
        check(kind in (0, 2), f"wire type {kind} in a profile")
        if kind == 0:
            yield number, varint()
        else:
            size = varint()
            yield number, data[at:at + size]
            at += size


def packed(data):
    """The numbers of a packed field: the values of a message whose fields all had no key."""
    values, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            values.append(value)
            value = shift = 0
    return values


def check_pprof(path, rows, pid):
    """Decoded by the numbers of the published format alone."""
    with gzip.open(path) as file:
        profile = list(fields(file.read()))
    strings = [value.decode() for number, value in profile if number == 6]
    equal(strings[0], "", "first string")
    types = [dict(fields(value)) for number, value in profile if number == 1]
    equal([(strings[t[1]], strings[t[2]]) for t in types],
          [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")],
          "sample types")
    equal(strings[dict(profile)[14]], "inuse_space", "default sample type")
    functions = {f[1]: strings[f[2]] for f in (dict(fields(value)) for number, value in profile if number == 5)}
    mappings = {m[1]: m for m in (dict(fields(value)) for number, value in profile if number == 3)}
    check(strings[mappings[1][5]].endswith("/every") and strings[mappings[1][6]], "the first mapping is the program")
    locations = {}
    for number, value in profile:
        if number == 4:
            location = list(fields(value))
            facts = dict(location)
            mapping = mappings[facts[2]]
            check(mapping[2] <= facts[3] < mapping[3], f"location {facts} outside of {mapping}")
            locations[facts[1]] = [functions[dict(fields(line))[1]] for n, line in location if n == 4]
    found = collections.Counter()
    for number, value in profile:
        if number == 2:
            sample = list(fields(value))
            facts = dict(sample)
            labels = [dict(fields(label)) for n, label in sample if n == 3]
            equal([label[3] for label in labels if strings[label[1]] == "pid"], [pid], "label pid")
            api = next(strings[label[2]] for label in labels if strings[label[1]] == "api")
            frames = [name for location in packed(facts[1]) for name in locations[location]]
            found[(api, ";".join(name.replace(";", ":") for name in reversed(frames)), *packed(facts[2]))] += 1
    equal(found, collections.Counter((row["api"], row["stack"], row["alloc_count"], row["alloc_bytes"],
                                      row["outstanding_count"], row["outstanding_bytes"]) for row in rows),
          "samples, pprof against CSV")


def check_go(case, path, wanted):
    """What Go's own tool reads."""
    need("go")
    for index, words in (("inuse_space", ["-unit=bytes"]), ("alloc_objects", [])):
        top = subprocess.run(["go", "tool", "pprof", "-top", "-symbolize=none", f"-sample_index={index}", *words, path],
                             capture_output=True, text=True, check=False, cwd=case.directory,
                             env={**os.environ, "HOME": case.directory, "PPROF_TMPDIR": case.directory})
        equal(top.returncode, 0, f"exit status of go tool pprof: {top.stderr}")
        check(f"Type: {index}" in top.stdout and "File: every" in top.stdout, f"go tool pprof: {top.stdout}")
        if index == "inuse_space":
            check(f"of {wanted}B total" in top.stdout, f"not {wanted} bytes in all: {top.stdout}")


@test()
def exports__all_at_once__agree_with_the_csv(case):
    target = case.target("every")
    path = {name: case.path(name) for name in ("csv", "json", "folded", "pprof")}
    options = [word for name in path for word in (f"--{name}", path[name])]
    tracer = case.attach(target, "-i", "0.3", *options)
    target.work()
    tracer.stop()
    sites = read_sites(path["csv"])
    check(sites.total("outstanding_bytes", target.pid) > 100000, "the target has worked")
    validate(check_json(path["json"], sites, target.pid))
    check_folded(path["folded"], sites.last(target.pid))
    check_pprof(path["pprof"], sites.last(target.pid), target.pid)
    check_go(case, path["pprof"], sites.total("outstanding_bytes", target.pid))


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
