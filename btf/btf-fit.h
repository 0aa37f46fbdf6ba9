/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether split BTF stands on the base that it is read with. Its numbers say nothing of
 * that, and on another kernel's BTF most of them are in bounds. But a name that it shares
 * with the base is the start of a string there, and on another base hardly one is.
 */
#ifndef BTF_BTF_FIT_H
#define BTF_BTF_FIT_H

#include "btf/btf-view.h"

/* @view has a base. False: some name lies within a string of the base. */
bool btf_fits_base(const struct btf_view *view);

#endif
