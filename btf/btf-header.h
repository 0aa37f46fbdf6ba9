/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BTF as a C header: every type, in an order that a compiler accepts, with the
 * layout it has in the BTF: padding, packing and bitfields included. For clang
 * -target bpf, 64-bit; a few things C cannot say are said as near as it can:
 *
 *  - the second type of a name gets the flavour "___2" and so on, which CO-RE
 *    ignores; an enumerator that is there already likewise
 *  - type tags and decl tags are left out, but for the one that marks kfuncs: these get
 *    prototypes, weak ones
 *  - an anonymous enum used by several members is an int in all but the first
 */
#ifndef BTF_BTF_HEADER_H
#define BTF_BTF_HEADER_H

#include "btf/btf-view.h"
#include "core/buf.h"

#define BTF_HEADER_MAXIMUM ((size_t)256 << 20) /* bytes */

struct btf_header_opts {
	/* By id, may be NULL: composites whose layout means nothing; their members
	 * follow one another without padding. */
	const uint8_t *loose;
	/* What to say, on a line of its own before the type or behind the member, with
	 * @index UINT32_MAX for the type itself. NULL function or NULL: nothing. */
	const char *(*comment)(uint32_t id, uint32_t index, void *arg);
	void *arg;
	const char *preamble; /* comment lines at the top, or NULL */
};

/* Append the header to @out. The view must have passed btf_check() without
 * errors. -EBADMSG when types cannot be put in order, -EFBIG when @out is full,
 * -ENOMEM. @name is what to call the BTF in sentences. */
int btf_header_write(const struct btf_view *view, const struct btf_header_opts *opts,
		     struct buf *out, const char *name, struct btfpack_error *err);

#endif
