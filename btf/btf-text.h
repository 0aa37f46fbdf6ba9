/* SPDX-License-Identifier: BSD-2-Clause */
/* Types written as C writes them: "int (*)(struct sock *, int)", "u8[16]". */
#ifndef BTF_BTF_TEXT_H
#define BTF_BTF_TEXT_H

#include "btf/btf-view.h"
#include "core/buf.h"

/* Append the declaration of @name (NULL or "": none, an abstract declarator) with
 * the type @id. Anonymous composites come as "struct {...}", what is nested
 * deeper than any header nests as "...". -EFBIG when @out is full, -ENOMEM;
 * @out is then as it was. */
int btf_text_declare(const struct btf_view *view, uint32_t id, const char *name, struct buf *out);

/* The same into a fixed array; what does not fit ends in "...". */
#define BTF_TEXT_SIZE 256
const char *btf_text(const struct btf_view *view, uint32_t id, const char *name,
		     char ret[BTF_TEXT_SIZE]);

/* "const", "volatile", "restrict"; NULL for other kinds. */
const char *btf_text_qualifier(unsigned int kind);

#endif
