# SPDX-License-Identifier: GPL-2.0-or-later
"""--diff: each way of writing it says the same difference, that of the outstanding totals of the two sides."""

import collections
import csv
import gzip
import json
import os
import re
import subprocess

from lib import ROOT, SITE_COLUMNS, check, equal, need, read_sites, read_text, test
from test_exports import fields, known_keys, packed
from test_html import functions, opened, page_data, rows as table_rows

RECORDING = os.path.join(ROOT, "tests", "replay", "every.rec")
SITES = os.path.join(ROOT, "tests", "replay", "every.csv")
SCHEMA = os.path.join(ROOT, "docs", "tracer-diff.schema.json")
FORMATS = ("csv", "json", "folded", "pprof", "html")
FIGURES = ("outstanding_bytes", "outstanding_count", "alloc_bytes", "alloc_count")


def total(path, column="outstanding_bytes"):
    return sum(row[column] for row in read_sites(path).last())


def last_rows(path):
    """{site: row of the CSV} at the end; figures are sums over the processes."""
    sums = {}
    for row in read_sites(path).last():
        known = sums.setdefault(row["site"], {**row, **dict.fromkeys((*FIGURES, "temporary_count"), 0)})
        for key in (*FIGURES, "temporary_count"):
            known[key] += row[key]
    return sums


def hold(row, size):
    row["alloc_bytes"] = int(row["alloc_bytes"]) - int(row["outstanding_bytes"]) + size
    row["outstanding_bytes"] = row["peak_bytes"] = size


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, SITE_COLUMNS.split(","), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_sides(case):
    """A: what the recording B has, but one site less, one more, one larger and one smaller. Returns A's path and {kind: site}."""
    with open(SITES, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    newest = {(row["site"], row["pid"]): row for row in rows}
    held = {site: row for (site, _), row in sorted(newest.items()) if int(row["outstanding_bytes"]) > 10}
    sites = dict(zip(("appeared", "grew", "shrank"), held))
    rows = [row for row in newest.values() if row["site"] != sites["appeared"]]
    hold(held[sites["grew"]], 7)
    hold(held[sites["shrank"]], 1000000)
    sites["disappeared"] = "00000000000000ff"
    rows.append({**held[sites["grew"]], "site": sites["disappeared"], "function": "gone</script>", "source": "old \"file\".c:77", "module": "libgone.so", "stack": "main;gone</script>"})
    write_rows(case.path("a.csv"), rows)
    return case.path("a.csv"), sites


def run_diff(case, a, b, *formats):
    paths = {name: case.path(f"diff.{name}") for name in formats}
    diff = case.run("--diff", a, b, *[word for name in formats for word in (f"--{name}", paths[name])])
    equal(diff.wait(), 0, f"exit status: {diff.err.text()}")
    return diff, paths


def changes_of_csv(path):
    """{site: (kind, bytes in A, in B, count in A, in B)}"""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        equal(int(row["bytes_b"]) - int(row["bytes_a"]), int(row["bytes_change"]), f"change of {row['site']}")
        equal(int(row["count_b"]) - int(row["count_a"]), int(row["count_change"]), f"change of {row['site']}")
    found = {row["site"]: (row["change"], *[int(row[key]) for key in ("bytes_a", "bytes_b", "count_a", "count_b")]) for row in rows}
    equal(len(found), len(rows), "different sites")
    return found


def check_csv(path, a, b, sites):
    found = changes_of_csv(path)
    sides = last_rows(a), last_rows(b)
    equal(set(found), set(sides[0]) | set(sides[1]), "sites of the difference")
    for site, (kind, *figures) in found.items():
        wanted = [side[site][key] if site in side else 0 for key in FIGURES[:2] for side in sides]
        equal(figures, wanted, f"figures of site {site}")
        equal(sites.get(kind, site), site, f"the site that {kind}")
    equal({kind for kind, *_ in found.values()}, {*sites, "unchanged"}, "kinds of changes")
    equal(sum(row[2] - row[1] for row in found.values()), total(b) - total(a), "change of the outstanding bytes, CSV")
    return found


def check_json(path, a, b, found):
    lines = [json.loads(line) for line in read_text(path).splitlines()]
    schema = json.loads(read_text(SCHEMA))
    for line in lines:
        known_keys({"$ref": f"#/definitions/{line['kind']}"}, line, schema["definitions"], line["kind"])
    validate(schema, lines)
    whole, sites = lines[0], lines[1:]
    equal({line["site"]: (line["change"], line["bytes_a"], line["bytes_b"], line["count_a"], line["count_b"]) for line in sites},
          found, "sites, JSON against CSV")
    equal((whole["kind"], whole["a"]["path"], whole["a"]["outstanding_bytes"], whole["b"]["outstanding_bytes"]),
          ("diff", a, total(a), total(b)), "totals, JSON against the sides")
    equal(sum(line["bytes_change"] for line in sites), whole["bytes_change"], "change of all sites, JSON")
    equal(whole["bytes_change"], total(b) - total(a), "change of the outstanding bytes, JSON")
    equal(whole["sites"], dict(collections.Counter(kind for kind, *_ in found.values())), "sites of each kind")
    rows = {**last_rows(a), **last_rows(b)}
    for line in sites:
        equal(";".join(name.replace(";", ":") for name in reversed(line["stack"])), rows[line["site"]]["stack"], "stack, JSON")


def validate(schema, lines):
    """The schema itself; without the library the other checks were made."""
    try:
        import jsonschema
    except ImportError:
        return
    validator = jsonschema.Draft7Validator(schema)
    for line in lines:
        errors = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(line)]
        check(not errors, f"against the schema: {errors[:3]}")


def check_folded(path, a, b, column="outstanding_bytes"):
    wanted = [collections.Counter(), collections.Counter()]
    for counter, side in zip(wanted, (a, b)):
        for row in last_rows(side).values():
            counter[row["stack"]] += row[column]
    lines = [line.rsplit(" ", 2) for line in read_text(path).splitlines()]
    equal({stack: (int(x), int(y)) for stack, x, y in lines},
          {stack: (wanted[0][stack], wanted[1][stack]) for stack in wanted[0] | wanted[1]}, f"{column} by stack, folded")
    equal([stack for stack, *_ in lines], sorted(stack for stack, *_ in lines), "order of the stacks")
    equal(sum(int(y) - int(x) for _, x, y in lines), total(b, column) - total(a, column), f"change of {column}, folded")


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def check_pprof(path, a, b):
    """{(stack, function): values} as written, the base with a minus and pprof's own label."""
    with gzip.open(path) as file:
        profile = list(fields(file.read()))
    strings = [value.decode() for number, value in profile if number == 6]
    names = {f[1]: strings[f[2]] for f in (dict(fields(value)) for number, value in profile if number == 5)}
    locations = {}
    for number, value in profile:
        if number == 4:
            location = list(fields(value))
            locations[dict(location)[1]] = [names[dict(fields(line))[1]] for n, line in location if n == 4]
    found = collections.Counter()
    sums = {False: collections.Counter(), True: collections.Counter()}
    for number, value in profile:
        if number == 2:
            sample = list(fields(value))
            labels = [dict(fields(label)) for n, label in sample if n == 3]
            base = any(strings[label[1]] == "pprof::base" and strings[label[2]] == "true" for label in labels)
            values = [signed(v) for v in packed(dict(sample)[2])]
            stack = ";".join(names.replace(";", ":") for number in reversed(packed(dict(sample)[1])) for names in locations[number])
            found[stack] += values[3]
            for figure, v in zip(("alloc_count", "alloc_bytes", "outstanding_count", "outstanding_bytes"), values):
                sums[base][figure] += v
    for figure in FIGURES:
        equal((-sums[True][figure], sums[False][figure]), (total(a, figure), total(b, figure)), f"{figure}, pprof")
    wanted = collections.Counter()
    for sign, side in ((-1, a), (1, b)):
        for row in last_rows(side).values():
            wanted[row["stack"]] += sign * row["outstanding_bytes"]
    equal({stack: v for stack, v in found.items() if v}, {stack: v for stack, v in wanted.items() if v}, "change by stack, pprof")


def check_html(path, a, b, found):
    data = page_data(path)
    sites = [dict(zip(data["site_columns"], row)) for row in data["sites"]]
    equal({s["id"]: (s["change"], s["bytes_a"], s["bytes_b"], s["count_a"], s["count_b"]) for s in sites}, found, "sites, page against CSV")
    equal((data["a"]["bytes"], data["b"]["bytes"]), (total(a), total(b)), "totals of the page")
    equal(sum(s["bytes_b"] - s["bytes_a"] for s in sites), total(b) - total(a), "change of the outstanding bytes, page")
    rows = {**last_rows(a), **last_rows(b)}
    for site in sites:
        names = [data["texts"][data["frames"][number][0]] for number in reversed(site["frames"])]
        equal(";".join(names), rows[site["id"]]["stack"], "stack, page against CSV")


@test()
def diff__every_format__the_difference_of_the_totals(case):
    a, sites = make_sides(case)
    diff, paths = run_diff(case, a, RECORDING, *FORMATS)
    found = check_csv(paths["csv"], a, SITES, sites)
    change = total(SITES) - total(a)
    check(f"B - A: {change:+d} bytes" in diff.out.text(), f"report: {diff.out.text()}")
    check_json(paths["json"], a, SITES, found)
    check_folded(paths["folded"], a, SITES)
    check_pprof(paths["pprof"], a, SITES)
    check_html(paths["html"], a, SITES, found)
    equal(sorted(os.listdir(case.directory)), sorted(["a.csv", *[f"diff.{name}" for name in FORMATS]]), "files that are left")


@test()
def diff__two_csv_or_two_recordings__the_same_files(case):
    """All but the page and lines that name the two files."""
    _, of_csv = run_diff(case, SITES, SITES, "csv", "folded")
    texts = [read_text(path) for path in of_csv.values()]
    _, of_recordings = run_diff(case, RECORDING, RECORDING, "csv", "folded")
    equal([read_text(path) for path in of_recordings.values()], texts, "files of the recordings")
    equal({kind for kind, *_ in changes_of_csv(of_csv["csv"]).values()}, {"unchanged"}, "changes of the same")


@test()
def diff__folded_value__of_that_figure(case):
    a, _ = make_sides(case)
    for value, column in (("allocated", "alloc_bytes"), ("count", "outstanding_count"), ("temporary", "temporary_count")):
        diff = case.run("--diff", a, SITES, "--folded-value", value, "--folded", "-")
        equal(diff.wait(), 0, "exit status")
        with open(case.path("folded"), "w", encoding="utf-8") as file:
            file.write(diff.out.text() + "\n")
        check_folded(case.path("folded"), a, SITES, column)


@test()
def diff__pprof__as_go_makes_it_of_two_profiles(case):
    """The sums of functions are those of `pprof -diff_base`."""
    need("go")
    a, _ = make_sides(case)
    _, paths = run_diff(case, a, RECORDING, "pprof")
    top = go_top(case, paths["pprof"])
    check(f"of {total(a)}B total" in top, f"not in shares of A: {top}")
    wanted = collections.Counter()
    for sign, side in ((-1, a), (1, SITES)):
        for row in last_rows(side).values():
            wanted[row["stack"].rsplit(";", 1)[-1]] += sign * row["outstanding_bytes"]
    flat = {name: value for value, name in re.findall(r"^\s*(-?\d+)B? .*% +(\S.*)$", top, re.M)}
    for name, value in wanted.items():
        if value:
            equal(int(flat.get(name, "0")), value, f"flat bytes of {name} in {top}")


def go_top(case, path):
    top = subprocess.run(["go", "tool", "pprof", "-top", "-symbolize=none", "-nodefraction=0", "-unit=bytes", "-sample_index=inuse_space",
                          path], capture_output=True, text=True, check=False, cwd=case.directory,
                         env={**os.environ, "HOME": case.directory, "PPROF_TMPDIR": case.directory})
    equal(top.returncode, 0, f"exit status of go tool pprof: {top.stderr}")
    return top.stdout


@test()
def diff__page__in_a_browser(case):
    a, sites = make_sides(case)
    _, paths = run_diff(case, a, RECORDING, "html")
    with opened(paths["html"]) as page:
        change = total(SITES) - total(a)
        check(f"{change:,} bytes" in page.evaluate("document.querySelector('#cards .figure').title"), "the total is not on the page")
        check("1 appeared, 1 grew, 1 shrank, 1 disappeared" in page.text("#verdict"), page.text("#verdict"))
        equal(len(table_rows(page)), 4, "rows of what has changed")
        page.choose("#sites-show", "disappeared")
        equal(functions(page), ["gone</script>"], "what disappeared")
        page.click("#sites-table .open")
        check("gone</script> [libgone.so] (old \"file\".c:77)" in page.text("#sites-table .stack"), page.text("#sites-table .stack"))
        page.choose("#sites-show", "all")
        page.click("#sites-more")
        equal(len(table_rows(page)), len(changes_of_page(paths["html"])), "rows of all sites")
        check(page.text("#flame-note").startswith("Sites that shrank, by "), page.text("#flame-note"))
        page.choose("#flame-value", "bytes_less")
        less = sum(x - y for x, y in changes_of_page(paths["html"]).values() if x > y)
        equal(page.evaluate("document.querySelector('#flame-status').title"), f"{less:,} fewer bytes", "what the flame graph holds")


def changes_of_page(path):
    data = page_data(path)
    sites = [dict(zip(data["site_columns"], row)) for row in data["sites"]]
    return {site["id"]: (site["bytes_a"], site["bytes_b"]) for site in sites}


@test()
def diff__recording_against_csv__by_site(case):
    target = case.target("every")
    tracer = case.attach(target, "-w", case.path("a.rec"), "--csv", case.path("a.csv"))
    target.work()
    tracer.stop()
    same = case.run("--diff", case.path("a.rec"), case.path("a.csv"))
    equal(same.wait(), 0, "exit status")
    check(re.search(r"^B - A: \+0 bytes in \+0 allocations; 0 sites appeared, 0 grew, 0 shrank, 0 disappeared, [1-9]",
                    same.out.text(), re.M), same.out.text())


@test()
def diff__cannot_be_written__said_before_anything_is_read(case):
    os.symlink("elsewhere", case.path("link"))
    for options, words in ((("--json", case.path("link")), "symbolic link"), (("--html", case.path("no/file")), "No such")):
        diff = case.run("--diff", RECORDING, SITES, *options)
        equal((diff.wait(), diff.out.text()), (1, ""), f"exit status and report of {options}")
        check(words in diff.err.text(), f"message: {diff.err.text()}")
    diff = case.run("--diff", RECORDING, SITES, "--pprof", "/dev/full")
    equal(diff.wait(), 1, "exit status of a full device")
    check("'/dev/full'" in diff.err.text() and "space" in diff.err.text(), f"message: {diff.err.text()}")
    diff = case.run("--diff", RECORDING, SITES, "--metrics", "9464")
    equal(diff.wait(), 2, "exit status of --metrics")
    check("--metrics" in diff.err.text() and "--json" in diff.err.text(), f"message: {diff.err.text()}")
