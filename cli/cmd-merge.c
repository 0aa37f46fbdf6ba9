/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge: the union of archives, as machines that each built a part make it. Each
 * entry is stored in a transaction of its own, so a merge that is killed has what
 * it had so far, and run again does the rest. Where two archives know the same
 * build of a kernel by different contents the one stored later stands; so the order
 * of the archives does not matter.
 */
#include <stdio.h>
#include <string.h>

#include "cli/store.h"

enum { ARCHIVE, RECODE };

static const struct cmd_option options[] = {
	[ARCHIVE] = STORE_ARCHIVE_OPTION,
	[RECODE] = { 0, "recode", NULL, "encode all anew: takes longer, may take less room" },
	{ 0 },
};

struct merge {
	struct btfpack_archive *into;
	struct btfpack_archive *from;
	const char *from_dir;
	bool recode;
	size_t stored, known, older, failures;
};

/* The modules that its kernel has there. Not where the BTF they stand on is not the one
 * that stands here. */
static int merge_modules(struct merge *m, const struct btfpack_entry *e, int result,
			 struct btfpack_error *err)
{
	AUTO_MODULES struct btfpack_modules modules = { 0 };
	int error;

	if (!e->has_modules || result == BTFPACK_ARCHIVE_OLDER)
		return result;
	error = btfpack_archive_get_modules(m->from, e, NULL, &modules, err);
	if (!error)
		error = btfpack_archive_copy_modules(m->into, e, &modules, err);
	return error < 0 || result ? error : 0; /* stored, if either was */
}

static int merge_entry(struct merge *m, const struct btfpack_entry *e, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	int result;

	if (m->recode) {
		result = btfpack_archive_get(m->from, &e->id, &btf, err);
		if (!result)
			result = btfpack_archive_copy(m->into, e, &btf, err);
	} else {
		result = btfpack_archive_copy_from(m->into, m->from, e, err);
	}
	if (result >= 0)
		result = merge_modules(m, e, result, err);
	if (result < 0)
		return result;
	m->older += result == BTFPACK_ARCHIVE_OLDER;
	m->known += result == 1;
	m->stored += !result;
	return 0;
}

/* The entries whose contents are told by so many others. *@deeper_ret: there are some
 * told by more. */
static int merge_level(struct merge *m, unsigned int bases, size_t *done, bool *deeper_ret,
		       struct btfpack_error *err)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *e;
	int more = btfpack_archive_list(m->from, NULL, BTFPACK_SET_ANY, &it, err);

	*deeper_ret = false;
	while (more >= 0 && (more = btfpack_entry_iter_next(it, &e, err)) > 0) {
		*deeper_ret |= e->bases > bases;
		if (e->bases != bases && !m->recode)
			continue;
		output_progress("%s: %zu, now %s", m->from_dir, ++*done, e->kernel.uname);
		if (merge_entry(m, e, err) < 0)
			more = err->code;
	}
	return more;
}

/* What others are told by comes first: so these need not be encoded anew. To encode
 * all, one level and the order of names are as good. */
static int merge_entries(struct merge *m, struct btfpack_error *err)
{
	bool deeper = true;
	size_t done = 0;
	int error = 0;

	for (unsigned int bases = 0; !error && deeper && (!bases || !m->recode); bases++)
		error = merge_level(m, bases, &done, &deeper, err);
	output_progress(NULL);
	return error;
}

/* Failures that no entry answers: a kernel that one machine could not have may lie
 * in the archive of another. */
static int merge_failure(struct merge *m, const struct btfpack_failure *f, struct btfpack_error *err)
{
	struct btfpack_error noted = { .code = f->code };
	const bool has_version = f->provenance.package && f->provenance.package_version;
	int has = 0;

	if (f->kernel.uname)
		has = btfpack_archive_has(m->into, &f->kernel, NULL, err);
	if (!has && (has_version || f->provenance.package_sha256))
		has = btfpack_archive_has_package(m->into, &f->kernel, &f->provenance, err);
	if (has)
		return has < 0 ? has : 0;
	snprintf(noted.message, sizeof(noted.message), "%s", f->reason);
	m->failures++;
	return btfpack_archive_note_failure(m->into, &f->kernel, &f->provenance, &noted, err);
}

static void failure_iter_freep(struct btfpack_failure_iter **it)
{
	btfpack_failure_iter_free(*it);
}

static int merge_failures(struct merge *m, struct btfpack_error *err)
{
	CLEANUP(failure_iter_freep) struct btfpack_failure_iter *it = NULL;
	const struct btfpack_failure *f;
	int more = btfpack_archive_list_failures(m->from, NULL, &it, err);

	while (more >= 0 && (more = btfpack_failure_iter_next(it, &f, err)) > 0)
		if (merge_failure(m, f, err) < 0)
			more = err->code;
	return more;
}

static int merge_one(const struct cmd *cmd, struct merge *m, const char *dir)
{
	AUTO_ARCHIVE struct btfpack_archive *from = NULL;
	const struct store_args other = { .archive = dir };
	struct btfpack_error err;
	int status = store_open(cmd, &other, BTFPACK_ARCHIVE_READ_ONLY, &from);

	if (status)
		return status;
	m->from = from;
	m->from_dir = dir;
	return merge_entries(m, &err) < 0 || merge_failures(m, &err) < 0 ? cmd_fail(&err) : CMD_OK;
}

static void print_result(const struct merge *m)
{
	if (cmd_common.json)
		output_json(output_object("IIII", "stored", (json_int_t)m->stored, "known",
				      (json_int_t)m->known, "older", (json_int_t)m->older, "failures",
				      (json_int_t)m->failures));
	else
		output_tell("%zu stored, %zu were there already, %zu older than what is there, %zu "
			    "failed packages noted",
			    m->stored, m->known, m->older, m->failures);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	AUTO_ARCHIVE struct btfpack_archive *into = NULL;
	struct store_args args = { 0 };
	struct merge merge = { 0 };
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0) {
		if (option == RECODE)
			merge.recode = true;
		else
			args.archive = parser.value;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (parser.operand == argc)
		return cmd_usage(cmd, "expected at least one OTHER archive");
	status = store_open(cmd, &args, BTFPACK_ARCHIVE_CREATE, &into);
	merge.into = into;
	/* A bad archive is said; the others are merged all the same. */
	for (int i = parser.operand; into && i < argc; i++) {
		int one = merge_one(cmd, &merge, argv[i]);

		status = status == CMD_OK ? one : status;
	}
	if (into)
		print_result(&merge);
	return status;
}

const struct cmd cmd_merge = {
	.name = "merge",
	.summary = "put what other archives hold into one",
	.arguments = "--archive DIR OTHER...",
	.options = options,
	.run = run,
};
