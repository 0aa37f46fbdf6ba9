/* SPDX-License-Identifier: BSD-2-Clause */
/* The BTF of all modules of a kernel as an archive holds it, with where its base ends in
 * the first eight bytes; and the same bytes as a module that is to be stored. */
#include <stdlib.h>
#include <string.h>

#include "archive-index/module-names.h"
#include "archive-index/modules-joined.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the names of a kernel's modules are held against. */
struct promise {
	const struct module_names *names;
	const struct modules_base *ends;
	struct btf_view view;
};

/* Something with a name that vmlinux has not and that no module was said to have. */
static int is_denied(unsigned int kind, const char *name, void *arg)
{
	const struct promise *p = arg;

	for (uint32_t id = 1; id < p->ends->types; id++) {
		const struct btf_type *t = btf_view_type(&p->view, id);
		bool is_enum = btf_kind_is_enum(btf_type_kind(t)) && btf_kind_is_enum(kind);

		if ((is_enum || btf_type_kind(t) == kind) && !strcmp(name, btf_view_name(&p->view, t)))
			return 0;
	}
	return *name && !module_names_may_have(p->names, kind, name);
}

/* Whatever comes apart and is BTF on the base can be joined again, to as many modules. */
static void take_apart(const uint8_t *data, size_t size, const struct modules_base *ends)
{
	const struct btfpack_blob joined = { (void *)data, size };
	struct btfpack_modules modules = { 0 }, some = { 0 };
	struct module_names names = { 0 };
	struct promise promise;
	size_t all = 0;

	if (modules_split(&joined, ends, &(struct modules_choice){ 0 }, "joined", &modules, &all,
			  NULL))
		return;
	if (all != modules.count)
		abort();
	if (modules_split(&joined, ends, &(struct modules_choice){ .pattern = "m1*" }, "joined",
			  &some, &all, NULL) ||
	    some.count > modules.count || all != modules.count)
		abort();
	btfpack_modules_free(&some);
	if (module_names_of(&joined, ends, &names))
		abort();
	promise = (struct promise){ .names = &names, .ends = ends };
	if (btf_view_init(&promise.view, data, size, NULL, "joined", NULL) ||
	    modules_split(&joined, ends, &(struct modules_choice){ NULL, is_denied, &promise },
			  "joined", &some, &all, NULL) ||
	    some.count)
		abort();
	btf_view_deinit(&promise.view);
	module_names_deinit(&names);
	btfpack_modules_free(&some);
	btfpack_modules_free(&modules);
}

/* What can be joined was proved to come apart. */
static void join(const uint8_t *data, size_t size, const struct btfpack_blob *base)
{
	const struct btfpack_module_btf modules[2] = { { "a", { (void *)data, size } },
						       { "b", { (void *)data, size } } };
	struct btfpack_blob joined = { 0 };
	struct modules_base ends;

	if (modules_join(base, modules, 2, "kernel", &joined, &ends, NULL))
		return;
	btfpack_blob_free(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct modules_base ends;
	uint8_t *copy;

	if (size < sizeof(ends))
		return 0;
	memcpy(&ends, data, sizeof(ends));
	data += sizeof(ends);
	size -= sizeof(ends);
	copy = malloc(size + 1); /* so that a sanitizer sees its end */
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	take_apart(copy, size, &ends);
	/* The first bytes as a base, the rest on top of it: lengths are in the header. */
	if (ends.types < size)
		join(copy + ends.types, size - ends.types,
		     &(struct btfpack_blob){ copy, ends.types });
	free(copy);
	return 0;
}
