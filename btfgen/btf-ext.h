/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The .BTF.ext section: for each executable section, records about its
 * instructions. Of its three tables only the CO-RE one is used; function and
 * line information is checked to lie where the header says and left alone.
 */
#ifndef BTFGEN_BTF_EXT_H
#define BTFGEN_BTF_EXT_H

#include <stddef.h>

#include <btfpack/error.h>

#include "btfgen/bpf-object.h"

/* Fill object->relos from the section's bytes. Sections, functions and BTF of the
 * object must be there already. -EBADMSG, -EOPNOTSUPP, -ENOMEM. */
int btf_ext_read(struct bpf_object *object, const void *data, size_t size,
		 struct btfpack_error *err);

#endif
