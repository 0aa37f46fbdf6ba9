/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack_convert(): the passes in order.
 *
 *   1. open      the ELF file, its sections; the list of units beside function symbols
 *   2. read      units, spread over threads: DIEs to types (dwarf-unit), types to
 *                classes (type-recognize), into one table (convert-read)
 *   3. resolve   references between classes to nodes (type-graph)
 *   4. emit      nodes, functions, variables (btf-emit)
 *
 * Nothing in the result depends on which thread read what: a class is its content,
 * and the order is that of first appearance in .debug_info.
 *
 * Where the time goes, for Debian's 6.1 cloud amd64 (164 MB of .debug_info): see
 * the table in CONTRIBUTING.md.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/btfgen.h>

#include "btfgen/base-match.h"
#include "btfgen/btf-emit.h"
#include "btfgen/conversion.h"
#include "btfgen/dwz-file.h"

#define JOBS_MAXIMUM 64

/* --- functions and variables in the graph
 * ---------------------------------------------------------- */

/* The unit that root @i is of: of a function, or, counted behind those, of a variable. */
static uint32_t root_unit(const struct conversion *c, uint32_t i)
{
	return i < c->funcs.count ? c->funcs.defs[i].unit : c->vars.defs[i - c->funcs.count].unit;
}

static type_token root_token(const struct conversion *c, uint32_t i)
{
	return i < c->funcs.count ? c->funcs.defs[i].proto : c->vars.defs[i - c->funcs.count].type;
}

/* Put the roots in the order of their units: places[i] is where root i went. @starts has
 * two elements more than there are units, all 0. */
static void place_roots(const struct conversion *c, uint32_t count, uint32_t *starts,
			uint32_t *places)
{
	for (uint32_t i = 0; i < count; i++)
		starts[root_unit(c, i) + 1]++;
	for (size_t u = 0; u <= c->file.unit_count; u++)
		starts[u + 1] += starts[u];
	for (uint32_t i = 0; i < count; i++)
		places[i] = starts[root_unit(c, i)]++;
}

/* Build the graph, and find the node of each function's prototype and each
 * variable's type: nodes[i] of function i, then of variable i. */
static int build_graph(struct conversion *c, struct type_graph *graph, uint32_t **nodes_ret)
{
	uint32_t count = c->funcs.count + c->vars.count;
	AUTO_FREE uint32_t *starts = calloc(c->file.unit_count + 2, sizeof(*starts));
	AUTO_FREE uint32_t *places = calloc(count + 1ull, sizeof(*places));
	AUTO_FREE struct type_root *roots = calloc(count + 1ull, sizeof(*roots));
	AUTO_FREE uint32_t *nodes = calloc(count + 1ull, sizeof(*nodes));

	if (!starts || !places || !roots || !nodes)
		return -ENOMEM;
	place_roots(c, count, starts, places);
	for (uint32_t i = 0; i < count; i++)
		roots[places[i]] = (struct type_root){
			root_unit(c, i),
			type_table_find(&c->table, root_token(c, i)),
			0,
		};
	if (type_graph_init(graph, &c->table, c->units, (uint32_t)c->file.unit_count + 1, roots,
			    count) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		nodes[i] = roots[places[i]].node;
	*nodes_ret = steal_ptr(nodes); /* the caller's */
	return 0;
}

/* Sets *@repeats_ret when equal strings had several names: then @ret has types twice. */
static int emit(struct conversion *c, const struct type_graph *graph, const uint32_t *nodes,
		struct btfpack_blob *ret, bool *repeats_ret, struct btfpack_error *err)
{
	AUTO_BTF_BUILD struct btf_build *build = NULL;
	AUTO_FREE uint32_t *ids = NULL;
	CLEANUP(btf_emit_deinit) struct btf_emit emit = {
		.file = &c->file,
		.graph = graph,
		.base = c->base ? &c->base->view : NULL,
		.no_enum64 = c->flags & BTFPACK_CONVERT_NO_ENUM64,
	};
	int error = c->base ? btf_build_new_on(c->base->names, &build) : btf_build_new(NULL, &build);

	if (!error && c->base) {
		error = base_match(graph, &c->file, c->base, &ids);
	} else if (!error) {
		ids = calloc(graph->node_count + 1ull, sizeof(*ids));
		error = ids ? 0 : -ENOMEM;
	}
	if (!error)
		error = emit_names_init(&emit.names, build, &c->file, c->table.class_count);
	if (error == -EBADMSG)
		return btfpack_error_set(err, error, "%s: a type contains itself", c->image.path);
	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", c->image.path);
	emit.build = build;
	emit.ids = ids;
	error = btf_emit_graph(&emit, err);
	if (error)
		return error;
	error = btf_emit_functions(&emit, &c->funcs, &c->kfuncs, nodes);
	if (!error)
		error = btf_emit_variables(&emit, &c->vars, &c->percpu, nodes + c->funcs.count);
	if (!error)
		error = btf_build_finish(build, c->image.other_order, ret);
	if (error)
		return btfpack_error_set(err, error, "%s: cannot write its BTF: %s", c->image.path,
					 strerror(-error));
	*repeats_ret = emit.names.has_repeats;
	return 0;
}

/* --- the whole
 * --------------------------------------------------------------------------------------- */

static unsigned int count_jobs(unsigned int jobs, size_t units)
{
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

struct symbols_reader {
	struct conversion *conversion;
	int error;
	struct btfpack_error err;
};

/* What is read of the file beside DWARF. */
static void *read_symbols(void *arg)
{
	struct symbols_reader *reader = arg;
	struct conversion *c = reader->conversion;

	if (c->flags & BTFPACK_CONVERT_NO_FUNCS)
		return NULL;
	reader->error = func_symbols_init(&c->symbols, &c->image, &reader->err);
	if (!reader->error)
		reader->error = percpu_section_init(&c->percpu, &c->image, &reader->err);
	if (!reader->error)
		reader->error = kfuncs_init(&c->kfuncs, &c->image, &reader->err);
	return NULL;
}

/* List the units and read the symbols, at the same time if there may be two threads. */
static int list_contents(struct conversion *c, unsigned int jobs, struct btfpack_error *err)
{
	struct symbols_reader reader = { .conversion = c };
	pthread_t thread;
	bool started = jobs > 1 && !pthread_create(&thread, NULL, read_symbols, &reader);
	int error = dwarf_file_list(&c->file, err);

	if (started)
		pthread_join(thread, NULL);
	else if (!error)
		read_symbols(&reader);
	if (!error && reader.error)
		error = btfpack_error_set(err, reader.err.code, "%s", reader.err.message);
	return error;
}

static int open_alt(struct conversion *c, const char *dwz_path, char **path_ret,
		    struct btfpack_error *err)
{
	int found = dwz_file_open(&c->image, dwz_path, &c->alt_image, path_ret, err);

	if (found > 0)
		found = dwarf_file_init(&c->alt_file, &c->alt_image, err);
	else
		return found;
	if (!found)
		found = dwarf_file_list(&c->alt_file, err);
	return found ? found : dwarf_file_set_alt(&c->file, &c->alt_file, err);
}

static int read_and_emit(struct conversion *c, struct btfpack_blob *ret, bool *repeats_ret,
			 struct btfpack_error *err)
{
	CLEANUP(type_graph_deinit) struct type_graph graph = { 0 };
	AUTO_FREE uint32_t *nodes = NULL;
	int error = conversion_read(c, err);

	if (error)
		return error;
	if (build_graph(c, &graph, &nodes) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
	return emit(c, &graph, nodes, ret, repeats_ret, err);
}

/* Once more, where some string has two names: gcc writes "int" inline, clang by its
 * offset in .debug_str, and a file can hold units of both. One thread, as the table of
 * strings grows while units are read; but no file of one compiler comes to this. */
static int convert_again(struct conversion *c, struct btfpack_blob *ret, struct btfpack_error *err)
{
	bool repeats;

	btfpack_blob_free(ret);
	conversion_forget(c);
	c->worker_count = 1;
	if (dwarf_file_unify(&c->file) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
	return read_and_emit(c, ret, &repeats, err);
}

static int convert_dwarf(struct conversion *c, struct btfpack_blob *ret, struct btfpack_error *err)
{
	bool repeats = false;
	int error;

	c->units = calloc(c->file.unit_count + 1, sizeof(*c->units));
	if (!c->units)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
	error = read_and_emit(c, ret, &repeats, err);
	return !error && repeats ? convert_again(c, ret, err) : error;
}

static void conversion_deinit(struct conversion *c)
{
	type_pool_deinit(&c->pool);
	type_pool_deinit(&c->alt_pool);
	type_table_deinit(&c->table);
	func_defs_deinit(&c->funcs);
	var_defs_deinit(&c->vars);
	func_symbols_deinit(&c->symbols);
	percpu_section_deinit(&c->percpu);
	kfuncs_deinit(&c->kfuncs);
	for (size_t u = 0; c->units && u <= c->file.unit_count; u++)
		class_list_deinit(&c->units[u]);
	free(c->units);
	dwarf_file_deinit(&c->file);
	dwarf_file_deinit(&c->alt_file);
	elf_image_deinit(&c->image);
	elf_image_deinit(&c->alt_image);
}

/* A file that has only .BTF gives that. */
static int take_section(struct conversion *c, struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	struct elf_section section;
	int error = elf_image_section(&c->image, ".BTF", &section, err);

	if (error || !section.size)
		return error ? error : -ENOENT;
	error = btf_view_init(&view, section.data, section.size,
			      c->base ? &c->base->view : NULL, c->image.path, err);
	if (error)
		return error;
	ret->data = malloc(section.size);
	if (!ret->data)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->image.path);
	memcpy(ret->data, section.data, section.size);
	ret->size = section.size;
	return 0;
}

#define KNOWN_FLAGS \
	(BTFPACK_CONVERT_NO_FUNCS | BTFPACK_CONVERT_NO_ENUM64 | BTFPACK_CONVERT_IGNORE_BTF)

static int convert(const char *path, const struct base_types *base,
		   const struct btfpack_convert_opts *opts, struct btfpack_blob *ret,
		   struct btfpack_error *err)
{
	AUTO_FREE char *alt_path = NULL;
	CLEANUP(conversion_deinit) struct conversion c = { 0 };
	struct btfpack_error reason = { 0 };
	struct btfpack_blob blob = { 0 };
	int error;

	if (opts && opts->size < sizeof(*opts))
		return btfpack_error_set(err, -EINVAL, "btfpack_convert: opts->size is not set");
	c.flags = opts ? opts->flags : 0;
	if (c.flags & ~KNOWN_FLAGS)
		return btfpack_error_set(err, -EINVAL,
					 "btfpack_convert: flags %#x, of which are known %#x", c.flags,
					 KNOWN_FLAGS);
	c.base = base;
	error = elf_image_init(&c.image, path, err);
	if (error)
		return error;
	error = dwarf_file_init(&c.file, &c.image, &reason);
	if (error == -EOPNOTSUPP && !c.file.info.size) {
		int taken = take_section(&c, ret, err);

		if (taken != -ENOENT)
			return taken;
	}
	if (error)
		return btfpack_error_set(err, reason.code, "%s", reason.message);
	error = list_contents(&c, count_jobs(opts ? opts->jobs : 0, SIZE_MAX), err);
	if (error)
		return error;
	c.worker_count = count_jobs(opts ? opts->jobs : 0, c.file.unit_count);
	error = open_alt(&c, opts ? opts->dwz_path : NULL, &alt_path, err);
	if (!error)
		error = convert_dwarf(&c, &blob, err);
	if (!error)
		*ret = blob; /* the caller's */
	return error;
}

int btfpack_convert(const char *path, const struct btfpack_convert_opts *opts,
		    struct btfpack_blob *ret, struct btfpack_error *err)
{
	return convert(path, NULL, opts, ret, err);
}

struct btfpack_module_base {
	struct base_types types;
};

int btfpack_module_base_new(const struct btfpack_blob *btf, struct btfpack_module_base **ret,
			    struct btfpack_error *err)
{
	struct btfpack_module_base *base = calloc(1, sizeof(*base));
	int error = base ? base_types_init(&base->types, btf, err)
			 : btfpack_error_set(err, -ENOMEM, "out of memory for the base BTF");

	if (error)
		btfpack_module_base_free(base);
	else
		*ret = base; /* the caller's */
	return error;
}

void btfpack_module_base_free(struct btfpack_module_base *base)
{
	if (base)
		base_types_deinit(&base->types);
	free(base);
}

int btfpack_convert_module_on(const char *path, const struct btfpack_module_base *base,
			      const struct btfpack_convert_opts *opts, struct btfpack_blob *ret,
			      struct btfpack_error *err)
{
	return convert(path, &base->types, opts, ret, err);
}

int btfpack_convert_module(const char *path, const struct btfpack_blob *base,
			   const struct btfpack_convert_opts *opts, struct btfpack_blob *ret,
			   struct btfpack_error *err)
{
	struct btfpack_module_base *prepared = NULL;
	int error = btfpack_module_base_new(base, &prepared, err);

	if (!error)
		error = btfpack_convert_module_on(path, prepared, opts, ret, err);
	btfpack_module_base_free(prepared);
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
