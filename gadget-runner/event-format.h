/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events to words: raw bytes and a gadget's spec become a row of a table or a
 * line of JSON. Nothing here touches the kernel.
 *
 *	struct event_format format = { .spec = &spec };
 *	event_format_show_defaults(&format);
 *	event_format_header(&format, &line);
 *	event_format_row(&format, data, size, &line);
 *	event_format_json(&format, data, size, &line);
 *
 * FORMATS, as the tag "format:" names them; without one the type decides:
 *
 *	time	    nanoseconds of the monotonic clock; table: time of day, JSON: ISO 8601, UTC
 *	ms, us	    nanoseconds, shown in milliseconds, or microseconds, with decimals
 *	error	    negative errno; table: its name; JSON: the number
 *	signal	    a signal's name	    capability	  CAP_..., a capability's name
 *	ip	    struct of 16 bytes of address and a u16 family (AF_INET, AF_INET6)
 *	tcp-state   the state of a TCP socket
 *	open-flags  O_... of this architecture
 *	mount-flags MS_...		    octal, hex	  the number, so written
 *	dev	    the kernel's device number as major:minor
 *	set	    an enum whose values are bits: the names of those that are set
 *	args	    struct of a u32 size and as many bytes of strings, each with its NUL
 *	uid, cgroup, mntns   numbers; as options they also take what gadget-options.h says
 */
#ifndef GADGET_RUNNER_EVENT_FORMAT_H
#define GADGET_RUNNER_EVENT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "gadget-runner/gadget-spec.h"

struct event_format {
	const struct gadget_spec *spec;
	uint64_t clock_offset; /* ns from the monotonic clock to the time of day */
	uint64_t start;        /* ns of the monotonic clock: zero of timestamps */
	bool show_time;        /* tables: the time of day first */
	bool show_timestamp;   /* tables: seconds since @start first */
	bool quote;            /* args: each in double quotes */
	unsigned int max_args; /* args: as many at most; 0: all */
	bool *shown;           /* tables: one a column; NULL: all */
	bool *keys_shown;      /* of histograms, in JSON as well; NULL: all */
};

/* The table's heading, without a newline. 0, -ENOMEM, -EFBIG. */
int event_format_header(const struct event_format *format, struct buf *ret);

/* One event as a row, without a newline. Columns beyond @size bytes stay empty. */
int event_format_row(const struct event_format *format, const void *data, size_t size,
		     struct buf *ret);

/* One event as a JSON object, without a newline. Columns beyond @size are left out. */
int event_format_json(const struct event_format *format, const void *data, size_t size,
		      struct buf *ret);

/* The key of a histogram, as `"name":value,...` and as `name = value, ...`. */
int event_format_json_key(const struct event_format *format, const void *key, struct buf *ret);
int event_format_text_key(const struct event_format *format, const void *key, struct buf *ret);

/* Any value as JSON by its BTF type: what maps are dumped with. */
int event_format_json_value(const struct btf_view *btf, uint32_t type_id, const void *data,
			    size_t size, struct buf *ret);

/* @length bytes as a JSON string; what is no UTF-8 comes as U+FFFD. */
int event_format_json_string(const char *text, size_t length, struct buf *ret);

/* A power-of-two histogram drawn with bars; slot i counts values from 2^i to 2^(i+1)-1. */
int event_format_histogram(const uint64_t *slots, size_t count, const char *unit, struct buf *ret);

/* An unsigned or sign-extended number of @bit_size bits (64 at most) at @bit_offset. */
uint64_t event_format_number(const void *data, uint32_t bit_offset, uint32_t bit_size,
			     bool is_signed);

/* Is there a format of this name? For checking gadgets. */
bool event_format_exists(const char *name);

#endif
