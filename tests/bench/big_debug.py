#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How much memory names take: builds a program with about 22 MB of debug information a unit, traces it, shows the figures.
As root, after `make`:
    tests/bench/big_debug.py DIRECTORY [UNITS]      48 units are 1 GB; what is in DIRECTORY already is not built again
"""

import csv
import os
import signal
import subprocess
import sys
import time

TRACER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "tracer")
CLASSES = 3000
NAME = "very_long_name_of_a_template_that_stands_for_others"
LIMIT_KB = 300 * 1024

CLASS = """#include <stdlib.h>
template <int Unit, int Number, typename T> struct NAME {
MEMBERS
	static inline __attribute__((always_inline)) void *inlined_allocation(size_t n) { return malloc(n + Number); }
	static __attribute__((noinline)) void *allocate_one(size_t n) { void *p = inlined_allocation(n); last = p; return p; }
	static __attribute__((noinline)) void *outer(size_t n) { void *p = allocate_one(n); last = p; return p; }
	static void *last;
};
template <int U, int N, typename T> void *NAME<U, N, T>::last;
"""


def source():
    members = [f"	int member_{i}; long *pointer_{i};" for i in range(25)]
    members += [f"	void method_number_{i}(int a, long b, const char *c) const;" for i in range(40)]
    lines = [CLASS.replace("NAME", NAME).replace("MEMBERS", "\n".join(members))]
    lines += [f"template struct {NAME}<0, {i}, long>;" for i in range(CLASSES)]
    calls = "\n".join(f"	{NAME}<0, {i}, long>::outer({i % 100 + 1});" for i in range(0, CLASSES, 50))
    return "\n".join(lines) + '\nextern "C" void unit_0(void)\n{\n' + calls + "\n}\n"


def main_source(units):
    calls = "\n".join(f'extern "C" void unit_{i}(void);' for i in range(units))
    body = "\n".join(f"	unit_{i}();" for i in range(units))
    return ('#include <stdio.h>\n' + calls + '\nint main()\n{\n	char line[16];\n	puts("ready"); fflush(stdout);\n'
            '	if (!fgets(line, 16, stdin)) return 1;\n' + body +
            '\n	puts("done"); fflush(stdout);\n	return !fgets(line, 16, stdin);\n}\n')


def build(directory, units):
    """One unit is compiled; the others are its assembly with another number in all names."""
    program = os.path.join(directory, f"big-{units}")
    if os.path.exists(program):
        return program
    for name, text in (("unit.cc", source()), ("main.cc", main_source(units))):
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write(text)
    subprocess.run(["g++", "-g", "-O0", "-S", "unit.cc"], cwd=directory, check=True)
    with open(os.path.join(directory, "unit.s"), encoding="ascii") as file:
        assembly = file.read()
    objects = []
    for i in range(units):
        text = assembly.replace("ILi0ELi", f"ILi{i}ELi").replace("unit_0", f"unit_{i}").replace("<0, ", f"<{i}, ")
        objects.append(f"unit{i}.o")
        subprocess.run(["as", "-o", objects[-1], "-"], cwd=directory, input=text.encode(), check=True)
    subprocess.run(["g++", "-g", "-O0", "-o", program, "main.cc", *objects], cwd=directory, check=True)
    for name in objects:
        os.unlink(os.path.join(directory, name))
    return program


def highest_kb(pid, before):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), before)
    except OSError:
        return before


def trace(program, path):
    target = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    target.stdout.readline()
    tracer = subprocess.Popen([TRACER, "-b", "-p", str(target.pid), "--csv", path, "3600"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
    for line in tracer.stderr:
        if "attached to" in line:
            break
    target.stdin.write(b"\n")
    target.stdin.flush()
    target.stdout.readline()
    began, highest = time.monotonic(), 0
    tracer.send_signal(signal.SIGINT)
    while tracer.poll() is None:
        highest = highest_kb(tracer.pid, highest)
        time.sleep(0.01)
    seconds = time.monotonic() - began
    print(tracer.stderr.read(), end="")
    target.kill()
    target.wait()
    return seconds, highest


def report(path, seconds, highest):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [row for row in rows if row["time"] == rows[-1]["time"]]
    named = sum("+0x" not in row["stack"] for row in rows)
    lined = sum(bool(row["source"]) for row in rows)
    print(f"{len(rows)} stacks, {named} with all names, {lined} with lines, in {seconds:.1f} s; "
          f"highest resident size of the tracer {highest} KB of {LIMIT_KB} KB allowed")
    return 0 if rows and highest < LIMIT_KB else 1


def run():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    program = build(directory, int(sys.argv[2]) if len(sys.argv) == 3 else 48)
    print(f"{program}: {os.path.getsize(program) >> 20} MB")
    path = os.path.join(directory, "sites.csv")
    return report(path, *trace(program, path))


sys.exit(run())
