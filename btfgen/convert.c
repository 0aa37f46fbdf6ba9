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
#include "btfgen/dwarf-funcs.h"
#include "btfgen/dwarf-vars.h"
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
	struct func_symbols symbols;
	struct percpu_section percpu;
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
	struct func_defs funcs;
	struct var_defs vars;
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
	if (!error && !(c->flags & BTFPACK_CONVERT_NO_FUNCS))
		error = func_defs_collect(&w->funcs, &c->symbols, &w->recognizer, (uint32_t)number);
	if (!error && !(c->flags & BTFPACK_CONVERT_NO_FUNCS))
		error = var_defs_collect(&w->vars, &c->percpu, &w->recognizer, (uint32_t)number);
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

/* Gather what the workers found in the first one's lists. */
static int merge_defs(struct conversion *c, struct btfpack_error *err)
{
	struct func_defs *funcs = &c->workers[0].funcs;
	struct var_defs *vars = &c->workers[0].vars;
	int error = 0;

	for (unsigned int i = 1; i < c->worker_count && !error; i++) {
		error = func_defs_merge(funcs, &c->workers[i].funcs);
		if (!error)
			error = var_defs_merge(vars, &c->workers[i].vars);
	}
	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", c->image.path);
	func_defs_choose(funcs, &c->symbols);
	var_defs_sort(vars);
	return 0;
}

/* --- functions and variables in the graph
 * --------------------------------------------------------- */

/* A root, and which function (or, counted behind those, variable) it serves. */
struct root_place {
	uint32_t unit, class_index, serves;
};

static int compare_roots(const void *a, const void *b)
{
	const struct root_place *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return (x->serves > y->serves) - (x->serves < y->serves);
}

/* Build the graph, and find the node of each function's prototype and each
 * variable's type: nodes[i] of function i, then of variable i. */
static int build_graph(struct conversion *c, struct type_graph *graph, uint32_t **nodes_ret)
{
	const struct type_table *table = &c->workers[0].table;
	const struct func_defs *funcs = &c->workers[0].funcs;
	const struct var_defs *vars = &c->workers[0].vars;
	uint32_t count = funcs->count + vars->count;
	AUTO_FREE struct root_place *places = calloc(count + 1ull, sizeof(*places));
	AUTO_FREE struct type_root *roots = calloc(count + 1ull, sizeof(*roots));
	AUTO_FREE uint32_t *nodes = calloc(count + 1ull, sizeof(*nodes));

	if (!places || !roots || !nodes)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		bool is_func = i < funcs->count;
		uint32_t v = i - funcs->count;

		places[i] = (struct root_place){
			is_func ? funcs->defs[i].unit : vars->defs[v].unit,
			type_table_find(table, is_func ? funcs->defs[i].proto : vars->defs[v].type),
			i,
		};
	}
	qsort(places, count, sizeof(*places), compare_roots);
	for (uint32_t i = 0; i < count; i++)
		roots[i] = (struct type_root){ places[i].unit, places[i].class_index, 0 };
	if (type_graph_init(graph, table, c->units, (uint32_t)c->file.unit_count, roots, count) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		nodes[places[i].serves] = roots[i].node;
	*nodes_ret = steal_ptr(nodes); /* the caller's */
	return 0;
}

static int emit(struct conversion *c, const struct type_graph *graph, const uint32_t *nodes,
		struct btfpack_blob *ret, struct btfpack_error *err)
{
	const struct func_defs *funcs = &c->workers[0].funcs;
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
	if (error)
		return error;
	error = btf_emit_functions(&emit, funcs, nodes);
	if (!error)
		error = btf_emit_variables(&emit, &c->workers[0].vars, &c->percpu,
					   nodes + funcs->count);
	if (!error)
		error = btf_build_finish(build, c->image.other_order, ret);
	if (error)
		return btfpack_error_set(err, error, "%s: cannot write its BTF: %s", c->image.path,
					 strerror(-error));
	return 0;
}

static int convert_dwarf(struct conversion *c, struct btfpack_blob *ret, struct btfpack_error *err)
{
	CLEANUP(type_graph_deinit) struct type_graph graph = { 0 };
	AUTO_FREE uint32_t *nodes = NULL;
	int error = 0;

	if (!(c->flags & BTFPACK_CONVERT_NO_FUNCS)) {
		error = func_symbols_init(&c->symbols, &c->image, err);
		if (!error)
			error = percpu_section_init(&c->percpu, &c->image, err);
	}
	if (!error)
		error = read_units(c, err);
	if (!error)
		error = merge_tables(c, err);
	if (!error)
		error = merge_defs(c, err);
	if (error)
		return error;
	if (build_graph(c, &graph, &nodes) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
	return emit(c, &graph, nodes, ret, err);
}

static void worker_deinit(struct worker *w)
{
	type_table_deinit(&w->table);
	func_defs_deinit(&w->funcs);
	var_defs_deinit(&w->vars);
}

static void conversion_deinit(struct conversion *c)
{
	for (unsigned int i = 0; c->workers && i < c->worker_count; i++)
		worker_deinit(&c->workers[i]);
	free(c->workers);
	func_symbols_deinit(&c->symbols);
	percpu_section_deinit(&c->percpu);
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
