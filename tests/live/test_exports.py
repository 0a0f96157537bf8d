# SPDX-License-Identifier: GPL-2.0-or-later
"""The export formats: one run writes all of them, and each has to say the same as the CSV file."""

import collections
import gzip
import json
import os
import signal
import subprocess

from lib import ROOT, SITE_COLUMNS, Skip, check, equal, need, python, read_sites, read_text, test, until

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


def check_json(path, sites, pid, build_ids=True):
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
            check(lines[-1]["modules"][frame["module"]]["build_id"] or not build_ids, f"no build id behind {frame}")
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


def check_pprof(path, rows, pid, program="every"):
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
    check(strings[mappings[1][5]].endswith(f"/{program}") and (strings[mappings[1].get(6, 0)] or program != "every"),
          "the first mapping is the program")
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


def check_replay(case, paths):
    """From the recording of the same run come the same files."""
    again = {name: f"{path}.again" for name, path in paths.items()}
    tracer = case.run("-b", "-i", "0.3", "-r", case.path("recording"),
                      *[word for name in again for word in (f"--{name}", again[name])])
    equal(tracer.wait(), 0, f"exit status of the replay: {tracer.err.text()}")
    for name, path in paths.items():
        with open(path, "rb") as live, open(again[name], "rb") as replayed:
            check(live.read() == replayed.read(), f"--{name} of the replay is another one")


@test()
def exports__all_at_once__agree_with_the_csv(case):
    target = case.target("every")
    path = {name: case.path(name) for name in ("csv", "json", "folded", "pprof")}
    options = [word for name in path for word in (f"--{name}", path[name])]
    tracer = case.attach(target, "-i", "0.3", "-w", case.path("recording"), *options)
    target.work()
    tracer.stop()
    check_replay(case, path)
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


def load_with_pandas(path):
    script = ("import json, sys, pandas; t = pandas.read_csv(sys.argv[1], parse_dates=['time']); last = t[t.time == t.time.max()];"
              "print(json.dumps([list(t.columns), str(t.dtypes['time']), len(last), int(last.outstanding_bytes.sum())]))")
    run = subprocess.run([python(), "-B", "-c", script, path], capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in run.stderr:
        raise Skip("python3-pandas is not installed")
    equal(run.returncode, 0, f"pandas: {run.stderr}")
    return json.loads(run.stdout)


def load_with_sqlite(path, column):
    sql = [".mode csv", f".import '{path}' t", f"SELECT count(*), sum({column}) FROM t WHERE time = (SELECT max(time) FROM t);"]
    run = subprocess.run([need("sqlite3"), ":memory:"], input="\n".join(sql), capture_output=True, text=True, check=False)
    equal((run.returncode, run.stderr), (0, ""), "sqlite3's import")
    return [int(word) for word in run.stdout.strip().split(",")]


@test()
def csv__three_files__load_elsewhere_and_agree(case):
    target = case.target("every")
    paths = {name: case.path(name) for name in ("csv", "csv-blocks", "csv-timeline")}
    tracer = case.attach(target, "-i", "0.3", *[word for name in paths for word in (f"--{name}", paths[name])])
    target.work()
    tracer.stop()
    rows = read_sites(paths["csv"]).last()
    total = tracer.summary(target.pid).bytes
    equal(sum(row["outstanding_bytes"] for row in rows), total, "outstanding bytes, CSV against summary")
    equal(load_with_sqlite(paths["csv"], "outstanding_bytes"), [len(rows), total], "sites in sqlite3")
    equal(load_with_sqlite(paths["csv-blocks"], "bytes"), [tracer.summary(target.pid).count, total], "blocks in sqlite3")
    equal(load_with_sqlite(paths["csv-timeline"], "outstanding_bytes"), [1, total], "processes in sqlite3")
    found = load_with_pandas(paths["csv"])
    equal(found[0], SITE_COLUMNS.split(","), "columns in pandas")
    check(found[1].startswith("datetime64"), f"type of time in pandas: {found[1]}")
    equal(found[2:], [len(rows), total], "sites in pandas")


@test()
def exports__cannot_be_written__said_and_nothing_half_written(case):
    """Before anything is attached where it can be known then, else at the end, with what was there before untouched."""
    target = case.target("every")
    real, link = case.path("real"), case.path("link")
    with open(real, "w", encoding="utf-8") as file:
        file.write("mine")
    os.symlink(real, link)
    for option, path, words in (("--pprof", link, "symbolic link"), ("--json", link, "symbolic link"),
                                ("--folded", case.directory, "directory"), ("--json", case.path("no/file"), "No such"),
                                ("--pprof", case.path("no/file"), "No such"), ("--folded", f"{real}/x", "Not a directory")):
        tracer = case.run("-b", "-p", target.pid, "-d", "5", option, path)
        equal(tracer.wait(), 1, f"exit status of {option} {path}")
        check(f"tracer: cannot open '{path}'" in tracer.err.text() and words in tracer.err.text(),
              f"message: {tracer.err.text()}")
        check("attached to" not in tracer.err.text(), "attached first")
    tracer = case.attach(target, "-i", "0.3", "--pprof", "/dev/full", "--folded", real)
    target.work()
    tracer.signal(signal.SIGTERM)
    equal(tracer.wait(), 1, "exit status")
    errors = [line for line in tracer.err.lines if "cannot" in line]
    check(len(errors) == 1 and "'/dev/full'" in errors[0] and "space" in errors[0], f"messages: {errors}")
    check("site_malloc" in read_text(real), "the other file is there")
    equal(sorted(os.listdir(case.directory)), ["link", "real"], "files that are left")
    target.finish()


@test()
def exports__file_system_full__old_file_stays(case):
    """The whole file does not fit beside the old one, which stays as it was; tracing goes on to its end."""
    small = case.path("small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12k", "none", small], check=False, capture_output=True).returncode:
        raise Skip("a file system cannot be mounted here")
    try:
        path = os.path.join(small, "profile")
        with open(path, "w", encoding="utf-8") as file:
            file.write("x" * 12288)
        target = case.target("every")
        tracer = case.attach(target, "-i", "600", "--folded", path)
        target.work()
        tracer.signal(signal.SIGTERM)
        equal(tracer.wait(), 1, "exit status")
        check(f"cannot write '{path}': no space left" in tracer.err.text(), f"message: {tracer.err.text()}")
        equal((os.listdir(small), os.path.getsize(path)), (["profile"], 12288), "what is left")
        check(tracer.summary(target.pid).bytes > 100000, "no summary")
    finally:
        subprocess.run(["umount", small], check=False)


@test()
def exports__stdout__only_that(case):
    target = case.target("every")
    tracer = case.attach(target, "-i", "0.3", "--folded", "-", "--csv", case.path("csv"))
    target.work()
    tracer.stop()
    with open(case.path("folded"), "w", encoding="utf-8") as file:
        file.write(tracer.out.text() + "\n")
    check_folded(case.path("folded"), read_sites(case.path("csv")).last(target.pid))
