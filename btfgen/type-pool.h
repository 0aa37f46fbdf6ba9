/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types that many units refer to from outside: the partial units that dwz makes,
 * type units, and the units of an LTO build that others point into. They are read
 * before everything else, as if they were one unit, and kept.
 */
#ifndef BTFGEN_TYPE_POOL_H
#define BTFGEN_TYPE_POOL_H

#include "btfgen/dwarf-unit.h"

struct type_pool;

/* The type a foreign reference means; NULL when there is none. */
struct die_type *type_pool_find(const struct type_pool *pool, const struct foreign_ref *ref);

#endif
