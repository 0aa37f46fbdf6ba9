/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "btfgen/core-kernel.h"

/* Roots that vmlinux has, a bit each: modules are not asked for them. */
struct roots {
	uint64_t *bits;
};

static uint32_t find_root(const struct core_set *set, const struct btf_view *view,
			  const struct btf_type *t)
{
	if (!(set->kinds >> btf_type_kind(t) & 1) || !t->name_off)
		return CORE_NO_ROOT;
	return core_set_find_root(set, btf_type_kind(t), btf_view_name(view, t));
}

static int find_roots(const struct core_set *set, const struct btf_view *vmlinux, struct roots *ret)
{
	size_t count = (size_t)set->names.count * NR_BTF_KINDS;

	ret->bits = calloc(count / 64 + 1, sizeof(*ret->bits));
	if (!ret->bits)
		return -ENOMEM;
	for (uint32_t id = vmlinux->first_id; id < vmlinux->end_id; id++) {
		uint32_t root = find_root(set, vmlinux, btf_view_type(vmlinux, id));

		if (root != CORE_NO_ROOT)
			ret->bits[root / 64] |= UINT64_C(1) << (root % 64);
	}
	return 0;
}

static bool has_candidate(const struct core_set *set, const struct roots *roots,
			  const struct btf_view *module)
{
	for (uint32_t id = module->first_id; id < module->end_id; id++) {
		uint32_t root = find_root(set, module, btf_view_type(module, id));

		if (root != CORE_NO_ROOT && !(roots->bits[root / 64] >> (root % 64) & 1))
			return true;
	}
	return false;
}

/* What one module is looked at with. */
struct looking {
	struct core_kernel *kernel;
	const struct core_set *set;
	struct roots roots;
	const char *name;
	core_look_fn look;
	void *arg;
};

static int look_at_module(struct looking *l, size_t number, struct btfpack_error *err)
{
	const struct btfpack_module_btf *m = &l->kernel->modules[number];
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	char name[280];
	int wanted;

	snprintf(name, sizeof(name), "%.160s: module %.100s", l->name, m->name);
	wanted = btf_view_init(&view, m->btf.data, m->btf.size, &l->kernel->vmlinux, name, err);
	if (wanted < 0)
		return wanted;
	if (view.other_order != l->kernel->vmlinux.other_order)
		return btfpack_error_set(
			err, -EBADMSG, "%s: its BTF and the kernel's are of different byte orders",
			name);
	if (l->look)
		wanted = l->look(&view, (int64_t)number, l->arg);
	if (!wanted)
		wanted = has_candidate(l->set, &l->roots, &view);
	if (wanted > 0)
		wanted = btf_stack_add(&l->kernel->stack, &view, (uint32_t)number);
	return wanted < 0 ? btfpack_error_set(err, wanted, "%s: %s", name,
					      wanted == -EFBIG ? "too much BTF" : "out of memory")
			  : 0;
}

static int look_at_modules(struct looking *l, size_t count, struct btfpack_error *err)
{
	int error = find_roots(l->set, &l->kernel->vmlinux, &l->roots);

	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", l->name);
	btf_stack_init(&l->kernel->stack, &l->kernel->vmlinux);
	for (size_t i = 0; !error && i < count; i++)
		error = look_at_module(l, i, err);
	if (!error && l->kernel->stack.layers.size)
		l->kernel->view = &l->kernel->stack.view;
	return error;
}

int core_kernel_init(struct core_kernel *kernel, const struct core_set *set,
		     const struct btfpack_blob *btf, const struct btfpack_module_btf *modules,
		     size_t module_count, const char *name, core_look_fn look, void *arg,
		     struct btfpack_error *err)
{
	struct looking l = { .kernel = kernel, .set = set, .name = name, .look = look, .arg = arg };
	int error;

	*kernel = (struct core_kernel){ .view = &kernel->vmlinux,
					.modules = modules,
					.module_count = module_count };
	error = btf_view_init(&kernel->vmlinux, btf->data, btf->size, NULL, name, err);
	if (error)
		return error;
	error = look ? look(kernel->view, CORE_NO_MODULE, arg) : 0;
	if (error < 0)
		btfpack_error_set(err, error, "%s: out of memory", name);
	else
		error = module_count ? look_at_modules(&l, module_count, err) : 0;
	free(l.roots.bits);
	if (error)
		core_kernel_deinit(kernel);
	return error;
}

void core_kernel_deinit(struct core_kernel *kernel)
{
	btf_stack_deinit(&kernel->stack);
	btf_view_deinit(&kernel->vmlinux);
	*kernel = (struct core_kernel){ 0 };
}

int64_t core_kernel_module(const struct core_kernel *kernel, uint32_t id)
{
	return kernel->view == &kernel->vmlinux ? CORE_NO_MODULE
						: btf_stack_find(&kernel->stack, id);
}
