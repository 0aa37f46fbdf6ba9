/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "gadget-runner/btf-json.h"
#include "gadget-runner/event-format.h"
#include "gadget-runner/value-format.h"

#define NANOSECOND UINT64_C(1000000000)
#define BAR_WIDTH  40

/* --- JSON ----------------------------------------------------------------------------- */

static int json_fields(const struct event_format *format, const struct gadget_fields *fields,
		       const bool *shown, const void *data, size_t size, struct buf *ret)
{
	const char *separator = "";
	int error = 0;

	for (size_t i = 0; i < fields->count && !error; i++) {
		struct value v;

		if ((shown && !shown[i]) || !value_find(&fields->items[i], data, size, &v))
			continue;
		error = buf_add_string(ret, separator);
		if (!error)
			error = btf_json_string(v.field->name, strlen(v.field->name), ret);
		if (!error)
			error = buf_add_string(ret, ":");
		if (!error)
			error = value_add_json(format, &v, ret);
		separator = ",";
	}
	return error;
}

int event_format_json(const struct event_format *format, const void *data, size_t size,
		      struct buf *ret)
{
	const struct gadget_fields *columns = &format->spec->columns;
	int error = buf_add_string(ret, "{");

	if (!error && columns->count) {
		error = json_fields(format, columns, NULL, data, size, ret);
	} else if (!error) { /* nobody told what it is: the bytes */
		error = buf_add_string(ret, "\"data\":\"");
		if (!error)
			error = btf_json_hex(data, size, ret);
		if (!error)
			error = buf_add_string(ret, "\"");
	}
	return error ? error : buf_add_string(ret, "}");
}

/* --- tables --------------------------------------------------------------------------- */

int event_format_json_key(const struct event_format *format, const void *key, struct buf *ret)
{
	const struct gadget_fields *keys = &format->spec->keys;

	return json_fields(format, keys, format->keys_shown, key, keys->size, ret);
}

int event_format_text_key(const struct event_format *format, const void *key, struct buf *ret)
{
	const struct gadget_fields *keys = &format->spec->keys;
	const char *separator = "";
	int error = 0;

	for (size_t i = 0; i < keys->count && !error; i++) {
		struct value v;

		if ((format->keys_shown && !format->keys_shown[i]) ||
		    !value_find(&keys->items[i], key, keys->size, &v))
			continue;
		error = buf_add_format(ret, "%s%s = ", separator, v.field->name);
		if (!error)
			error = value_add_text(format, &v, ret);
		separator = ", ";
	}
	return error;
}

static unsigned int column_width(const struct gadget_field *field)
{
	unsigned int name = strlen(field->name), natural = value_width(field);

	if (field->width)
		return field->width;
	return name > natural ? name : natural;
}

static bool is_shown(const struct event_format *format, size_t column)
{
	const struct gadget_field *field = &format->spec->columns.items[column];

	/* The time has options of its own. */
	return strcmp(field->format, "time") && (!format->shown || format->shown[column]);
}

static size_t last_shown(const struct event_format *format)
{
	size_t ret = SIZE_MAX;

	for (size_t i = 0; i < format->spec->columns.count; i++)
		if (is_shown(format, i))
			ret = i;
	return ret;
}

/* Fill up with spaces what was added since @start; always one at least. */
static int pad(struct buf *buf, size_t start, unsigned int width)
{
	size_t length = buf->size - start;

	return buf_add_format(buf, "%*s", length < width ? (int)(width - length) + 1 : 1, "");
}

int event_format_header(const struct event_format *format, struct buf *ret)
{
	const struct gadget_fields *columns = &format->spec->columns;
	size_t last = last_shown(format);
	int error = 0;

	if (format->show_time)
		error = buf_add_format(ret, "%-9s ", "TIME");
	if (!error && format->show_timestamp)
		error = buf_add_format(ret, "%-12s ", "SECONDS");
	if (!error && !columns->count)
		return buf_add_string(ret, "DATA");
	for (size_t i = 0; i < columns->count && !error; i++) {
		size_t start = ret->size;

		if (!is_shown(format, i))
			continue;
		error = buf_add_string(ret, columns->items[i].name);
		for (size_t at = start; at < ret->size; at++)
			ret->data[at] = toupper(ret->data[at]);
		if (!error && i != last)
			error = pad(ret, start, column_width(&columns->items[i]));
	}
	return error;
}

/* The event's own time, or now for those without. */
static uint64_t event_time(const struct event_format *format, const void *data, size_t size)
{
	struct timespec now;
	struct value v;

	for (size_t i = 0; i < format->spec->columns.count; i++)
		if (!strcmp(format->spec->columns.items[i].format, "time") &&
		    value_find(&format->spec->columns.items[i], data, size, &v))
			return v.number;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NANOSECOND + now.tv_nsec;
}

static int add_times(const struct event_format *format, const void *data, size_t size,
		     struct buf *ret)
{
	size_t start = ret->size;
	uint64_t time;
	int error = 0;

	if (!format->show_time && !format->show_timestamp)
		return 0;
	time = event_time(format, data, size);
	if (format->show_time) {
		error = value_add_time(format, time, ret);
		if (!error)
			error = pad(ret, start, 9);
	}
	start = ret->size;
	if (!error && format->show_timestamp) {
		uint64_t since = time > format->start ? time - format->start : 0;

		error = buf_add_format(ret, "%" PRIu64 ".%06u", since / NANOSECOND,
				       (unsigned int)(since % NANOSECOND / 1000));
		if (!error)
			error = pad(ret, start, 12);
	}
	return error;
}

int event_format_row(const struct event_format *format, const void *data, size_t size,
		     struct buf *ret)
{
	const struct gadget_fields *columns = &format->spec->columns;
	size_t last = last_shown(format);
	int error = add_times(format, data, size, ret);

	if (!error && !columns->count)
		return btf_json_hex(data, size, ret);
	for (size_t i = 0; i < columns->count && !error; i++) {
		size_t start = ret->size;
		struct value v;

		if (!is_shown(format, i))
			continue;
		if (value_find(&columns->items[i], data, size, &v))
			error = value_add_text(format, &v, ret);
		if (!error && i != last)
			error = pad(ret, start, column_width(&columns->items[i]));
	}
	return error;
}

/* --- histograms ------------------------------------------------------------------------ */

int event_format_histogram(const uint64_t *slots, size_t count, const char *unit, struct buf *ret)
{
	static const char stars[] = "****************************************";
	uint64_t most = 0;
	size_t end = 0;
	int error;

	for (size_t i = 0; i < count; i++) {
		if (slots[i])
			end = i + 1;
		if (slots[i] > most)
			most = slots[i];
	}
	error = buf_add_format(ret, "%20s : %-8s distribution\n", *unit ? unit : "value", "count");
	for (size_t i = 0; i < end && !error; i++) {
		uint64_t low = i ? 1ULL << i : 0, high = (i < 63 ? 1ULL << (i + 1) : 0) - 1;
		int length = slots[i] * (double)BAR_WIDTH / most;

		error = buf_add_format(ret,
				       "%9" PRIu64 " -> %-7" PRIu64 " : %-8" PRIu64 " |%.*s%*s|\n",
				       low, high, slots[i], length, stars, BAR_WIDTH - length, "");
	}
	return error;
}
