#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write DWARF by hand, the odd and the hostile kind: make-dwarf.py NAME > FILE.

Each case is a function below; its name says what must become of it: good_* is
converted, bad_* refused. `make-dwarf.py` alone lists them. Without packages.
"""
import struct
import sys
import zlib

CU, PARTIAL, BASE, POINTER, STRUCT, MEMBER, TYPEDEF, CONST, ARRAY, SUBRANGE, ENUM, ENUMERATOR, IMPORTED, TYPE_UNIT = (
    0x11, 0x3C, 0x24, 0x0F, 0x13, 0x0D, 0x16, 0x26, 0x01, 0x21, 0x04, 0x28, 0x3D, 0x41)
NAME, SIZE, ENCODING, TYPE, LOCATION, UPPER, VALUE, IMPORT, DECLARATION, SIGNATURE, STR_BASE = (
    0x03, 0x0B, 0x3E, 0x49, 0x38, 0x2F, 0x1C, 0x18, 0x3C, 0x69, 0x72)
LLVM_TAG, GNU_TAG, ANNOTATION = 0x6000, 0x6001, 0x2139
F = dict(addr=1, block2=3, block4=4, data2=5, data4=6, data8=7, string=8, block=9, block1=10, data1=11,
         flag=12, sdata=13, strp=14, udata=15, ref_addr=16, ref1=17, ref2=18, ref4=19, ref8=20,
         ref_udata=21, indirect=22, sec_offset=23, exprloc=24, flag_present=25, strx=26, addrx=27,
         ref_sup4=28, strp_sup=29, data16=30, line_strp=31, ref_sig8=32, implicit_const=33,
         loclistx=34, rnglistx=35, ref_sup8=36, strx1=37, strx2=38, strx3=39, strx4=40,
         addrx1=41, addrx2=42, addrx3=43, addrx4=44)


def uleb(value):
    out = b""
    while True:
        byte, value = value & 0x7F, value >> 7
        out += bytes([byte | (0x80 if value else 0)])
        if not value:
            return out


def abbrev(code, tag, children, *attrs):
    """attrs: (attribute, form name[, implicit constant])"""
    out = uleb(code) + uleb(tag) + bytes([children])
    for attr in attrs:
        out += uleb(attr[0]) + uleb(F.get(attr[1], attr[1]))
        if len(attr) > 2:
            out += uleb(attr[2])
    return out + b"\0\0"


def unit(dies, version=4, abbrevs=0, wide=False, kind=1, extra=b""):
    offset = struct.pack("<Q" if wide else "<I", abbrevs)
    if version >= 5:
        body = struct.pack("<HBB", version, kind, 8) + offset + extra
    else:
        body = struct.pack("<H", version) + offset + b"\x08" + extra
    body += dies
    length = b"\xff\xff\xff\xff" + struct.pack("<Q", len(body)) if wide else struct.pack("<I", len(body))
    return length + body


def elf(sections):
    """sections: name -> bytes or (bytes, flags) or (bytes, flags, claimed size)"""
    names, headers, offset, data = b"\0", b"\0" * 64, 64, b""
    entries = list(sections.items()) + [(".shstrtab", None)]
    for name, content in entries:
        where = len(names)
        names += name.encode() + b"\0"
        content = names if content is None else content
        content = content if isinstance(content, tuple) else (content, 0)
        size = content[2] if len(content) > 2 else len(content[0])
        headers += struct.pack("<IIQQQQIIQQ", where, 3 if name == ".shstrtab" else 1, content[1], 0,
                               offset + len(data), size, 0, 0, 1, 0)
        data += content[0]
    count = len(entries) + 1
    header = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 64 + len(data), 0, 64, 0, 0, 64, count, count - 1)
    return header + data + headers


def dwarf(abbrevs, info, **more):
    sections = {".debug_abbrev": abbrevs + b"\0", ".debug_info": info}
    sections.update({"." + name: data for name, data in more.items()})
    return elf(sections)


INT_ABBREVS = abbrev(1, CU, 1) + abbrev(2, BASE, 0, (NAME, "string"), (SIZE, "data1"), (ENCODING, "data1"))
INT = b"\x02int\0\x04\x05"


def simple(abbrevs, dies, **options):
    return dwarf(INT_ABBREVS + abbrevs, unit(b"\x01" + INT + dies + b"\0", **options))


def good_every_version():
    return dwarf(INT_ABBREVS, b"".join(unit(b"\x01" + INT + b"\0", version=v) for v in (2, 3, 4, 5)))


def good_64_bit():
    return dwarf(INT_ABBREVS, unit(b"\x01" + INT + b"\0", version=5, wide=True))


def good_sparse_abbreviations():
    table = abbrev(70000, BASE, 0, (NAME, "string"), (SIZE, "data1"), (ENCODING, "data1")) + abbrev(300, CU, 1)
    return dwarf(table, unit(uleb(300) + uleb(70000) + b"int\0\x04\x05" + b"\0"))


def good_indirect():
    table = abbrev(3, TYPEDEF, 0, (NAME, "indirect"), (TYPE, "indirect"))
    ref = 4 + 2 + 4 + 1 + 1  # of INT in a DWARF 4 unit
    return simple(table, b"\x03" + uleb(F["string"]) + b"number_t\0" + uleb(F["ref4"]) + struct.pack("<I", ref))


def good_every_form():
    """Forms that nobody reads are stepped over, whatever their size."""
    payload = dict(addr=bytes(8), block2=b"\2\0ab", block4=b"\1\0\0\0a", data2=b"ab", data4=b"abcd", data8=bytes(8),
                   string=b"text\0", block=b"\3abc", block1=b"\1a", data1=b"a", flag=b"\1", sdata=b"\x7f", strp=bytes(4),
                   udata=b"\x80\1", ref_addr=bytes(4), ref1=b"a", ref2=b"ab", ref4=bytes(4), ref8=bytes(8),
                   ref_udata=b"\5", sec_offset=bytes(4), exprloc=b"\2ab", flag_present=b"", strx=b"\1", addrx=b"\1",
                   ref_sup4=bytes(4), strp_sup=bytes(4), data16=bytes(16), line_strp=bytes(4), ref_sig8=bytes(8),
                   loclistx=b"\1", rnglistx=b"\1", ref_sup8=bytes(8), strx1=b"\1", strx2=b"\1\1", strx3=b"\1\1\1",
                   strx4=bytes(4), addrx1=b"\1", addrx2=b"\1\1", addrx3=b"\1\1\1", addrx4=bytes(4))
    unread = 0x2200
    table = abbrev(3, BASE, 0, *[(unread, form) for form in payload], (unread, "implicit_const", 5),
                   (NAME, "string"), (SIZE, "data1"), (ENCODING, "data1"))
    return simple(table, b"\x03" + b"".join(payload.values()) + b"odd\0\x02\x07", version=5)


def good_indexed_strings():
    """The base of the unit's string offsets stands behind the strings that need it."""
    table = abbrev(1, CU, 1, (0x25, "strx1"), (STR_BASE, "sec_offset")) + \
        abbrev(2, BASE, 0, (NAME, "strx1"), (SIZE, "data1"), (ENCODING, "data1"))
    dies = b"\x01\x00" + struct.pack("<I", 8) + b"\x02\x01\x04\x05\0"
    offsets = struct.pack("<IHH", 12, 5, 0) + struct.pack("<II", 0, 9)
    return dwarf(table, unit(dies, version=5), debug_str=b"producer\0int\0", debug_str_offsets=offsets)


def good_names_of_two_spellings():
    """One unit writes its strings inline, the next by offset: each type stands there twice."""
    forms = ("string", "strp")
    strings = b"producer\0int\0a_long_name_t\0record_of_both\0first_member\0"

    def table(form, first):
        return abbrev(first, BASE, 0, (NAME, form), (SIZE, "data1"), (ENCODING, "data1")) + \
            abbrev(first + 1, TYPEDEF, 0, (NAME, form), (TYPE, "ref4")) + \
            abbrev(first + 2, STRUCT, 1, (NAME, form), (SIZE, "data1")) + \
            abbrev(first + 3, MEMBER, 0, (NAME, form), (TYPE, "ref4"), (LOCATION, "data1"))

    def name(form, string):
        at = struct.pack("<I", strings.index(b"\0" + string + b"\0") + 1)
        return at if form == "strp" else string + b"\0"

    def dies(form, first):
        one = [uleb(first) + name(form, b"int") + b"\x04\x05"]
        one.append(uleb(first + 1) + name(form, b"a_long_name_t") + ref4(START))
        one.append(uleb(first + 2) + name(form, b"record_of_both") + b"\x04" + uleb(first + 3) +
                   name(form, b"first_member") + ref4(START + len(one[0])) + b"\0\0")
        return b"".join(one)

    table_of_both = abbrev(1, CU, 1) + table("string", 2) + table("strp", 6)
    units = [unit(b"\x01" + dies(form, 2 + 4 * forms.index(form)) + b"\0") for form in forms + ("string",)]
    return dwarf(table_of_both, b"".join(units), debug_str=strings)


def good_reference_that_is_a_number():
    """Taken for one it would point anywhere."""
    table = abbrev(3, TYPEDEF, 0, (NAME, "string"), (TYPE, "data4"))
    return simple(table, b"\x03wild_t\0\x05\x00\x00\x80")


def good_reference_out_of_the_unit():
    table = abbrev(3, TYPEDEF, 0, (NAME, "string"), (TYPE, "ref4")) + abbrev(4, TYPEDEF, 0, (NAME, "string"), (TYPE, "ref_addr"))
    return simple(table, b"\x03one_t\0\xff\xff\xff\x7f\x04two_t\0\xff\xff\xff\xff")


def good_missing_nul():
    """The name's string runs to the end of .debug_str: no name."""
    table = INT_ABBREVS + abbrev(3, TYPEDEF, 0, (NAME, "strp"), (TYPE, "ref1"))
    return dwarf(table, unit(b"\x01" + INT + b"\x03\0\0\0\0\x0c\0"), debug_str=b"without_end")


def good_many_attributes():
    """60,000 attributes that take no bytes must cost one DIE of one byte nothing."""
    table = abbrev(3, STRUCT, 0, *[(DECLARATION, "flag_present")] * 60000)
    return simple(table, b"\x03" * 300000)


def good_long_string():
    """A name of two megabytes, by each of 100,000 types."""
    table = INT_ABBREVS + abbrev(3, TYPEDEF, 0, (NAME, "strp"), (TYPE, "ref1"))
    return dwarf(table, unit(b"\x01" + INT + b"\x03\0\0\0\0\x0c" * 100000 + b"\0"), debug_str=b"x" * 2000000 + b"\0")


START = 11 + 1  # where the first DIE of a DWARF 4 unit stands, and the one after it

GNU_ABBREVS = abbrev(3, GNU_TAG, 0, (NAME, "string"), (VALUE, "string"), (ANNOTATION, "ref4")) + \
    abbrev(4, GNU_TAG, 0, (NAME, "string"), (VALUE, "string")) + \
    abbrev(5, POINTER, 0, (TYPE, "ref4"), (ANNOTATION, "ref4")) + \
    abbrev(6, STRUCT, 1, (NAME, "string"), (SIZE, "data1"), (ANNOTATION, "ref4")) + \
    abbrev(7, MEMBER, 0, (NAME, "string"), (TYPE, "ref4"), (LOCATION, "data1"), (ANNOTATION, "ref4"))


def ref4(offset):
    return struct.pack("<I", offset)


def good_gnu_annotations():
    """gcc's way: the bearer refers to the annotation, that to the next. One is shared,
    and stands behind some who refer to it."""
    size = START + len(INT)
    pointer = size
    tags = pointer + 9 + 1 + 2 + 1 + 4 + (1 + 2 + 4 + 1 + 4) + (1 + 2 + 4 + 1 + 4) + 1
    inner, outer = tags, tags + 1 + 13 + 6 + 4
    first, second = outer + 1 + 13 + 6, outer + 1 + 13 + 6 + 1 + 13 + 6 + 4
    dies = b"\x05" + ref4(START) + ref4(inner)
    dies += b"\x06s\0\x10" + ref4(first)
    dies += b"\x07p\0" + ref4(pointer) + b"\0" + ref4(second)
    dies += b"\x07q\0" + ref4(pointer) + b"\x08" + ref4(first) + b"\0"
    dies += b"\x03btf_type_tag\0inner\0" + ref4(outer) + b"\x04btf_type_tag\0outer\0"
    dies += b"\x03btf_decl_tag\0first\0" + ref4(second) + b"\x04btf_decl_tag\0other\0"
    return simple(GNU_ABBREVS, dies)


def good_gnu_annotations_in_a_circle():
    """Each of 1,000 pointers begins a chain that never ends."""
    at = START + len(INT)
    dies = b"".join(b"\x05" + ref4(START) + ref4(at + 9000) for _ in range(1000))
    return simple(GNU_ABBREVS, dies + b"\x03btf_type_tag\0round\0" + ref4(at + 9000))


def good_annotations_without_sense():
    """No text, no name, a text that is a number, on things that take none."""
    table = abbrev(3, POINTER, 1, (TYPE, "ref4")) + abbrev(4, LLVM_TAG, 0, (NAME, "string"), (VALUE, "data8")) + \
        abbrev(5, LLVM_TAG, 0, (NAME, "string")) + abbrev(6, LLVM_TAG, 0, (VALUE, "string")) + \
        abbrev(7, LLVM_TAG, 0, (NAME, "string"), (VALUE, "string")) + abbrev(8, CONST, 1, (TYPE, "ref4")) + \
        abbrev(9, STRUCT, 1, (NAME, "string"), (DECLARATION, "flag_present"))
    tags = b"\x04btf_type_tag\0" + b"\xff" * 8 + b"\x05btf_type_tag\0" + b"\x06text\0" + b"\x07btf_type_tag\0\0" + \
        b"\x07btf_decl_tag\0here\0" + b"\x07other\0text\0"
    return simple(table, b"\x03" + ref4(START) + tags + b"\0" + b"\x08" + ref4(START) + tags + b"\0" +
                  b"\x09far\0" + tags + b"\0" + tags)


def bad_typedef_cycle():
    table = abbrev(3, TYPEDEF, 0, (NAME, "string"), (TYPE, "ref4"))
    return simple(table, b"\x03a\0" + struct.pack("<I", 26) + b"\x03b\0" + struct.pack("<I", 19))


def bad_struct_in_itself():
    table = abbrev(3, STRUCT, 1, (NAME, "string"), (SIZE, "data1")) + \
        abbrev(4, MEMBER, 0, (NAME, "string"), (TYPE, "ref4"), (LOCATION, "data1"))
    return simple(table, b"\x03s\0\x08" + b"\x04m\0" + struct.pack("<I", 19) + b"\0\0")


def bad_pointer_to_itself():
    return simple(abbrev(3, POINTER, 0, (TYPE, "ref4")), b"\x03" + struct.pack("<I", 19))


def bad_recursion_bomb():
    """100,000 pointers, each to the next."""
    dies = b"".join(b"\x03" + struct.pack("<I", 19 + 5 * (i + 1)) for i in range(100000))
    return simple(abbrev(3, POINTER, 0, (TYPE, "ref4")), dies)


def bad_nesting_bomb():
    return simple(abbrev(3, 0x0B, 1), b"\x03" * 1000000)


def bad_abbreviation_missing():
    return simple(b"", b"\x09")


def bad_abbreviations_out_of_section():
    return dwarf(INT_ABBREVS, unit(b"\x01" + INT + b"\0", abbrevs=0x10000))


def bad_abbreviations_without_end():
    return dwarf(INT_ABBREVS + b"\x05\x13", unit(b"\x01" + INT + b"\0"))


def bad_abbreviations_shared_without_end():
    """Each unit starts at another byte of one endless table."""
    table = abbrev(1, CU, 0, (0x2200, "data1")) * 60000
    return dwarf(table, b"".join(unit(b"\x01\0", abbrevs=6 * i) for i in range(60000)))


def bad_form():
    return simple(abbrev(3, BASE, 0, (NAME, 0x7777)), b"\x03")


def bad_block_too_long():
    return simple(abbrev(3, BASE, 0, (NAME, "block4")), b"\x03\xff\xff\xff\x7f")


def bad_unit_of_2_gb():
    return dwarf(INT_ABBREVS, struct.pack("<I", 0x7FFFFFF0) + unit(b"\x01" + INT + b"\0")[4:])


def bad_unit_wide_length():
    return dwarf(INT_ABBREVS, b"\xff\xff\xff\xff" + b"\xff" * 8 + unit(b"\x01\0")[4:])


def bad_version():
    return dwarf(INT_ABBREVS, unit(b"\x01\0", version=6))


def bad_address_size():
    return dwarf(INT_ABBREVS, struct.pack("<IHIB", 8, 4, 0, 2) + b"\x01")


def bad_section_past_end():
    return elf({".debug_abbrev": INT_ABBREVS + b"\0", ".debug_info": (unit(b"\x01" + INT + b"\0"), 0, 1 << 40)})


def bad_section_header_size():
    return simple(b"", b"")[:-40]


COMPRESSED = 0x800


def compressed(method, claim, data):
    return elf({".debug_abbrev": INT_ABBREVS + b"\0",
                ".debug_info": (struct.pack("<IIQQ", method, 0, claim, 1) + data, COMPRESSED)})


def bad_decompression_bomb():
    """A gigabyte of zeros in a megabyte."""
    z = zlib.compressobj(9)
    data = b"".join(z.compress(bytes(1 << 20)) for _ in range(1024)) + z.flush()
    return compressed(1, 1 << 30, data)


def bad_decompression_claim():
    return compressed(1, 1 << 62, zlib.compress(b"abc"))


def bad_decompression_short():
    return compressed(1, 1000, zlib.compress(b"abc"))


def bad_decompression_long():
    return compressed(1, 10, zlib.compress(bytes(100000)))


def bad_decompression_garbage():
    return compressed(2, 100, b"not zstd")


def bad_decompression_method():
    return compressed(77, 100, b"abc")


def bad_decompression_header():
    return elf({".debug_abbrev": INT_ABBREVS, ".debug_info": (b"\1\0", COMPRESSED)})


def bad_btf_without_dwarf():
    return elf({".BTF": b"\x9f\xeb\x01\0" + b"\xff" * 60})


def bad_split_of_dwarf_4():
    """DW_AT_GNU_dwo_name in a unit like any other says that the types are elsewhere."""
    return dwarf(abbrev(1, CU, 0, (0x2130, "string")), unit(b"\x01unit.dwo\0"))


def bad_imports_of_everything():
    """5,000 partial units, each importing all."""
    table = abbrev(1, PARTIAL, 1) + abbrev(2, BASE, 0, (NAME, "string"), (SIZE, "data1"), (ENCODING, "data1")) + \
        abbrev(3, IMPORTED, 0, (IMPORT, "ref_addr")) + abbrev(4, CU, 1)
    size = len(unit(b"\x01" + INT + b"\x03\0\0\0\0" + b"\0"))
    chain = b"".join(unit(b"\x01" + INT + b"\x03" + struct.pack("<I", size * ((i + 1) % 20000)) + b"\0")
                     for i in range(20000))
    return dwarf(table, chain + unit(b"\x04\x03\0\0\0\0\0") * 200000)


CASES = {name: case for name, case in list(globals().items()) if name.startswith(("good_", "bad_"))}

if len(sys.argv) != 2:
    print("\n".join(CASES))
else:
    sys.stdout.buffer.write(CASES[sys.argv[1]]())
