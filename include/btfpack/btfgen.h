/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/btfgen.h - convert: ELF with DWARF in, BTF out
 *
 *	struct btfpack_blob btf = {0};
 *	struct btfpack_error err;
 *
 *	if (btfpack_convert("vmlinux", NULL, &btf, &err) < 0)
 *		fprintf(stderr, "%s\n", err.message);
 *	...
 *	btfpack_blob_free(&btf);
 *
 * Pure computation: no network, no database, nothing printed. Any number of
 * threads may convert at the same time. The same file gives the same bytes,
 * whatever the number of threads that work on it.
 */
#ifndef BTFPACK_BTFGEN_H
#define BTFPACK_BTFGEN_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Types only: leave out functions and variables. */
#define BTFPACK_CONVERT_NO_FUNCS UINT32_C(1)
/* Write 64-bit enums as readers older than Linux 6.0 expect: unions of size 8
 * have no ENUM64; values are cut to 32 bits, the size stays. */
#define BTFPACK_CONVERT_NO_ENUM64 UINT32_C(2)
/* Read the DWARF even where the file carries a .BTF section. */
#define BTFPACK_CONVERT_IGNORE_BTF UINT32_C(4)

struct btfpack_convert_opts {
	size_t size;       /* sizeof(struct btfpack_convert_opts) */
	unsigned int jobs; /* threads; 0: one for each processor this process may use */
	uint32_t flags;    /* BTFPACK_CONVERT_* */
	/* The supplementary file that dwz made, if the input refers to one; NULL: look
	 * where the input says, and under /usr/lib/debug/.build-id. */
	const char *dwz_path;
};

/*
 * Convert the file @path: a vmlinux, or a .debug file of one, of any byte order
 * and word size. With DWARF (versions 2 to 5) that is what is read; a file that
 * has no DWARF but a .BTF section gives that section. The result is in the byte
 * order of the file's machine, with the 24-byte header.
 *
 * @opts may be NULL. Free *@ret with btfpack_blob_free(). Errors: -EBADMSG not
 * an ELF file, or damaged; -EOPNOTSUPP no regular file, neither DWARF nor BTF inside,
 * split DWARF or a version from the future; -EFBIG more types or strings than BTF can number;
 * -ENOMEM; and what open(2) and mmap(2) say.
 */
int btfpack_convert(const char *path, const struct btfpack_convert_opts *opts,
		    struct btfpack_blob *ret, struct btfpack_error *err);

/*
 * Convert a module (foo.ko, foo.ko.debug; relocatable files are relocated) to split
 * BTF on top of @base, the BTF of its vmlinux: types that the base has are referred
 * to by the base's ids, so the result is readable only together with exactly those
 * bytes (`bpftool -B`, btf__parse_split()). @base is borrowed for the call. The
 * rest is as for btfpack_convert(); -EBADMSG also when @base is not BTF.
 */
int btfpack_convert_module(const char *path, const struct btfpack_blob *base,
			   const struct btfpack_convert_opts *opts, struct btfpack_blob *ret,
			   struct btfpack_error *err);

/*
 * The same for all modules of a kernel: what is done to the base for each is done once.
 * Any number of threads may convert on one base. @btf is borrowed until free.
 *
 *	btfpack_module_base_new(&vmlinux_btf, &base, &err);
 *	for each module: btfpack_convert_module_on(path, base, NULL, &btf, &err);
 *	btfpack_module_base_free(base);
 */
struct btfpack_module_base;
int btfpack_module_base_new(const struct btfpack_blob *btf, struct btfpack_module_base **ret,
			    struct btfpack_error *err);
/* NULL is fine. */
void btfpack_module_base_free(struct btfpack_module_base *base);
int btfpack_convert_module_on(const char *path, const struct btfpack_module_base *base,
			      const struct btfpack_convert_opts *opts, struct btfpack_blob *ret,
			      struct btfpack_error *err);

/* What conversion reads of a file. */
struct btfpack_convert_parts {
	struct btfpack_part *parts; /* in order, apart from one another */
	size_t count;
	uint64_t bytes; /* in all */
	uint64_t dwarf; /* bytes of .debug_info; 0: there is no DWARF */
	uint64_t btf;   /* bytes of .BTF: the kernel has BTF of its own; 0: it has not */
};

/*
 * Which parts of an ELF file of @size bytes btfpack_convert() and btfpack_build_id()
 * look at, for one who need not have all of it: a vmlinux of 6.1 for amd64 has 590 MB,
 * 196 of them count. Reads its heads by @read. A file with nothing in it but these
 * parts, each in its place, gives the same BTF. Free *@ret with
 * btfpack_convert_parts_free(). -EBADMSG: not an ELF file, or damaged; and what @read
 * gives.
 */
int btfpack_convert_parts(btfpack_read_fn read, void *arg, uint64_t size,
			  struct btfpack_convert_parts *ret, struct btfpack_error *err);

/* Free what @parts holds and leave it empty. */
static inline void btfpack_convert_parts_free(struct btfpack_convert_parts *parts)
{
	free(parts->parts);
	parts->parts = NULL;
	parts->count = 0;
}

/*
 * The GNU build-id of the ELF file @path in lower-case hex, "" when it has none.
 * @ret has room for BTFPACK_BUILD_ID_SIZE bytes. Errors as btfpack_convert().
 */
#define BTFPACK_BUILD_ID_SIZE 65
int btfpack_build_id(const char *path, char ret[BTFPACK_BUILD_ID_SIZE], struct btfpack_error *err);

#ifdef __cplusplus
}
#endif
#endif
