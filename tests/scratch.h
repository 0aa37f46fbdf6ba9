/* SPDX-License-Identifier: BSD-2-Clause */
/* A scratch directory per test program, removed at exit, and small BTFs. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btf/btf-build.h"

static char scratch_root[256];
static pid_t scratch_owner;

static inline int scratch_remove_one(const char *path, const struct stat *st, int flag,
				     struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline void scratch_remove(const char *path)
{
	nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static inline void scratch_cleanup(void)
{
	if (getpid() == scratch_owner) /* not a child of fork() */
		scratch_remove(scratch_root);
}

/* A path in the scratch directory. The result is one of a few static buffers. */
static inline const char *scratch(const char *name)
{
	static char paths[8][512];
	static unsigned int next;
	char *path = paths[next++ % 8];

	if (!scratch_root[0]) {
		const char *tmp = getenv("TMPDIR");

		snprintf(scratch_root, sizeof(scratch_root), "%s/btfpack-test.XXXXXX",
			 tmp ? tmp : "/tmp");
		if (!mkdtemp(scratch_root))
			abort();
		scratch_owner = getpid();
		atexit(scratch_cleanup);
	}
	snprintf(path, 512, "%s/%s", scratch_root, name);
	return path;
}

/* A BTF of one int and @count structs of two members; other @seed, other names. */
static inline struct btfpack_blob scratch_btf(unsigned int seed, unsigned int count)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btfpack_blob blob = { 0 };
	uint32_t name, integer, encoding = BTF_INT_SIGNED << 24 | 32;

	if (btf_build_new(NULL, &b) || btf_build_string(b, "int", &name) ||
	    btf_build_type(b,
			   &(struct btf_type){ .name_off = name,
					       .info = btf_info(BTF_KIND_INT, 0, false),
					       .size = 4 },
			   &encoding, &integer))
		abort();
	for (unsigned int i = 0; i < count; i++) {
		struct btf_member members[2] = { { .type = integer },
						 { .type = integer, .offset = 32 } };
		char text[64];

		snprintf(text, sizeof(text), "struct_%u_%u", seed, i);
		btf_build_string(b, "a", &members[0].name_off);
		btf_build_string(b, "b", &members[1].name_off);
		if (btf_build_string(b, text, &name) ||
		    btf_build_type(b,
				   &(struct btf_type){ .name_off = name,
						       .info = btf_info(BTF_KIND_STRUCT, 2, false),
						       .size = 8 },
				   members, &(uint32_t){ 0 }))
			abort();
	}
	if (btf_build_finish(b, false, &blob))
		abort();
	return blob;
}

#endif
