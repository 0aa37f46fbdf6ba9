/* SPDX-License-Identifier: BSD-2-Clause */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/type-pool.h"

#ifndef DW_LANG_Rust
#define DW_LANG_Rust 0x1c
#endif

static int read_unit(struct type_pool *pool, const struct dwarf_unit *unit,
		     struct btfpack_error *err)
{
	struct unit_reader *reader = &pool->reader;
	struct pool_unit *added = &pool->units[pool->unit_count];
	int error;

	*added = (struct pool_unit){
		.unit = unit,
		.first_type = reader->type_count,
		.first_import = reader->import_count,
		.first_func = reader->func_count,
		.first_var = reader->var_count,
	};
	error = unit_reader_read(reader, unit, err);
	if (error)
		return error;
	if (reader->language == DW_LANG_Rust) { /* as if it had not been there */
		reader->type_count = added->first_type;
		reader->func_count = added->first_func;
		reader->var_count = added->first_var;
		reader->import_count = added->first_import;
	}
	added->type_end = reader->type_count;
	added->import_end = reader->import_count;
	added->func_end = reader->func_count;
	added->var_end = reader->var_count;
	added->loclists_base = reader->loclists_base;
	added->clang = reader->clang;
	pool->unit_count++;
	return 0;
}

static int compare_signatures(const void *a, const void *b)
{
	const struct signed_type *x = a, *y = b;

	if (x->signature != y->signature)
		return x->signature < y->signature ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The types of type units, to be found by signature. Of several with one signature
 * the first counts: the linker has kept one only, or they are equal. */
static int index_signatures(struct type_pool *pool)
{
	uint32_t kept = 0;

	pool->signed_types = calloc(pool->unit_count, sizeof(*pool->signed_types));
	if (!pool->signed_types)
		return -ENOMEM;
	for (uint32_t i = 0; i < pool->unit_count; i++) {
		const struct dwarf_unit *unit = pool->units[i].unit;

		if (unit->unit_type == DW_UT_type && unit->type_die < REF_FOREIGN)
			pool->signed_types[pool->signed_count++] = (struct signed_type){
				unit->signature,
				(uint32_t)unit->type_die,
			};
	}
	if (pool->signed_count)
		qsort(pool->signed_types, pool->signed_count, sizeof(*pool->signed_types),
		      compare_signatures);
	for (uint32_t i = 0; i < pool->signed_count; i++)
		if (!kept ||
		    pool->signed_types[i].signature != pool->signed_types[kept - 1].signature)
			pool->signed_types[kept++] = pool->signed_types[i];
	pool->signed_count = kept;
	return 0;
}

static bool has_wanted(const struct dwarf_file *file,
		       bool (*wanted)(const struct dwarf_file *file, const struct dwarf_unit *unit))
{
	for (size_t i = 0; i < file->unit_count; i++)
		if (wanted(file, &file->units[i]))
			return true;
	return false;
}

int type_pool_init(struct type_pool *pool, const struct dwarf_file *file,
		   bool (*wanted)(const struct dwarf_file *file, const struct dwarf_unit *unit),
		   const struct type_pool *alt, struct type_table *table, struct btfpack_error *err)
{
	int error;

	*pool = (struct type_pool){ .alt = alt };
	if (!has_wanted(file, wanted))
		return 0;
	pool->units = calloc(file->unit_count + 1, sizeof(*pool->units));
	if (!pool->units)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", file->image->path);
	error = unit_reader_reset(&pool->reader, file, 0, file->info.size, err);
	for (size_t i = 0; i < file->unit_count && !error; i++)
		if (wanted(file, &file->units[i]))
			error = read_unit(pool, &file->units[i], err);
	if (error || !pool->unit_count)
		return error;
	pool->recognizer.reader = &pool->reader;
	pool->recognizer.table = table;
	pool->recognizer.pool = pool;
	pool->recognizer.first_bias = file->main ? UINT64_C(1) << 62 : 0;
	error = index_signatures(pool);
	if (!error)
		error = recognize_types(&pool->recognizer);
	if (error == -EBADMSG)
		return btfpack_error_set(err, error, "%s: .debug_info: at offset %#x: %s",
					 file->image->path, pool->recognizer.problem_at,
					 pool->recognizer.problem);
	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", file->image->path);
	return 0;
}

void type_pool_deinit(struct type_pool *pool)
{
	unit_reader_deinit(&pool->reader);
	recognizer_deinit(&pool->recognizer);
	free(pool->units);
	free(pool->signed_types);
	*pool = (struct type_pool){ 0 };
}

const struct pool_unit *type_pool_unit(const struct type_pool *pool, uint64_t offset)
{
	uint32_t low = 0, high = pool ? pool->unit_count : 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (pool->units[middle].unit->end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return pool && low < pool->unit_count && pool->units[low].unit->offset <= offset
		       ? &pool->units[low]
		       : NULL;
}

static struct die_type *find_signature(const struct type_pool *pool, uint64_t signature)
{
	const struct signed_type *types = pool->signed_types;
	uint32_t low = 0, high = pool->signed_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (types[middle].signature < signature)
			low = middle + 1;
		else
			high = middle;
	}
	return low < pool->signed_count && types[low].signature == signature
		       ? unit_reader_find(&pool->reader, types[low].offset)
		       : NULL;
}

struct die_type *type_pool_find(const struct type_pool *pool, const struct foreign_ref *ref,
				const struct unit_reader **owner_ret)
{
	struct die_type *found;

	if (pool && ref->place == FOREIGN_ALT)
		pool = pool->alt;
	if (!pool)
		return NULL;
	if (ref->place == FOREIGN_SIGNATURE)
		found = find_signature(pool, ref->value);
	else if (ref->value < REF_FOREIGN)
		found = unit_reader_find(&pool->reader, (uint32_t)ref->value);
	else
		found = NULL;
	if (found)
		*owner_ret = &pool->reader;
	return found;
}

/* The pool's reader and offset that @reader's @ref means; NULL when there is none. */
static const struct unit_reader *follow(const struct type_pool *pool,
					const struct unit_reader *reader, uint32_t *ref)
{
	const struct foreign_ref *foreign;

	if (!(*ref & REF_FOREIGN))
		return reader;
	foreign = &reader->foreign[*ref & ~REF_FOREIGN];
	if (pool && foreign->place == FOREIGN_ALT)
		pool = pool->alt;
	if (!pool || foreign->place == FOREIGN_SIGNATURE || foreign->value >= REF_FOREIGN)
		return NULL;
	*ref = (uint32_t)foreign->value;
	return &pool->reader;
}

const struct die_func *type_pool_find_func(const struct type_pool *pool,
					   const struct unit_reader *reader, uint32_t ref,
					   const struct unit_reader **owner_ret)
{
	*owner_ret = ref == REF_NONE ? NULL : follow(pool, reader, &ref);
	return *owner_ret ? unit_reader_find_func(*owner_ret, ref) : NULL;
}

const struct die_var *type_pool_find_var(const struct type_pool *pool,
					 const struct unit_reader *reader, uint32_t ref,
					 const struct unit_reader **owner_ret)
{
	*owner_ret = ref == REF_NONE ? NULL : follow(pool, reader, &ref);
	return *owner_ret ? unit_reader_find_var(*owner_ret, ref) : NULL;
}

/* --- imports
 * ----------------------------------------------------------------------------------------- */

/* Units already listed for the unit at hand, in this pool and in its alt. */
struct visit {
	const struct type_pool *pool;
	struct recognizer *r;
	bool *seen, *alt_seen;
};

static int list_unit(struct visit *visit, const struct type_pool *pool, uint32_t index,
		     unsigned int depth);

static int list_imports(struct visit *visit, const struct type_pool *pool, const uint64_t *imports,
			uint32_t count, unsigned int depth)
{
	int error = 0;

	for (uint32_t i = 0; i < count && !error; i++) {
		const struct type_pool *at = imports[i] & IMPORT_ALT ? pool->alt : pool;
		const struct pool_unit *unit = type_pool_unit(at, imports[i] & ~IMPORT_ALT);

		if (unit)
			error = list_unit(visit, at, (uint32_t)(unit - at->units), depth + 1);
	}
	return error;
}

static int list_unit(struct visit *visit, const struct type_pool *pool, uint32_t index,
		     unsigned int depth)
{
	const struct pool_unit *unit = &pool->units[index];
	bool *seen = pool == visit->pool ? visit->seen : visit->alt_seen;
	int error = 0;

	/* dwz nests imports a few deep; units are visited once, so any depth ends. */
	if (seen[index] || depth > 256)
		return 0;
	seen[index] = true;
	for (uint32_t i = unit->first_type; i < unit->type_end && !error; i++)
		error = recognize_list(visit->r, &pool->reader, &pool->reader.types[i]);
	if (error)
		return error;
	if (unit->import_end == unit->first_import)
		return 0;
	return list_imports(visit, pool, pool->reader.imports + unit->first_import,
			    unit->import_end - unit->first_import, depth);
}

int type_pool_list(const struct type_pool *pool, uint32_t index, struct recognizer *r)
{
	struct visit visit = { .pool = pool, .r = r };
	int error = -ENOMEM;

	visit.seen = calloc(pool->unit_count + 1ull, sizeof(*visit.seen));
	visit.alt_seen =
		calloc(pool->alt ? pool->alt->unit_count + 1ull : 1, sizeof(*visit.alt_seen));
	if (visit.seen && visit.alt_seen)
		error = index == UINT32_MAX ? list_imports(&visit, pool, r->reader->imports,
							   r->reader->import_count, 0)
					    : list_unit(&visit, pool, index, 0);
	free(visit.seen);
	free(visit.alt_seen);
	return error;
}
