# SPDX-License-Identifier: GPL-2.0-or-later
"""Stacks that the tracer finds against those of another unwinder, return address by return address.

As root, after `make`:  python3 tests/live/truth.py [-n STACKS] [-k] [WORD...]     (make truth: all, at least 100,000 stacks)
-n stacks for each configuration, -k shows wrong and cut ones, WORD: only configurations with all of them in their name.

The program of tests/truth makes random call chains of many shapes and writes down for each block what GCC's unwinder says
at the place of the allocation, in the same frame. It is built once for each configuration (compiler, optimisation, frame
pointers, kind of linking). Where a program has unwind information that GCC's unwinder does not read (.debug_frame alone),
the truth is a list of return addresses that each function keeps when it is entered, for the program's own functions.

A stack is right when all return addresses are the same and it ends where the truth ends. Not right and not wrong are: a stack
that says where and why it was cut, with every address up to there as in the truth; and one that says that it guesses.
All else is wrong. Prints a table and ends with status 1 if any stack was wrong.
"""

import array
import bisect
import collections
import os
import re
import shutil
import subprocess
import sys

import lib
from lib import ROOT, check, read_text

SOURCES = os.path.join(ROOT, "tests", "truth")
BUILD = os.path.join(ROOT, "build", "truth")
REASONS = {1: "depth", 2: "failed", 8: "no information", 16: "no mapping", 32: "fault", 64: "broken", 128: "changed"}
GUESSED = 4
# The call that allocates and the one that asks for the truth are in one function, that near.
NEAR_BYTES = 512
SHOWN = 3

Config = collections.namedtuple("Config", "name compiler flags link shadow cxx rust plugins arguments")


def config(name, compiler="gcc", flags=(), link=(), shadow=False, cxx=None, rust=False, plugins=False, arguments=()):
    return Config(name, compiler, tuple(flags), tuple(link), shadow, cxx, rust, plugins, tuple(arguments))


NO_FP, FP = "-fomit-frame-pointer", "-fno-omit-frame-pointer"


def configurations():
    found = []
    for compiler, cxx in (("gcc", "g++"), ("clang", "clang++")):
        for level in ("-O0", "-O1", "-O2", "-O3"):
            for pointer in (NO_FP, FP):
                name = f"{compiler} {level} {'no fp' if pointer == NO_FP else 'fp'}"
                found.append(config(name, compiler, (level, pointer), cxx=cxx, plugins=True))
        found.append(config(f"{compiler} -O2 cet", compiler, ("-O2", "-fcf-protection=full"), cxx=cxx, plugins=True))
        found.append(config(f"{compiler} -O2 lazy binding, no pie", compiler, ("-O2", "-fno-pie"),
                            ("-no-pie", "-Wl,-z,lazy"), cxx=cxx))
        found.append(config(f"{compiler} -O2 deep", compiler, ("-O2",), cxx=cxx,
                            arguments=("--deep", "250", "--threads", "1")))
        found.append(config(f"{compiler} -O2 .debug_frame only", compiler,
                            ("-O2", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-finstrument-functions",
                             "-fno-inline"),
                            shadow=True, arguments=("--plain", "--threads", "1")))
    found += [
        config("gcc -Os", "gcc", ("-Os",), cxx="g++", plugins=True),
        config("gcc -O2 lto", "gcc", ("-O2", "-flto"), ("-flto",), cxx="g++"),
        config("gcc -O2 split stack protector", "gcc", ("-O2", "-fstack-protector-all", "-fstack-clash-protection"),
               cxx="g++"),
        config("gcc -O2 -mavx -mpush-args", "gcc", ("-O2", "-mavx", "-mpush-args", "-mno-accumulate-outgoing-args",
                                                    "-mno-red-zone"), cxx="g++"),
        config("gcc -O2 bind now", "gcc", ("-O2", "-fPIC"), ("-Wl,-z,now",), cxx="g++", plugins=True),
        config("gcc -O2 static", "gcc", ("-O2",), ("-static",), cxx="g++"),
        config("gcc -O2 static pie", "gcc", ("-O2", "-fPIE"), ("-static-pie",), cxx="g++"),
        config("gcc -O2 stripped", "gcc", ("-O2",), ("-s",), cxx="g++"),
        config("gcc -O2 without .eh_frame_hdr", "gcc", ("-O2",), ("-Wl,--no-eh-frame-hdr", "-static")),
        config("gcc -O2 compressed .debug_frame only", "gcc",
               ("-O2", "-gz", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-finstrument-functions",
                "-fno-inline"),
               ("-gz",), shadow=True, arguments=("--plain", "--threads", "1")),
        config("gcc -O2 odd forms", "gcc", ("-O2",), cxx="g++", arguments=("--odd",)),
        config("rust -O3", "gcc", ("-O2",), cxx="g++", rust="3"),
        config("rust -O0", "gcc", ("-O0",), cxx="g++", rust="0"),
        # musl itself has no unwind information here: no stack is whole
        config("musl -O2", "musl-gcc", ("-O2",), ("-Wl,--eh-frame-hdr",)),
    ]
    return found


# ---- building ----

def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise lib.Failure(f"cannot build: {' '.join(command)}\n{done.stdout[-2000:]}")


COMMON = ("-D_GNU_SOURCE", "-g", "-fno-builtin", "-fno-optimize-strlen", "-Wall", "-Wextra")
C_SOURCES = ("truth", "places", "shapes", "coroutines", "stepped", "plugins", "forms")


def common(compiler):
    return [word for word in COMMON if "clang" not in compiler or word != "-fno-optimize-strlen"]


def defines(c):
    found = [] if "musl" in c.compiler else ["-DTRUTH_COROUTINES"]
    return found + (["-DTRUTH_PLUGINS"] if c.plugins else [])


def newest(*paths):
    return max(os.path.getmtime(path) for path in paths)


def need_tool(word):
    if not shutil.which(word):
        raise lib.Skip(f"{word} is not installed")


def build_rust(c, directory):
    need_tool("rustc")
    library = os.path.join(directory, "libchains.a")
    run("rustc", "--edition", "2021", "--crate-type", "staticlib", "-C", f"opt-level={c.rust}", "-g", "-o", library,
        os.path.join(SOURCES, "chains.rs"))
    return [library]


def build_plugins(c, directory):
    for number, size in enumerate((200, 440)):
        run(c.compiler, *common(c.compiler), *c.flags, f"-DPLUGIN_BYTES={size}", "-fPIC", "-shared", "-o",
            os.path.join(directory, f"plugin{number}.so"), os.path.join(SOURCES, "plugin.c"))


def build(c):
    """The program of a configuration, and its plugins."""
    directory = os.path.join(BUILD, re.sub(r"[^a-z0-9]+", "-", c.name.lower().replace("-o", " o")).strip("-"))
    program = os.path.join(directory, "truth")
    sources = [os.path.join(SOURCES, name) for name in sorted(os.listdir(SOURCES))]
    for tool in (c.compiler, c.cxx):
        if tool:
            need_tool(tool)
    if os.path.exists(program) and os.path.getmtime(program) > newest(__file__, *sources):
        return program
    os.makedirs(directory, exist_ok=True)
    objects = []
    for name in C_SOURCES + ("shadow" if c.shadow else "libgcc",) + (("musl",) if "musl" in c.compiler else ()):
        objects.append(os.path.join(directory, name + ".o"))
        run(c.compiler, "-std=gnu11", *common(c.compiler), *c.flags, *defines(c), "-c", "-o", objects[-1],
            os.path.join(SOURCES, name + ".c"))
    objects.append(os.path.join(directory, "asm.o"))
    run("gcc", "-c", *(["-Wa,-gdwarf-4"] if c.shadow else []), "-o", objects[-1], os.path.join(SOURCES, "forms.S"))
    if c.cxx:
        objects.append(os.path.join(directory, "throws.o"))
        run(c.cxx, "-std=c++17", *common(c.cxx), *c.flags, "-c", "-o", objects[-1], os.path.join(SOURCES, "throws.cc"))
    if c.plugins:
        build_plugins(c, directory)
    objects += build_rust(c, directory) if c.rust else []
    last = ["-lgcc_eh", "-lc"] if "musl" in c.compiler else []
    run(c.cxx or c.compiler, *c.flags, "-rdynamic", *c.link, "-o", program, *objects, "-lpthread", "-ldl", *last)
    return program


# ---- one run ----

class Result:
    def __init__(self):
        self.stacks = self.right = self.guessed = self.unseen = 0
        self.cut = collections.Counter()
        self.wrong = []
        self.examples = []  # of cut ones
        self.frames = 0
        self.note = ""

    def add(self, other):
        for name in ("stacks", "right", "guessed", "unseen", "frames"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.cut.update(other.cut)
        self.wrong += other.wrong


def read_records(path):
    """{block: (extra, exact, pcs)}"""
    words = array.array("Q")
    with open(path, "rb") as file:
        end = array.array("Q", file.read(8))[0]
        words.frombytes(file.read((end - 1) * 8))
    found, at = {}, 0
    while at < len(words):
        block, extra, exact, count = words[at:at + 4]
        check(block not in found, f"block {block:#x} recorded twice")
        found[block] = (extra, exact, words[at + 4:at + 4 + count])
        at += 4 + count
    return found


def read_dump(path, pid):
    """{block: (flags, pcs)}"""
    stacks, blocks = {}, {}
    with open(path, encoding="ascii") as file:
        for line in file:
            word = line.split()
            if int(word[1]) != pid:
                continue
            if word[0] == "site":
                stacks[word[2]] = (int(word[3], 16), array.array("Q", [int(pc, 16) for pc in word[5:]]))
            else:
                blocks[int(word[3], 16)] = word[2]
    return {block: stacks[stack] for block, stack in blocks.items() if stack in stacks}


def first_frame(pcs, said):
    """Index of the tracer's frame in the function that allocated, -1: there is none."""
    extra, exact, truth = said
    for k in range(min(extra + 1, len(pcs))):
        if abs(pcs[k] - truth[0]) <= NEAR_BYTES and (not exact or pcs[k] == exact):
            rest = pcs[k + 1:]
            if rest[:8] == truth[1:1 + len(rest[:8])]:
                return k
    return -1


def judge(flags, pcs, said):
    """right, guessed, wrong, or why it was cut."""
    truth = said[2]
    reasons = [word for bit, word in REASONS.items() if flags & bit]
    k = first_frame(pcs, said)
    if k < 0:
        # cut before the function that allocated
        return reasons[0] if reasons and len(pcs) <= said[0] + 1 and (said[0] or len(pcs) == 0) else "wrong"
    rest = pcs[k + 1:]
    if flags & GUESSED:
        return "guessed"
    if rest == truth[1:] and (not reasons or reasons == ["depth"]):
        return "right"
    if reasons and rest == truth[1:1 + len(rest)]:
        return reasons[0]
    return "wrong"


class Shadow:
    """The same for programs that only know the return addresses of their own functions."""

    def __init__(self, pid):
        self.ranges = sorted((int(line.split("-")[0], 16), int(line.split("-")[1].split()[0], 16))
                             for line in read_text(f"/proc/{pid}/maps").splitlines()
                             if " r-xp " in line and os.readlink(f"/proc/{pid}/exe") in line)

    def own(self, pc):
        at = bisect.bisect_right(self.ranges, (pc - 1, 1 << 63)) - 1
        return at >= 0 and self.ranges[at][0] <= pc - 1 < self.ranges[at][1]

    def judge(self, flags, pcs, said):
        reasons = [word for bit, word in REASONS.items() if flags & bit]
        if flags & GUESSED:
            return "guessed"
        # of functions that the library calls, and of its callers, nothing is known
        mine = [pc for inner, pc in zip(pcs, pcs[1:]) if self.own(pc) and self.own(inner)]
        truth = [pc for pc in said[2] if self.own(pc)]
        for k in range(said[0] + 1):
            if reasons and mine[k:] == truth[:len(mine) - k]:
                return reasons[0]
            if not reasons and mine[k:] == truth:
                return "right"
        return "wrong"


def compare(records, dump, how):
    result = Result()
    for block, said in records.items():
        result.stacks += 1
        if block not in dump:
            result.unseen += 1
            continue
        flags, pcs = dump[block]
        verdict = how(flags, pcs, said)
        if verdict == "right":
            result.right += 1
            result.frames += len(pcs)
        elif verdict == "guessed":
            result.guessed += 1
        elif verdict == "wrong":
            result.wrong.append((block, flags, pcs, said))
        else:
            result.cut[verdict] += 1
            if result.cut[verdict] <= SHOWN:
                result.examples.append((block, flags, pcs, said))
    return result


def measure(case, c, stacks):
    program = build(c)
    truth, dump = case.path("truth.bin"), case.path("stacks")
    target = case.target(program, truth, stacks, "--plugins", os.path.dirname(program), *c.arguments)
    tracer = case.attach(target, env={"TRACER_DUMP_STACKS": dump})
    target.go()
    target.out.wait_for("^done$", 120)
    how = Shadow(target.pid).judge if c.shadow else judge
    tracer.stop(seconds=60)
    result = compare(read_records(truth), read_dump(dump, target.pid), how)
    lost = tracer.summary(target.pid).lost
    result.note = f"{lost} events lost" if lost else ""
    check(result.unseen <= lost, f"{result.unseen} blocks are missing, {lost} events lost")
    target.finish()
    return result


# ---- all ----

def show(name, result):
    cuts = ", ".join(f"{count} {why}" for why, count in sorted(result.cut.items()))
    mean = result.frames / result.right if result.right else 0
    print(f"| {name} | {result.stacks} | {mean:.1f} | {result.right} | {len(result.wrong)} | {cuts} | "
          f"{result.guessed or ''} | {result.note} |")


def explain(wrong):
    for block, flags, pcs, (extra, exact, truth) in wrong:
        same = 0
        while same < min(len(pcs), len(truth)) and pcs[-1 - same] == truth[-1 - same]:
            same += 1
        print(f"  block {block:#x} flags {flags:#x} extra {extra} exact {exact:#x}, {len(pcs)} and {len(truth)} frames, "
              f"the last {same} the same")
        print("    tracer " + " ".join(f"{pc:x}" for pc in pcs[:12]) + " ... " + " ".join(f"{pc:x}" for pc in pcs[-4:]))
        print("    truth  " + " ".join(f"{pc:x}" for pc in truth[:12]) + " ... "
              + " ".join(f"{pc:x}" for pc in truth[max(0, len(pcs) - 5):][:8]))


def main(arguments):
    stacks = int(arguments[arguments.index("-n") + 1]) if "-n" in arguments else 3000
    words = [word for word in arguments if not word.startswith("-") and not word.isdigit()]
    total, failed = Result(), False
    print("| configuration | stacks | frames | right | wrong | cut | guessed | note |\n|---|---|---|---|---|---|---|---|")
    for c in configurations():
        if words and not all(word in c.name for word in words):
            continue
        case = lib.Case("truth")
        try:
            result = measure(case, c, stacks)
            show(c.name, result)
            if "-k" in arguments:
                explain(result.wrong[:SHOWN])
                explain(result.examples)
            total.add(result)
        except lib.Skip as skip:
            print(f"| {c.name} | left out: {skip} |")
        except lib.Failure as failure:
            failed = True
            print(f"| {c.name} | failed: {failure} |")
        finally:
            case.close()
    show("all", total)
    return 1 if failed or total.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
