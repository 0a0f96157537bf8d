# SPDX-License-Identifier: GPL-2.0-or-later
"""Damages ELF files so that they still run: what the kernel and the dynamic linker read stays as it is."""

import os
import random
import struct

# What only debuggers, unwinders and tracers read.
IDLE = (".eh_frame", ".eh_frame_hdr", ".symtab", ".strtab", ".shstrtab", ".debug_info", ".debug_abbrev", ".debug_line",
        ".debug_str", ".debug_line_str", ".debug_aranges", ".debug_rnglists", ".debug_ranges", ".note.gnu.build-id",
        ".comment")
E_SHOFF, E_SHNUM, E_SHSTRNDX = 40, 60, 62
ODD = (0, 1, 0x7f, 0xffff, 0x7fffffff, 0xffffffff, 0x100000000, 1 << 62, (1 << 63) - 1, (1 << 64) - 1)


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        self.table, = struct.unpack_from("<Q", self.data, E_SHOFF)
        self.count, names = struct.unpack_from("<HH", self.data, E_SHNUM)
        headers = [struct.unpack_from("<IIQQQQIIQQ", self.data, self.table + 64 * i) for i in range(self.count)]
        strings = self.data[headers[names][4]:headers[names][4] + headers[names][5]]
        self.sections = {}
        for header in headers:
            name = bytes(strings[header[0]:strings.index(0, header[0])]).decode()
            if name in IDLE and header[5]:
                self.sections[name] = (header[4], header[5])

    def loaded_end(self):
        """Behind what is mapped of the file."""
        at, count = struct.unpack_from("<Q", self.data, 32)[0], struct.unpack_from("<H", self.data, 56)[0]
        headers = [struct.unpack_from("<IIQQQQQQ", self.data, at + 56 * i) for i in range(count)]
        return max(header[2] + header[5] for header in headers if header[0] == 1)

    def write(self, path):
        with open(path, "wb") as file:
            file.write(self.data)
        os.chmod(path, 0o755)


def scatter(elf, chance, names, share):
    """Some bytes of some sections."""
    for name in names:
        if name in elf.sections:
            at, size = elf.sections[name]
            for _ in range(max(1, int(size * share))):
                elf.data[at + chance.randrange(size)] = chance.choice((0, 0x7f, 0x80, 0xff, chance.randrange(256)))


def fill(elf, chance, names):
    for name in names:
        if name in elf.sections:
            at, size = elf.sections[name]
            start = chance.randrange(size)
            elf.data[at + start:at + size] = bytes([chance.choice((0x05, 0x0a, 0x41, 0x80, 0xff))]) * (size - start)


def registers(elf):
    """The program of every function speaks of register 134,217,727, for which some would allocate 2 GB."""
    at, size = elf.sections[".eh_frame"]
    end = at + size
    while at + 8 <= end:
        length, cie = struct.unpack_from("<II", elf.data, at)
        program = at + 17  # behind start, size and the length of no augmentation data
        if not length or at + 4 + length > end:
            break
        if cie and length >= 17:
            elf.data[program:at + 4 + length] = (b"\x07\xff\xff\xff\x3f" * length)[:at + 4 + length - program]
        at += 4 + length


def endless(elf):
    """The string table has no end."""
    at, size = elf.sections[".strtab"]
    elf.data[at:at + size] = b"x" * size


def headers(elf, chance):
    """Fields of the section headers."""
    for _ in range(1 + chance.randrange(12)):
        width, form = chance.choice(((4, "<I"), (8, "<Q")))
        at = elf.table + 64 * chance.randrange(1, elf.count) + width * chance.randrange(64 // width)
        struct.pack_into(form, elf.data, at, chance.choice(ODD) % (1 << 8 * width))


def table(elf, chance):
    """Where the section headers are, how many, and which of them has the names."""
    struct.pack_into("<Q", elf.data, E_SHOFF, chance.choice((0, 64, elf.table + 8, len(elf.data) - 1, *ODD)))
    struct.pack_into("<HH", elf.data, E_SHNUM, chance.choice((0, 1, 0xffff, elf.count)), chance.choice((0, 0xffff, 3)))


def cut(elf, chance):
    """What is not mapped, or a part of it, is not there."""
    end = elf.loaded_end()
    del elf.data[end + chance.randrange(len(elf.data) - end):]


FRAMES = (".eh_frame", ".eh_frame_hdr")
SYMBOLS = (".symtab", ".strtab", ".shstrtab")
DEBUG = tuple(name for name in IDLE if name.startswith(".debug"))
KINDS = (
    lambda elf, chance: scatter(elf, chance, FRAMES, 0.02),
    lambda elf, chance: scatter(elf, chance, FRAMES, 0.3),
    lambda elf, chance: fill(elf, chance, FRAMES),
    lambda elf, chance: scatter(elf, chance, DEBUG, 0.01),
    lambda elf, chance: scatter(elf, chance, DEBUG, 0.2),
    lambda elf, chance: fill(elf, chance, (chance.choice(DEBUG),)),
    lambda elf, chance: scatter(elf, chance, SYMBOLS, 0.05),
    lambda elf, chance: fill(elf, chance, (chance.choice(SYMBOLS),)),
    lambda elf, chance: registers(elf),
    lambda elf, chance: endless(elf),
    headers,
    table,
    cut,
    lambda elf, chance: scatter(elf, chance, IDLE, 0.1),
)


def damage(source, path, number):
    """The same damage for the same number, in a file with an identity of its own."""
    elf = Elf(source)
    at, size = elf.sections[".note.gnu.build-id"]
    struct.pack_into("<I", elf.data, at + size - 4, number)
    KINDS[number % len(KINDS)](elf, random.Random(number))
    elf.write(path)
