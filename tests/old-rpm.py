#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""rpm packages as they were before rpm 4.14, for tests.

    old-rpm.py split RPM WHOLE        header and payload of RPM, without the payload's digest
    old-rpm.py join RPM WHOLE SIGNATURE  RPM anew, of WHOLE and the signature of all of it
"""
import hashlib
import struct
import sys

LEAD = 96
MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"


def split(package, whole):
    data = bytearray(open(package, "rb").read())
    entries, store = struct.unpack(">II", data[LEAD + 8:LEAD + 16])
    at = (LEAD + 16 + 16 * entries + store + 7) // 8 * 8
    assert data[at:at + 8] == MAGIC
    count, = struct.unpack(">I", data[at + 8:at + 12])
    for i in range(count):
        entry = at + 16 + 16 * i
        tag, = struct.unpack(">I", data[entry:entry + 4])
        if tag in (5092, 5093, 5097):  # numbers in the same order that mean nothing for this
            data[entry:entry + 4] = struct.pack(">I", tag + 2)
    open(whole, "wb").write(data[at:])


def join(package, whole, signature):
    lead = open(package, "rb").read()[:LEAD]
    rest, sig = open(whole, "rb").read(), open(signature, "rb").read()
    store, entries = b"", []
    for tag, kind, count, value in (1000, 4, 1, struct.pack(">I", len(rest))), \
            (1002, 7, len(sig), sig), (1004, 7, 16, hashlib.md5(rest).digest()):
        entries.append(struct.pack(">IIII", tag, kind, len(store), count))
        store += value
    entries.insert(0, struct.pack(">IIII", 62, 7, len(store), 16))
    store += struct.pack(">IIiI", 62, 7, -16 * len(entries), 16)
    header = MAGIC + struct.pack(">II", len(entries), len(store)) + b"".join(entries) + store
    padding = b"\0" * (-(len(header)) % 8)
    open(package, "wb").write(lead + header + padding + rest)


if sys.argv[1] == "split":
    split(*sys.argv[2:])
else:
    join(*sys.argv[2:])
