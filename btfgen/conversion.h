/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of one btfpack_convert(), between its passes. */
#ifndef BTFGEN_CONVERSION_H
#define BTFGEN_CONVERSION_H

#include <pthread.h>
#include <stdatomic.h>

#include "btfgen/base-match.h"
#include "btfgen/dwarf-funcs.h"
#include "btfgen/dwarf-vars.h"
#include "btfgen/kfuncs.h"
#include "btfgen/type-graph.h"
#include "btfgen/type-pool.h"

struct conversion {
	struct elf_image image, alt_image; /* the latter when dwz made one */
	struct dwarf_file file, alt_file;
	struct type_pool pool, alt_pool;
	const struct base_types *base; /* of a module; else NULL */
	uint32_t flags;              /* BTFPACK_CONVERT_* */
	struct func_symbols symbols;
	struct percpu_section percpu;
	struct kfuncs kfuncs;

	struct worker *workers;
	unsigned int worker_count;
	atomic_size_t next; /* unit to read */
	atomic_bool stop;
	atomic_uint_fast64_t imported; /* entries in the units' lists that are other units' */

	/* What the reading leaves. */
	struct type_table table;
	struct class_list *units; /* one a unit of @file, and one for what none of them lists */
	struct func_defs funcs;
	struct var_defs vars;
};

/* Read all units: fills the last four fields. */
int conversion_read(struct conversion *c, struct btfpack_error *err);

/* As before conversion_read(). */
void conversion_forget(struct conversion *c);

#endif
