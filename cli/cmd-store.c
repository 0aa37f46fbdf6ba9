/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in the store: ls, rm. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/store.h"

/* --- ls --------------------------------------------------------------------------------------- */

static void print_entry(const struct btfpack_entry *e)
{
	char text[640], size[16], stored[16], modules[64] = "";

	if (cmd_common.json) {
		output_json(store_entry_json(e));
		return;
	}
	if (e->has_modules)
		snprintf(modules, sizeof(modules), "  %u modules %s", e->modules,
			 output_size(e->modules_stored_size, stored));
	printf("%-60s %8s %8s%s\n", store_entry_text(e, text), output_size(e->raw_size, size),
	       output_size(e->stored_size, stored), modules);
}

static void print_failure(const struct btfpack_failure *f)
{
	const struct btfpack_provenance *p = &f->provenance;

	if (!cmd_common.json) {
		printf("%s %s %s %s%s%s: %s (tried %" PRIu32 " times)\n", f->kernel.distro,
		       f->kernel.release, f->kernel.arch, p->package,
		       p->package_version ? " " : "", p->package_version ? p->package_version : "",
		       f->reason, f->attempts);
		return;
	}
	json_t *object = output_kernel(&f->kernel);
	json_t *more = output_object("sssssiIII", "package",
				 p->package, "package_version", p->package_version,
				 "package_sha256", p->package_sha256, "source", p->source, "reason",
				 f->reason, "code", f->code, "attempts", (json_int_t)f->attempts,
				 "first", (json_int_t)f->first, "last", (json_int_t)f->last);

	json_object_update(object, more);
	json_decref(more);
	output_json(object);
}

static int list_failures(struct btfpack_archive *archive, const struct store_args *args)
{
	struct btfpack_failure_iter *it;
	const struct btfpack_failure *f;
	struct btfpack_error err;
	int count = 0;

	if (btfpack_archive_list_failures(archive, &args->filter.kernel, &it, &err))
		return cmd_fail(&err);
	for (; btfpack_failure_iter_next(it, &f, &err) > 0; count++)
		print_failure(f);
	btfpack_failure_iter_free(it);
	return count ? CMD_OK : CMD_NO;
}

static int run_ls(const struct cmd *cmd, int argc, char **argv)
{
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	struct store_args args = { 0 };
	const struct btfpack_entry *e;
	const char *failed = NULL;
	struct btfpack_error err;
	int count = 0, status = store_begin(cmd, argc, argv, BTFPACK_ARCHIVE_READ_ONLY, &args,
					    &failed, &archive);

	if (!archive)
		return status;
	if (failed)
		return list_failures(archive, &args);
	if (btfpack_archive_list(archive, &args.filter.kernel, args.set, &it, &err))
		return cmd_fail(&err);
	for (; btfpack_entry_iter_next(it, &e, &err) > 0; count++)
		print_entry(e);
	return count ? CMD_OK : store_no_match(&args);
}

static const struct cmd_option ls_options[] = {
	STORE_OPTIONS,
	{ 0, "failed", NULL, "the packages that gave no BTF, and why" },
	{ 0 },
};

const struct cmd cmd_ls = {
	.name = "ls",
	.summary = "list what is stored",
	.arguments = "--archive DIR",
	.options = ls_options,
	.run = run_ls,
};

/* --- rm --------------------------------------------------------------------------------------- */

static int remove_matches(struct btfpack_archive *archive, struct btfpack_entry_iter *it,
			  int *count)
{
	const struct btfpack_entry *e;
	struct btfpack_error err;
	char text[640];

	for (; btfpack_entry_iter_next(it, &e, &err) > 0; ++*count) {
		if (btfpack_archive_remove(archive, &e->kernel, e->set, &err) < 0)
			return cmd_fail(&err);
		if (cmd_common.json)
			output_json(store_entry_json(e));
		else
			printf("removed %s\n", store_entry_text(e, text));
	}
	return CMD_OK;
}

static int run_rm(const struct cmd *cmd, int argc, char **argv)
{
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	struct store_args args = { 0 };
	const struct btfpack_kernel *k = &args.filter.kernel;
	struct btfpack_error err;
	int count = 0, status = store_begin(cmd, argc, argv, 0, &args, NULL, &archive);

	if (!archive)
		return status;
	if (!k->distro && !k->release && !k->arch && !k->uname && !k->build_id && !args.set)
		return cmd_usage(cmd, "expected which ones: --uname, --release, --set ...");
	/* A kernel goes with what was made of it. */
	if (btfpack_archive_list(archive, k, args.set ? args.set : BTFPACK_SET_ANY, &it, &err))
		return cmd_fail(&err);
	status = remove_matches(archive, it, &count);
	if (status == CMD_OK && !count)
		return store_no_match(&args);
	return status;
}

static const struct cmd_option store_options[] = { STORE_OPTIONS, { 0 } };

const struct cmd cmd_rm = {
	.name = "rm",
	.summary = "remove kernels from the store",
	.arguments = "--archive DIR --uname U ...",
	.options = store_options,
	.run = run_rm,
};
