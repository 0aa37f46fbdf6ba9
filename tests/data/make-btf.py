#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make the BTF specimens of this directory and the seeds of tests/fuzz/corpus/btf.

    tests/data/make-btf.py          run after changing it; the files are checked in

Each specimen is a row at the end: a name, which begins with good, bad or
unsupported, a line for README.md, and its bytes.
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF = 1, 2, 3, 4, 5, 6, 7, 8
VOLATILE, CONST, RESTRICT, FUNC, PROTO, VAR, DATASEC = 9, 10, 11, 12, 13, 14, 15
FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = 16, 17, 18, 19


class Btf:
    def __init__(self, order='<'):
        self.order, self.types, self.strings, self.next = order, b'', b'\0', 1

    def name(self, text):
        if not text:
            return 0
        self.strings += text.encode() + b'\0'
        return len(self.strings) - len(text) - 1

    def add(self, kind, name='', size=0, rows=(), vlen=None, kflag=0):
        vlen = len(rows) if vlen is None else vlen
        words = [self.name(name), kflag << 31 | kind << 24 | vlen, size]
        for row in rows:
            words += [self.name(w) if isinstance(w, str) else w for w in row]
        self.types += struct.pack(self.order + '%dI' % len(words), *words)
        self.next += 1
        return self.next - 1

    def int(self, name='int', size=4):
        return self.add(INT, name, size, [(1 << 24 | size * 8,)], vlen=0)

    def array(self, element, index, count):
        return self.add(ARRAY, rows=[(element, index, count)], vlen=0)

    def bytes(self, **header):
        fields = dict(magic=0xeb9f, version=1, flags=0, hdr_len=24, type_off=0,
                      type_len=len(self.types), str_off=len(self.types), str_len=len(self.strings))
        fields.update(header)
        return struct.pack(self.order + 'HBBIIIII', *fields.values()) + self.types + self.strings


def every_kind(order='<', odd=0):
    b = Btf(order)
    b.int()
    b.add(PTR, size=3)
    b.add(STRUCT, 'task_struct', 32, [('pid', 1, 0), ('parent', 2, 64), ('comm', 4, 128)])
    b.array(1, 1, 4)
    b.add(UNION, 'value', 8, [('word', 1, 0), ('real', 16, 0)])
    b.add(ENUM, 'state', 4, [('RUNNING', 0), ('SLEEPING', 1 + odd)])
    b.add(FWD, 'mm_struct')
    b.add(TYPEDEF, 'pid_t', 1)
    b.add(VOLATILE, size=1)
    b.add(CONST, size=7)
    b.add(RESTRICT, size=2)
    b.add(FUNC, 'schedule', 13, vlen=1)
    b.add(PROTO, size=0, rows=[('task', 2), ('', 0)])
    b.add(VAR, 'current', 2, [(1,)], vlen=0)
    b.add(DATASEC, '.data..percpu', 64, [(14, 8 + odd, 8)])
    b.add(FLOAT, 'double', 8)
    b.add(DECL_TAG, 'guarded', 3, [(1,)], vlen=0)
    b.add(TYPE_TAG, 'user', 1)
    b.add(ENUM64, 'wide', 8, [('MASK', 0xffffffff, 0x7fffffff)])
    b.add(STRUCT, 'bits', 4, [('one', 1, 1 << 24), ('seven', 1, 7 << 24 | 1)], kflag=1)
    b.add(STRUCT, 'outer', 16 + odd, [('', 22, 0), ('raw', 22, 64)])
    b.add(STRUCT, '', 8, [('low', 1, 0), ('high', 1, 32)])
    b.add(TYPEDEF, 'pair_t', 22)
    return b


def small(*steps, **header):
    b = Btf()
    b.int()
    for step in steps:
        b.add(*step[0], **step[1])
    return b.bytes(**header)


def T(*args, **named):
    return (args, named)


def bomb():
    """Anonymous structs within anonymous structs, eight a level: 8^20 members if opened up."""
    b = Btf()
    b.int()
    for level in range(20):
        b.add(STRUCT, '', 8 ** 19 >> 30, [('', b.next - 1, 0)] * 8)
    b.add(STRUCT, 'bomb', 64, [('', b.next - 1, 0)])
    return b.bytes()


def protos():
    """Functions taking functions taking functions, sixteen each."""
    b = Btf()
    b.int()
    for level in range(20):
        proto = b.add(PROTO, size=1, rows=[('', b.next - 1)] * 16)
        b.add(PTR, size=proto)
    b.add(TYPEDEF, 'handler_t', b.next - 1)
    return b.bytes()


SPECIMENS = [
    ('good-every-kind.btf', 'one type of every kind', every_kind().bytes()),
    ('good-big-endian.btf', 'the same in the other byte order', every_kind('>').bytes()),
    ('good-empty.btf', 'a header and an empty string, no types', Btf().bytes()),
    ('good-deep-prototypes.btf', 'functions taking functions, 20 deep, 16 wide: no bomb to print',
     protos()),
    ('bad-nothing-but-magic.btf', 'two bytes', b'\x9f\xeb'),
    ('bad-magic.btf', 'starts with other bytes', Btf().bytes(magic=0x9feb + 1)),
    ('bad-header-length.btf', 'its header is said to be longer than the file',
     Btf().bytes(hdr_len=0x10000)),
    ('bad-overlap.btf', 'strings lie within the types', small(type_off=0, str_off=3, str_len=1)),
    ('bad-truncated.btf', 'cut in the middle of a struct', every_kind().bytes()[:100]),
    ('bad-no-nul.btf', 'the last string does not end', Btf().bytes(str_len=2) + b'x'),
    ('bad-string-offset.btf', 'a name beyond the strings', small(T(STRUCT, size=4, rows=[(99, 1, 0)]))),
    ('bad-type-id.btf', 'a pointer to id 1000', small(T(PTR, size=1000))),
    ('bad-vlen.btf', 'a struct of 65535 members in a file of 80 bytes',
     small(T(STRUCT, 'big', 4, vlen=65535))),
    ('bad-typedef-loop.btf', 'two typedefs, each of the other',
     small(T(TYPEDEF, 'a', 3), T(TYPEDEF, 'b', 2))),
    ('bad-pointer-loop.btf', 'a pointer to itself', small(T(PTR, size=2))),
    ('bad-holds-itself.btf', 'a struct with itself as its member',
     small(T(STRUCT, 'a', 4, [('a', 2, 0)]))),
    ('bad-array-of-itself.btf', 'an array of itself', small(T(ARRAY, rows=[(2, 1, 2)], vlen=0))),
    ('bad-anonymous-loop.btf', 'an anonymous struct that holds a pointer to itself, unnameable',
     small(T(STRUCT, '', 8, [('next', 3, 0)]), T(PTR, size=2), T(TYPEDEF, 'b c', 2))),
    ('bad-member-past-end.btf', 'a member that ends past its struct',
     small(T(STRUCT, 'a', 4, [('x', 1, 8)]))),
    ('bad-bitfield.btf', 'a bitfield wider than its int',
     small(T(STRUCT, 'a', 8, [('x', 1, 40 << 24)], kflag=1))),
    ('bad-enum-size.btf', 'an enum of 3 bytes', small(T(ENUM, 'e', 3, [('A', 1)]))),
    ('bad-func-int.btf', 'a function whose prototype is an int', small(T(FUNC, 'f', 1))),
    ('bad-name.btf', 'a typedef named "a b"', small(T(TYPEDEF, 'a b', 1))),
    ('bad-anonymous-bomb.btf', 'anonymous structs 20 deep, 8 wide, that do not fit into one another',
     bomb()),
    ('unsupported-version.btf', 'version 2', Btf().bytes(version=2)),
    ('unsupported-kind.btf', 'a type of kind 31', small(T(31, size=4))),
    ('unsupported-header.btf', 'a longer header with something in it',
     Btf().bytes(hdr_len=32)[:24] + b'\0' * 7 + b'\1' + b'\0'),
]


def write(path, data):
    with open(path, 'wb') as f:
        f.write(data)


def main():
    corpus = os.path.join(HERE, '..', 'fuzz', 'corpus', 'btf')
    for name, _, data in SPECIMENS:
        write(os.path.join(HERE, name), data)
        write(os.path.join(corpus, name.replace('.btf', '')), data)
    a, b = every_kind().bytes(), every_kind(odd=1).bytes()
    write(os.path.join(corpus, 'two'), b'+ ' + struct.pack('<H', len(a)) + a + b)
    write(os.path.join(corpus, 'two-bombs'), b'+ ' + struct.pack('<H', len(bomb())) + bomb() +
          bomb().replace(b'bomb', b'tomb'))
    for name, line, _ in SPECIMENS:
        print('- `%s`: %s' % (name, line))


main()
