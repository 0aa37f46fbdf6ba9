/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four steps of btfpack/loader.h in order, each of which may settle it. A
 * draft of the handle is filled on the stack and copied to the heap at the end,
 * so that a failed open has nothing to free but a descriptor and a mapping.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <btfpack/loader.h>

#include "bundle.h"
#include "host.h"
#include "select.h"
#include "verdicts.h"

#define BTF_FILE_MAXIMUM (1UL << 30)
#define KNOWN_FLAGS                                                                                \
	(BTFPACK_LOADER_NEAREST | BTFPACK_LOADER_IGNORE_ENV | BTFPACK_LOADER_IGNORE_KERNEL)

struct btfpack_loader {
	enum btfpack_source source;
	enum btfpack_match match;
	struct btfpack_host host;
	struct btfpack_host kernel;
	struct story story;
	int fd;	       /* of the memory behind @path, or -1 */
	void *data;    /* mapped, @size bytes; or NULL */
	size_t size;
	struct verdicts *verdicts; /* NULL: not known */
	bool has_path;
	char path[PATH_MAX];
};

/* A bundle to be: a file not yet looked at, or memory. */
struct bundle_source {
	const char *path; /* NULL: memory, or none */
	const void *data;
	size_t size;
	const char *name; /* for sentences */
};

static const char own_btf[] = "sys/kernel/btf/vmlinux";


/* --- step 1: a named file ----------------------------------------------------------------------- */

static bool has_btf_magic(const uint8_t *data, size_t size)
{
	return size >= 2 && ((data[0] == 0x9f && data[1] == 0xeb) || (data[0] == 0xeb && data[1] == 0x9f));
}

static int fail_file(struct btfpack_error *err, const char *path, const char *doing)
{
	int code = errno;

	return btfpack_error_set(err, -code, "%s: cannot %s: %s", path, doing, strerror(code));
}

/* Map a whole regular file of at most @maximum bytes; an empty one gives NULL, 0. */
static int map_file(const char *path, size_t maximum, void **data_ret, size_t *size_ret,
		    struct btfpack_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int error = 0;

	if (fd < 0)
		return fail_file(err, path, "open");
	*data_ret = NULL;
	*size_ret = 0;
	if (fstat(fd, &st) < 0) {
		error = fail_file(err, path, "stat");
	} else if (!S_ISREG(st.st_mode)) {
		error = btfpack_error_set(err, -EBADMSG, "%s: expected a regular file, found %s", path,
					  S_ISDIR(st.st_mode) ? "a directory" : "a device or pipe");
	} else if ((uint64_t)st.st_size > maximum) {
		error = btfpack_error_set(err, -EFBIG, "%s: larger than the limit of %zu bytes", path,
					  maximum);
	} else if (st.st_size) {
		*data_ret = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		*size_ret = st.st_size;
		if (*data_ret == MAP_FAILED)
			error = fail_file(err, path, "map");
	}
	close(fd);
	return error;
}

static int use_file(struct btfpack_loader *draft, const char *path, const char *named_by,
		    struct btfpack_error *err)
{
	int error;

	if (strlen(path) >= sizeof(draft->path))
		return btfpack_error_set(err, -ENAMETOOLONG, "%s: the path is too long", named_by);
	error = map_file(path, BTF_FILE_MAXIMUM, &draft->data, &draft->size, err);
	if (error) {
		draft->data = NULL;
		return error;
	}
	if (!has_btf_magic((const uint8_t *)draft->data, draft->size))
		return btfpack_error_set(err, -EBADMSG, "%s (named by %s): not BTF", path, named_by);
	draft->source = BTFPACK_SOURCE_FILE;
	draft->has_path = true;
	strcpy(draft->path, path);
	story_add(&draft->story, "%s names %s: chosen", named_by, path);
	return 1;
}

static int try_file(struct btfpack_loader *draft, const struct btfpack_loader_opts *opts,
		    struct btfpack_error *err)
{
	const char *named = NULL;

	if (opts->btf_file)
		return use_file(draft, opts->btf_file, "the caller", err);
	if (opts->host || opts->flags & BTFPACK_LOADER_IGNORE_ENV)
		return 0;
	named = secure_getenv("BTFPACK_BTF");
	if (named && named[0])
		return use_file(draft, named, "BTFPACK_BTF", err);
	story_add(&draft->story, "BTFPACK_BTF: not set");
	return 0;
}

/* --- step 2: the kernel's own ------------------------------------------------------------------- */

static int try_kernel(struct btfpack_loader *draft, const struct btfpack_loader_opts *opts)
{
	const char *root = opts->root && strcmp(opts->root, "/") ? opts->root : NULL;
	char start[16];
	long got;

	if (opts->host)
		return 0;
	if (opts->flags & BTFPACK_LOADER_IGNORE_KERNEL) {
		story_add(&draft->story, "the kernel's own BTF: not looked at, as asked");
		return 0;
	}
	snprintf(draft->path, sizeof(draft->path), "%s/%s", root ? root : "", own_btf);
	got = host_read(root, own_btf, start, sizeof(start));
	if (got < 0 || !has_btf_magic((const uint8_t *)start, got)) {
		story_add(&draft->story, "%s: %s", draft->path,
			  got < 0 ? strerror((int)-got) : "not BTF");
		return 0;
	}
	story_add(&draft->story, "%s: the kernel has its own BTF: chosen", draft->path);
	draft->source = BTFPACK_SOURCE_KERNEL;
	draft->has_path = root != NULL;
	return 1;
}

/* --- step 3: the bundle ------------------------------------------------------------------------- */

/* A file that has lost its name. */
static int open_unlinked(const char *place)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "%s/btfpack.XXXXXX", place);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* Memory with a path. memfd_create(2) came with Linux 3.17, and may be forbidden (sysctl
 * vm.memfd_noexec); a file without a name in a tmpfs does the same, which itself came with
 * 3.11, and a file that was unlinked does it on the 3.10 of RHEL 7. */
static int open_memory(void)
{
	static const char *const places[] = { "/dev/shm", "/run", "/tmp" };
	int fd = -1;

#ifdef SYS_memfd_create
	fd = (int)syscall(SYS_memfd_create, "btf", 1U /* MFD_CLOEXEC */);
#endif
#ifdef O_TMPFILE
	for (size_t i = 0; fd < 0 && i < sizeof(places) / sizeof(places[0]); i++)
		fd = open(places[i], O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
#endif
	for (size_t i = 0; fd < 0 && i < sizeof(places) / sizeof(places[0]); i++)
		fd = open_unlinked(places[i]);
	return fd < 0 ? -errno : fd;
}

static int put_in_memory(struct btfpack_loader *draft, const struct bundle_bytes *bytes,
			 struct btfpack_error *err)
{
	const uint8_t *from = bytes->data;
	size_t left = bytes->size;

	draft->fd = open_memory();
	if (draft->fd < 0)
		return btfpack_error_set(err, draft->fd, "cannot create a file in memory: %s",
					 strerror(-draft->fd));
	while (left) {
		ssize_t put = write(draft->fd, from, left);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail_file(err, "the file in memory", "write");
		from += put;
		left -= put;
	}
	draft->size = bytes->size;
	draft->data = bytes->size ? mmap(NULL, bytes->size, PROT_READ, MAP_SHARED, draft->fd, 0) : NULL;
	if (draft->data == MAP_FAILED) {
		draft->data = NULL;
		return fail_file(err, "the file in memory", "map");
	}
	snprintf(draft->path, sizeof(draft->path), "/proc/self/fd/%d", draft->fd);
	draft->has_path = true;
	return 0;
}

/* Offer every kernel; 1 and the answer, 0 none fits, or an error. */
static int choose(struct btfpack_loader *draft, const struct bundle *b, bool nearest,
		  struct select_answer *ret, struct btfpack_error *err)
{
	struct bundle_entry entry;
	struct bundle_iter it;
	struct select s;
	int more = bundle_iter_init(&it, b, err);

	if (more)
		return more;
	select_init(&s, &draft->host, nearest, &draft->story);
	while ((more = bundle_iter_next(&it, &entry, err)) > 0)
		select_offer(&s, &entry);
	bundle_iter_deinit(&it);
	if (more < 0)
		return more;
	return select_finish(&s, ret);
}

static int use_answer(struct btfpack_loader *draft, const struct bundle *b,
		      const struct select_answer *answer, struct btfpack_error *err)
{
	struct bundle_bytes blob = { 0 };
	int error = 0;

	if (answer->verdict)
		error = verdicts_read(b, answer->verdict, &draft->verdicts, err);
	if (!error)
		error = bundle_get_blob(b, answer->blob, &blob, err);
	if (error)
		return error;
	error = put_in_memory(draft, &blob, err);
	bundle_bytes_deinit(&blob);
	if (error)
		return error;
	draft->source = BTFPACK_SOURCE_BUNDLE;
	draft->match = answer->match;
	draft->kernel = answer->kernel;
	return 1;
}

static int try_bytes(struct btfpack_loader *draft, const struct bundle_source *source, bool nearest,
		     struct btfpack_error *err)
{
	struct select_answer answer;
	struct bundle b;
	int error;

	error = bundle_init(&b, source->data, source->size, source->name, err);
	if (error)
		return error;
	story_add(&draft->story, "%s: a bundle of %u kernels", source->name, b.kernel_count);
	error = choose(draft, &b, nearest, &answer, err);
	if (error <= 0)
		return error;
	return use_answer(draft, &b, &answer, err);
}

static int try_bundle(struct btfpack_loader *draft, const struct bundle_source *source,
		      bool nearest, struct btfpack_error *err)
{
	struct bundle_source mapped = *source;
	void *data;
	int error;

	if (!source->path && !source->data) {
		story_add(&draft->story, "no bundle was given");
		return 0;
	}
	if (!source->path)
		return try_bytes(draft, source, nearest, err);
	error = map_file(source->path, SIZE_MAX, &data, &mapped.size, err);
	if (error)
		return error;
	mapped.data = data;
	error = try_bytes(draft, &mapped, nearest, err);
	if (data)
		munmap(data, mapped.size);
	return error;
}

/* --- the handle --------------------------------------------------------------------------------- */

static void release(struct btfpack_loader *loader)
{
	if (loader->data)
		munmap(loader->data, loader->size);
	if (loader->fd >= 0)
		close(loader->fd);
	verdicts_free(loader->verdicts);
}

static int fail_without_match(const struct btfpack_loader *draft, struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOENT, "no BTF for this kernel: %s",
				 story_last_line(&draft->story));
}

static int find_host(struct btfpack_loader *draft, const struct btfpack_loader_opts *opts,
		     struct btfpack_error *err)
{
	if (!opts->host)
		return btfpack_host_detect(opts->root, &draft->host, err);
	draft->host = *opts->host;
	return 0;
}

/* The steps, until one gives 1 (settled) or an error. */
static int search(struct btfpack_loader *draft, const struct bundle_source *source,
		  const struct btfpack_loader_opts *opts, struct btfpack_error *err)
{
	int done = find_host(draft, opts, err);

	draft->kernel = draft->host;
	if (!done)
		done = try_file(draft, opts, err);
	if (!done)
		done = try_kernel(draft, opts);
	if (!done)
		done = try_bundle(draft, source, opts->flags & BTFPACK_LOADER_NEAREST, err);
	return done ? done : fail_without_match(draft, err);
}

/* Callers compiled against an older header have a shorter struct; a longer one
 * is fine as long as what we do not know of is zero. */
static int read_opts(const struct btfpack_loader_opts *opts, struct btfpack_loader_opts *ret,
		     struct btfpack_error *err)
{
	const uint8_t *bytes = (const uint8_t *)opts;

	*ret = (struct btfpack_loader_opts){ 0 };
	if (!opts)
		return 0;
	if (opts->size < sizeof(opts->size))
		return btfpack_error_set(err, -EINVAL, "loader options: size is not set");
	for (size_t i = sizeof(*ret); i < opts->size; i++)
		if (bytes[i])
			return btfpack_error_set(err, -EINVAL,
						 "loader options: one that this loader is too old for");
	memcpy(ret, opts, opts->size < sizeof(*ret) ? opts->size : sizeof(*ret));
	if (ret->flags & ~KNOWN_FLAGS)
		return btfpack_error_set(err, -EINVAL,
					 "loader options: flags %#x, of which this loader knows %#x",
					 ret->flags, KNOWN_FLAGS);
	return 0;
}

static struct btfpack_loader *copy_to_heap(const struct btfpack_loader *draft)
{
	struct btfpack_loader *loader = malloc(sizeof(*loader));

	if (loader)
		memcpy(loader, draft, sizeof(*draft));
	return loader;
}

static int open_source(const struct bundle_source *source,
		       const struct btfpack_loader_opts *caller_opts, struct btfpack_loader **ret,
		       struct btfpack_error *err)
{
	struct btfpack_loader draft = { .fd = -1 };
	struct btfpack_loader_opts opts;
	int error = read_opts(caller_opts, &opts, err);

	if (error)
		return error;
	error = search(&draft, source, &opts, err);
	if (opts.explain && opts.explain_size)
		snprintf(opts.explain, opts.explain_size, "%s", draft.story.text);
	if (error > 0) {
		*ret = copy_to_heap(&draft);
		error = *ret ? 0 : btfpack_error_set(err, -ENOMEM, "loader: out of memory");
	}
	if (error)
		release(&draft);
	return error;
}

int btfpack_loader_open(const char *bundle_path, const struct btfpack_loader_opts *opts,
			struct btfpack_loader **ret, struct btfpack_error *err)
{
	const struct bundle_source source = { .path = bundle_path, .name = bundle_path };

	return open_source(&source, opts, ret, err);
}

int btfpack_loader_open_mem(const void *bundle, size_t size, const struct btfpack_loader_opts *opts,
			    struct btfpack_loader **ret, struct btfpack_error *err)
{
	const size_t named = offsetof(struct btfpack_loader_opts, name) + sizeof(opts->name);
	const struct bundle_source source = {
		.data = bundle,
		.size = size,
		.name = opts && opts->size >= named && opts->name ? opts->name : "bundle",
	};

	return open_source(&source, opts, ret, err);
}

void btfpack_loader_close(struct btfpack_loader *loader)
{
	if (!loader)
		return;
	release(loader);
	free(loader);
}

const char *btfpack_loader_btf_path(const struct btfpack_loader *loader)
{
	return loader->has_path ? loader->path : NULL;
}

const void *btfpack_loader_btf_data(const struct btfpack_loader *loader, size_t *size_ret)
{
	*size_ret = loader->size;
	return loader->data;
}

const char *btfpack_loader_reason(const struct btfpack_loader *loader)
{
	return loader->story.text;
}

enum btfpack_source btfpack_loader_source(const struct btfpack_loader *loader)
{
	return loader->source;
}

enum btfpack_match btfpack_loader_match(const struct btfpack_loader *loader)
{
	return loader->match;
}

const struct btfpack_host *btfpack_loader_kernel(const struct btfpack_loader *loader)
{
	return &loader->kernel;
}

const struct btfpack_host *btfpack_loader_host(const struct btfpack_loader *loader)
{
	return &loader->host;
}

const char *btfpack_loader_verdict(const struct btfpack_loader *loader)
{
	return loader->verdicts ? loader->verdicts->rejected : NULL;
}

size_t btfpack_loader_count_programs(const struct btfpack_loader *loader)
{
	return loader->verdicts ? loader->verdicts->count : 0;
}

const struct btfpack_program *btfpack_loader_program(const struct btfpack_loader *loader,
						     size_t index)
{
	return index < btfpack_loader_count_programs(loader) ? &loader->verdicts->programs[index]
							     : NULL;
}

const char *btfpack_loads_name(enum btfpack_loads loads)
{
	static const char *const names[] = { [BTFPACK_LOADS] = "loads",
					     [BTFPACK_LOADS_WITHOUT] = "loads-without",
					     [BTFPACK_LOADS_UNSURE] = "unsure",
					     [BTFPACK_LOADS_NOT] = "rejected" };

	return (size_t)loads < sizeof(names) / sizeof(names[0]) ? names[loads] : "?";
}
