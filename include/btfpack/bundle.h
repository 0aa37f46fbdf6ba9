/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/bundle.h - write a bundle: one file with the BTF of many kernels
 *
 * A bundle is what a release ships, and what btfpack/loader.h chooses from. It is
 * put together from kernels and their (minified) BTF, in any order; equal BTFs
 * are stored once. The bytes depend on what was added and not on the order, so
 * the same kernels always give the same file.
 *
 *	struct btfpack_bundle *b;
 *
 *	btfpack_bundle_new(&b, &err);
 *	for each kernel: btfpack_bundle_add(b, &kernel, &btf, NULL, &err);
 *	btfpack_bundle_write(b, NULL, &bytes, &err);
 *	btfpack_bundle_free(b);
 *
 * The format: btfpack-bundle(5). One thread per bundle.
 */
#ifndef BTFPACK_BUNDLE_H
#define BTFPACK_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/check.h>
#include <btfpack/error.h>
#include <btfpack/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct btfpack_bundle;

/* An empty bundle. -ENOMEM. */
int btfpack_bundle_new(struct btfpack_bundle **ret, struct btfpack_error *err);

/* NULL is fine. */
void btfpack_bundle_free(struct btfpack_bundle *b);

/*
 * Name a BPF program that verdicts will be about; @number_ret is what they call it.
 * Programs are named once, before the kernels: those of one object one after another.
 * -EINVAL when a name is empty or not printable, or kernels were added already;
 * -EFBIG more than 65,536 programs; -ENOMEM.
 */
int btfpack_bundle_add_program(struct btfpack_bundle *b, const char *object, const char *program,
			       uint32_t *number_ret, struct btfpack_error *err);

/* That a program does not just load on a kernel. @reason: a sentence, or ""; control
 * characters in it become spaces. */
struct btfpack_bundle_verdict {
	uint32_t program;	     /* its number */
	enum btfpack_verdict verdict; /* any but BTFPACK_VERDICT_LOADS */
	const char *reason;
};

/*
 * What is known of a kernel besides its key. Strings may be NULL; all are copied.
 *
 * @package        the package it comes from: name, a space, version
 * @digest         SHA-256 of that package, 64 hex digits; the first 8 are kept, and one
 *                 digest of them all
 * @is_judged      every program was judged on this kernel: those without an entry in
 *                 @verdicts load
 * @verdicts       @verdict_count of them, by ascending number
 */
struct btfpack_bundle_facts {
	const char *package;
	const char *digest;
	bool is_judged;
	const struct btfpack_bundle_verdict *verdicts;
	size_t verdict_count;
};

/*
 * Add a kernel with its BTF (copied unless an equal one is there already). The
 * build-id tells apart several kernels of one name. @facts may be NULL.
 *
 * -EINVAL  a part of the key is missing, too long or has a space, a slash or a
 *          control character in it; a build-id or fact that is not text; verdicts
 *          about no such program, or not in order
 * -EEXIST  this kernel was added before with another BTF; with the same BTF it is
 *          no error
 * -EFBIG   a BTF over 64 MB, or more than 1,048,576 kernels
 * -ENOMEM
 */
int btfpack_bundle_add(struct btfpack_bundle *b, const struct btfpack_kernel *kernel,
		       const struct btfpack_blob *btf, const struct btfpack_bundle_facts *facts,
		       struct btfpack_error *err);

/* Record for provenance that the BTFs are minified for the BPF object @name,
 * whose SHA-256 is @id. -EINVAL when the name is not printable; -ENOMEM. */
int btfpack_bundle_add_object(struct btfpack_bundle *b, const char *name,
			      const struct btfpack_id *id, struct btfpack_error *err);

/* How many kernels, and how many different BTFs, were added. */
size_t btfpack_bundle_count_kernels(const struct btfpack_bundle *b);
size_t btfpack_bundle_count_blobs(const struct btfpack_bundle *b);

#define BTFPACK_BUNDLE_PLAIN	     (1U << 0) /* nothing compressed: for loaders without zstd */
#define BTFPACK_BUNDLE_NO_PROVENANCE (1U << 1) /* leave provenance and digests out */

/*
 * Zero means the default, everywhere.
 *
 * @size           sizeof(struct btfpack_bundle_opts)
 * @flags          BTFPACK_BUNDLE_*
 * @build_id_size  how many bytes of each build-id to keep at least, at most 20. They
 *                 tell the host's build of a kernel from another of its name: 3, the
 *                 default, overlook the difference once in 16.8 million times. With less than
 *                 4 a host without a uname finds nothing. More are kept where the
 *                 builds in the bundle need it.
 */
struct btfpack_bundle_opts {
	size_t size;
	uint32_t flags;
	uint32_t build_id_size;
};

/*
 * Give the bundle's bytes; free them with btfpack_blob_free(). The bundle can go
 * on growing and be written again. @opts may be NULL.
 *
 * -EFBIG when it would be over 4 GB; -ENOSYS when built without zstd and not
 * BTFPACK_BUNDLE_PLAIN; -EINVAL unknown flags, or too large a build_id_size; -ENOMEM.
 */
int btfpack_bundle_write(const struct btfpack_bundle *b, const struct btfpack_bundle_opts *opts,
			 struct btfpack_blob *ret, struct btfpack_error *err);

#ifdef __cplusplus
}
#endif
#endif
