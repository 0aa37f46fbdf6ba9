/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values by their BTF, as JSON. Data is in this machine's byte order; where it ends
 * too early, or the type makes no sense, null is written. 0, -ENOMEM, or -EFBIG
 * when @ret is full.
 */
#ifndef GADGET_RUNNER_BTF_JSON_H
#define GADGET_RUNNER_BTF_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "btf/btf-view.h"
#include "core/buf.h"

/* Any value of type @type_id in @size bytes. */
int btf_json_value(const struct btf_view *btf, uint32_t type_id, const void *data, size_t size,
		   struct buf *ret);

/* @number as its type @t, an integer, enum or pointer, has it. */
int btf_json_number(const struct btf_view *btf, const struct btf_type *t, uint64_t number,
		    struct buf *ret);

/* @length bytes as a JSON string; what is no UTF-8 comes as U+FFFD. */
int btf_json_string(const char *text, size_t length, struct buf *ret);

/* Bytes as hex digits, without quotes. */
int btf_json_hex(const uint8_t *data, size_t size, struct buf *ret);

/* The enumerator of the value @number; NULL: the enum has none. */
const char *btf_json_enum_name(const struct btf_view *btf, const struct btf_type *t,
			       uint64_t number);

/* An unsigned or sign-extended number of @bit_size bits (64 at most) at @bit_offset. */
uint64_t btf_json_bits(const void *data, uint32_t bit_offset, uint32_t bit_size, bool is_signed);

#endif
