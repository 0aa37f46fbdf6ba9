/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack_convert(): the passes in order.
 *
 *   1. open      the ELF file, its sections, the list of units, function symbols
 *   2. read      units, spread over threads: DIEs to types (dwarf-unit), types to
 *                classes (type-recognize), each thread into a table of its own
 *   3. merge     the tables into one
 *   4. resolve   references between classes to nodes (type-graph)
 *   5. emit      nodes, functions, variables (btf-emit, dwarf-funcs, dwarf-vars)
 *
 * Nothing in the result depends on which thread read what: a class is its content,
 * and the order is that of first appearance in .debug_info.
 *
 * Where the time goes, for Debian's 6.1 cloud amd64 (164 MB of .debug_info): see
 * the table in CONTRIBUTING.md.
 */
#include <dwarf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/btfgen.h>

#include "btfgen/btf-emit.h"
#include "btfgen/elf-image.h"
#include "btfgen/type-graph.h"
#include "btfgen/type-table.h"

#define JOBS_MAXIMUM 64
/* Pages of .debug_info are let go when this much has been read. */
#define DROP_STEP ((size_t)1 << 20)

#ifndef DW_LANG_Rust
#define DW_LANG_Rust 0x1c
#endif

struct conversion {
	struct elf_image image;
	struct dwarf_file file;
	uint32_t flags;
	struct unit_classes *units; /* one a unit, written by the thread that reads it */
	uint32_t *unit_worker;      /* whose table its classes are of */
	atomic_size_t next;         /* unit to read */
	atomic_bool stop;
	struct worker *workers;
	unsigned int worker_count;
};

struct worker {
	struct conversion *conversion;
	unsigned int number;
	pthread_t thread;
	bool started;
	struct unit_reader reader;
	struct recognizer recognizer;
	struct type_table table;
	int error;
	struct btfpack_error err;
};

/* --- reading, in threads -------------------------------------------------------------------------
 */

static int fail_recognition(struct worker *w, int error)
{
	const char *path = w->conversion->image.path;

	if (error != -EBADMSG)
		return btfpack_error_set(&w->err, error, "%s: %s", path, strerror(-error));
	return btfpack_error_set(&w->err, error, "%s: .debug_info: at offset %#llx: %s", path,
				 (unsigned long long)(w->reader.base + w->recognizer.problem_at),
				 w->recognizer.problem);
}

static int read_unit(struct worker *w, size_t number)
{
	struct conversion *c = w->conversion;
	const struct dwarf_unit *unit = &c->file.units[number];
	struct unit_classes *classes = &c->units[number];
	int error;

	error = unit_reader_reset(&w->reader, &c->file, unit->offset, unit->end, &w->err);
	if (!error)
		error = unit_reader_read(&w->reader, unit, &w->err);
	/* The kernel leaves Rust out of its BTF: its types are not C's. */
	if (error || w->reader.language == DW_LANG_Rust)
		return error;
	error = recognize_types(&w->recognizer);
	if (error)
		return fail_recognition(w, error);
	classes->count = w->recognizer.class_count;
	classes->classes = malloc((classes->count + 1ull) * sizeof(*classes->classes));
	if (!classes->classes)
		return fail_recognition(w, -ENOMEM);
	memcpy(classes->classes, w->recognizer.classes, classes->count * sizeof(*classes->classes));
	c->unit_worker[number] = w->number;
	return 0;
}

static void *run_worker(void *arg)
{
	struct worker *w = arg;
	struct conversion *c = w->conversion;

	w->recognizer.reader = &w->reader;
	w->recognizer.table = &w->table;
	while (!atomic_load_explicit(&c->stop, memory_order_relaxed)) {
		size_t number = atomic_fetch_add(&c->next, 1);

		if (number >= c->file.unit_count)
			break;
		w->error = read_unit(w, number);
		if (w->error) {
			atomic_store(&c->stop, true);
			break;
		}
		elf_section_drop(&c->file.info, c->file.units[number].offset,
				 c->file.units[number].end);
	}
	return NULL;
}

static unsigned int count_jobs(const struct btfpack_convert_opts *opts, size_t units)
{
	unsigned int jobs = opts ? opts->jobs : 0;
	cpu_set_t set;

	if (!jobs)
		jobs = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned int)CPU_COUNT(&set)
								    : 1;
	if (jobs > JOBS_MAXIMUM)
		jobs = JOBS_MAXIMUM;
	if (jobs > units)
		jobs = units ? (unsigned int)units : 1;
	return jobs;
}

/* Start the workers; the calling thread is the first of them. Of several failures
 * the one in the lowest unit would be the same every time, but the sentence of any
 * will do: nothing is written. */
static int read_units(struct conversion *c, struct btfpack_error *err)
{
	for (unsigned int i = 0; i < c->worker_count; i++) {
		c->workers[i].conversion = c;
		c->workers[i].number = i;
		if (i && !pthread_create(&c->workers[i].thread, NULL, run_worker, &c->workers[i]))
			c->workers[i].started = true;
	}
	run_worker(&c->workers[0]);
	for (unsigned int i = 1; i < c->worker_count; i++)
		if (c->workers[i].started)
			pthread_join(c->workers[i].thread, NULL);
	for (unsigned int i = 0; i < c->worker_count; i++) {
		struct worker *w = &c->workers[i];

		unit_reader_deinit(&w->reader);
		recognizer_deinit(&w->recognizer);
		if (w->error)
			return btfpack_error_set(err, w->err.code, "%s", w->err.message);
	}
	return 0;
}

/* --- one table
 * ------------------------------------------------------------------------------------ */

/* Merge all tables into the first, and let the units' lists name its classes. */
static int merge_tables(struct conversion *c, struct btfpack_error *err)
{
	for (unsigned int i = 1; i < c->worker_count; i++) {
		struct type_table *table = &c->workers[i].table;
		AUTO_FREE uint32_t *map = malloc((table->class_count + 1ull) * sizeof(*map));

		if (!map || type_table_merge(&c->workers[0].table, table, map) < 0)
			return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
		for (size_t u = 0; u < c->file.unit_count; u++)
			if (c->unit_worker[u] == i)
				for (uint32_t k = 0; k < c->units[u].count; k++)
					c->units[u].classes[k] = map[c->units[u].classes[k]];
		type_table_deinit(table);
	}
	return 0;
}

static int emit(struct conversion *c, const struct type_graph *graph, struct btfpack_blob *ret,
		struct btfpack_error *err)
{
	AUTO_BTF_BUILD struct btf_build *build = NULL;
	struct btf_emit emit = {
		.file = &c->file,
		.graph = graph,
		.no_enum64 = c->flags & BTFPACK_CONVERT_NO_ENUM64,
	};
	int error = btf_build_new(NULL, &build);

	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", c->image.path);
	emit.build = build;
	error = btf_emit_graph(&emit, err);
	if (!error && btf_build_finish(build, c->image.other_order, ret) < 0)
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
	return error;
}

static int convert_dwarf(struct conversion *c, struct btfpack_blob *ret, struct btfpack_error *err)
{
	CLEANUP(type_graph_deinit) struct type_graph graph = { 0 };
	int error = read_units(c, err);

	if (!error)
		error = merge_tables(c, err);
	if (error)
		return error;
	if (type_graph_init(&graph, &c->workers[0].table, c->units, (uint32_t)c->file.unit_count,
			    NULL, 0) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
	return emit(c, &graph, ret, err);
}

static void conversion_deinit(struct conversion *c)
{
	for (unsigned int i = 0; c->workers && i < c->worker_count; i++)
		type_table_deinit(&c->workers[i].table);
	free(c->workers);
	for (size_t u = 0; c->units && u < c->file.unit_count; u++)
		free(c->units[u].classes);
	free(c->units);
	free(c->unit_worker);
	dwarf_file_deinit(&c->file);
	elf_image_deinit(&c->image);
}

/* A file that has only .BTF gives that. */
static int take_section(struct conversion *c, struct btfpack_blob *ret, struct btfpack_error *err)
{
	struct elf_section section;
	int error = elf_image_section(&c->image, ".BTF", &section, err);

	if (error || !section.size)
		return error ? error : -ENOENT;
	ret->data = malloc(section.size);
	if (!ret->data)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
	memcpy(ret->data, section.data, section.size);
	ret->size = section.size;
	return 0;
}

int btfpack_convert(const char *path, const struct btfpack_convert_opts *opts,
		    struct btfpack_blob *ret, struct btfpack_error *err)
{
	CLEANUP(conversion_deinit) struct conversion c = { 0 };
	struct btfpack_error reason = { 0 };
	struct btfpack_blob blob = { 0 };
	int error;

	if (opts && opts->size < sizeof(*opts))
		return btfpack_error_set(err, -EINVAL, "btfpack_convert: opts->size is not set");
	c.flags = opts ? opts->flags : 0;
	error = elf_image_init(&c.image, path, err);
	if (error)
		return error;
	error = dwarf_file_init(&c.file, &c.image, &reason);
	if (error == -EOPNOTSUPP && !c.file.info.size && take_section(&c, ret, err) == 0)
		return 0;
	if (error)
		return btfpack_error_set(err, reason.code, "%s", reason.message);
	c.worker_count = count_jobs(opts, c.file.unit_count);
	c.workers = calloc(c.worker_count, sizeof(*c.workers));
	c.units = calloc(c.file.unit_count + 1, sizeof(*c.units));
	c.unit_worker = calloc(c.file.unit_count + 1, sizeof(*c.unit_worker));
	if (!c.workers || !c.units || !c.unit_worker)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	error = convert_dwarf(&c, &blob, err);
	if (!error)
		*ret = blob; /* the caller's */
	return error;
}

int btfpack_build_id(const char *path, char ret[BTFPACK_BUILD_ID_SIZE], struct btfpack_error *err)
{
	AUTO_ELF_IMAGE struct elf_image image;
	int error = elf_image_init(&image, path, err);

	if (!error)
		elf_image_build_id(&image, ret);
	return error;
}
