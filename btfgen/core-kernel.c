/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/core-kernel.h"

#define NAME_MAXIMUM 512 /* of the kernel's symbols; what is longer is not asked for, but read */

/* Roots that vmlinux has, a bit each: modules are not asked for them. */
struct roots {
	uint64_t *bits;
};

static bool has_root(const struct roots *roots, uint32_t root)
{
	return roots->bits[root / 64] >> (root % 64) & 1;
}

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

		if (root != CORE_NO_ROOT && !has_root(roots, root))
			return true;
	}
	return false;
}

/* What a kernel is looked at with. */
struct looking {
	struct core_kernel *kernel;
	const struct core_set *set;
	const struct core_parts *parts;
	const struct core_looker *looker;
	struct roots roots;
};

/* --- from a source ------------------------------------------------------------------------------ */

/* Whether some module may have what @need looks for and vmlinux has not. */
static bool may_have(const struct looking *l, const struct core_need *need)
{
	const struct btfpack_module_source *source = l->parts->source;
	char name[NAME_MAXIMUM + 1];
	size_t length;
	const void *bytes = intern_get(&l->set->names, need->root / NR_BTF_KINDS, &length);

	if (length > NAME_MAXIMUM)
		return true;
	memcpy(name, bytes, length);
	name[length] = '\0';
	return source->may_have(need->root % NR_BTF_KINDS, name, source->arg);
}

static bool asks(const struct looking *l)
{
	for (uint32_t i = 0; i < l->set->need_count; i++)
		if (!has_root(&l->roots, l->set->needs[i]->root) && may_have(l, l->set->needs[i]))
			return true;
	return l->looker->asks(l->parts->source, l->looker->arg);
}

static int wants(unsigned int kind, const char *name, void *arg)
{
	const struct looking *l = arg;
	uint32_t root = CORE_NO_ROOT;

	if (l->set->kinds >> kind & 1 && *name)
		root = core_set_find_root(l->set, kind, name);
	return (root != CORE_NO_ROOT && !has_root(&l->roots, root)) ||
	       l->looker->wants(kind, name, l->looker->arg);
}

static int load_modules(struct looking *l, struct btfpack_error *err)
{
	const struct btfpack_module_source *source = l->parts->source;

	return asks(l) ? source->load(wants, l, &l->kernel->modules, &l->kernel->module_count,
				      source->arg, err)
		       : 0;
}

/* --- looking ------------------------------------------------------------------------------------ */

static int look_at_module(struct looking *l, size_t number, struct btfpack_error *err)
{
	const struct btfpack_module_btf *m = &l->kernel->modules[number];
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	char name[280];
	int wanted;

	snprintf(name, sizeof(name), "%.160s: module %.100s", l->parts->name, m->name);
	wanted = btf_view_init(&view, m->btf.data, m->btf.size, &l->kernel->vmlinux, name, err);
	if (wanted < 0)
		return wanted;
	if (view.other_order != l->kernel->vmlinux.other_order)
		return btfpack_error_set(
			err, -EBADMSG, "%s: its BTF and the kernel's are of different byte orders",
			name);
	wanted = l->looker->look(&view, m->name, (int64_t)number, l->looker->arg);
	if (!wanted)
		wanted = has_candidate(l->set, &l->roots, &view);
	if (wanted > 0)
		wanted = btf_stack_add(&l->kernel->stack, &view, (uint32_t)number);
	return wanted < 0 ? btfpack_error_set(err, wanted, "%s: %s", name,
					      wanted == -EFBIG ? "too much BTF" : "out of memory")
			  : 0;
}

static int look_at_modules(struct looking *l, struct btfpack_error *err)
{
	int error = find_roots(l->set, &l->kernel->vmlinux, &l->roots);

	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", l->parts->name);
	if (l->parts->source)
		error = load_modules(l, err);
	btf_stack_init(&l->kernel->stack, &l->kernel->vmlinux);
	for (size_t i = 0; !error && i < l->kernel->module_count; i++)
		error = look_at_module(l, i, err);
	if (!error && l->kernel->stack.layers.size)
		l->kernel->view = &l->kernel->stack.view;
	return error;
}

static int look_at_nothing(const struct btf_view *view, const char *module, int64_t number,
			   void *arg)
{
	(void)view, (void)module, (void)number, (void)arg;
	return 0;
}

static bool ask_nothing(const struct btfpack_module_source *source, void *arg)
{
	(void)source, (void)arg;
	return false;
}

static bool want_nothing(unsigned int kind, const char *name, void *arg)
{
	(void)kind, (void)name, (void)arg;
	return false;
}

static const struct core_looker nobody = { look_at_nothing, ask_nothing, want_nothing, NULL };

int core_kernel_init(struct core_kernel *kernel, const struct core_set *set,
		     const struct core_parts *parts, const struct core_looker *looker,
		     struct btfpack_error *err)
{
	struct looking l = { .kernel = kernel,
			     .set = set,
			     .parts = parts,
			     .looker = looker ? looker : &nobody };
	int error;

	*kernel = (struct core_kernel){ .view = &kernel->vmlinux,
					.modules = parts->modules,
					.module_count = parts->source ? 0 : parts->module_count };
	error = btf_view_init(&kernel->vmlinux, parts->btf->data, parts->btf->size, NULL,
			      parts->name, err);
	if (error)
		return error;
	error = l.looker->look(kernel->view, NULL, CORE_NO_MODULE, l.looker->arg);
	if (error < 0)
		btfpack_error_set(err, error, "%s: out of memory", parts->name);
	else if (parts->source ? parts->source->count : kernel->module_count)
		error = look_at_modules(&l, err);
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
