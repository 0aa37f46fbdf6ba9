/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions that a kernel gives to programs (kfuncs): since 6.9 its BTF marks them by
 * the decl tag "bpf_kfunc". */
#ifndef BTF_BTF_KFUNCS_H
#define BTF_BTF_KFUNCS_H

#include "btf/btf-view.h"

/* Their ids (of FUNC), by name, one a name: *@count_ret of them, to be freed. The view must
 * have passed btf_check() without errors. -ENOMEM. */
int btf_kfuncs_list(const struct btf_view *view, uint32_t **ret, uint32_t *count_ret);

/* The name of such a mark. */
#define BTF_KFUNC_TAG "bpf_kfunc"

#endif
