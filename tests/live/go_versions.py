#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The live tests of Go programs with several toolchains, and a table of what passed with which. As root, after `make live-programs`
(make test-go does both):

    tests/live/go_versions.py [-jN] [--only WORD]... [GOROOT...]

Each GOROOT is an unpacked toolchain, such as /usr/lib/go-1.19 of Debian; without one the installed go is taken. The programs of each are
built in a folder of its own, build/go/NAME. Exit status 1: a test has failed.
"""

import argparse
import collections
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# A test is counted in the first group one of whose words its name begins with.
GROUPS = (("MemStats", ("go__",)), ("collector", ("go_collector", "go_advice")), ("profile", ("go_profile", "go_enable")),
          ("samples", ("go_heap",)), ("options", ("go_option", "go_alert")), ("bad input", ("go_bad",)),
          ("pools", ("go_pools",)), ("goroutines", ("goroutines",)), ("cgo", ("cgo__",)))
RESULT = re.compile(r"^(ok|skip|not ok) (\w+)(?:: (.*))?$")


def group_of(name):
    return next((group for group, words in GROUPS if name.startswith(words)), None)


def version_of(goroot):
    go = os.path.join(goroot, "bin", "go") if goroot else "go"
    environment = {**os.environ, "GOTOOLCHAIN": "local", **({"GOROOT": goroot} if goroot else {})}
    try:
        said = subprocess.run([go, "env", "GOVERSION"], env=environment, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"go_versions.py: cannot run '{go}': {error}")
    return said.strip()


def run(goroot, words, jobs):
    """Results by group; lines are printed as they come."""
    environment = {**os.environ, **({"TRACER_TEST_GOROOT": goroot} if goroot else {})}
    counts = collections.defaultdict(collections.Counter)
    made = subprocess.Popen([sys.executable, "-B", "-u", os.path.join(HERE, "run.py"), *jobs, *words], env=environment,
                            stdout=subprocess.PIPE, text=True)
    for line in made.stdout:
        found = RESULT.match(line)
        group = group_of(found.group(2)) if found else None
        if group:
            counts[group][found.group(1)] += 1
        if not found or group:
            print(line, end="", flush=True)
    made.wait()
    return counts


def cell(counts):
    """`12` passed; what has failed or was skipped beside it."""
    text = str(counts["ok"])
    text += f", {counts['not ok']} failed" if counts["not ok"] else ""
    return text + (f", {counts['skip']} skipped" if counts["skip"] else "")


def show(results):
    names = [group for group, _ in GROUPS if any(counts[group] for counts in results.values())]
    rows = [("Go", *names)] + [(version, *(cell(counts[n]) for n in names)) for version, counts in results.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(prog="go_versions.py")
    parser.add_argument("-j", dest="jobs", help="so many tests at a time")
    parser.add_argument("--only", action="append", help="only tests whose name has this word; repeatable")
    parser.add_argument("goroots", nargs="*", metavar="GOROOT")
    options = parser.parse_args()
    words = options.only or [word for _, group in GROUPS for word in group]
    jobs = [f"-j{options.jobs}"] if options.jobs else []
    results = {}
    for goroot in options.goroots or [""]:
        version = version_of(goroot)
        print(f"{version}:", flush=True)
        results[version] = run(goroot, words, jobs)
    show(results)
    total = sum((counts for groups in results.values() for counts in groups.values()), collections.Counter())
    print(f"{total['ok']} passed, {total['not ok']} failed")
    return 1 if total["not ok"] or not total["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
