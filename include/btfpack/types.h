/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/types.h - the plain data that the stages of btfpack exchange
 *
 * Stages (fetch, convert, minify, store, bundle) never call each other: a
 * program composes them, and what passes between them is a path or one of these
 * structs. The runtime loader does not need this header.
 */
#ifndef BTFPACK_TYPES_H
#define BTFPACK_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes with an owner. @size is in bytes; @data comes from malloc() and is NULL
 * when there is nothing. */
struct btfpack_blob {
	void *data;
	size_t size;
};

/* Free what @blob holds and leave it empty. NULL and empty are fine. */
static inline void btfpack_blob_free(struct btfpack_blob *blob)
{
	if (!blob)
		return;
	free(blob->data);
	blob->data = NULL;
	blob->size = 0;
}

/*
 * The key of a kernel, always in this order. The strings are borrowed: whoever
 * fills the struct says how long they live. In a filter a NULL field means
 * "any"; in the key of a stored kernel the first four are never NULL.
 *
 * @distro    lower-case id as in os-release ID: "debian", "ubuntu", "centos"
 * @release   the distribution's release: "12", "18.04", "7"
 * @arch      as `uname -m` spells it: x86_64, aarch64, i686, armv7l, s390x,
 *            ppc64le, riscv64
 * @uname     as `uname -r` prints it: "6.1.0-28-cloud-amd64"
 * @build_id  GNU build-id in lower-case hex, or NULL when unknown. It alone
 *            identifies a kernel exactly: two builds may share an @uname.
 */
struct btfpack_kernel {
	const char *distro;
	const char *release;
	const char *arch;
	const char *uname;
	const char *build_id;
};

/* Split BTF of one module, on top of its kernel's BTF. @name as lsmod prints it:
 * "nf_conntrack". */
struct btfpack_module_btf {
	const char *name;
	struct btfpack_blob btf;
};

/* Content id: the SHA-256 of a BTF, as it was before compression. */
struct btfpack_id {
	uint8_t bytes[32];
};

/* Bytes of a file: @size from @offset on. */
struct btfpack_part {
	uint64_t offset, size;
};

struct btfpack_error;

/* Gives exactly @size bytes from @offset on of something that @arg stands for. 0, or
 * negative with @err filled. */
typedef int (*btfpack_read_fn)(void *arg, uint64_t offset, void *ret, size_t size,
			       struct btfpack_error *err);

#ifdef __cplusplus
}
#endif
#endif
