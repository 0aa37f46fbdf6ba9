/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The downloading side of a struct btfpack_arrival: the file that a download writes, and
 * how much of it is there. NULL everywhere: nobody reads along.
 */
#ifndef FETCHER_ARRIVAL_H
#define FETCHER_ARRIVAL_H

#include <stdint.h>

struct btfpack_arrival;

/* The file @path holds the first @have bytes, and will hold more. A second file in place
 * of the first spoils the arrival: what was read may be of neither. */
void arrival_begin(struct btfpack_arrival *arrival, const char *path, uint64_t have);

/* Now @have bytes are there. */
void arrival_grow(struct btfpack_arrival *arrival, uint64_t have);

/* The file begins anew. */
void arrival_spoil(struct btfpack_arrival *arrival);

/* No more will come; whoever waits for bytes need not. @path: the file that was verified;
 * NULL: there is none. */
void arrival_end(struct btfpack_arrival *arrival, const char *path);

#endif
