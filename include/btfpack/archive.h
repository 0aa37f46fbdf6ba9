/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/archive.h - the store: what BTF we have, found by kernel or by content
 *
 * An archive is a directory: a sqlite index and, beside it, append-only pack
 * files that hold each distinct BTF once, compressed, named by the SHA-256 of
 * its bytes (struct btfpack_id). An *entry* of the index ties a kernel and a set
 * to such a content: set NULL is the kernel's full BTF, any other set is what
 * minify made of it for a named set of BPF objects.
 *
 *	struct btfpack_archive *a;
 *	struct btfpack_entry_iter *it;
 *	const struct btfpack_entry *e;
 *
 *	btfpack_archive_open("store", BTFPACK_ARCHIVE_CREATE, &a, &err);
 *	btfpack_archive_add(a, &kernel, NULL, &btf, &provenance, &id, &err);
 *	btfpack_archive_list(a, NULL, BTFPACK_SET_ANY, &it, &err);
 *	while (btfpack_entry_iter_next(it, &e, &err) > 0)
 *		puts(e->kernel.uname);
 *	btfpack_entry_iter_free(it);
 *	btfpack_archive_close(a);
 *
 * What a function reported as done survives a kill, a full disk or a power cut:
 * content is on the disk before the index names it, and the index changes in one
 * transaction. What was not reported done is absent, never half there. Every
 * read checks the digest.
 *
 * One thread per handle. Any number of processes and handles may use one archive
 * at a time: readers do not wait, writers take turns (a writer waits up to a
 * minute for its turn, then gives -EBUSY). After fork(2) a handle belongs to the
 * parent alone.
 *
 * Times are seconds since the epoch, sizes are bytes. Strings are UTF-8. Errors
 * common to all: -ENOMEM; -EBADMSG the archive is damaged (the sentence says which
 * file and where; btfpack_archive_verify() finds all such places); -EBUSY; and
 * what the system says, such as -ENOSPC or -EIO. A failed call leaves the archive
 * as it was.
 */
#ifndef BTFPACK_ARCHIVE_H
#define BTFPACK_ARCHIVE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct btfpack_archive;

/* Make the archive when @dir does not exist or is an empty directory. */
#define BTFPACK_ARCHIVE_CREATE	  (1u << 0)
/* Refuse to change anything: works on a directory we cannot write, -EROFS from
 * the functions that write. Not together with CREATE. */
#define BTFPACK_ARCHIVE_READ_ONLY (1u << 1)

/* The most one BTF may hold, raw: 256 MiB. The largest seen in the wild has 40. */
#define BTFPACK_ARCHIVE_BTF_MAX ((size_t)256 << 20)

/*
 * Open the archive in @dir. A directory that is not an archive is refused and
 * not touched; so is one written by a newer btfpack, whose format we do not know.
 * An older format is brought up to date (unless READ_ONLY).
 *
 * Errors: -ENOENT no such directory (and no CREATE); -ENOTDIR; -EINVAL not an
 * archive, or @flags make no sense; -EOPNOTSUPP a format from the future.
 */
int btfpack_archive_open(const char *dir, uint32_t flags, struct btfpack_archive **ret,
			 struct btfpack_error *err);

/* NULL is fine. Iterators must be freed before. */
void btfpack_archive_close(struct btfpack_archive *a);

/*
 * Where a BTF came from, kept in its entry. Every field may be NULL: not known.
 *
 * @package          "linux-image-6.1.0-28-cloud-amd64-dbg"
 * @package_version  as the distribution writes it: "6.1.119-1"
 * @package_sha256   of the package file, 64 hex digits (anything else: -EINVAL)
 * @source           URL it came from, or the path of a local file
 * @suite            the repository's word for where in it: "bookworm-security"
 * @converter        who made the BTF, with version and, after a space, the flags
 *                   that shaped it: "btfpack 0.1.0", "kernel" for a .BTF section
 */
struct btfpack_provenance {
	const char *package;
	const char *package_version;
	const char *package_sha256;
	const char *source;
	const char *suite;
	const char *converter;
};

/*
 * Store @btf as the BTF of kernel @k for @set (NULL: the full one), with
 * @provenance (NULL: nothing known). The same content is kept once, however many
 * entries name it. Returns 1 when entry and content were already there with the
 * same bytes (the provenance is then refreshed where the new one says more), 0
 * when something was stored.
 *
 * The entry's key is (distro, release, arch, uname, build_id, set). An entry of
 * the same key is replaced. Two builds that share a uname are two entries when
 * their build-ids are known. An entry whose build-id is not known and one of
 * the same names and the same content whose build-id is known are one entry: the
 * one that knows more.
 *
 * On success the failure noted for this kernel or package, if any, is forgotten.
 * @id_ret (may be NULL) gets the content's name.
 *
 * The names in @k become file names elsewhere: each must be 1 to 255 bytes of
 * printable characters without '/' and not start with '.'; build_id, when not
 * NULL, 2 to 128 hex digits. @k->arch is taken as it is: normalize before.
 *
 * Errors: -EINVAL a name is missing or unfit; -EBADMSG @btf is not well-formed
 * BTF; -EFBIG over BTFPACK_ARCHIVE_BTF_MAX; -EROFS.
 */
int btfpack_archive_add(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
			const struct btfpack_blob *btf, const struct btfpack_provenance *provenance,
			struct btfpack_id *id_ret, struct btfpack_error *err);

/*
 * The BTF of one kernel, digest checked; the caller frees the blob. @k holds
 * either all four names, or just a build_id with the others NULL or given. With
 * the build-id NULL and several builds of that uname stored, the one added last.
 *
 * Errors: -ENOENT no such entry; -EINVAL @k does not name one kernel.
 */
int btfpack_archive_find(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
			 struct btfpack_blob *ret, struct btfpack_error *err);

/* The bytes named @id, digest checked; the caller frees the blob. -ENOENT. */
int btfpack_archive_get(struct btfpack_archive *a, const struct btfpack_id *id,
			struct btfpack_blob *ret, struct btfpack_error *err);

/* Is there an entry of @k (as for find) and @set? 1 yes, 0 no. Reads the index only. */
int btfpack_archive_has(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
			struct btfpack_error *err);

/*
 * Did an entry come from this package? 1 yes, 0 no. What `build` asks to skip
 * what it has: by @package_sha256 when @provenance has it, else by @package and
 * @package_version (both needed, else -EINVAL), among the kernels that @filter
 * (NULL: all; fields exact) leaves: a package name alone may exist in several
 * architectures. Other fields of @provenance are not looked at. An entry that
 * was stored without digest is found by name and version.
 */
int btfpack_archive_has_package(struct btfpack_archive *a, const struct btfpack_kernel *filter,
				const struct btfpack_provenance *provenance,
				struct btfpack_error *err);

/* --- listing -------------------------------------------------------------------------------- */

/* What the index knows of one entry. All strings die at the next call on the
 * iterator. */
struct btfpack_entry {
	struct btfpack_kernel kernel;	      /* build_id may be NULL */
	const char *set;		      /* NULL: full BTF */
	struct btfpack_id id;		      /* of the content */
	uint64_t raw_size;		      /* of the BTF */
	uint64_t stored_size;		      /* in the pack, compressed; shared by equal contents */
	const char *codec;		      /* how it is stored: "zstd", ... */
	unsigned int bases;		      /* contents in a row that it is told by; 0: by itself */
	int64_t added;			      /* when the entry was made */
	int64_t changed;		      /* when it got the content it has now */
	struct btfpack_provenance provenance; /* of which any field may be NULL */
	bool has_modules;		      /* full BTF, and btfpack_archive_add_modules() was called */
	uint32_t modules;		      /* how many of the kernel's have their BTF here */
	uint32_t modules_failed;	      /* how many could not be had */
	struct btfpack_id modules_id;	      /* of their content, all in one; zeroes where @modules is 0 */
	uint64_t modules_stored_size;	      /* of that content, in the pack */
	int64_t modules_changed;	      /* when they were stored */
};

/* As @set of btfpack_archive_list(): full BTF and every minified set. */
#define BTFPACK_SET_ANY "*"

struct btfpack_entry_iter;

/*
 * Entries that @filter (NULL: all) leaves, of @set (NULL: full BTF only),
 * ordered by distro, release, arch, uname, build-id and set, numbers within
 * names by their value (6.1.0-9 before 6.1.0-50). A field of @filter that is not
 * NULL is a shell pattern (`*`, `?`, `[a-z]`), so a plain name matches itself.
 * The listing is of one moment: changes while it runs do not show in it. No
 * match is an empty listing, not an error.
 */
int btfpack_archive_list(struct btfpack_archive *a, const struct btfpack_kernel *filter,
			 const char *set, struct btfpack_entry_iter **ret,
			 struct btfpack_error *err);

/* 1 and the next entry (lent), 0 at the end, <0 on error. */
int btfpack_entry_iter_next(struct btfpack_entry_iter *it, const struct btfpack_entry **ret,
			    struct btfpack_error *err);
void btfpack_entry_iter_free(struct btfpack_entry_iter *it);

/* Of btfpack_archive_copy(): what is there was stored later. */
#define BTFPACK_ARCHIVE_OLDER 2

/*
 * Store @btf under an @entry of another archive, times and provenance included: as
 * btfpack_archive_add(), but where this archive has an entry of the same key with
 * another content, the one that got its content later stands (of the same second,
 * the one with the greater id), and the result is BTFPACK_ARCHIVE_OLDER when that
 * is the one here. So the union of archives is the same in any order.
 */
int btfpack_archive_copy(struct btfpack_archive *a, const struct btfpack_entry *entry,
			 const struct btfpack_blob *btf, struct btfpack_error *err);

/* --- modules -------------------------------------------------------------------------------- */

/* Split BTF of a kernel's modules; names and bytes belong to the struct. */
struct btfpack_modules {
	struct btfpack_module_btf *modules;
	size_t count;
};

/* NULL and empty are fine. */
void btfpack_modules_free(struct btfpack_modules *modules);

/*
 * Store split BTF of @count @modules of the kernel @k (all four names; the build-id where
 * known), on top of its full BTF, which must be stored before and whose content is @base. They replace those that
 * the kernel has. They live and die with its full BTF: when that is removed or becomes
 * another, they go. @failed is how many more modules there are whose BTF could not be
 * had. A @count of 0 is fine: it is then known that the kernel has none.
 *
 * Names as lsmod prints them, in any order, no two alike; 1 to 255 bytes of printable
 * characters without '/', not beginning with '.', and not "vmlinux".
 *
 * What comes back is the same types with the same ids; strings are laid out anew where
 * a writer other than convert laid them out otherwise. That is proved before anything
 * is stored.
 *
 * 0; 1 when just these were there already. -ENOENT no such kernel, or its full BTF is
 * another than @base; -EBADMSG a module that is not BTF on top of @base; -EINVAL; -EFBIG
 * all of them are over BTFPACK_ARCHIVE_BTF_MAX; -EROFS.
 */
int btfpack_archive_add_modules(struct btfpack_archive *a, const struct btfpack_kernel *k,
				const struct btfpack_id *base,
				const struct btfpack_module_btf *modules, size_t count,
				uint32_t failed, struct btfpack_error *err);

/*
 * As add_modules() to an entry that btfpack_archive_copy() has stored: where this
 * archive has other modules of it, those that were stored later (of the same second,
 * the content with the greater id) stand, which is BTFPACK_ARCHIVE_OLDER when they are
 * those here.
 */
int btfpack_archive_copy_modules(struct btfpack_archive *a, const struct btfpack_entry *entry,
				 const struct btfpack_modules *modules, struct btfpack_error *err);

/*
 * Split BTF of those modules of the listed @entry whose names match the shell pattern
 * @pattern (NULL: all), by ascending name; digests are checked. Free it with
 * btfpack_modules_free(). None that matches is an empty list. -ENOENT: its modules were
 * not stored, or are there no more.
 */
int btfpack_archive_get_modules(struct btfpack_archive *a, const struct btfpack_entry *entry,
				const char *pattern, struct btfpack_modules *ret,
				struct btfpack_error *err);

/*
 * The same, read when it is asked for: @ret's source tells what the modules have without
 * reading them. What it loads is gone with its next load, or with closing, which comes
 * before that of the archive. -ENOENT as above; no modules are fine. One thread, the archive's.
 */
struct btfpack_stored_modules;
int btfpack_archive_open_modules(struct btfpack_archive *a, const struct btfpack_entry *entry,
				 struct btfpack_stored_modules **ret, struct btfpack_error *err);
const struct btfpack_module_source *
btfpack_stored_modules_source(const struct btfpack_stored_modules *modules);
void btfpack_stored_modules_close(struct btfpack_stored_modules *modules);

/*
 * The same for an entry that @from has listed, whose BTF is read there, its digest
 * checked. What @a has is not read; what @from tells by a content that @a has, too, is
 * taken over as it is stored, not encoded again. So entries with fewer bases should
 * come first. Errors of either archive.
 */
int btfpack_archive_copy_from(struct btfpack_archive *a, struct btfpack_archive *from,
			      const struct btfpack_entry *entry, struct btfpack_error *err);

/* --- looking after it ----------------------------------------------------------------------- */

/*
 * Remove one entry: @k holds the four names, and the build-id of the build meant
 * (NULL: that of unknown build-id, or the only one there is; -EINVAL when it is
 * one of several). The content goes out of reach with its last entry; its bytes
 * stay in the pack until btfpack_archive_collect(). -ENOENT, -EROFS.
 */
int btfpack_archive_remove(struct btfpack_archive *a, const struct btfpack_kernel *k,
			   const char *set, struct btfpack_error *err);

/* Rewrite the packs without what no entry names, and delete the old ones.
 * @freed_ret (may be NULL) gets the bytes given back. -EROFS; -ENOSPC when there
 * is no room for the copy. */
int btfpack_archive_collect(struct btfpack_archive *a, uint64_t *freed_ret,
			    struct btfpack_error *err);

/* One thing wrong with an archive. @message is a sentence that names file and
 * place; @kernel (NULL: none) an entry that is lost by it, @set its set. */
struct btfpack_problem {
	const char *message;
	const struct btfpack_kernel *kernel;
	const char *set;
};
typedef void (*btfpack_problem_fn)(const struct btfpack_problem *problem, void *arg);

/* How far a long call is: @done of @total bytes. A result other than 0 stops
 * the call, which then returns -ECANCELED. */
typedef int (*btfpack_progress_fn)(uint64_t done, uint64_t total, void *arg);

struct btfpack_verify_opts {
	size_t size;			/* sizeof(struct btfpack_verify_opts) */
	btfpack_problem_fn problem;	/* called for each; NULL: only count */
	btfpack_progress_fn progress;	/* NULL: none */
	void *arg;			/* for both */
};

/*
 * Check everything: the index's own structure, every record of every pack (frame,
 * decompression, digest), that each entry's content is there and is BTF, and
 * that nothing lies in the packs that should not. Changes nothing. Returns the
 * number of problems, 0 when clean; <0 only when checking itself was impossible
 * (no memory, I/O). A torn tail that an interrupted writer left behind and the
 * next one will cut off is not a problem.
 */
int btfpack_archive_verify(struct btfpack_archive *a, const struct btfpack_verify_opts *opts,
			   struct btfpack_error *err);

struct btfpack_archive_stats {
	uint64_t kernels;	/* distinct kernels with an entry */
	uint64_t entries;	/* full and minified */
	uint64_t full;		/* of these, full BTF */
	uint64_t contents;	/* distinct BTFs */
	uint64_t raw_bytes;	/* of all entries, as if each were a file of its own */
	uint64_t content_bytes; /* of the distinct contents, raw */
	uint64_t stored_bytes;	/* of the distinct contents, compressed */
	uint64_t failures;	/* packages noted as failed */
	uint64_t module_kernels; /* kernels whose modules were stored */
	uint64_t modules;	 /* of all of these */
	uint64_t module_bytes;	 /* of their distinct contents, compressed; not in stored_bytes */
	/* Of the whole archive, whatever the filter: */
	uint64_t pack_bytes;	/* of all packs, frames and unreachable records included */
	uint64_t index_bytes;	/* of the index's files */
	uint64_t unused_bytes;	/* what btfpack_archive_collect() would give back, about */
};

/* Figures of what @filter (as for list; NULL: all) leaves. Reads the index only. */
int btfpack_archive_get_stats(struct btfpack_archive *a, const struct btfpack_kernel *filter,
			      struct btfpack_archive_stats *ret, struct btfpack_error *err);

/* --- what could not be had ------------------------------------------------------------------- */

/* As code of a "failure": nothing is wrong with the package, it was passed over because
 * its kernel has BTF of its own. */
#define BTFPACK_PACKAGE_HAS_BTF (-EALREADY)

/* A package that was tried and gave no BTF. Strings die at the next call on the
 * iterator. */
struct btfpack_failure {
	struct btfpack_kernel kernel;	      /* uname and build_id may be NULL: not got that far */
	struct btfpack_provenance provenance; /* of the package; as for an entry */
	const char *reason;		      /* the sentence of the error */
	int code;			      /* its code, negative */
	uint32_t attempts;		      /* how often it was tried */
	int64_t first, last;		      /* times of the first and last attempt */
};

/*
 * Note that @k's package failed: @why's code and sentence. Counts a further
 * attempt when the same package is noted already (same distro, release, arch,
 * package and package version). @k needs distro, release and arch; @provenance
 * needs a package name. Forgotten when btfpack_archive_add() stores a full BTF
 * of that package, or of that kernel. -EINVAL, -EROFS.
 */
int btfpack_archive_note_failure(struct btfpack_archive *a, const struct btfpack_kernel *k,
				 const struct btfpack_provenance *provenance,
				 const struct btfpack_error *why, struct btfpack_error *err);

/* Forget the failures that @filter (NULL: all) leaves; how many, or <0. */
int btfpack_archive_clear_failures(struct btfpack_archive *a, const struct btfpack_kernel *filter,
				   struct btfpack_error *err);

struct btfpack_failure_iter;

/* Failures that @filter (as for list; NULL: all) leaves, ordered as entries are. */
int btfpack_archive_list_failures(struct btfpack_archive *a, const struct btfpack_kernel *filter,
				  struct btfpack_failure_iter **ret, struct btfpack_error *err);
int btfpack_failure_iter_next(struct btfpack_failure_iter *it, const struct btfpack_failure **ret,
			      struct btfpack_error *err);
void btfpack_failure_iter_free(struct btfpack_failure_iter *it);

#ifdef __cplusplus
}
#endif
#endif
