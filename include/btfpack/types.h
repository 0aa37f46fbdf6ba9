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

struct btfpack_error;

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

/* Whether something of the BTF kind @kind and of that name matters. */
typedef int (*btfpack_wants_fn)(unsigned int kind, const char *name, void *arg);

/*
 * Modules of a kernel that are read when they are asked for. Of the thousands that a
 * kernel has, programs mostly need nothing, and that can be known without reading any.
 *
 * @count     how many there are
 * @may_have  0: for certain no module has anything of that kind and name, as far as
 *            that goes before "___", which vmlinux has not. An ENUM may be an ENUM64. The
 *            name "" stands for any function, the typedef "btf_trace_" for any
 *            that begins so
 * @load      gives at least those modules that have something that @wants wants, in the
 *            order of their names; they live as long as @arg says. 0, or negative with
 *            @err filled. May be called again
 * @arg       for both
 */
struct btfpack_module_source {
	size_t count;
	int (*may_have)(unsigned int kind, const char *name, void *arg);
	int (*load)(btfpack_wants_fn wants, void *wants_arg, const struct btfpack_module_btf **ret,
		    size_t *count_ret, void *arg, struct btfpack_error *err);
	void *arg;
};

/* Content id: the SHA-256 of a BTF, as it was before compression. */
struct btfpack_id {
	uint8_t bytes[32];
};

/* Bytes of a file: @size from @offset on. */
struct btfpack_part {
	uint64_t offset, size;
};

/* Gives exactly @size bytes from @offset on of something that @arg stands for. 0, or
 * negative with @err filled. */
typedef int (*btfpack_read_fn)(void *arg, uint64_t offset, void *ret, size_t size,
			       struct btfpack_error *err);

#ifdef __cplusplus
}
#endif
#endif
