/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types that many units refer to from outside: the partial units that dwz makes
 * (in the file itself, or in a supplementary file that several share), type
 * units, and in an LTO build whichever unit another points into. They are read
 * before everything else, as if they were one unit, recognised, and kept; after
 * that a pool is only read, by any number of threads.
 */
#ifndef BTFGEN_TYPE_POOL_H
#define BTFGEN_TYPE_POOL_H

#include "btfgen/type-table.h"

/* One of the pool's units: what it has, and what it imports. */
struct pool_unit {
	const struct dwarf_unit *unit;
	uint32_t first_type, type_end;     /* of the reader's types */
	uint32_t first_import, import_end; /* of the reader's imports */
	uint32_t first_func, func_end;
	uint32_t first_var, var_end;
	uint64_t loclists_base;
	bool clang;
};

struct type_pool {
	const struct type_pool *alt; /* the supplementary file's, or NULL */
	struct unit_reader reader;
	struct recognizer recognizer;
	struct pool_unit *units; /* by offset */
	uint32_t unit_count;
	struct signed_type { /* of a type unit, by signature */
		uint64_t signature;
		uint32_t offset;
	} * signed_types;
	uint32_t signed_count;
};

/* Read the units of @file for which @wanted says true into @pool, and recognise
 * their types into @table. @alt may be NULL. */
int type_pool_init(struct type_pool *pool, const struct dwarf_file *file,
		   bool (*wanted)(const struct dwarf_file *file, const struct dwarf_unit *unit),
		   const struct type_pool *alt, struct type_table *table,
		   struct btfpack_error *err);
void type_pool_deinit(struct type_pool *pool);

/* The type a foreign reference means, and the reader it is in (set only then); NULL
 * when there is none. @pool may be NULL. */
struct die_type *type_pool_find(const struct type_pool *pool, const struct foreign_ref *ref,
				const struct unit_reader **owner_ret);

/* The function, or the variable, that @reader calls @ref, and the reader it is in. */
const struct die_func *type_pool_find_func(const struct type_pool *pool,
					   const struct unit_reader *reader, uint32_t ref,
					   const struct unit_reader **owner_ret);

const struct die_var *type_pool_find_var(const struct type_pool *pool,
					 const struct unit_reader *reader, uint32_t ref,
					 const struct unit_reader **owner_ret);

/* List the classes of the pool's unit number @index and of all it imports, or of
 * all that the unit just read by @r imports (@index UINT32_MAX), in @r. */
int type_pool_list(const struct type_pool *pool, uint32_t index, struct recognizer *r);

/* The unit at @offset; NULL when the pool has none there. */
const struct pool_unit *type_pool_unit(const struct type_pool *pool, uint64_t offset);

#endif
