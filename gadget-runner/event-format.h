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
 * How values are written is told in value-format.h.
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

/* A power-of-two histogram drawn with bars; slot i counts values from 2^i to 2^(i+1)-1. */
int event_format_histogram(const uint64_t *slots, size_t count, const char *unit, struct buf *ret);

#endif
