/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * export: BTF out of the store, full or of one set, in forms that other tools read.
 *
 *   btfhub   OUT/<distro>/<release>/<arch>/<uname>.btf.tar.xz, arch as BTFHub
 *            spells it
 *   dir      OUT/<distro>/<release>/<arch>/<uname>.btf
 *   sysfs    OUT/<distro>/<release>/<arch>/<uname>/: vmlinux and the modules that are
 *            stored, as in /sys/kernel/btf
 *   tar      one tarball of the latter's files; compressed as OUT's name ends
 *
 * The same store gives the same bytes. These forms know one build of each uname:
 * where there are several, the one stored last is taken.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/own-modules.h"
#include "cli/store.h"
#include "core/fs.h"
#include "fetcher/tarball.h"

enum { OPT_FORMAT = STORE_END, OPT_OUTPUT };

static const struct cmd_option options[] = {
	STORE_OPTIONS,
	{ 0, "format", "FORMAT", "btfhub, dir, sysfs or tar" },
	{ 'o', "output", "OUT", "the directory, or the tarball (- is stdout), to write" },
	{ 0 },
};

struct export {
	struct btfpack_archive *archive;
	const char *output;
	struct tarball *tarball; /* of format tar */
	const struct btfpack_entry *entry; /* that is written */
	size_t count, passed_over;
};

/* BTFHub's one spelling that is not `uname -m`'s. */
static const char *btfhub_arch(const char *arch)
{
	return strcmp(arch, "aarch64") ? arch : "arm64";
}

static int format_path(char ret[1200], const char *prefix, const struct btfpack_kernel *k,
		       const char *arch, const char *suffix, struct btfpack_error *err)
{
	int length = snprintf(ret, 1200, "%s%s%s/%s/%s/%s%s", prefix, *prefix ? "/" : "",
			      k->distro, k->release, arch, k->uname, suffix);

	return length < 1200 ? 0
			     : btfpack_error_set(err, -ENAMETOOLONG, "%s: the path is too long",
						 k->uname);
}

static int make_parent(const char *path, struct btfpack_error *err)
{
	AUTO_FREE char *parent = strndup(path, (size_t)(strrchr(path, '/') - path));

	return parent ? fs_make_dirs(parent, err)
		      : btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
}

static int write_tarball(const char *path, const char *member, const struct btfpack_blob *btf,
			 struct btfpack_error *err)
{
	CLEANUP(fs_output_deinit) struct fs_output out = FS_OUTPUT_INIT;
	struct tarball *tarball = NULL;
	int error = fs_output_init(&out, path, err);

	if (!error)
		error = tarball_new(out.fd, path, TARBALL_XZ, &tarball, err);
	if (!error)
		error = tarball_add(tarball, member, btf, err);
	if (!error)
		error = tarball_finish(tarball, err);
	tarball_free(tarball);
	return error ? error : fs_output_commit(&out, err);
}

static int export_btfhub(struct export *x, const struct btfpack_kernel *k,
			 const struct btfpack_blob *btf, struct btfpack_error *err)
{
	char path[1200], member[300];
	int error = format_path(path, x->output, k, btfhub_arch(k->arch), ".btf.tar.xz", err);

	snprintf(member, sizeof(member), "%s.btf", k->uname);
	if (!error)
		error = make_parent(path, err);
	return error ? error : write_tarball(path, member, btf, err);
}

static int export_dir(struct export *x, const struct btfpack_kernel *k,
		      const struct btfpack_blob *btf, struct btfpack_error *err)
{
	char path[1200];
	int error = format_path(path, x->output, k, k->arch, ".btf", err);

	if (!error)
		error = make_parent(path, err);
	return error ? error : fs_write(path, btf->data, btf->size, err);
}

static int export_sysfs(struct export *x, const struct btfpack_kernel *k,
			const struct btfpack_blob *btf, struct btfpack_error *err)
{
	AUTO_MODULES struct btfpack_modules modules = { 0 };
	char path[1200];
	int error = format_path(path, x->output, k, k->arch, "", err);

	if (!error && x->entry->has_modules)
		error = btfpack_archive_get_modules(x->archive, x->entry, NULL, &modules, err);
	return error ? error : own_modules_write(path, btf, &modules, err);
}

static int export_tar(struct export *x, const struct btfpack_kernel *k,
		      const struct btfpack_blob *btf, struct btfpack_error *err)
{
	char path[1200];
	int error = format_path(path, "", k, k->arch, ".btf", err);

	return error ? error : tarball_add(x->tarball, path, btf, err);
}

typedef int (*export_fn)(struct export *x, const struct btfpack_kernel *k,
			 const struct btfpack_blob *btf, struct btfpack_error *err);

static const struct {
	const char *name;
	export_fn fn;
} formats[] = { { "btfhub", export_btfhub }, { "dir", export_dir },
		{ "sysfs", export_sysfs }, { "tar", export_tar } };

static export_fn find_format(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(formats); i++)
		if (!strcmp(name, formats[i].name))
			return formats[i].fn;
	return NULL;
}

/* --- what is exported --------------------------------------------------------------------------- */

/* Is there another build of the uname that was stored later? */
static int is_last(struct export *x, const struct btfpack_entry *e, struct btfpack_error *err)
{
	struct btfpack_kernel any_build = e->kernel;
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *other;
	int error;

	any_build.build_id = NULL;
	error = btfpack_archive_list(x->archive, &any_build, e->set, &it, err);
	if (error)
		return error;
	while ((error = btfpack_entry_iter_next(it, &other, err)) > 0) {
		int order = strcmp(other->kernel.build_id ? other->kernel.build_id : "",
				   e->kernel.build_id ? e->kernel.build_id : "");

		if (strcmp(other->kernel.uname, e->kernel.uname))
			continue; /* the uname was a pattern's spelling */
		if (order && (other->changed > e->changed ||
			      (other->changed == e->changed && order > 0)))
			return 0;
	}
	return error ? error : 1;
}

static int export_entry(struct export *x, const struct btfpack_entry *e, export_fn fn,
			struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	int error = is_last(x, e, err);

	if (error == 0)
		x->passed_over++;
	if (error <= 0)
		return error;
	error = btfpack_archive_get(x->archive, &e->id, &btf, err);
	x->entry = e;
	if (!error)
		error = fn(x, &e->kernel, &btf, err);
	if (error)
		return error;
	x->count++;
	output_progress("%zu exported", x->count);
	if (cmd_common.json)
		output_json(store_entry_json(e));
	return 0;
}

static int export_all(struct export *x, const struct store_args *args, export_fn fn,
		      struct btfpack_error *err)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *e;
	int error = btfpack_archive_list(x->archive, &args->filter.kernel, args->set, &it, err);

	while (!error && (error = btfpack_entry_iter_next(it, &e, err)) > 0)
		error = export_entry(x, e, fn, err);
	output_progress(NULL);
	return error;
}

/* One tarball of all, which appears whole or not at all. */
static int export_as_tar(struct export *x, const struct store_args *args,
			 struct btfpack_error *err)
{
	CLEANUP(fs_output_deinit) struct fs_output out = FS_OUTPUT_INIT;
	const char *output = strcmp(x->output, "-") ? x->output : "/dev/stdout";
	int error = fs_output_init(&out, output, err);

	if (!error)
		error = tarball_new(out.fd, output, tarball_compression_of(x->output),
				    &x->tarball, err);
	if (!error)
		error = export_all(x, args, export_tar, err);
	if (!error)
		error = tarball_finish(x->tarball, err);
	tarball_free(x->tarball);
	return error || !x->count ? error : fs_output_commit(&out, err);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct store_args args = { 0 };
	const char *format = NULL;
	struct export x = { 0 };
	struct btfpack_error err;
	export_fn fn;
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0) {
		if (option == OPT_FORMAT)
			format = parser.value;
		else if (option == OPT_OUTPUT)
			x.output = parser.value;
		else
			store_take(cmd, &args, option, parser.value);
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	fn = find_format(format);
	if (args.set && !strcmp(args.set, BTFPACK_SET_ANY))
		return cmd_usage(cmd, "--set '*': expected one set");
	if (!fn || !x.output || argc > parser.operand)
		return cmd_usage(cmd, "expected --format btfhub, dir, sysfs or tar, and -o OUT");
	if (!strcmp(x.output, "-") && (fn != export_tar || cmd_common.json))
		return cmd_usage(cmd, "only a tarball without --json goes to stdout");
	status = store_open(cmd, &args, BTFPACK_ARCHIVE_READ_ONLY, &archive);
	if (status)
		return status;
	x.archive = archive;
	if ((fn == export_tar ? export_as_tar(&x, &args, &err) : export_all(&x, &args, fn, &err)))
		return cmd_fail(&err);
	if (x.passed_over)
		output_tell("%zu passed over: another build of the same uname was stored later",
			    x.passed_over);
	output_tell("%zu exported", x.count);
	return x.count ? CMD_OK : CMD_NO;
}

const struct cmd cmd_export = {
	.name = "export",
	.summary = "write stored BTF as a BTFHub tree, a directory or a tarball",
	.arguments = "--archive DIR --format btfhub|dir|sysfs|tar -o OUT",
	.options = options,
	.run = run,
};
