/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C wants a type complete before it is held by value, and its name before it is
 * pointed to. So there are two needs: complete(type) writes the definition after
 * those of everything it holds; name(type) writes a forward declaration or a
 * typedef. Going through all ids with complete() writes all; what is written is
 * marked. Well-formed BTF has no loops by value, and a loop by names only where
 * no C could have been (an anonymous struct that points to itself): an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/btf.h>

#include "btf/btf-check.h"
#include "btf/btf-kfuncs.h"
#include "btf/header-writer.h"
#include "core/cleanup.h"

enum { NEW, OPEN, NAMED, COMPLETE };

static void header_deinit(struct header *h)
{
	free(h->state);
	free(h->declared);
	free(h->inlined);
	free(h->flavour);
	free(h->align);
	free(h->packed);
	free(h->taken);
}

static int need_complete(struct header *h, uint32_t id);
static int need_name(struct header *h, uint32_t id);

static int deeper(struct header *h, int (*need)(struct header *, uint32_t), uint32_t id)
{
	int error;

	if (++h->depth > HEADER_DEPTH_MAXIMUM)
		error = btfpack_error_set(
			h->err, -EBADMSG,
			"%s: types depend on one another more than %d deep (id %u)", h->name,
			HEADER_DEPTH_MAXIMUM, id);
	else
		error = need(h, id);
	h->depth--;
	return error;
}

static int need_members(struct header *h, uint32_t id)
{
	const struct btf_type *t = header_type(h, id);
	int error = 0;

	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
		error = deeper(h, need_complete, btf_type_members(t)[i].type);
	return error;
}

static int refuse_loop(struct header *h, uint32_t id)
{
	return btfpack_error_set(
		h->err, -EBADMSG, "%s: %s %s (id %u) needs itself to be defined before it", h->name,
		btf_kind_name(btf_type_kind(header_type(h, id))), header_name(h, id), id);
}

/* The compiler has this one built in. */
static bool is_builtin(const struct header *h, uint32_t id)
{
	return !strcmp(header_name(h, id), "__builtin_va_list");
}

static int write_typedef(struct header *h, uint32_t id)
{
	AUTO_BUF struct buf name = BUF_INIT(HEADER_DECLARATOR_MAXIMUM);
	int error = deeper(h, need_name, header_type(h, id)->type);

	if (error || is_builtin(h, id))
		return error;
	error = header_put_name(h, id, &name);
	if (!error)
		error = buf_add_string(h->out, "typedef ");
	if (!error)
		error = header_put_declaration(h, header_type(h, id)->type, buf_string(&name), 0,
					       h->out);
	return error ? error : buf_add_string(h->out, ";\n\n");
}

static int write_forward(struct header *h, uint32_t id)
{
	int error = header_put_name(h, id, h->out);

	h->declared[id] = true;
	return error ? error : buf_add_string(h->out, ";\n\n");
}

static int write_definition(struct header *h, uint32_t id)
{
	int error = header_put_comment(h, id, UINT32_MAX, "", "\n", h->out);

	if (!error)
		error = header_put_name(h, id, h->out);
	if (!error)
		error = buf_add_string(h->out, " ");
	if (!error)
		error = btf_kind_is_enum(btf_type_kind(header_type(h, id)))
				? header_put_values(h, id, 0, h->out)
				: header_put_body(h, id, 0, h->out);
	return error ? error : buf_add_string(h->out, ";\n\n");
}

static int need_prototype(struct header *h, uint32_t id)
{
	const struct btf_type *t = header_type(h, id);
	int error = deeper(h, need_name, t->type);

	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
		error = deeper(h, need_name, btf_type_params(t)[i].type);
	return error;
}

/* What a type that has no word of its own is written with, once. */
static int need_parts(struct header *h, uint32_t id)
{
	const struct btf_type *t = header_type(h, id);

	switch (btf_type_kind(t)) {
	case BTF_KIND_TYPEDEF:
		return write_typedef(h, id);
	case BTF_KIND_ARRAY: /* C wants its elements complete even behind a pointer */
		return deeper(h, need_complete, btf_type_array(t)->type);
	case BTF_KIND_FUNC_PROTO:
		return need_prototype(h, id);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return need_members(h, id);
	default:
		return deeper(h, need_name, t->type);
	}
}

/* After this the type can be pointed to, or be a parameter. */
static int need_name(struct header *h, uint32_t id)
{
	unsigned int kind = btf_type_kind(header_type(h, id));
	int error;

	if (btf_kind_is_enum(kind)) /* no forward declaration of those in C */
		return header_is_anonymous(h, id) ? 0 : need_complete(h, id);
	if (!header_is_derived(kind) && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_FWD &&
	    !btf_kind_is_composite(kind))
		return 0;
	if (kind == BTF_KIND_FWD || (btf_kind_is_composite(kind) && !header_is_anonymous(h, id)))
		return h->declared[id] ? 0 : write_forward(h, id);
	if (h->state[id] == OPEN)
		return refuse_loop(h, id);
	if (h->state[id] != NEW)
		return 0;
	h->state[id] = OPEN;
	error = need_parts(h, id);
	h->state[id] = NAMED;
	return error;
}

/* After this the type can be held by value. */
static int need_complete(struct header *h, uint32_t id)
{
	const struct btf_type *t = header_type(h, id);
	int error = 0;

	switch (btf_type_kind(t)) {
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return deeper(h, need_complete, t->type);
	case BTF_KIND_TYPEDEF:
		error = deeper(h, need_complete, t->type);
		return error ? error : need_name(h, id);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (header_is_anonymous(h, id))
			return need_name(h, id);
		if (h->state[id] == OPEN)
			return refuse_loop(h, id);
		if (h->state[id] == COMPLETE)
			return 0;
		h->state[id] = OPEN;
		error = need_members(h, id);
		h->state[id] = COMPLETE;
		h->declared[id] = true;
		return error ? error : write_definition(h, id);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (header_is_anonymous(h, id) || h->state[id] == COMPLETE)
			return 0;
		h->state[id] = COMPLETE;
		return btf_type_vlen(t) ? write_definition(h, id) : write_forward(h, id);
	default:
		return need_name(h, id);
	}
}

/* An anonymous enum that nothing holds: constants of the kernel's headers. */
static int write_constants(struct header *h, uint32_t id)
{
	int error = buf_add_string(h->out, "enum ");

	if (!error)
		error = header_put_values(h, id, 0, h->out);
	return error ? error : buf_add_string(h->out, ";\n\n");
}

static int write_types(struct header *h)
{
	int error = 0;

	for (uint32_t id = h->view->first_id; !error && id < h->view->end_id; id++) {
		unsigned int kind = btf_type_kind(header_type(h, id));

		if (kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_FWD ||
		    (header_has_tag(kind) && !header_is_anonymous(h, id)))
			error = need_complete(h, id);
	}
	for (uint32_t id = h->view->first_id; !error && id < h->view->end_id; id++)
		if (btf_kind_is_enum(btf_type_kind(header_type(h, id))) &&
		    header_is_anonymous(h, id) && !h->inlined[id] &&
		    btf_type_vlen(header_type(h, id)))
			error = write_constants(h, id);
	return error;
}

#define KFUNCS_TOP                                                  \
	"#ifndef BPF_NO_KFUNC_PROTOTYPES\n"                         \
	"#ifndef __ksym\n"                                          \
	"#define __ksym __attribute__((section(\".ksyms\")))\n"   \
	"#endif\n"                                                 \
	"#ifndef __weak\n"                                          \
	"#define __weak __attribute__((weak))\n"                    \
	"#endif\n\n"
#define KFUNCS_BOTTOM "\n#endif /* BPF_NO_KFUNC_PROTOTYPES */\n\n"

/* One whose name a type or an enumerator has already is left out: C has room for one. */
static int write_kfunc(struct header *h, uint32_t id)
{
	const char *name = header_name(h, id);
	int error;

	if (header_take_name(h, SPACE_ORDINARY, name, id, NULL) > 1)
		return 0;
	error = header_put_comment(h, id, UINT32_MAX, "", "\n", h->out);
	if (!error)
		error = buf_add_string(h->out, "extern ");
	if (!error)
		error = header_put_declaration(h, header_type(h, id)->type, name, 0, h->out);
	return error ? error : buf_add_string(h->out, " __weak __ksym;\n");
}

static int write_kfuncs(struct header *h)
{
	AUTO_FREE uint32_t *ids = NULL;
	uint32_t count = 0;
	int error = btf_kfuncs_list(h->view, &ids, &count);

	if (error || !count)
		return error;
	/* Types first: whoever does without the prototypes wants them all the same. */
	for (uint32_t i = 0; !error && i < count; i++)
		error = need_name(h, header_type(h, ids[i])->type);
	if (!error)
		error = buf_add_string(h->out, KFUNCS_TOP);
	for (uint32_t i = 0; !error && i < count; i++)
		error = write_kfunc(h, ids[i]);
	return error ? error : buf_add_string(h->out, KFUNCS_BOTTOM);
}

static int header_init(struct header *h)
{
	uint32_t end = h->view->end_id;
	uint64_t names = end, size = 1024;

	for (uint32_t id = 1; id < end; id++)
		if (btf_kind_is_enum(btf_type_kind(header_type(h, id))))
			names += btf_type_vlen(header_type(h, id));
	while (size < names * 2)
		size *= 2;
	h->taken_size = (uint32_t)size;
	h->taken = calloc(size, sizeof(*h->taken));
	h->state = calloc(end, 1);
	h->declared = calloc(end, 1);
	h->inlined = calloc(end, 1);
	h->flavour = calloc(end, sizeof(*h->flavour));
	h->align = calloc(end, sizeof(*h->align));
	h->packed = calloc(end, 1);
	if (!h->taken || !h->state || !h->declared || !h->inlined || !h->flavour || !h->align ||
	    !h->packed)
		return -ENOMEM;
	header_choose_names(h);
	return 0;
}

#define TOP                                                                                 \
	"#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"                                  \
	"#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"                                            \
	"#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = " \
	"record)\n"                                                                         \
	"#endif\n\n"
#define BOTTOM                                                                          \
	"#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n" \
	"#endif /* __VMLINUX_H__ */\n"

int btf_header_write(const struct btf_view *view, const struct btf_header_opts *opts,
		     struct buf *out, const char *name, struct btfpack_error *err)
{
	CLEANUP(header_deinit)
	struct header h = {
		.view = view,
		.opts = opts,
		.pointer_size = 8, /* that is what -target bpf has, whatever the kernel */
		.out = out,
		.name = name,
		.err = err,
	};
	struct btfpack_error own = { 0 };
	int error;

	h.err = &own;
	error = header_init(&h);
	if (!error && opts->preamble)
		error = buf_add_string(out, opts->preamble);
	if (!error)
		error = buf_add_string(out, TOP);
	if (!error)
		error = write_types(&h);
	if (!error)
		error = write_kfuncs(&h);
	if (!error)
		error = buf_add_string(out, BOTTOM);
	if (!error)
		return 0;
	if (own.code)
		return btfpack_error_set(err, own.code, "%s", own.message);
	return btfpack_error_set(err, error, "%s: %s", name,
				 error == -EFBIG ? "the header would be too large"
						 : "out of memory");
}

int btfpack_btf_header(const struct btfpack_blob *btf, const char *name, struct btfpack_blob *ret,
		       struct btfpack_error *err)
{
	struct btfpack_btf_check_opts check = { .size = sizeof(check), .skip_duplicates = true };
	static const struct btf_header_opts opts;
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BTF_HEADER_MAXIMUM);
	int error;

	check.name = name ? name : "BTF";
	error = btfpack_btf_check(btf, &check, NULL, NULL, NULL, err);
	if (!error)
		error = btf_view_init(&view, btf->data, btf->size, NULL, check.name, err);
	if (!error)
		error = btf_header_write(&view, &opts, &out, check.name, err);
	if (!error)
		*ret = buf_take(&out); /* the caller's */
	return error;
}
