# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the tracer would put its probes in a process: what --dry-run says, as offsets in files."""

import re
import struct
import subprocess

import lib

FUNCTION = re.compile(r"^(\S+)\s+(/.*?)\s+0x([0-9a-f]+)\s+\+(\d+) .*"
                      r"\((entry only|with its return|with its ret instructions)\)")
RETURN = re.compile(r"^\s+\+0x([0-9a-f]+)\s.* return side$")
PT_LOAD = 1


def segments(path):
    """(address, offset, size) of what is loaded of an ELF file."""
    with open(path, "rb") as file:
        header = file.read(64)
        table, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        for _ in range(count):
            kind, _flags, offset, address, _physical, in_file = struct.unpack_from("<IIQQQQ", file.read(size))
            if kind == PT_LOAD:
                yield address, offset, in_file


def offset_of(path, address):
    for start, offset, size in segments(path):
        if start <= address < start + size:
            return address - start + offset
    raise lib.Failure(f"no segment of {path} has address {address:#x}")


class Place:
    """`kind` as floor.c has it."""

    def __init__(self, function, path, address, kind):
        self.function, self.path, self.kind = function, path, kind
        self.offset = offset_of(path, address)


def read(pid):
    run = subprocess.run([lib.TRACER, "--dry-run", "-p", str(pid)], capture_output=True, text=True, check=False)
    lib.check(run.returncode == 0, f"--dry-run has failed: {run.stderr}")
    found, path, function = {}, None, None
    for line in run.stdout.splitlines():
        start, ret = FUNCTION.match(line), RETURN.match(line)
        if start:
            function, path, address = start.group(1), start.group(2), int(start.group(3), 16) + int(start.group(4))
            place = Place(function, path, address, "both" if start.group(5) == "with its return" else "entry")
        elif ret:
            place = Place(function, path, int(ret.group(1), 16), "entry")
        else:
            continue
        found.setdefault((path, place.offset), place)
    lib.check(found, f"--dry-run names no place:\n{run.stdout}")
    return sorted(found.values(), key=lambda place: (place.path, place.kind, place.offset))


def floor_input(places, kinds=None):
    """What floor.c reads; `kinds`: others than the places' own. Places of one link stand together."""
    lines = [((kinds or {}).get(p.kind, p.kind), p.path, f"{p.offset:#x}") for p in places]
    return "".join(f"{kind} {offset} {path}\n" for kind, path, offset in sorted(lines)) + "\n"


def allocators(places):
    """{library: its functions}"""
    found = {}
    for place in places:
        found.setdefault(place.path, set()).add(place.function)
    return found
