/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiler's builtins behind bpf_core_read.h, bare, so that the objects here
 * need no header of libbpf. The numbers are those of enum bpf_core_relo_kind. */
#ifndef TESTS_DATA_MINIFY_CORE_H
#define TESTS_DATA_MINIFY_CORE_H

#define CORE	  __attribute__((preserve_access_index))
#define SEC(name) __attribute__((section(name), used))
#define INLINE	  static inline __attribute__((always_inline))

#define FIELD(expr, kind)      __builtin_preserve_field_info(expr, kind)
#define FIELD_OFFSET(expr)     FIELD(expr, 0)
#define FIELD_SIZE(expr)       FIELD(expr, 1)
#define FIELD_EXISTS(expr)     FIELD(expr, 2)
#define FIELD_SIGNED(expr)     FIELD(expr, 3)
#define FIELD_LSHIFT(expr)     FIELD(expr, 4)
#define FIELD_RSHIFT(expr)     FIELD(expr, 5)
#define TYPE_ID_LOCAL(type)    __builtin_btf_type_id(*(type *)0, 0)
#define TYPE_ID_KERNEL(type)   __builtin_btf_type_id(*(type *)0, 1)
#define TYPE_EXISTS(type)      __builtin_preserve_type_info(*(type *)0, 0)
#define TYPE_SIZE(type)	       __builtin_preserve_type_info(*(type *)0, 1)
#define TYPE_MATCHES(type)     __builtin_preserve_type_info(*(type *)0, 2)
#define ENUM_EXISTS(type, e)   __builtin_preserve_enum_value(*(type *)e, 0)
#define ENUM_VALUE(type, e)    __builtin_preserve_enum_value(*(type *)e, 1)

/* A value that the compiler must compute, here and in this order. */
#define USE(value) asm volatile("" : : "r"((long)(value)))

#endif
