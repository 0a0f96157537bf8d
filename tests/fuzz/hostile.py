# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes ELF files as no tool would make them, each built to hurt one thing: python3 hostile.py DIR

DIR/elf gets the files, DIR/plan, DIR/link_map and DIR/unwind_cache the inputs of those targets.
"""

import os
import struct
import sys
import zlib

BASE = 0x400000
CODE = BASE + 0x1000
CODE_SIZE = 0x1000
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_NOBITS, SHT_DYNSYM = 1, 2, 3, 4, 8, 11
SHF_COMPRESSED = 0x800


def uleb(value):
    out = bytearray()
    while True:
        byte = value & 0x7f
        value >>= 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def u16(value):
    return struct.pack("<H", value)


def u32(value):
    return struct.pack("<I", value & 0xffffffff)


def u64(value):
    return struct.pack("<Q", value & 0xffffffffffffffff)


class Section:
    def __init__(self, name, data, kind=SHT_PROGBITS, flags=0, address=0, link=0, entry=0, size=None, offset=None):
        self.name, self.data, self.kind, self.flags, self.address = name, data, kind, flags, address
        self.link, self.entry, self.size, self.offset = link, entry, size, offset


def elf(sections, segments=None, entry=CODE, kind=3, machine=62, header=None, names=None, section_count=None,
        segment_count=None, first=b""):
    """A file: header, program headers, contents, section headers. `header`: fields to overwrite, {offset: bytes}."""
    if segments is None:
        segments = [(1, 5, 0x1000, CODE, CODE_SIZE, CODE_SIZE)]
    strings = bytearray(b"\0")
    places = []
    for section in sections:
        places.append(len(strings))
        strings += section.name.encode() + b"\0"
    own = len(strings)
    strings += b".shstrtab\0"
    sections = sections + [Section(".shstrtab", bytes(strings) if names is None else names, SHT_STRTAB)]
    places.append(own)

    at = 64 + 56 * len(segments)
    body, table = bytearray(), bytearray(first or bytes(64))
    for place, section in zip(places, sections):
        while (at + len(body)) % 8:
            body.append(0)
        offset = at + len(body) if section.offset is None else section.offset
        size = len(section.data) if section.size is None else section.size
        table += struct.pack("<IIQQQQIIQQ", place, section.kind, section.flags, section.address, offset & (2**64 - 1),
                             size, section.link, 0, 8, section.entry)
        body += section.data
    while (at + len(body)) % 8:
        body.append(0)
    count = len(sections) + 1 if section_count is None else section_count
    programs = b"".join(struct.pack("<IIQQQQQQ", k, f, o, a, a, s, m, 0x1000) for k, f, o, a, s, m in segments)
    head = bytearray(b"\x7fELF\2\1\1" + bytes(9) +
                     struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, entry, 64, at + len(body), 0, 64, 56,
                                 len(segments) if segment_count is None else segment_count, 64, count,
                                 len(sections)))
    for offset, value in (header or {}).items():
        head[offset:offset + len(value)] = value
    return bytes(head) + programs + bytes(body) + bytes(table)


# Call frame information

def cie(program=b"", augmentation=b"zR\0", data=b"\x00", code_align=b"\1", data_align=b"\x78", register=b"\x10",
        number=0, version=b"\1"):
    body = u32(number) + version + augmentation + code_align + data_align + register
    if augmentation[:1] == b"z":
        body += uleb(len(data)) + data
    body += b"\x0c\x07\x08\x90\x01" + program  # def_cfa rsp 8, return address at cfa - 8
    body += bytes(-len(body) % 4)
    return u32(len(body)) + body


def fde(at, start=CODE, size=16, program=b"", back=None, augmentation=b"\0"):
    """`at`: offset of this entry; `back`: the CIE pointer, that of an entry at offset 0 unless given."""
    body = u32(at + 4 if back is None else back) + u64(start) + u64(size) + augmentation + program
    body += bytes(-len(body) % 4)
    return u32(len(body)) + body


def eh_frame(program=b"", cie_program=b"", entries=None, end=u32(0)):
    data = cie(cie_program)
    for start, size in entries or [(CODE, 256)]:
        data += fde(len(data), start, size, program)
    return Section(".eh_frame", data + end, flags=2, address=BASE + 0x10)


def frames_file(*arguments, **more):
    return elf([eh_frame(*arguments, **more)])


def raw_frames(data, name=".eh_frame"):
    return elf([Section(name, data, flags=2, address=BASE + 0x10)])


def search_table():
    """It leads to an entry within an expression of another, which reading from the start never comes upon."""
    evil = cie() + fde(len(cie()), program=b"\x07" + uleb(2**26))
    program = b"\x16\x03" + uleb(len(evil)) + evil
    data = cie() + fde(len(cie()), size=256, program=program)
    inner = data.index(evil) + len(cie())
    address = BASE + 0x10
    table = BASE + 0x8000
    header = (b"\1\x1b\x03\x3b" + u32(address - (table + 4)) + u32(1) + u32(CODE - table) +
              u32(address + inner - table))
    return elf([Section(".eh_frame_hdr", header, flags=2, address=table),
                Section(".eh_frame", data + u32(0), flags=2, address=address)])


def frames():
    yield "cfi_search_table_into_entry", search_table()
    advance = b"\x41"
    yield "cfi_register_huge", frames_file(b"\x05" + uleb(2**60 - 1) + b"\1")
    yield "cfi_register_large", frames_file(b"\x05" + uleb(2**27) + b"\1")
    yield "cfi_register_wraps", frames_file(b"\x07" + uleb(2**64 - 1) + b"\x08" + uleb(2**60 + 6))
    yield "cfi_register_in_cie", frames_file(b"", b"\x05" + uleb(2**26) + b"\1")
    yield "cfi_cfa_register_huge", frames_file(b"\x0c" + uleb(2**62) + uleb(2**62))
    yield "cfi_remember_bomb", frames_file(b"\x0a" * 60000)
    yield "cfi_remember_bomb_wide", frames_file(b"\x05" + uleb(4000) + b"\1" + b"\x0a" * 30000)
    yield "cfi_restore_unsaved", frames_file(b"\x0b" * 100)
    yield "cfi_quadratic", frames_file((b"\x41\x0e\x08\x41\x0e\x10") * 2000, entries=[(CODE, CODE_SIZE)])
    yield "cfi_quadratic_wide", elf([eh_frame((b"\x41\x0e\x08\x41\x0e\x10") * 2000, entries=[(CODE, 2**20)])],
                                    [(1, 5, 0x1000, CODE, CODE_SIZE, 2**21)])
    yield "cfi_advance_back", frames_file(b"\x04" + u32(0xffffffff) + b"\x01" + u64(CODE) + advance)
    yield "cfi_location_back", frames_file((b"\x01" + u64(CODE + 8) + b"\x01" + u64(CODE)) * 50)
    yield "cfi_code_align_huge", raw_frames(cie(code_align=uleb(2**63)) + fde(32, program=advance * 8))
    yield "cfi_expression_past_end", frames_file(b"\x0f" + uleb(2**63) + b"\x77\x08")
    yield "cfi_expression_long", frames_file(b"\x0f" + uleb(60000) + b"\x96" * 60000)
    yield "cfi_expression_wraps", frames_file(b"\x10\x06" + uleb(2**64 - 1) + b"\x77")
    yield "cfi_expression_branch", frames_file(b"\x0f\x06\x77\x08\x2f" + u16(0xfffd) + b"\x06")
    yield "cfi_unknown", frames_file(bytes(range(0x10, 0x40)))
    yield "cfi_uleb_endless", frames_file(b"\x0e" + b"\x80" * 40)
    yield "cie_cycle", raw_frames(u32(24) + u32(4) + u64(CODE) + u64(16) + bytes(4) + u32(0))
    yield "cie_is_fde", raw_frames(cie() + fde(28, back=8) + fde(60, back=36) + u32(0))
    yield "cie_pointer_before_start", raw_frames(cie() + fde(28, back=0x7fffffff) + u32(0))
    yield "cie_pointer_past_end", raw_frames(cie() + fde(28, back=0xfffff000) + u32(0))
    yield "cie_augmentation_no_end", raw_frames(u32(16) + u32(0) + b"\1" + b"z" * 11)
    yield "cie_augmentation_short", raw_frames(cie(augmentation=b"zPLR\0", data=b"\x00") + fde(32) + u32(0))
    yield "cie_augmentation_aligned", raw_frames(cie(augmentation=b"zPR\0", data=b"\x50" + bytes(6)) + fde(36))
    yield "cie_augmentation_eh", raw_frames(cie(augmentation=b"eh\0") + fde(28) + u32(0))
    yield "entry_length_huge", raw_frames(u32(0xfffffff0) + cie() + u32(0))
    yield "entry_length_64", raw_frames(u32(0xffffffff) + u64(2**64 - 1) + cie())
    yield "entry_length_64_wraps", raw_frames(cie() + u32(0xffffffff) + u64(2**64 - 24) + u64(0) + bytes(32))
    yield "entry_length_zero_first", raw_frames(u32(0) + cie() + fde(32))
    yield "fde_range_huge", frames_file(entries=[(CODE, 2**63), (CODE, 2**64 - 1), (0, 2**64 - 1), (CODE, 0)])
    yield "fde_range_all", elf([eh_frame(b"\x41\x0e\x10", entries=[(CODE, 2**31 - 0x2000)])],
                               [(1, 5, 0x1000, CODE, CODE_SIZE, 2**31 - 0x2000)])
    yield "fde_many_same", frames_file(entries=[(CODE, 256)] * 1500)
    yield "fde_many_nested", frames_file(b"\x41\x0e\x10", entries=[(CODE + i, 4000 - 2 * i) for i in range(1500)])
    yield "fde_many_single_bytes", frames_file(entries=[(CODE + i, 1) for i in range(1500)])
    yield "debug_frame_cycle", raw_frames(u32(24) + u32(0) + u64(CODE) + u64(16) + bytes(4), ".debug_frame")
    good = cie(number=0xffffffff, augmentation=b"\0", version=b"\3") + fde(0, back=0, program=b"\x41\x0e\x10")
    yield "debug_frame", raw_frames(good, ".debug_frame")
    yield "debug_frame_version4", raw_frames(cie(number=0xffffffff, augmentation=b"\0\x08\x04", version=b"\4") +
                                             fde(0, back=0), ".debug_frame")
    yield "debug_frame_both", elf([eh_frame(b"\x41\x0e\x10"), Section(".debug_frame", good)])


# Headers and symbol tables

def symbol(name, value, size, info=0x12, section=1):
    return struct.pack("<IBBHQQ", name, info, 0, section, value, size)


def symbols_file(symbols, strings, **more):
    return elf([Section(".text", b"\xc3" * 64, flags=6, address=CODE),
                Section(".symtab", bytes(24) + b"".join(symbols), SHT_SYMTAB, link=3, entry=24),
                Section(".strtab", strings, SHT_STRTAB)], **more)


def headers():
    text = Section(".text", b"\xc3" * 64, flags=6, address=CODE)
    yield "section_past_end", elf([Section(".eh_frame", b"", size=4096, offset=2**40)])
    yield "section_wraps", elf([Section(".eh_frame", b"", size=2**64 - 8, offset=64),
                                Section(".debug_info", b"", size=64, offset=2**64 - 32)])
    yield "section_over_header", elf([Section(".eh_frame", b"", size=400, offset=0),
                                      Section(".debug_info", b"", size=400, offset=0),
                                      Section(".symtab", b"", SHT_SYMTAB, size=240, offset=0, link=3, entry=24)])
    yield "sections_2_32", elf([text], section_count=0, first=bytes(32) + u64(2**32) + bytes(24))
    yield "sections_2_60", elf([text], section_count=0, first=bytes(32) + u64(2**60) + bytes(24))
    yield "sections_65535", elf([text], section_count=0xffff)
    yield "sections_at_end", elf([text], header={40: u64(2**63)})
    yield "section_names_index_extended", elf([text], header={62: u16(0xffff)}, first=bytes(40) + u32(0xffffff) + bytes(20))
    yield "segments_65535", elf([text], segment_count=0xffff, first=bytes(44) + u32(2**31) + bytes(16))
    yield "segments_overlapping", elf([text, eh_frame()], [(1, 5, 0x1000, CODE, CODE_SIZE, 2**63)] * 3 +
                                      [(1, 5, 0, CODE + i, 2**62, 2**62 + i) for i in range(3)])
    yield "segments_wrap", elf([text, eh_frame()], [(1, 5, 2**64 - 64, 2**64 - 64, 128, 128),
                                                    (1, 5, 0, 2**64 - 4096, 4096, 4095)])
    yield "segments_far_apart", elf([text, eh_frame()], [(1, 5, 0, 0, 64, 64), (1, 5, 0x1000, CODE, 64, 64),
                                                         (1, 5, 0, 2**62, 64, 64)])
    yield "segments_notes_bad", elf([text], [(1, 5, 0, CODE, 64, 64), (4, 4, 0, 0, 2**64 - 1, 64), (4, 4, 2**63, 0, 64, 64)])
    yield "segment_align_odd", elf([text, eh_frame()], [(1, 5, 0x1000, CODE, 4096, 4096)], header={})
    yield "names_without_end", elf([eh_frame()], names=b"x" * 30)
    yield "strings_without_end", symbols_file([symbol(1, CODE, 16), symbol(31, CODE + 16, 16)], b"\0" + b"m" * 31)
    yield "strings_index_past_end", symbols_file([symbol(2**31, CODE, 16), symbol(2**32 - 1, CODE + 16, 16)], b"\0malloc\0")
    yield "strings_link_self", elf([Section(".symtab", bytes(24) + symbol(1, CODE, 16) * 3, SHT_SYMTAB, link=1, entry=24)])
    yield "strings_link_far", elf([Section(".symtab", bytes(24) + symbol(1, CODE, 16), SHT_SYMTAB, link=2**31, entry=24)])
    yield "symbols_entry_size_zero", elf([Section(".symtab", bytes(24) + symbol(1, CODE, 16), SHT_SYMTAB, link=2, entry=0),
                                          Section(".strtab", b"\0malloc\0", SHT_STRTAB)])
    yield "symbols_ranges_wrap", symbols_file([symbol(1, 2**64 - 8, 2**63), symbol(1, CODE, 2**64 - 1),
                                               symbol(1, CODE, 2**64 - CODE)], b"\0malloc\0")
    yield "symbols_many_same", symbols_file([symbol(1, CODE, 16)] * 2000, b"\0malloc\0free\0")
    yield "symbols_extended_index", symbols_file([symbol(1, CODE, 16, section=0xffff)] * 4, b"\0malloc\0")
    yield "symbols_value_of_section", symbols_file([symbol(1, CODE, 16, info=0x02, section=0x1000)] * 4, b"\0malloc\0")
    yield "machine_other", elf([text, eh_frame()], machine=183)
    yield "machine_mips", elf([text, eh_frame()], machine=8)
    yield "kind_relocatable", elf([text, eh_frame(), Section(".rela.eh_frame", struct.pack("<QQq", 0, 2**32 + 1, 4) * 4,
                                                             SHT_RELA, link=1, entry=24)], kind=1)
    yield "kind_core", elf([text, eh_frame()], kind=4)
    yield "version_zero", elf([text, eh_frame()], header={20: u32(0)})
    yield "only_a_header", elf([text])[:64]
    yield "packed_to_nothing", elf([Section(".eh_frame", struct.pack("<IIQQ", 1, 0, 2**40, 8) + zlib.compress(b"x"),
                                            flags=SHF_COMPRESSED)])
    yield "packed_other_kind", elf([Section(".debug_info", struct.pack("<IIQQ", 77, 0, 64, 8) + b"xyz", flags=SHF_COMPRESSED)])
    yield "packed_short_header", elf([Section(".debug_info", b"\1\0\0\0", flags=SHF_COMPRESSED),
                                      Section(".eh_frame", b"", flags=SHF_COMPRESSED)])
    yield "packed_zdebug_huge", elf([Section(".zdebug_info", b"ZLIB" + struct.pack(">Q", 2**62) + zlib.compress(b"x"))])
    yield "minidebuginfo_no_xz", elf([text, Section(".gnu_debugdata", b"\xfd7zXZ\0" + bytes(40))])
    yield "debug_link_no_end", elf([text, Section(".gnu_debuglink", b"x" * 40)])
    yield "debug_alternate_no_end", elf([text, Section(".gnu_debugaltlink", b"/" * 40), *dwarf_sections(b"")])
    yield "build_id_long", elf([text, Section(".note.gnu.build-id", u32(4) + u32(2**31) + u32(3) + b"GNU\0", 7)])


# Debug information, version 4 unless said otherwise

TAG_CU, TAG_FUNCTION, TAG_INLINED, TAG_BLOCK, TAG_NAMESPACE = 0x11, 0x2e, 0x1d, 0x0b, 0x39
AT_SIBLING, AT_NAME, AT_STMT_LIST, AT_LOW, AT_HIGH, AT_ORIGIN, AT_RANGES = 1, 3, 0x10, 0x11, 0x12, 0x31, 0x55
AT_SPECIFICATION, AT_CALL_FILE, AT_CALL_LINE, AT_COMP_DIR = 0x47, 0x58, 0x59, 0x1b
FORM_ADDR, FORM_DATA4, FORM_DATA8, FORM_STRING, FORM_REF4, FORM_UDATA, FORM_INDIRECT = 1, 6, 7, 8, 0x13, 0x0f, 0x16
FORM_REF_ADDR, FORM_SEC_OFFSET, FORM_BLOCK, FORM_STRP = 0x10, 0x17, 0x09, 0x0e


def abbreviation(code, tag, children, *attributes):
    out = uleb(code) + uleb(tag) + bytes([children])
    for attribute, form in attributes:
        out += uleb(attribute) + uleb(form)
    return out + b"\0\0"


ABBREVIATIONS = b"".join((
    abbreviation(1, TAG_CU, 1, (AT_NAME, FORM_STRING), (AT_STMT_LIST, FORM_SEC_OFFSET), (AT_LOW, FORM_ADDR),
                 (AT_HIGH, FORM_DATA8), (AT_COMP_DIR, FORM_STRING)),
    abbreviation(2, TAG_FUNCTION, 1, (AT_NAME, FORM_STRING), (AT_LOW, FORM_ADDR), (AT_HIGH, FORM_DATA8)),
    abbreviation(3, TAG_INLINED, 1, (AT_ORIGIN, FORM_REF4), (AT_LOW, FORM_ADDR), (AT_HIGH, FORM_DATA8),
                 (AT_CALL_FILE, FORM_UDATA), (AT_CALL_LINE, FORM_UDATA)),
    abbreviation(4, TAG_BLOCK, 1),
    abbreviation(5, TAG_NAMESPACE, 1),
    abbreviation(6, TAG_FUNCTION, 0, (AT_ORIGIN, FORM_REF4), (AT_LOW, FORM_ADDR), (AT_HIGH, FORM_DATA8)),
    abbreviation(7, TAG_FUNCTION, 1, (AT_SIBLING, FORM_REF4), (AT_LOW, FORM_ADDR), (AT_HIGH, FORM_DATA8)),
    abbreviation(8, TAG_FUNCTION, 1, (AT_SPECIFICATION, FORM_REF_ADDR), (AT_LOW, FORM_ADDR), (AT_HIGH, FORM_DATA8)),
    abbreviation(9, TAG_FUNCTION, 1, (AT_NAME, FORM_INDIRECT), (AT_RANGES, FORM_SEC_OFFSET)),
    abbreviation(10, TAG_FUNCTION, 1, (AT_NAME, FORM_STRP), (AT_LOW, FORM_ADDR), (AT_HIGH, FORM_DATA8)),
    abbreviation(11, TAG_CU, 1, (AT_NAME, FORM_STRING), (AT_STMT_LIST, FORM_SEC_OFFSET), (AT_LOW, FORM_ADDR),
                 (AT_HIGH, FORM_DATA8)),
    b"\0"))
SPAN = u64(CODE) + u64(CODE_SIZE)
UNIT = uleb(1) + b"unit\0" + u32(0) + SPAN + b"/src\0"
UNIT_WITHOUT_DIRECTORY = uleb(11) + b"unit\0" + u32(0) + SPAN
UNIT_AT = 11


def info(entries, version=4, size=None, address_size=8, abbreviations=0, unit=UNIT):
    body = u16(version) + u32(abbreviations) + bytes([address_size]) + unit + entries
    return u32(len(body) if size is None else size) + body


def line_program(program=b"", version=4, files=b"a.c\0\0\0\0", line_range=14, opcode_base=13, max_ops=1, length=None):
    head = bytes([1, max_ops, 1, 0xfb, line_range, opcode_base]) + bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
    head += b"/src\0\0" + files + b"\0"
    body = u16(version) + u32(len(head)) + head + program
    return u32(len(body) if length is None else length) + body


ROWS = b"\0\x09\x02" + u64(CODE) + b"\x4b" * 8 + b"\x02\x10\0\1\1"


def dwarf_sections(entries, lines=None, **more):
    return [Section(".debug_abbrev", more.pop("abbrev", ABBREVIATIONS)), Section(".debug_info", info(entries, **more)),
            Section(".debug_line", line_program(ROWS) if lines is None else lines), Section(".debug_str", b"x" * 16)]


def dwarf_file(entries, lines=None, extra=(), **more):
    return elf([Section(".text", b"\xc3" * 64, flags=6, address=CODE), *dwarf_sections(entries, lines, **more), *extra])


def packed(name, data):
    return Section(name, struct.pack("<IIQQ", 1, 0, len(data), 1) + zlib.compress(data, 9), flags=SHF_COMPRESSED)


def debug():
    start = UNIT_AT + len(UNIT)
    function = uleb(2) + b"f\0" + SPAN
    nested = uleb(3) + u32(start) + SPAN + b"\1\5"
    yield "scopes_plain", dwarf_file(function + nested + b"\0\0\0")
    yield "scopes_deep_inlining", dwarf_file(function + nested * 500 + b"\0" * 502)
    yield "scopes_deep_blocks", dwarf_file(function + uleb(4) * 2000 + b"\0" * 2002)
    yield "scopes_deep_without_end", dwarf_file(function + uleb(4) * 2000)
    yield "scopes_deep_namespaces", dwarf_file(uleb(5) * 4000 + function + b"\0" * 4002)
    yield "origin_cycle_self", dwarf_file(uleb(6) + u32(start) + SPAN + b"\0")
    second = start + 21
    yield "origin_cycle_two", dwarf_file(uleb(6) + u32(second) + SPAN + uleb(6) + u32(start) + SPAN + b"\0")
    yield "origin_past_end", dwarf_file(uleb(6) + u32(2**32 - 1) + SPAN + b"\0")
    yield "origin_is_unit", dwarf_file(uleb(6) + u32(UNIT_AT) + SPAN + b"\0")
    yield "origin_into_middle", dwarf_file(uleb(6) + u32(start + 3) + SPAN + b"\0")
    yield "specification_far", dwarf_file(uleb(8) + u32(2**31) + SPAN + b"\0\0")
    yield "specification_self", dwarf_file(uleb(8) + u32(start) + SPAN + b"\0\0")
    yield "sibling_cycle", dwarf_file(uleb(7) + u32(start) + SPAN + b"\0\0")
    yield "sibling_back_to_unit", dwarf_file(function + b"\0" + uleb(7) + u32(UNIT_AT) + SPAN + b"\0\0")
    yield "form_indirect_chain", dwarf_file(uleb(9) + uleb(FORM_INDIRECT) * 2000 + uleb(FORM_STRING) + b"f\0" + u32(0) + b"\0")
    ranges = (u64(1) + u64(2)) * 3000 + bytes(16)
    yield "ranges_many", dwarf_file((uleb(9) + uleb(FORM_STRING) + b"f\0" + u32(0)) * 300, extra=[Section(".debug_ranges", ranges)])
    yield "ranges_past_end", dwarf_file(uleb(9) + uleb(FORM_STRING) + b"f\0" + u32(2**31) + b"\0")
    yield "ranges_no_end", dwarf_file(uleb(9) + uleb(FORM_STRING) + b"f\0" + u32(0), extra=[Section(".debug_ranges", ranges[:-20])])
    yield "strings_past_end", dwarf_file(uleb(10) + u32(2**31) + SPAN + b"\0" + uleb(10) + u32(3) + SPAN)
    yield "abbreviation_unknown", dwarf_file(uleb(2**40) + SPAN)
    yield "abbreviation_no_end", dwarf_file(function, abbrev=ABBREVIATIONS[:-9])
    yield "abbreviation_far", dwarf_file(function, abbreviations=2**31)
    yield "abbreviation_attributes_many", dwarf_file(function, abbrev=abbreviation(1, TAG_CU, 1, *[(AT_NAME, FORM_BLOCK)] * 9000))
    yield "unit_length_huge", dwarf_file(function, size=2**31)
    yield "unit_length_short", dwarf_file(function, size=3)
    yield "unit_length_zero", dwarf_file(function, size=0)
    yield "unit_address_size", dwarf_file(function, address_size=255)
    yield "unit_version_2", dwarf_file(function, version=2)
    yield "unit_version_9", dwarf_file(function, version=9)
    yield "unit_version_5_type", dwarf_file(b"\x02" * 40, version=5)
    yield "units_many", elf([Section(".text", b"\xc3" * 64, flags=6, address=CODE),
                             Section(".debug_abbrev", ABBREVIATIONS), Section(".debug_info", info(b"\0") * 800)])
    yield "lines_length_huge", dwarf_file(function, line_program(ROWS, length=2**31))
    yield "lines_range_zero", dwarf_file(function, line_program(ROWS, line_range=0))
    yield "lines_opcode_base_zero", dwarf_file(function, line_program(ROWS, opcode_base=0))
    yield "lines_opcode_base_255", dwarf_file(function, line_program(ROWS, opcode_base=255))
    yield "lines_operations_zero", dwarf_file(function, line_program(ROWS, max_ops=0))
    yield "lines_operations_255", dwarf_file(function, line_program(ROWS, max_ops=255))
    yield "lines_version_5", dwarf_file(function, line_program(b"\x08\0\1\1\x05" + uleb(2**50) + b"\1\x1f\0\0", version=5))
    yield "lines_files_many", dwarf_file(function, line_program(ROWS, files=b"a\0\0\0\0" * 9000))
    yield "lines_file_without_end", dwarf_file(function, line_program(b"", files=b"a" * 5000)[:5000])
    yield "lines_directory_far", dwarf_file(function, line_program(ROWS, files=b"a.c\0" + uleb(2**62) + b"\0\0"))
    yield "lines_endless", dwarf_file(function, line_program(ROWS[:11] + b"\x0d" * 60000))
    yield "lines_extended_long", dwarf_file(function, line_program(b"\0" + uleb(2**63) + b"\x02" + ROWS))
    yield "lines_define_file_many", dwarf_file(function, line_program(b"\0\5\3a\0\0\0\0" * 4000 + ROWS))
    yield "lines_define_file_no_directory", dwarf_file(b"\0", line_program(b"\0\5\3a\0\0\0\0" + ROWS),
                                                       unit=UNIT_WITHOUT_DIRECTORY)
    yield "call_file_far", dwarf_file(function + uleb(3) + u32(start) + SPAN + uleb(2**62) + uleb(2**62) + b"\0\0\0")
    program = line_program(ROWS[:11] + b"\x0d" * (1 << 20))
    yield "lines_packed_4m", elf([Section(".text", b"\xc3" * 64, flags=6, address=CODE),
                                  *dwarf_sections(function)[:2], packed(".debug_line", program)])
    body = info(function + nested * 12000)
    yield "scopes_packed_deep", elf([Section(".text", b"\xc3" * 64, flags=6, address=CODE),
                                     Section(".debug_abbrev", ABBREVIATIONS), packed(".debug_info", body)])
    many = info((function + b"\0") * 30000)
    yield "functions_packed_many", elf([Section(".text", b"\xc3" * 64, flags=6, address=CODE),
                                        Section(".debug_abbrev", ABBREVIATIONS), packed(".debug_info", many)])


# Other targets

def plans():
    def functions(*bodies):
        return b"".join(u16(len(body)) + body for body in bodies)

    yield "push", b"\x01\x08" + functions(b"\x55\x48\x89\xe5\x5d\xc3")
    yield "test_then_jump", b"\x06\x0a" + functions(b"\x48\x85\xff\x74\x05\xe9\x10\0\0\0\xc3" + b"\x90" * 16, b"\x55\xc3")
    yield "endbr", b"\x01\x04" + functions(b"\xf3\x0f\x1e\xfa\x41\x57\x5f\xc3", b"\xe9\xf3\xff\xff\xff")
    yield "jump_ring", b"\x01\x04" + functions(*[b"\xe9\x00\0\0\0\xc3"] * 7, b"\xe9" + u32(-47))
    yield "returns_many", b"\x01\x04" + functions(b"\xc3" * 40)
    yield "branches_only", b"\x01\x04" + functions(b"\x75\xfe" * 200)
    yield "throwing_tail_calls", b"\x0d\x06" + functions(b"\x53\x74\x05\xe9\x01\0\0\0\xc3", b"\x5b\xc3", b"\xff\xe0")
    yield "prefixes", b"\x01\x00" + functions(b"\x66" * 20 + b"\x90\xc3")
    yield "large", b"\x01\x04" + functions(b"\x48\x89\xc0" * 20000 + b"\xc3")


def link_maps():
    head = u64(32) + u64(64) + bytes(16)
    dynamic = u64(21) + u64(96) + u64(0) + u64(0) + bytes(32)
    debug_head = u32(1) + u32(0) + u64(128) + u64(7) + bytes(8)
    node = u64(0) + u64(0) + u64(5) + u64(128) + u64(0)
    yield "ring", head + dynamic + debug_head + node
    yield "two", head + dynamic + debug_head + u64(0) * 2 + u64(5) + u64(168) + u64(0) * 3 + u64(6) + u64(0) * 2
    yield "self_second", head + dynamic + debug_head + u64(0) * 2 + u64(5) + u64(168) + u64(0) * 3 + u64(6) + u64(168) + u64(0)


def unwind_caches():
    """Tables: base, rows, pages; the first row of each page and one more; the rows, address << 32 | rule."""
    def table(base, rows, first):
        words = b"".join(u32(n) for n in first)
        return (b"\0" + u64(base) + u32(len(rows)) + u32(len(first) - 1) + words + bytes(-len(words) % 8) +
                b"".join(u64(row) for row in rows))

    good = [0x00000000_00000021, 0x00000010_00000042, 0x00001004_00000021]
    yield "good", table(0x1000, good, [0, 1, 2])
    yield "unsorted", table(0x1000, good[::-1], [0, 1, 2])
    yield "pages_wrong", table(0x1000, good, [0, 2, 1])
    yield "row_past_end", table(0x1000, good, [0, 1, 2**32 - 1])
    yield "count_huge", b"\0" + u64(0) + u32(2**32 - 1) + u32(2**32 - 1)
    yield "whole_file", b"\1" + b"TRCACHE1" + u64(3) + u64(2**64 - 1) + u64(0) + b"key"


def write(directory, name, data):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)


def mapped_object(directory):
    """An object file of the compiler that a process could map: it has a program header at its end."""
    path = os.path.join(directory, "elf", "relocatable")
    if not os.path.exists(path):
        return
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data += bytes(-len(data) % 8)
    at = len(data)
    data[32:40], data[54:58] = u64(at), u16(56) + u16(1)
    data += struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, at, at, 0x1000)
    write(os.path.join(directory, "elf"), "hostile_kind_relocatable_mapped", bytes(data))


def main(directory):
    mapped_object(directory)
    for group in (frames, headers, debug):
        for name, data in group():
            write(os.path.join(directory, "elf"), "hostile_" + name, data)
    for folder, group in (("plan", plans), ("link_map", link_maps), ("unwind_cache", unwind_caches)):
        for name, data in group():
            write(os.path.join(directory, folder), name, data)


if __name__ == "__main__":
    main(sys.argv[1])
