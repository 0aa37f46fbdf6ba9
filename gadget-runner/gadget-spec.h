/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a BPF object says about itself: its options, its columns, which programs
 * it can do without. All of it is read from the object's BTF:
 *
 *	the value of the map "options"	   the options, one a member
 *	variables of .rodata		   more options (libbpf's way, kernels from 5.2)
 *	the value of the map "event"	   the columns, one a member; else the struct
 *					   that gadget_spec_init() was told or finds
 *	key and value of map "histogram"   columns, and the slots to draw
 *	decl tags (bpf-gadgets/gadget.bpf.h)   words, letters, defaults, formats
 *
 * The object may be of either byte order and come from anybody.
 */
#ifndef GADGET_RUNNER_GADGET_SPEC_H
#define GADGET_RUNNER_GADGET_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#include "btf/btf-view.h"

enum gadget_kind {
	GADGET_UNSIGNED,
	GADGET_SIGNED,
	GADGET_BOOL,
	GADGET_ENUM,
	GADGET_STRING, /* char array, NUL-terminated or full */
	GADGET_BYTES,  /* unsigned char array */
	GADGET_OTHER,  /* struct, union, other arrays: written by their BTF */
};

/* An option or a column. The strings live as long as the spec. */
struct gadget_field {
	char *name;               /* as users see it: options with "-", columns with "_" */
	const char *doc;          /* one line or "" */
	const char *format;       /* "" when the type says it all */
	const char *default_text; /* options; NULL: zero */
	const char *with;         /* columns: shown in tables with this option; NULL: always */
	const char *variable;     /* options: the .rodata variable; NULL: in the map "options" */
	const char *unit;         /* options: what a histogram counts when it is given; NULL */
	char short_name;          /* options; 0: none */
	enum gadget_kind kind;
	uint32_t type_id;    /* of the value, modifiers and typedefs gone */
	uint32_t bit_offset; /* in the struct or section */
	uint32_t bit_size;
	unsigned int width; /* columns, in characters; 0: by the type */
};

struct gadget_fields {
	struct gadget_field *items;
	size_t count;
	size_t size; /* bytes of the struct they lie in */
};

struct gadget_program {
	const char *name;
	bool is_optional;       /* does without when the kernel lacks its target */
	const char *instead_of; /* only where the target of that program is missing; NULL: no */
};

struct gadget_spec {
	char *name; /* the object's file name without ".bpf.o" */
	const char *doc;
	struct gadget_fields options;
	struct gadget_fields variables; /* of .rodata; the size is the section's */
	struct gadget_fields columns;   /* empty: events cannot be decoded */
	struct gadget_fields keys;      /* of the histogram; empty with has_histogram: one only */
	bool has_histogram;
	uint32_t histogram_slots;    /* power-of-two slots in a histogram's value */
	uint32_t histogram_key_size; /* bytes */
	const char *histogram_unit;  /* of what is counted: "usecs"; "" when not said */
	struct gadget_program *programs;
	size_t program_count;
	bool needs_kernel_btf; /* has CO-RE relocations */
	bool is_big_endian;
	struct btf_view btf; /* .BTF of the object; borrows its bytes */
};

/*
 * Read the spec of the BPF object of @size bytes at @object, which must outlive
 * it. @name is its file name or path, for spec->name and for sentences.
 * @event_type names the struct of its events; NULL: the map "event", or a struct
 * by one of the names people use ("event", "<map>_event", "<name>_event").
 *
 * Errors: -EBADMSG damaged; -EOPNOTSUPP not a BPF object, or without BTF;
 * -ENOENT no struct @event_type; -EFBIG absurdly many options; -ENOMEM.
 */
int gadget_spec_init(struct gadget_spec *spec, const void *object, size_t size, const char *name,
		     const char *event_type, struct btfpack_error *err);
void gadget_spec_deinit(struct gadget_spec *spec);
#define AUTO_GADGET_SPEC CLEANUP(gadget_spec_deinit)

/* The option called @name ("max-args", or "max_args"), or NULL. */
const struct gadget_field *gadget_spec_find_option(const struct gadget_spec *spec,
						   const char *name);

#endif
