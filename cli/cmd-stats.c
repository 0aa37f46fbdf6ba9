/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stats: figures of the store. What the index knows comes at once; --measure
 * reads every BTF, one at a time; --html draws how the store grew.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "btf/btf-hash.h"
#include "cli/stats-page.h"
#include "cli/store.h"
#include "core/fs.h"
#include "fetcher/tarball.h"

/* --- by series ---------------------------------------------------------------------------------- */

/* Kernels of one distro, release and architecture. */
struct series {
	char distro[256], release[256], arch[256];
	uint64_t entries, raw, stored;
};

static void print_series(const struct series *s)
{
	char raw[16], stored[16];

	if (!s->entries)
		return;
	if (cmd_common.json)
		output_json(output_object("sssIII", "distro", s->distro,
				      "release", s->release, "arch", s->arch, "entries",
				      (json_int_t)s->entries, "raw_bytes", (json_int_t)s->raw,
				      "stored_bytes", (json_int_t)s->stored));
	else
		printf("  %s %s %s: %" PRIu64 " entries, %s raw, %s stored\n", s->distro, s->release,
		       s->arch, s->entries, output_size(s->raw, raw),
		       output_size(s->stored, stored));
}

static bool is_of(const struct series *s, const struct btfpack_kernel *k)
{
	return s->entries && !strcmp(s->distro, k->distro) && !strcmp(s->release, k->release) &&
	       !strcmp(s->arch, k->arch);
}

static void begin_series(struct series *s, const struct btfpack_kernel *k)
{
	*s = (struct series){ 0 };
	snprintf(s->distro, sizeof(s->distro), "%s", k->distro);
	snprintf(s->release, sizeof(s->release), "%s", k->release);
	snprintf(s->arch, sizeof(s->arch), "%s", k->arch);
}

/* The listing is ordered by what a series is. */
static int print_all_series(struct btfpack_archive *archive, const struct store_args *args)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	struct series series = { 0 };
	const struct btfpack_entry *e;
	struct btfpack_error err;

	if (btfpack_archive_list(archive, &args->filter.kernel, BTFPACK_SET_ANY, &it, &err))
		return cmd_fail(&err);
	while (btfpack_entry_iter_next(it, &e, &err) > 0) {
		if (!is_of(&series, &e->kernel)) {
			print_series(&series);
			begin_series(&series, &e->kernel);
		}
		series.entries++;
		series.raw += e->raw_size;
		series.stored += e->stored_size;
	}
	print_series(&series);
	return CMD_OK;
}

/* --- what only reading tells -------------------------------------------------------------------- */

/* A set of hashes, open addressing; all zero is free. */
struct hash_set {
	struct btf_hash *table;
	size_t size, used; /* size: a power of two */
};

static int hash_set_grow(struct hash_set *set);

static int hash_set_add(struct hash_set *set, struct btf_hash hash)
{
	size_t i = hash.low;

	if (set->used * 2 >= set->size && hash_set_grow(set) < 0)
		return -ENOMEM;
	for (;; i++) {
		struct btf_hash *slot = &set->table[i & (set->size - 1)];

		if (btf_hash_is_equal(*slot, hash))
			return 0;
		if (!slot->low && !slot->high) {
			*slot = hash;
			set->used++;
			return 0;
		}
	}
}

static int hash_set_grow(struct hash_set *set)
{
	struct hash_set larger = { .size = set->size ? set->size * 2 : 1 << 16 };

	larger.table = calloc(larger.size, sizeof(*larger.table));
	if (!larger.table)
		return -ENOMEM;
	for (size_t i = 0; i < set->size; i++)
		if (set->table[i].low || set->table[i].high)
			hash_set_add(&larger, set->table[i]);
	free(set->table);
	*set = larger;
	return 0;
}

struct measured {
	uint64_t types, unique_types, tar_xz;
	struct hash_set seen;
};

static void measured_deinit(struct measured *m)
{
	free(m->seen.table);
}

static int measure_types(struct measured *m, const struct btfpack_blob *btf,
			 struct btfpack_error *err)
{
	CLEANUP(btf_hasher_deinit) struct btf_hasher h = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	int error = btf_view_init(&view, btf->data, btf->size, NULL, "BTF", err);

	if (error)
		return error;
	error = btf_hasher_init(&h, &view, BTF_HASH_DIMENSIONS);
	if (!error)
		error = btf_hasher_run(&h, NULL);
	for (uint32_t id = 1; !error && id < view.end_id; id++)
		error = hash_set_add(&m->seen, h.defs[id]);
	m->types += view.end_id - 1;
	return error ? btfpack_error_set(err, error, "out of memory") : 0;
}

/* As BTFHub keeps it: a tarball of its own, compressed by xz. */
static int measure_tar_xz(struct measured *m, const struct btfpack_entry *e,
			  const struct btfpack_blob *btf, struct btfpack_error *err)
{
	AUTO_FILE FILE *file = tmpfile();
	AUTO_FREE char *member = NULL;
	struct tarball *tarball = NULL;
	struct stat st;
	int error;

	if (!file || asprintf(&member, "%s.btf", e->kernel.uname) < 0)
		return btfpack_error_set(err, -errno, "a temporary file: %s", strerror(errno));
	error = tarball_new(fileno(file), "a temporary file", TARBALL_XZ, &tarball, err);
	if (!error)
		error = tarball_add(tarball, member, btf, err);
	if (!error)
		error = tarball_finish(tarball, err);
	tarball_free(tarball);
	if (!error && fstat(fileno(file), &st) == 0)
		m->tar_xz += (uint64_t)st.st_size;
	return error;
}

static int measure(struct btfpack_archive *archive, const struct store_args *args,
		   struct measured *m, struct btfpack_error *err)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *e;
	size_t done = 0;
	int more = btfpack_archive_list(archive, &args->filter.kernel, NULL, &it, err);

	while (more >= 0 && (more = btfpack_entry_iter_next(it, &e, err)) > 0) {
		AUTO_BLOB struct btfpack_blob btf = { 0 };

		output_progress("measuring %zu, %s", ++done, e->kernel.uname);
		if (btfpack_archive_get(archive, &e->id, &btf, err) < 0 ||
		    measure_types(m, &btf, err) < 0 || measure_tar_xz(m, e, &btf, err) < 0)
			more = err->code;
	}
	output_progress(NULL);
	m->unique_types = m->seen.used;
	return more;
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void print_line(const char *what, uint64_t bytes)
{
	char size[16];

	printf("%-34s %10s\n", what, output_size(bytes, size));
}

static void print_stats(const struct btfpack_archive_stats *s)
{
	char modules[80];

	if (cmd_common.json) {
		output_json(output_object(
			"IIIIIIIIIIIIII",
			"kernels",
			(json_int_t)s->kernels, "entries", (json_int_t)s->entries, "full",
			(json_int_t)s->full, "contents", (json_int_t)s->contents, "raw_bytes",
			(json_int_t)s->raw_bytes, "content_bytes", (json_int_t)s->content_bytes,
			"stored_bytes", (json_int_t)s->stored_bytes, "failures",
			(json_int_t)s->failures, "pack_bytes", (json_int_t)s->pack_bytes,
			"index_bytes", (json_int_t)s->index_bytes, "unused_bytes",
			(json_int_t)s->unused_bytes, "module_kernels",
			(json_int_t)s->module_kernels, "modules", (json_int_t)s->modules,
			"module_bytes", (json_int_t)s->module_bytes));
		return;
	}
	printf("%" PRIu64 " kernels, %" PRIu64 " entries (%" PRIu64 " full BTF), %" PRIu64
	       " contents, %" PRIu64 " failed packages\n",
	       s->kernels, s->entries, s->full, s->contents, s->failures);
	print_line("as files of their own", s->raw_bytes);
	print_line("distinct contents", s->content_bytes);
	print_line("distinct contents, compressed", s->stored_bytes);
	if (s->module_kernels) {
		snprintf(modules, sizeof(modules), "%" PRIu64 " modules of %" PRIu64 " kernels",
			 s->modules, s->module_kernels);
		print_line(modules, s->module_bytes);
	}
	print_line("packs", s->pack_bytes);
	print_line("index", s->index_bytes);
	print_line("gc would give back", s->unused_bytes);
}

static void print_measured(const struct measured *m)
{
	if (cmd_common.json) {
		output_json(output_object("III", "types", (json_int_t)m->types,
				      "unique_types", (json_int_t)m->unique_types, "tar_xz_bytes",
				      (json_int_t)m->tar_xz));
		return;
	}
	printf("%" PRIu64 " types in full BTFs, %" PRIu64 " of them different\n", m->types,
	       m->unique_types);
	print_line("full BTFs, each as tar.xz", m->tar_xz);
}

enum { SERIES = STORE_END, MEASURE, HTML };

static const struct cmd_option options[] = {
	STORE_OPTIONS,
	[SERIES] = { 0, "series", NULL, "and by distro, release and architecture" },
	[MEASURE] = { 0, "measure", NULL, "read all: different types, what tar.xz would weigh" },
	[HTML] = { 0, "html", "FILE", "write a page with a picture of the growth" },
	{ 0 },
};

struct request {
	struct store_args store;
	bool series, measure;
	const char *html;
};

static int answer(struct btfpack_archive *archive, const struct request *r)
{
	CLEANUP(measured_deinit) struct measured measured = { 0 };
	struct btfpack_archive_stats stats;
	struct btfpack_error err;
	int status = CMD_OK;

	if (btfpack_archive_get_stats(archive, &r->store.filter.kernel, &stats, &err))
		return cmd_fail(&err);
	print_stats(&stats);
	if (r->measure) {
		if (measure(archive, &r->store, &measured, &err) < 0)
			return cmd_fail(&err);
		print_measured(&measured);
	}
	if (r->series)
		status = print_all_series(archive, &r->store);
	if (status == CMD_OK && r->html &&
	    stats_page_write(archive, &r->store, &stats, measured.tar_xz, r->html, &err) < 0)
		return cmd_fail(&err);
	return status;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct request r = { 0 };
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0) {
		int taken = store_take(cmd, &r.store, option, parser.value);

		if (taken < 0)
			return CMD_USAGE;
		r.series |= option == SERIES;
		r.measure |= option == MEASURE;
		if (option == HTML)
			r.html = parser.value;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (parser.operand < argc)
		return cmd_usage(cmd, "'%s': expected no operand", argv[parser.operand]);
	if (r.html && !strcmp(r.html, "-"))
		return cmd_usage(cmd, "--html wants a file: figures go to stdout");
	status = store_open(cmd, &r.store, BTFPACK_ARCHIVE_READ_ONLY, &archive);
	return status ? status : answer(archive, &r);
}

const struct cmd cmd_stats = {
	.name = "stats",
	.summary = "say what the store holds and weighs",
	.arguments = "--archive DIR",
	.options = options,
	.run = run,
};
