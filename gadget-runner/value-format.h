/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One value of an event to words.
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
#ifndef GADGET_RUNNER_VALUE_FORMAT_H
#define GADGET_RUNNER_VALUE_FORMAT_H

#include "gadget-runner/event-format.h"

/* A column's value, found and cut to the event. */
struct value {
	const struct gadget_field *field;
	const uint8_t *data; /* first byte of the field */
	size_t size;         /* bytes of it that the event has */
	uint64_t number;     /* kinds that are numbers; sign-extended */
};

/* Find @field in an event of @size bytes. False when the event ends before it. */
bool value_find(const struct gadget_field *field, const void *data, size_t size, struct value *ret);

/* Append the value for a table, and for JSON. 0, -ENOMEM, -EFBIG. */
int value_add_text(const struct event_format *format, const struct value *v, struct buf *ret);
int value_add_json(const struct event_format *format, const struct value *v, struct buf *ret);

/* The time of day, of a value that is a time: "07:25:00". */
int value_add_time(const struct event_format *format, uint64_t time, struct buf *ret);

/* Characters the values of @field usually take. */
unsigned int value_width(const struct gadget_field *field);

/* Is there a format of this name? For checking gadgets. */
bool value_format_exists(const char *name);

#endif
