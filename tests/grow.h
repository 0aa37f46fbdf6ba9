/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernels grown from real ones, as a distribution's next update would be: of a real
 * BTF, a series in which each differs from the one before by a few dozen edits of the
 * kinds that stable kernels bring. Members are added, removed and exchanged, and
 * what embeds the struct grows with it; structs, pointers to them and functions
 * that take these are inserted; functions go; enumerators come; stretches of types
 * move. The same seed gives the same bytes.
 *
 * For benchmarks and tests of what holds many kernels; errors end the program.
 */
#ifndef TESTS_GROW_H
#define TESTS_GROW_H

#include <stdint.h>

#include <btfpack/types.h>

struct grown;

/* The series that begins with @btf, little-endian or big, itself unchanged. */
struct grown *grow_begin(const struct btfpack_blob *btf, uint64_t seed);
void grow_end(struct grown *g);

/* The kernel as it is now; the caller frees it. The order of the strings is that of
 * their first mention, as convert has it. */
struct btfpack_blob grow_write(struct grown *g);

/* On to the next kernel, of @edits edits. */
void grow_edit(struct grown *g, uint32_t edits);

#endif
