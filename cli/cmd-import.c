/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * import: BTFHub trees into the store. A file is told by its name,
 * <uname>.btf.tar.xz (or .tar.gz, or plain .btf), and its kernel by the three
 * directories above it: <distro>/<release>/<arch>/. What else lies there is passed
 * over. One bad file does not stop the rest: it is said, and the exit status is 3.
 */
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "cli/gate.h"
#include "cli/store.h"
#include "core/arch.h"
#include "core/digest.h"
#include "core/fs.h"
#include "fetcher/tarball.h"

enum { ARCHIVE, FORCE };

static const struct cmd_option options[] = {
	[ARCHIVE] = STORE_ARCHIVE_OPTION,
	[FORCE] = { 0, "force", NULL, "store all as it is, even if not deduplicated" },
	{ 0 },
};

static const char *const suffixes[] = { ".btf.tar.xz", ".btf.tar.gz", ".btf.tar.zst", ".btf.tar",
					".btf" };

/* The paths of a tree, sorted: the same tree is imported in the same order. */
struct paths {
	char **items;
	size_t count, capacity;
	bool failed;
};

static struct paths walked; /* nftw(3) hands its callback nothing of ours */

static void paths_deinit(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct paths){ 0 };
}

static const char *find_suffix(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t size = strlen(suffixes[i]);

		if (length > size && !strcmp(path + length - size, suffixes[i]))
			return suffixes[i];
	}
	return NULL;
}

static int take_path(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)ftw;
	if (type == FTW_DNR || type == FTW_NS)
		output_say("%s: cannot be read", path);
	if (type != FTW_F || !find_suffix(path))
		return 0;
	if (walked.count == walked.capacity) {
		size_t capacity = walked.capacity ? 2 * walked.capacity : 256;
		char **items = reallocarray(walked.items, capacity, sizeof(*items));

		if (!items)
			return -1;
		walked.items = items;
		walked.capacity = capacity;
	}
	walked.items[walked.count] = strdup(path);
	return walked.items[walked.count] ? (walked.count++, 0) : -1;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* --- one file ----------------------------------------------------------------------------------- */

/* Cut the last component off @path: returns it, NULL when there is none. */
static char *cut_component(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return NULL;
	*slash = '\0';
	return slash + 1;
}

/* The key that a path says; its strings lie in @copy, an absolute path. */
static int read_key(char *copy, const char *path, const char *suffix, struct btfpack_kernel *ret,
		    struct btfpack_error *err)
{
	char *uname = cut_component(copy), *arch = cut_component(copy);
	char *release = cut_component(copy), *distro = cut_component(copy);

	if (!uname || !arch || !release || !distro)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected to lie in <distro>/<release>/<arch>/", path);
	uname[strlen(uname) - strlen(suffix)] = '\0';
	*ret = (struct btfpack_kernel){ distro, release, arch_normalize(arch), uname, NULL };
	return 0;
}

static int load(const char *path, const char *suffix, struct btfpack_blob *ret,
		struct btfpack_error *err)
{
	if (!strcmp(suffix, ".btf"))
		return fs_read(path, BTFPACK_ARCHIVE_BTF_MAX, ret, err);
	return tarball_read_one(path, ".btf", BTFPACK_ARCHIVE_BTF_MAX, ret, err);
}

static void print_result(const char *path, const struct btfpack_kernel *k,
			 const struct btfpack_id *id, bool known, bool repaired)
{
	char hex[DIGEST_HEX_SIZE];
	json_t *object;

	if (!cmd_common.json)
		return;
	digest_format(id, hex);
	object = output_kernel(k);
	json_object_set_new(object, "path", json_string(path));
	json_object_set_new(object, "id", json_string(hex));
	json_object_set_new(object, "stored", json_boolean(!known));
	json_object_set_new(object, "repaired", json_boolean(repaired));
	output_json(object);
}

/* 0 stored, 1 known already, <0. */
static int import_file(struct btfpack_archive *archive, const char *path, bool force,
		       struct btfpack_error *err)
{
	AUTO_FREE char *copy = realpath(path, NULL);
	struct btfpack_provenance provenance = { .source = path };
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	const char *suffix = find_suffix(path);
	struct btfpack_kernel k;
	struct btfpack_id id;
	bool repaired = false;
	int error;

	if (!copy)
		return btfpack_error_set(err, -errno, "%s: %s", path, strerror(errno));
	error = read_key(copy, path, suffix, &k, err);
	if (!error)
		error = load(path, suffix, &btf, err);
	if (!error && !force)
		error = gate_pass(&btf, path, &repaired, err);
	if (repaired)
		provenance.converter = "btfpack " BTFPACK_VERSION " deduplicated";
	if (!error)
		error = btfpack_archive_add(archive, &k, NULL, &btf, &provenance, &id, err);
	if (error >= 0)
		print_result(path, &k, &id, error, repaired);
	return error;
}

/* --- all of them -------------------------------------------------------------------------------- */

struct tally {
	size_t stored, known, failed;
	int status; /* of the last failure */
};

static void report_failure(const char *path, const struct btfpack_error *err)
{
	/* Sentences about content name the kernel; here the file counts. */
	if (!strncmp(err->message, path, strlen(path)))
		output_say("%s", err->message);
	else
		output_say("%s: %s", path, err->message);
}

static void import_all(struct btfpack_archive *archive, const struct paths *paths, bool force,
		       struct tally *tally)
{
	struct btfpack_error err;

	for (size_t i = 0; i < paths->count; i++) {
		int known = import_file(archive, paths->items[i], force, &err);

		output_progress("%zu of %zu", i + 1, paths->count);
		if (known > 0)
			tally->known++;
		else if (known == 0)
			tally->stored++;
		else
			tally->failed++;
		if (known >= 0)
			continue;
		report_failure(paths->items[i], &err);
		/* A key that a path cannot give is the input's fault, not the usage's. */
		tally->status = err.code == -EINVAL || err.code == -EBADMSG ||
						err.code == -EFBIG || err.code == -EOPNOTSUPP
					? CMD_BAD_INPUT
					: CMD_IO;
		if (err.code == -ENOSPC || err.code == -EROFS)
			break; /* nor will the next one fare better */
	}
	output_progress(NULL);
}

static int collect_paths(const struct cmd *cmd, char **operands)
{
	for (; *operands; operands++) {
		size_t before = walked.count;

		if (nftw(*operands, take_path, 32, FTW_PHYS) < 0) {
			output_say("%s: cannot be read: %s", *operands, strerror(errno));
			return CMD_IO;
		}
		if (walked.count == before) {
			output_say("%s: no <uname>.btf.tar.xz or .btf in it", *operands);
			return CMD_BAD_INPUT;
		}
	}
	if (!walked.count)
		return cmd_usage(cmd, "expected at least one PATH");
	qsort(walked.items, walked.count, sizeof(*walked.items), compare_paths);
	return CMD_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct store_args args = { 0 };
	struct tally tally = { 0 };
	bool force = false;
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0) {
		if (option == FORCE)
			force = true;
		else
			args.archive = parser.value;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	status = collect_paths(cmd, argv + parser.operand);
	if (status == CMD_OK)
		status = store_open(cmd, &args, BTFPACK_ARCHIVE_CREATE, &archive);
	if (status == CMD_OK)
		import_all(archive, &walked, force, &tally);
	paths_deinit(&walked);
	if (status != CMD_OK)
		return status;
	output_tell("%zu stored, %zu were there already, %zu failed", tally.stored, tally.known,
		    tally.failed);
	return tally.status;
}

const struct cmd cmd_import = {
	.name = "import",
	.summary = "store what a BTFHub tree holds",
	.arguments = "--archive DIR PATH...",
	.options = options,
	.run = run,
};
