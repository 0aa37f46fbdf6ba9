/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack bundle: kernels of the store, cut down to what BPF objects need, in one
 * file for a release to ship. Composition alone: the store finds, the minifier
 * cuts, the bundle packs, a form writes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <btfpack/archive.h>
#include <btfpack/bundle.h>
#include <btfpack/check.h>
#include <btfpack/minify.h>

#include "cli/bundle-cache.h"
#include "cli/bundle-emit.h"
#include "cli/bundle-sign.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "cli/store.h"
#include "cli/stored-kernel.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "core/fs.h"
#include "core/log.h"

#define OBJECT_MAXIMUM	((size_t)64 << 20)
#define BUILD_ID_MOST	20

enum { EMIT = STORE_END, PLAIN, NO_PROVENANCE, BUILD_ID_BYTES, NO_ENUM64, SIGN, OUTPUT };

static const struct cmd_option options[] = {
	STORE_OPTIONS,
	[EMIT] = { 0, "emit", "FORM", "file (default), dir, tar.gz, c, go or rust" },
	[PLAIN] = { 0, "plain", NULL, "compress nothing, for loaders without zstd" },
	[NO_PROVENANCE] = { 0, "no-provenance", NULL, "leave out what it was made of" },
	[BUILD_ID_BYTES] = { 0, "build-id-bytes", "N", "keep so much of each build-id (3; at most 20)" },
	[NO_ENUM64] = { 0, "no-enum64", NULL, "no 64-bit enums, for parsers before 2022" },
	[SIGN] = { 0, "sign", "KEY", "sign it with the Ed25519 private key in this PEM file" },
	[OUTPUT] = { 'o', "output", "OUT", "write it there; - is stdout" },
	{ 0, NULL, NULL, NULL },
};

struct request {
	struct store_args store;
	const char *output;
	const char *sign; /* file of the key; NULL: do not */
	const struct bundle_form *form;
	uint32_t flags;
	unsigned long build_id_size; /* 0: as many bytes as it takes */
	uint32_t minify_flags;
	struct btfpack_archive *archive;
	struct btfpack_minifier *minifier; /* NULL: take the BTFs as they are */
	struct btfpack_checker *checker;   /* with the minifier */
	struct btfpack_bundle *bundle;
	struct bundle_cache *cache;
	size_t unloadable; /* kernels on which some program cannot load */
};

/* --- one kernel --------------------------------------------------------------------------------- */

/* The content that all of it hangs on: that of the modules holds vmlinux's, too. */
static const struct btfpack_id *full_id(const struct btfpack_entry *entry)
{
	return entry->modules ? &entry->modules_id : &entry->id;
}

/* What the checker says of one kernel, while it runs. */
struct judgement {
	struct btfpack_bundle_verdict *verdicts; /* room for all programs; reasons are ours */
	size_t count;
	uint32_t program; /* the next one */
	bool rejects;
	bool failed; /* no memory */
};

static void deinit_judgement(struct judgement *j)
{
	for (size_t i = 0; i < j->count; i++)
		free((char *)j->verdicts[i].reason);
	free(j->verdicts);
}

static void take_verdict(const struct btfpack_program_verdict *v, void *arg)
{
	struct judgement *j = arg;
	uint32_t program = j->program++;
	char *reason;

	if (v->verdict == BTFPACK_VERDICT_LOADS)
		return;
	reason = strdup(v->reason);
	if (!reason) {
		j->failed = true;
		return;
	}
	j->rejects |= v->verdict == BTFPACK_VERDICT_REJECTED;
	j->verdicts[j->count++] = (struct btfpack_bundle_verdict){ program, v->verdict, reason };
}

static int judge(const struct request *r, const struct stored_kernel *full, const char *name,
		 const char *uname, struct judgement *ret, struct btfpack_error *err)
{
	struct btfpack_check_kernel kernel = {
		.size = sizeof(kernel), .name = name, .btf = &full->btf, .uname = uname,
		.source = full->source
	};
	int error;

	ret->verdicts = calloc(btfpack_checker_count_programs(r->checker) + 1,
			       sizeof(*ret->verdicts));
	if (!ret->verdicts)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	error = btfpack_checker_run(r->checker, &kernel, take_verdict, ret, err);
	if (!error && ret->failed)
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	return error;
}

/* libbpf takes a single file for vmlinux and all modules. */
static int minify(const struct request *r, const struct stored_kernel *full, const char *name,
		  struct btfpack_blob *ret, struct btfpack_error *err)
{
	const struct btfpack_minify_opts opts = {
		.size = sizeof(opts),
		.flags = r->minify_flags | BTFPACK_MINIFY_ALLOW_MISSING,
		.source = full->source,
	};

	return btfpack_minifier_run(r->minifier, &full->btf, name, &opts, ret, err);
}

static int add_kernel(struct request *r, const struct btfpack_entry *entry,
		      const struct btfpack_blob *btf, const struct judgement *judgement,
		      struct btfpack_error *err)
{
	const struct btfpack_provenance *from = &entry->provenance;
	struct btfpack_bundle_facts facts = { .digest = from->package_sha256,
					      .is_judged = judgement,
					      .verdicts = judgement ? judgement->verdicts : NULL,
					      .verdict_count = judgement ? judgement->count : 0 };
	AUTO_FREE char *package = NULL;

	if (from->package && asprintf(&package, "%s%s%s", from->package,
				      from->package_version ? " " : "",
				      from->package_version ? from->package_version : "") < 0) {
		package = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", from->package);
	}
	facts.package = package;
	return btfpack_bundle_add(r->bundle, &entry->kernel, btf, &facts, err);
}

/* Cut and judge a kernel, or know it from an earlier bundle. */
static int make_small(struct request *r, const struct btfpack_entry *entry,
		      struct btfpack_blob *small, struct judgement *judgement,
		      struct btfpack_error *err)
{
	AUTO_STORED_KERNEL struct stored_kernel full = { 0 };
	char name[640];
	int error;

	store_entry_text(entry, name);
	if (bundle_cache_find(r->cache, full_id(entry), name, small, &judgement->verdicts,
			      &judgement->count)) {
		for (size_t i = 0; i < judgement->count; i++)
			judgement->rejects |=
				judgement->verdicts[i].verdict == BTFPACK_VERDICT_REJECTED;
		return 0;
	}
	error = stored_kernel_init(&full, r->archive, entry, err);
	if (!error)
		error = minify(r, &full, name, small, err);
	if (!error)
		error = judge(r, &full, name, entry->kernel.uname, judgement, err);
	if (!error)
		bundle_cache_keep(r->cache, full_id(entry), name, small, judgement->verdicts,
				  judgement->count);
	return error;
}

static int take_entry(struct request *r, const struct btfpack_entry *entry,
		      struct btfpack_error *err)
{
	CLEANUP(deinit_judgement) struct judgement judgement = { 0 };
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	int error;

	if (!r->minifier) {
		error = btfpack_archive_get(r->archive, &entry->id, &btf, err);
		return error ? error : add_kernel(r, entry, &btf, NULL, err);
	}
	error = make_small(r, entry, &btf, &judgement, err);
	if (error)
		return error;
	r->unloadable += judgement.rejects;
	return add_kernel(r, entry, &btf, &judgement, err);
}

static int take_entries(struct request *r, struct btfpack_error *err)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *entry;
	size_t done = 0;
	int more;

	more = btfpack_archive_list(r->archive, &r->store.filter.kernel, r->store.set, &it, err);
	if (more < 0)
		return more;
	while ((more = btfpack_entry_iter_next(it, &entry, err)) > 0) {
		output_progress("%zu kernels, now %s", done++, entry->kernel.uname);
		more = take_entry(r, entry, err);
		if (more < 0)
			break;
	}
	output_progress(NULL);
	return more;
}

/* --- the whole ---------------------------------------------------------------------------------- */

static int add_object(struct request *r, const char *path, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob object = { 0 };
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct btfpack_id id;
	int error = fs_read(path, OBJECT_MAXIMUM, &object, err);

	if (!error && digest_bytes(object.data, object.size, &id) < 0)
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	if (!error)
		error = btfpack_minifier_add_object_mem(r->minifier, object.data, object.size, path,
							err);
	if (!error)
		error = btfpack_checker_add_object(r->checker, path, err);
	if (!error)
		error = btfpack_bundle_add_object(r->bundle, name, &id, err);
	if (!error)
		bundle_cache_add_object(r->cache, path, &id);
	return error;
}

/* Name the programs in the order in which the checker will judge them. */
struct naming {
	struct btfpack_bundle *bundle;
	struct btfpack_error *err;
	int error;
};

static void name_program(const char *object, const char *program, const char *section, void *arg)
{
	const char *slash = strrchr(object, '/');
	struct naming *n = arg;
	uint32_t number;

	(void)section;
	if (!n->error)
		n->error = btfpack_bundle_add_program(n->bundle, slash ? slash + 1 : object,
						      program, &number, n->err);
}

/* All bad objects are named, not just the first. */
static int prepare(struct request *r, char **objects, int count)
{
	struct btfpack_error err;
	struct naming naming;
	int status = CMD_OK;

	if (btfpack_bundle_new(&r->bundle, &err) < 0 ||
	    (count && (btfpack_minifier_new(&r->minifier, &err) < 0 ||
		       btfpack_checker_new(&r->checker, &err) < 0)))
		return cmd_fail(&err);
	r->cache = count ? bundle_cache_new() : NULL;
	for (int i = 0; i < count; i++)
		if (add_object(r, objects[i], &err) < 0)
			status = cmd_fail(&err);
	bundle_cache_open(r->cache, r->store.archive, r->minify_flags);
	naming = (struct naming){ .bundle = r->bundle, .err = &err };
	if (status == CMD_OK && r->checker)
		btfpack_checker_list(r->checker, name_program, &naming);
	return naming.error ? cmd_fail(&err) : status;
}

static void print_result(const struct request *r, size_t size)
{
	size_t kernels = btfpack_bundle_count_kernels(r->bundle);
	size_t blobs = btfpack_bundle_count_blobs(r->bundle);
	char text[16];

	if (cmd_common.json)
		output_json(output_object("sIIII", "output", r->output, "kernels",
				      (json_int_t)kernels, "blobs", (json_int_t)blobs, "size",
				      (json_int_t)size, "unloadable", (json_int_t)r->unloadable));
	else
		output_tell("%s: %zu kernels, %zu different BTFs, %s as a bundle (%.0f bytes a kernel)",
			    r->output, kernels, blobs, output_size(size, text),
			    (double)size / (double)kernels);
	if (r->unloadable)
		output_tell("on %zu of them some program cannot load; select and check tell which",
			    r->unloadable);
}

static int make_bundle(struct request *r)
{
	const struct btfpack_bundle_opts opts = { .size = sizeof(opts),
						   .flags = r->flags,
						   .build_id_size = r->build_id_size };
	AUTO_BLOB struct btfpack_blob bytes = { 0 };
	struct btfpack_error err;
	char filter[256];

	if (take_entries(r, &err) < 0)
		return cmd_fail(&err);
	if (!btfpack_bundle_count_kernels(r->bundle)) {
		filter_describe(&r->store.filter, filter);
		output_say("%s: no kernel%s%s stored there", r->store.archive, *filter ? " of " : "",
			   filter);
		return CMD_NO;
	}
	if (btfpack_bundle_write(r->bundle, &opts, &bytes, &err) < 0 ||
	    (r->sign && bundle_sign(&bytes, r->sign, &err) < 0) ||
	    r->form->emit(&bytes, r->output, &err) < 0)
		return cmd_fail(&err);
	print_result(r, bytes.size);
	return CMD_OK;
}

/* False when the value makes no sense, which was said. */
static bool take_option(const struct cmd *cmd, int option, const char *value, struct request *r)
{
	int taken = store_take(cmd, &r->store, option, value);

	if (taken)
		return taken > 0;
	switch (option) {
	case EMIT:
		r->form = bundle_form_find(value);
		if (!r->form)
			cmd_usage(cmd, "--emit takes one of %s, not '%s'", bundle_form_names(), value);
		return r->form;
	case PLAIN:
		r->flags |= BTFPACK_BUNDLE_PLAIN;
		break;
	case NO_PROVENANCE:
		r->flags |= BTFPACK_BUNDLE_NO_PROVENANCE;
		break;
	case BUILD_ID_BYTES:
		return cmd_number(cmd, "--build-id-bytes", value, BUILD_ID_MOST, &r->build_id_size);
	case NO_ENUM64:
		r->minify_flags |= BTFPACK_MINIFY_NO_ENUM64;
		break;
	case SIGN:
		r->sign = value;
		break;
	case OUTPUT:
		r->output = value;
		break;
	}
	return true;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct request r = { .form = bundle_form_find("file") };
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (!take_option(cmd, option, parser.value, &r))
			return CMD_USAGE;
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (!r.output)
		return cmd_usage(cmd, "where to? -o OUT is missing");
	if (!strcmp(r.output, "-") && (cmd_common.json || strcmp(r.form->name, "file")))
		return cmd_usage(cmd, "only a bundle file without --json goes to stdout");
	if (r.sign && r.form->drops_signature)
		return cmd_usage(cmd, "--emit %s has no place for a signature", r.form->name);
	status = store_open(cmd, &r.store, BTFPACK_ARCHIVE_READ_ONLY, &r.archive);
	if (status == CMD_OK)
		status = prepare(&r, argv + parser.operand, argc - parser.operand);
	if (status == CMD_OK)
		status = make_bundle(&r);
	btfpack_bundle_free(r.bundle);
	btfpack_minifier_free(r.minifier);
	btfpack_checker_free(r.checker);
	bundle_cache_free(r.cache);
	btfpack_archive_close(r.archive);
	return status;
}

const struct cmd cmd_bundle = {
	.name = "bundle",
	.summary = "pack what BPF objects need of many kernels into one file",
	.arguments = "--archive DIR -o OUT OBJ...",
	.options = options,
	.run = run,
};
