/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * import: what others keep BTF in, into the store.
 *
 *	<distro>/<release>/<arch>/<uname>.btf[.tar.xz]    BTFHub's tree, and copies of it
 *	<distro>/<release>/<arch>/<uname>/vmlinux         and its modules, as in /sys/kernel/btf
 *	a tarball with such a tree                        min_core_btfs.tar.gz of bcc
 *	a tarball of <uname>.btf                          btfs-x86_64.tar.gz of IG's images
 *	a tarball of <distro>/[<release>/]<uname>.btf.tar.xz    DataDog's minimized-btfs
 *
 * A file is told by its name, its kernel by the directories above it and, where these say
 * less, by what the uname tells and by options. <uname>.failed and <uname>.hasbtf, which
 * BTFHub leaves where there is no BTF, are noted as failures. What else lies there is
 * passed over. One bad file does not stop the rest: it is said, and the exit status is 3; 4 where one
 * could not be read.
 */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/gate.h"
#include "cli/own-modules.h"
#include "cli/store.h"
#include "core/arch.h"
#include "core/digest.h"
#include "core/fs.h"
#include "fetcher/tarball.h"
#include "runtime-loader/select.h"

enum { DISTRO, RELEASE, ARCH, ARCHIVE, SET, FORCE };

static const struct cmd_option options[] = {
	[DISTRO] = { 0, "distro", "ID", "the distribution, where paths do not say it" },
	[RELEASE] = { 0, "release", "R", "its release" },
	[ARCH] = { 0, "arch", "A", "the architecture" },
	[ARCHIVE] = STORE_ARCHIVE_OPTION,
	[SET] = { 0, "set", "SET", "they are minified for this set" },
	[FORCE] = { 0, "force", NULL, "store all as it is, even if not deduplicated" },
	{ 0 },
};

#define VMLINUX "/vmlinux"

static const char *const suffixes[] = { ".btf.tar.xz", ".btf.tar.gz", ".btf.tar.zst", ".btf.tar",
					".btf" };

/* Files that say that there is no BTF, and why. */
static const struct {
	const char *suffix, *why;
	int code;
} notes[] = {
	{ ".failed", "BTFHub could not make BTF of it", -EBADMSG },
	{ ".hasbtf", "BTFHub found that the kernel has its own BTF", -EEXIST },
};

/* Tarballs of many files. */
static const char *const collections[] = { ".tar.xz", ".tar.gz", ".tgz", ".tar.zst", ".tar" };

/* The paths of a tree, sorted: the same tree is imported in the same order. */
struct paths {
	char **items;
	size_t count, capacity;
	bool failed; /* something could not be read */
};

static struct paths walked; /* nftw(3) hands its callback nothing of ours */

static void paths_deinit(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct paths){ 0 };
}

static bool ends_in(const char *path, const char *suffix)
{
	size_t length = strlen(path), size = strlen(suffix);

	return length > size && !strcmp(path + length - size, suffix);
}

static const char *find_suffix(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (ends_in(path, suffixes[i]))
			return suffixes[i];
	return NULL;
}

/* The number of the note that a file is, or -1. */
static int find_note(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
		if (ends_in(path, notes[i].suffix))
			return (int)i;
	return -1;
}

static bool is_collection(const char *path)
{
	if (find_suffix(path))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(collections); i++)
		if (ends_in(path, collections[i]))
			return true;
	return false;
}

/* BTF called vmlinux, with that of modules beside it. */
static bool is_vmlinux(const char *path)
{
	AUTO_FILE FILE *file = ends_in(path, VMLINUX) ? fopen(path, "re") : NULL;
	unsigned char magic[2];

	return file && fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
	       ((magic[0] == 0x9f && magic[1] == 0xeb) || (magic[0] == 0xeb && magic[1] == 0x9f));
}

static int take_path(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (type == FTW_DNR || type == FTW_NS) {
		output_say("%s: cannot be read", path);
		walked.failed = true;
	}
	/* A tarball counts where it was named, not where it happens to lie. */
	if (type != FTW_F || (!find_suffix(path) && find_note(path) < 0 && !is_vmlinux(path) &&
			      (ftw->level || !is_collection(path))))
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

/* What to do, and what has been done. */
struct importing {
	struct btfpack_archive *archive;
	struct store_args args; /* what paths do not say */
	bool force;
	const char *collection; /* the tarball that is gone through, or NULL */
	size_t stored, known, failed, noted;
	int status; /* of the last failure */
};

/* Cut the last component off @path: returns it, NULL when there is none. */
static char *cut_component(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return NULL;
	*slash = '\0';
	return slash + 1;
}

static int no_key(const char *path, struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBADMSG,
				 "%s: expected to lie in <distro>/<release>/<arch>/; --distro, "
				 "--release and --arch say what the path does not", path);
}

/* The key of a file in a tree, by the path @copy, which is absolute and gets cut; options
 * stand for what the directories say. */
static int read_tree_key(const struct importing *im, char *copy, const char *path,
			 const char *suffix, struct btfpack_kernel *ret, struct btfpack_error *err)
{
	const struct btfpack_kernel *said = &im->args.filter.kernel;
	char *vmlinux = strcmp(suffix, VMLINUX) ? NULL : cut_component(copy);
	char *uname = cut_component(copy), *arch = cut_component(copy);
	char *release = cut_component(copy), *distro = cut_component(copy);

	*ret = (struct btfpack_kernel){ said->distro ? said->distro : distro,
					said->release ? said->release : release,
					said->arch ? said->arch : arch ? arch_normalize(arch) : NULL,
					uname, NULL };
	if (!uname || !ret->arch || !ret->release || !ret->distro)
		return no_key(path, err);
	if (!vmlinux)
		uname[strlen(uname) - strlen(suffix)] = '\0';
	return 0;
}

/* An architecture that a name ends in: "...el7.x86_64", "...-cloud-arm64", "btfs-x86_64". */
static const char *arch_of_name(const char *name)
{
	static const char *const words[] = { "x86_64", "amd64", "aarch64", "arm64", "s390x",
					     "ppc64le", "i686", "riscv64", "armv7l" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (ends_in(name, words[i]))
			return arch_normalize(words[i]);
	return NULL;
}

/* "btfs-x86_64" of "/tmp/btfs-x86_64.tar.gz". */
static const char *arch_of_collection(const char *path)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *stem = strdup(slash ? slash + 1 : path);

	if (!stem)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(collections); i++)
		if (ends_in(stem, collections[i])) {
			stem[strlen(stem) - strlen(collections[i])] = '\0';
			break;
		}
	return arch_of_name(stem);
}

/* The key of a member of a tarball, by its path @copy, which gets cut. The directories
 * count from the front: distro, release, arch; then comes what the uname tells, then the
 * options: a tarball has kernels of several distributions. */
static int read_member_key(const struct importing *im, char *copy, const char *path,
			   const char *suffix, char release[16], struct btfpack_kernel *ret,
			   struct btfpack_error *err)
{
	const struct btfpack_kernel *said = &im->args.filter.kernel;
	const char *parts[3] = { 0 }, *marked = NULL;
	char *slash, *uname = copy;
	bool has_mark;
	size_t count = 0;

	uname[strlen(uname) - strlen(suffix)] = '\0';
	while (!strncmp(uname, "./", 2))
		uname += 2;
	for (; (slash = strchr(uname, '/')); uname = slash + 1) {
		*slash = '\0';
		if (count == ARRAY_SIZE(parts)) { /* only the last three */
			memmove(parts, parts + 1, 2 * sizeof(*parts));
			count--;
		}
		parts[count++] = uname;
	}
	has_mark = select_find_mark(uname, &marked, release);
	*ret = (struct btfpack_kernel){
		.distro = parts[0] ? parts[0] : has_mark ? marked : said->distro,
		.release = parts[1] ? parts[1] : has_mark ? release : said->release,
		.arch = parts[2] ? arch_normalize(parts[2]) : arch_of_name(uname),
		.uname = uname,
	};
	if (!ret->arch)
		ret->arch = said->arch ? said->arch : arch_of_collection(im->collection);
	return ret->distro && ret->release && ret->arch ? 0 : no_key(path, err);
}

static int load(const char *path, const char *suffix, struct btfpack_blob *ret,
		struct btfpack_error *err)
{
	if (!strcmp(suffix, ".btf") || !strcmp(suffix, VMLINUX))
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
	json_object_set_new(object, "path", output_string(path));
	json_object_set_new(object, "id", output_string(hex));
	json_object_set_new(object, "stored", json_boolean(!known));
	json_object_set_new(object, "repaired", json_boolean(repaired));
	output_json(object);
}

/* 0 stored, 1 known already, <0. */
static int store(struct importing *im, const char *path, const struct btfpack_kernel *k,
		 struct btfpack_blob *btf, struct btfpack_error *err)
{
	struct btfpack_provenance provenance = { .source = path };
	struct btfpack_id id;
	bool repaired = false;
	int error = 0;

	if (!im->force && !im->args.set)
		error = gate_pass(btf, path, &repaired, err);
	if (repaired)
		provenance.converter = "btfpack " BTFPACK_VERSION " deduplicated";
	if (!error)
		error = btfpack_archive_add(im->archive, k, im->args.set, btf, &provenance, &id, err);
	if (error >= 0)
		print_result(path, k, &id, error, repaired);
	return error;
}

/* Those beside a vmlinux, to the entry that it has become. */
static int store_modules(struct importing *im, const char *path, const struct btfpack_kernel *k,
			 const struct btfpack_blob *btf, struct btfpack_error *err)
{
	CLEANUP(module_set_deinit) struct module_set set = { 0 };
	AUTO_FREE char *dir = strndup(path, strlen(path) - strlen(VMLINUX));
	struct btfpack_id id;
	int error;

	if (!dir || digest_bytes(btf->data, btf->size, &id) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	error = own_modules_load(dir, k->uname, btf, &set, err);
	im->failed += error ? 0 : set.failure_count;
	if (set.failure_count)
		im->status = CMD_BAD_INPUT;
	if (error || !(set.modules.count + set.failure_count))
		return error;
	return btfpack_archive_add_modules(im->archive, k, &id, set.modules.modules,
					   set.modules.count, (uint32_t)set.failure_count, err);
}

/* A file that says that there is no BTF. */
static int note(struct importing *im, const char *path, int number, const struct btfpack_kernel *k,
		struct btfpack_error *err)
{
	const struct btfpack_provenance provenance = { .package = k->uname, .source = path };
	struct btfpack_error why;
	int has = btfpack_archive_has(im->archive, k, NULL, err);

	if (has)
		return has < 0 ? has : 0;
	btfpack_error_set(&why, notes[number].code, "%s", notes[number].why);
	im->noted++;
	return btfpack_archive_note_failure(im->archive, k, &provenance, &why, err);
}

static void report_failure(const char *path, const struct btfpack_error *err)
{
	/* Sentences about content name the kernel; here the file counts. */
	if (!strncmp(err->message, path, strlen(path)))
		output_say("%s", err->message);
	else
		output_say("%s: %s", path, err->message);
}

/* Count what became of a file. False: nor will the next one fare better. */
static bool count(struct importing *im, const char *path, int result,
		  const struct btfpack_error *err)
{
	im->known += result > 0;
	im->stored += !result;
	im->failed += result < 0;
	if (result >= 0)
		return true;
	report_failure(path, err);
	/* A key that a path cannot give is the input's fault, not the usage's. */
	im->status = err->code == -EINVAL || err->code == -EBADMSG || err->code == -EFBIG ||
				     err->code == -EOPNOTSUPP
			     ? CMD_BAD_INPUT
			     : CMD_IO;
	return err->code != -ENOSPC && err->code != -EROFS;
}

static bool is_wanted_member(const char *member, void *arg)
{
	(void)arg;
	return find_suffix(member);
}

static int import_member(const char *member, const struct btfpack_blob *bytes, void *arg,
			 struct btfpack_error *err)
{
	struct importing *im = arg;
	const char *suffix = find_suffix(member);
	AUTO_FREE char *path = NULL, *copy = strdup(member);
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	struct btfpack_kernel k;
	char release[16] = "";
	int result;

	if (asprintf(&path, "%s: %s", im->collection, member) < 0)
		path = NULL;
	if (!path || !copy)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", im->collection);
	result = read_member_key(im, copy, path, suffix, release, &k, err);
	if (!result && strcmp(suffix, ".btf")) {
		result = tarball_read_one_mem(bytes, path, ".btf", BTFPACK_ARCHIVE_BTF_MAX, &btf, err);
	} else if (!result) {
		btf = (struct btfpack_blob){ malloc(bytes->size + 1), bytes->size };
		if (!btf.data)
			return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
		if (bytes->size)
			memcpy(btf.data, bytes->data, bytes->size);
	}
	if (!result)
		result = store(im, path, &k, &btf, err);
	output_progress("%s: %zu", im->collection, im->stored + im->known + im->failed);
	return count(im, path, result, err) ? 0 : err->code;
}

static bool import_collection(struct importing *im, const char *path)
{
	const struct tarball_walk walk = { is_wanted_member, import_member, im };
	size_t before = im->stored + im->known + im->failed;
	struct btfpack_error err;
	int error;

	im->collection = path;
	error = tarball_walk(path, BTFPACK_ARCHIVE_BTF_MAX, &walk, &err);
	if (!error && im->stored + im->known + im->failed == before)
		error = btfpack_error_set(&err, -EBADMSG, "%s: no <uname>.btf in it", path);
	return !error || count(im, path, error, &err);
}

static bool import_file(struct importing *im, const char *path)
{
	AUTO_FREE char *copy = realpath(path, NULL);
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	const char *suffix = is_vmlinux(path) ? VMLINUX : find_suffix(path);
	int number = suffix ? -1 : find_note(path), result;
	struct btfpack_error err = { 0 };
	struct btfpack_kernel k;

	if (!suffix && number < 0)
		return import_collection(im, path);
	if (!copy)
		result = btfpack_error_set(&err, -errno, "%s: %s", path, strerror(errno));
	else
		result = read_tree_key(im, copy, path, suffix ? suffix : notes[number].suffix, &k,
				       &err);
	if (!result && !suffix) {
		result = note(im, path, number, &k, &err);
		return !result || count(im, path, result, &err);
	}
	if (!result)
		result = load(path, suffix, &btf, &err);
	if (!result)
		result = store(im, path, &k, &btf, &err);
	if (result >= 0 && !strcmp(suffix, VMLINUX) && !im->args.set) {
		int stored = store_modules(im, path, &k, &btf, &err);

		result = stored < 0 ? stored : result && stored;
	}
	return count(im, path, result, &err);
}

/* --- all of them -------------------------------------------------------------------------------- */

static void import_all(struct importing *im, const struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++) {
		output_progress("%zu of %zu", i + 1, paths->count);
		if (!import_file(im, paths->items[i]))
			break;
	}
	output_progress(NULL);
}

/* Links in a tree are not followed, one that was named is. */
static int walk(const char *operand)
{
	AUTO_FREE char *target = NULL;
	struct stat st;

	if (lstat(operand, &st) == 0 && S_ISLNK(st.st_mode)) {
		target = realpath(operand, NULL);
		if (!target)
			return -1;
	}
	return nftw(target ? target : operand, take_path, 32, FTW_PHYS);
}

static int collect_paths(const struct cmd *cmd, char **operands)
{
	for (; *operands; operands++) {
		size_t before = walked.count;

		if (walk(*operands) < 0) {
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

static void take_option(struct importing *im, int option, const char *value)
{
	struct btfpack_kernel *k = &im->args.filter.kernel;

	if (option == DISTRO)
		k->distro = value;
	else if (option == RELEASE)
		k->release = value;
	else if (option == ARCH)
		k->arch = arch_normalize(value);
	else if (option == ARCHIVE)
		im->args.archive = value;
	else if (option == SET)
		im->args.set = value;
	else
		im->force = true;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct importing im = { .status = CMD_OK };
	char notes_text[64] = "";
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0)
		take_option(&im, option, parser.value);
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	status = collect_paths(cmd, argv + parser.operand);
	if (status == CMD_OK)
		status = store_open(cmd, &im.args, BTFPACK_ARCHIVE_CREATE, &archive);
	im.archive = archive;
	if (status == CMD_OK)
		import_all(&im, &walked);
	if (im.status == CMD_OK && walked.failed)
		im.status = CMD_IO;
	paths_deinit(&walked);
	if (status != CMD_OK)
		return status;
	if (im.noted)
		snprintf(notes_text, sizeof(notes_text), ", %zu noted as without BTF", im.noted);
	output_tell("%zu stored, %zu were there already, %zu failed%s", im.stored, im.known,
		    im.failed, notes_text);
	return im.status;
}

const struct cmd cmd_import = {
	.name = "import",
	.summary = "store what a BTFHub tree, or a tarball of BTFs, holds",
	.arguments = "--archive DIR PATH...",
	.options = options,
	.run = run,
};
