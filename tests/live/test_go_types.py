# SPDX-License-Identifier: GPL-2.0-or-later
"""Types of what Go programs allocate, beside a program whose functions each allocate a known one."""

import os

from lib import Failure, check, equal, read_json_lines, read_text, test, until
from test_exports import validate
from test_go import STRIPPED, command
from test_go_heap import PIE, build_of, program

SAMPLES = {**os.environ, "TRACER_GO_HEAP": "samples"}
EITHER = {f"[{n}]main.plain" for n in range(3, 11)}
# All that is ever said of them; the first has to come.
TYPES = {
    "main.makeNode": ["main.node"],
    "main.makePlain": ["main.plain"],
    "main.makeSlice": ["[]main.node"],
    "main.growSlice": ["[]main.plain"],
    "main.fillMap": ["map[string]main.node", "runtime.hmap", "maps.Map"],
    "main.makeChan": ["chan main.plain"],
    "main.makeBox": ["main.plain"],
    "main.makeText": ["string"],
    "main.makeBytes": ["[]uint8"],
    "strings.(*Builder).grow": ["[]uint8"],
    # what is put into an interface there is a slice's header, of whatever type
    "main.makeEither": ["[]main.node", *EITHER, None],
}


def seen(lines):
    """{function: types} of all sites so far."""
    found = {}
    for line in lines:
        for site in line["sites"]:
            found.setdefault(site["function"], {})[site["site"]] = site["type"]
    return {function: set(types.values()) for function, types in found.items()}


def is_whole(types):
    return (all(expected[0] in types.get(function, ()) for function, expected in TYPES.items())
            and EITHER <= types.get("main.makeEither", set())
            and any(str(text).startswith("struct { F uintptr; ") for text in types.get("main.makeClosure", ())))


def allocate(target, path):
    def whole():
        command(target, "make 3000")
        command(target, "gc")
        return is_whole(seen(read_json_lines(path)))

    try:
        until(whole, "all types")
    except Failure:
        raise Failure(f"{seen(read_json_lines(path))}") from None


def types_are_true(case, path, **more):
    """Each function has the type that its source has, whether the program has symbols or not."""
    target, lines, recording = program(case, path), case.path("sites.json"), case.path("go.rec")
    tracer = case.attach(target, "-v", "-i", "0.3", "--json", lines, "-w", recording, **more)
    allocate(target, lines)
    tracer.stop()
    types = seen(read_json_lines(lines))
    for function, expected in TYPES.items():
        check(types[function] <= set(expected), f"{function}: {types[function]}")
    validate(read_json_lines(lines)[-1:])
    check("\t\t[type []main.node]\n" in tracer.out.text(), "not in the report")
    target.close_stdin()
    equal(target.wait(), 0, "exit status of the program")
    return lines, recording


def samples_are_true(case, path):
    types_are_true(case, path, env=SAMPLES)


@test(90)
def go_types__samples__true(case):
    samples_are_true(case, build_of("types.go", "types"))


@test(90)
def go_types__samples_pie__true(case):
    samples_are_true(case, build_of("types.go", "types-pie", PIE))


@test(90)
def go_types__samples_stripped__true(case):
    samples_are_true(case, build_of("types.go", "types-stripped", STRIPPED))


@test(90)
def go_types__samples_stripped_pie__true(case):
    samples_are_true(case, build_of("types.go", "types-stripped-pie", PIE, STRIPPED))


@test(90)
def go_types__profile__true(case):
    types_are_true(case, build_of("types.go", "types"))


@test(90)
def go_types__profile_stripped_pie__true(case):
    types_are_true(case, build_of("types.go", "types-stripped-pie", PIE, STRIPPED))


@test(90)
def go_types__recording__replay_has_them(case):
    """Elsewhere, too, where the program is not."""
    path = build_of("types.go", "types-stripped", STRIPPED)
    copy, again, page = case.path("program"), case.path("again.json"), case.path("page.html")
    with open(path, "rb") as old, open(copy, "wb") as new:
        new.write(old.read())
    os.chmod(copy, 0o755)
    lines, recording = types_are_true(case, copy, env=SAMPLES)
    os.unlink(copy)
    replay = case.run("-b", "-r", recording, "--json", again, "--html", page)
    equal(replay.process.returncode, 0, "exit status of the replay")
    live, replayed = read_json_lines(lines)[-1], read_json_lines(again)[-1]
    equal({site["site"]: site["type"] for site in replayed["sites"]}, {site["site"]: site["type"] for site in live["sites"]}, "types")
    check('"map[string]main.node"' in read_text(page), "not in the page")
