/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading units. Shared units go first, into pools; then all others, spread over
 * threads, each with a table of its own, so that no thread waits for another; at
 * the end the tables are merged.
 *
 * Where a unit turns out to refer into one that is not shared (an LTO build does
 * that), all is read again with every unit in the pool: slower and larger, by one
 * thread, but right. Kernels for distributions never come to that.
 */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/btf.h>

#include <btfpack/btfgen.h>

#include "btfgen/conversion.h"

#ifndef DW_LANG_Rust
#define DW_LANG_Rust 0x1c
#endif

#define IMPORTS_FREE   ((uint64_t)1 << 24)
#define IMPORTS_FACTOR 8

struct worker {
	struct conversion *conversion;
	pthread_t thread;
	bool started;
	struct unit_reader reader;
	struct recognizer recognizer;
	struct type_table table;
	struct func_defs funcs;
	struct var_defs vars;
	struct read_unit { /* what this worker read */
		uint32_t unit;
		uint32_t own; /* of the runs of its classes: those of this worker's table;
			       * the others are of the conversion's */
	} * units;
	uint32_t unit_count, unit_room;
	int error;
	struct btfpack_error err;
};

static bool is_shared_unit(const struct dwarf_file *file, const struct dwarf_unit *unit)
{
	(void)file;
	return unit->is_shared;
}

static bool is_any_unit(const struct dwarf_file *file, const struct dwarf_unit *unit)
{
	(void)file;
	(void)unit;
	return true;
}

static int out_of_memory(const struct conversion *c, struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
}

/* --- one unit
 * -------------------------------------------------------------------------------------- */

static int fail_recognition(struct worker *w, int error)
{
	const char *path = w->conversion->image.path;

	if (error == -EFBIG)
		return btfpack_error_set(&w->err, error,
					 "%s: .debug_info: units import one another's types "
					 "without end",
					 path);
	if (error != -EBADMSG)
		return out_of_memory(w->conversion, &w->err);
	return btfpack_error_set(&w->err, error, "%s: .debug_info: at offset %#llx: %s", path,
				 (unsigned long long)(w->reader.base + w->recognizer.problem_at),
				 w->recognizer.problem);
}

/* Whether the lists of what units import have room for @count more entries: dwz's
 * come to a few for each byte it leaves in .debug_info; units that all import all
 * would come to the square. */
static bool may_import(struct conversion *c, uint64_t count)
{
	uint64_t so_far = atomic_fetch_add_explicit(&c->imported, count, memory_order_relaxed);

	return so_far + count <= IMPORTS_FREE + IMPORTS_FACTOR * (uint64_t)c->file.info.size;
}

/* Keep the list of the unit's classes: first its own, then those it imports. */
static int keep_classes(struct worker *w, uint32_t number, const struct recognizer *imported)
{
	struct class_list *unit = &w->conversion->units[number];
	const struct recognizer *own = &w->recognizer;

	if (w->unit_count == w->unit_room) {
		uint32_t room = w->unit_room ? w->unit_room * 2 : 256;
		struct read_unit *bigger = reallocarray(w->units, room, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		w->units = bigger;
		w->unit_room = room;
	}
	if (class_list_join(unit, &own->classes, &imported->classes) < 0)
		return -ENOMEM;
	w->units[w->unit_count++] = (struct read_unit){ number, own->classes.run_count };
	return 0;
}

/* List the pools' types that the unit refers to, imported or not. (Into dwz's
 * supplementary file it refers without.) */
static int list_foreign(const struct type_pool *pool, const struct unit_reader *reader,
			struct recognizer *imported)
{
	const struct unit_reader *owner;
	int error = 0;

	for (uint32_t i = 0; i < reader->foreign_count && !error; i++) {
		const struct die_type *type = type_pool_find(pool, &reader->foreign[i], &owner);

		if (type)
			error = recognize_list(imported, owner, type);
	}
	return error;
}

static int recognize_unit(struct worker *w, uint32_t number)
{
	CLEANUP(recognizer_deinit) struct recognizer imported = { 0 };
	struct conversion *c = w->conversion;
	int error = recognize_types(&w->recognizer);

	if (!error && !(c->flags & BTFPACK_CONVERT_NO_FUNCS)) {
		error = func_defs_collect(&w->funcs, &c->symbols, &w->recognizer, 0,
					  w->reader.func_count, number);
		if (!error)
			error = var_defs_collect(&w->vars, &c->percpu, &w->recognizer, 0,
						 w->reader.var_count, number);
	}
	imported.reader = &w->reader;
	imported.table = &c->table;
	if (!error && w->reader.import_count)
		error = may_import(c, c->pool.unit_count / 8)
				? type_pool_list(&c->pool, UINT32_MAX, &imported)
				: -EFBIG;
	if (!error && !may_import(c, imported.classes.count))
		error = -EFBIG;
	if (!error)
		error = list_foreign(w->recognizer.pool, &w->reader, &imported);
	return error ? error : keep_classes(w, number, &imported);
}

static int read_unit(struct worker *w, uint32_t number)
{
	struct conversion *c = w->conversion;
	const struct dwarf_unit *unit = &c->file.units[number];
	int error;

	if (c->pool.unit_count && unit->is_shared)
		return 0;
	error = unit_reader_reset(&w->reader, &c->file, unit->offset, unit->end, &w->err);
	if (!error)
		error = unit_reader_read(&w->reader, unit, &w->err);
	/* The kernel leaves Rust out of its BTF: its types are not C's. */
	if (error || w->reader.language == DW_LANG_Rust)
		return error;
	error = recognize_unit(w, number);
	return error ? fail_recognition(w, error) : 0;
}

/* --- threads
 * ----------------------------------------------------------------------------------------- */

/* Units are handed out by the batch, in order: large enough that letting go of
 * its pages costs nothing beside reading it, small enough that no thread
 * waits long for the last. */
#define BATCH_BYTES ((uint64_t)512 << 10)

/* The end of the batch that begins at unit @first. */
static size_t batch_end(const struct dwarf_file *file, size_t first)
{
	size_t end = first + 1;

	while (end < file->unit_count &&
	       file->units[end].end - file->units[first].offset <= BATCH_BYTES)
		end++;
	return end;
}

/* Take the next batch, if there is one: [*@first, *@end). */
static bool take_batch(struct conversion *c, size_t *first, size_t *end)
{
	*first = atomic_load_explicit(&c->next, memory_order_relaxed);
	do {
		if (*first >= c->file.unit_count)
			return false;
		*end = batch_end(&c->file, *first);
	} while (!atomic_compare_exchange_weak(&c->next, first, *end));
	return true;
}

static void read_batch(struct worker *w, size_t first, size_t end)
{
	struct conversion *c = w->conversion;
	const struct dwarf_unit *units = c->file.units;

	for (size_t u = first; u < end; u++) {
		w->error = read_unit(w, (uint32_t)u);
		if (w->error || w->recognizer.has_strays)
			atomic_store(&c->stop, true);
		if (atomic_load_explicit(&c->stop, memory_order_relaxed))
			break;
	}
	elf_section_drop(&c->file.info, units[first].offset, units[end - 1].end);
}

static void *run_worker(void *arg)
{
	struct worker *w = arg;
	struct conversion *c = w->conversion;
	size_t first, end;

	w->recognizer.reader = &w->reader;
	w->recognizer.table = &w->table;
	w->recognizer.pool = c->pool.unit_count || c->pool.alt ? &c->pool : NULL;
	while (!atomic_load_explicit(&c->stop, memory_order_relaxed) && take_batch(c, &first, &end))
		read_batch(w, first, end);
	return NULL;
}

/* The calling thread is the first worker. */
static void run_workers(struct conversion *c)
{
	for (unsigned int i = 0; i < c->worker_count; i++) {
		c->workers[i].conversion = c;
		if (i && !pthread_create(&c->workers[i].thread, NULL, run_worker, &c->workers[i]))
			c->workers[i].started = true;
	}
	run_worker(&c->workers[0]);
	for (unsigned int i = 1; i < c->worker_count; i++)
		if (c->workers[i].started)
			pthread_join(c->workers[i].thread, NULL);
}

static void worker_deinit(struct worker *w)
{
	unit_reader_deinit(&w->reader);
	recognizer_deinit(&w->recognizer);
	type_table_deinit(&w->table);
	func_defs_deinit(&w->funcs);
	var_defs_deinit(&w->vars);
	free(w->units);
}

static void workers_deinit(struct conversion *c)
{
	for (unsigned int i = 0; c->workers && i < c->worker_count; i++)
		worker_deinit(&c->workers[i]);
	free(c->workers);
	c->workers = NULL;
}

/* --- one table
 * ----------------------------------------------------------------------------------------- */

/* Let the list name the conversion's classes in its first @own runs, too. */
static int map_classes(struct class_list *list, uint32_t own, const uint32_t *map)
{
	CLEANUP(class_list_deinit) struct class_list mapped = { 0 };
	struct class_list old = *list, mine = { old.runs, own, own, 0 };
	struct class_list imported = { old.runs + own, old.run_count - own, 0, 0 };
	int error = 0;

	FOR_EACH_RUN(&imported, run)
	imported.count += run->count;
	FOR_EACH_CLASS(&mine, c)
	if (!error)
		error = class_list_add(&mapped, map[c]);
	if (!error)
		error = class_list_join(list, &mapped, &imported);
	if (!error)
		class_list_deinit(&old);
	return error;
}

/* Add a worker's classes to the conversion's, and let the units' lists name those. */
static int merge_table(struct conversion *c, struct worker *w)
{
	AUTO_FREE uint32_t *map = NULL;
	int error;

	if (!c->table.class_count) { /* the first: it becomes the conversion's */
		type_table_deinit(&c->table);
		c->table = w->table;
		w->table = (struct type_table){ 0 };
		return 0;
	}
	map = malloc((w->table.class_count + 1ull) * sizeof(*map));
	error = map ? type_table_merge(&c->table, &w->table, map) : -ENOMEM;
	for (uint32_t i = 0; i < w->unit_count && !error; i++)
		error = map_classes(&c->units[w->units[i].unit], w->units[i].own, map);
	type_table_deinit(&w->table);
	return error;
}

static int choose_definitions(struct conversion *c)
{
	var_defs_sort(&c->vars);
	return func_defs_choose(&c->funcs, &c->symbols);
}

/* Functions and variables: merged, and chosen, while types are merged. Not NULL when out
 * of memory. */
static void *merge_definitions(void *arg)
{
	struct conversion *c = arg;
	int error = 0;

	for (unsigned int i = 0; i < c->worker_count && !error; i++) {
		error = func_defs_merge(&c->funcs, &c->workers[i].funcs);
		if (!error)
			error = var_defs_merge(&c->vars, &c->workers[i].vars);
	}
	return error || choose_definitions(c) < 0 ? c : NULL;
}

static int merge_workers(struct conversion *c)
{
	pthread_t thread;
	bool started = c->worker_count > 1 && !pthread_create(&thread, NULL, merge_definitions, c);
	void *failed = NULL;
	int error = 0;

	for (unsigned int i = 0; i < c->worker_count && !error; i++) {
		unit_reader_deinit(&c->workers[i].reader);
		recognizer_deinit(&c->workers[i].recognizer);
		error = merge_table(c, &c->workers[i]);
	}
	if (started)
		pthread_join(thread, &failed);
	else if (!error)
		failed = merge_definitions(c);
	return failed ? -ENOMEM : error;
}

/* --- the two ways
 * -------------------------------------------------------------------------------------- */

/* Read what is not in the pool with threads. Sets *@strays when a unit refers into
 * another that is not in the pool. */
static int read_in_threads(struct conversion *c, bool *strays, struct btfpack_error *err)
{
	int error = 0;

	*strays = false;
	c->workers = calloc(c->worker_count, sizeof(*c->workers));
	if (!c->workers)
		return out_of_memory(c, err);
	run_workers(c);
	for (unsigned int i = 0; i < c->worker_count && !error; i++) {
		struct worker *w = &c->workers[i];

		if (w->error)
			error = btfpack_error_set(err, w->err.code, "%s", w->err.message);
		*strays = *strays || w->recognizer.has_strays;
	}
	if (!error && !*strays && merge_workers(c) < 0)
		error = out_of_memory(c, err);
	workers_deinit(c);
	return error;
}

/* The declaration tags of types in type units: nobody refers to a tag. */
static int list_tags(const struct type_pool *pool, struct recognizer *r)
{
	int error = 0;

	for (uint32_t u = 0; u < pool->unit_count; u++) {
		const struct pool_unit *unit = &pool->units[u];

		if (unit->unit->unit_type != DW_UT_type)
			continue;
		for (uint32_t i = unit->first_type; i < unit->type_end && !error; i++)
			if (pool->reader.types[i].kind == BTF_KIND_DECL_TAG)
				error = recognize_list(r, &pool->reader, &pool->reader.types[i]);
	}
	return error;
}

/* What shared units refer to in the supplementary file, and what nobody refers to,
 * goes into a list of its own, behind those of the units. */
static int list_rest(struct conversion *c)
{
	CLEANUP(recognizer_deinit) struct recognizer r = { .table = &c->table };
	struct class_list *rest = &c->units[c->file.unit_count];
	int error = list_foreign(&c->pool, &c->pool.reader, &r);

	if (!error)
		error = list_tags(&c->pool, &r);
	if (error)
		return error;
	*rest = r.classes; /* the conversion's */
	r.classes = (struct class_list){ 0 };
	return 0;
}

static int read_pools(struct conversion *c,
		      bool (*wanted)(const struct dwarf_file *, const struct dwarf_unit *),
		      struct btfpack_error *err)
{
	const struct type_pool *alt = c->file.alt ? &c->alt_pool : NULL;
	int error = 0;

	if (alt)
		error = type_pool_init(&c->alt_pool, &c->alt_file, is_any_unit, NULL, &c->table,
				       err);
	if (!error)
		error = type_pool_init(&c->pool, &c->file, wanted, alt, &c->table, err);
	if (!error && list_rest(c) < 0)
		error = out_of_memory(c, err);
	return error;
}

/* Take the units' classes and functions out of a pool that holds all of them. */
static int take_from_pool(struct conversion *c)
{
	struct recognizer *r = &c->pool.recognizer;
	int error = 0;

	for (uint32_t i = 0; i < c->pool.unit_count && !error; i++) {
		const struct pool_unit *unit = &c->pool.units[i];
		struct class_list *classes = &c->units[unit->unit - c->file.units];
		uint32_t number = (uint32_t)(unit->unit - c->file.units);

		c->pool.reader.unit = unit->unit;
		c->pool.reader.loclists_base = unit->loclists_base;
		c->pool.reader.clang = unit->clang;
		class_list_empty(&r->classes);
		if (!(c->flags & BTFPACK_CONVERT_NO_FUNCS)) {
			error = func_defs_collect(&c->funcs, &c->symbols, r, unit->first_func,
						  unit->func_end, number);
			if (!error)
				error = var_defs_collect(&c->vars, &c->percpu, r, unit->first_var,
							 unit->var_end, number);
		}
		if (!error)
			error = may_import(c, c->pool.unit_count / 8)
					? type_pool_list(&c->pool, i, r)
					: -EFBIG;
		if (!error && !may_import(c, r->classes.count))
			error = -EFBIG;
		if (!error)
			error = class_list_join(classes, &r->classes, &(struct class_list){ 0 });
	}
	return error;
}

void conversion_forget(struct conversion *c)
{
	type_pool_deinit(&c->pool);
	type_pool_deinit(&c->alt_pool);
	type_table_deinit(&c->table);
	for (size_t u = 0; u <= c->file.unit_count; u++)
		class_list_deinit(&c->units[u]);
	func_defs_deinit(&c->funcs);
	var_defs_deinit(&c->vars);
	atomic_store(&c->imported, 0);
	atomic_store(&c->next, 0);
	atomic_store(&c->stop, false);
}

int conversion_read(struct conversion *c, struct btfpack_error *err)
{
	bool strays;
	int error = read_pools(c, is_shared_unit, err);

	if (!error)
		error = read_in_threads(c, &strays, err);
	if (!error && (strays || c->pool.recognizer.has_strays)) {
		conversion_forget(c);
		error = read_pools(c, is_any_unit, err);
		if (!error)
			error = take_from_pool(c);
		if (!error)
			error = choose_definitions(c);
		if (error == -EFBIG)
			error = btfpack_error_set(err, error,
						  "%s: .debug_info: units import one another's "
						  "types without end",
						  c->image.path);
		else if (error && (!err || err->code != error))
			error = out_of_memory(c, err);
	}
	return error;
}
