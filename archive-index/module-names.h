/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which names the modules of a kernel have that its vmlinux has not: so that most
 * questions about a kernel are answered without reading its modules.
 *
 * A set of 32-bit hashes of kind and name, as far as that goes before "___": where modules
 * have 55,000, one in 80,000 names that they have not passes for theirs, and they are
 * read for nothing. Told as what is other than in the set of another kernel's modules.
 */
#ifndef ARCHIVE_INDEX_MODULE_NAMES_H
#define ARCHIVE_INDEX_MODULE_NAMES_H

#include <stdbool.h>

#include "archive-index/modules-joined.h"
#include "core/cleanup.h"

struct module_names {
	uint32_t *hashes; /* ascending, each once */
	uint32_t count;
};

void module_names_deinit(struct module_names *names);
#define AUTO_MODULE_NAMES CLEANUP(module_names_deinit)

/* Those of what modules_join() gave. -EBADMSG, -ENOMEM. */
int module_names_of(const struct btfpack_blob *joined, const struct modules_base *ends,
		    struct module_names *ret);

/* As may_have of struct btfpack_module_source. */
bool module_names_may_have(const struct module_names *names, unsigned int kind, const char *name);

/* By what is other than in @base (NULL: all of it), and back. -EBADMSG, -ENOMEM. */
int module_names_encode(const struct module_names *names, const struct module_names *base,
			struct btfpack_blob *ret);
int module_names_decode(const struct btfpack_blob *bytes, const struct module_names *base,
			struct module_names *ret);

#endif
