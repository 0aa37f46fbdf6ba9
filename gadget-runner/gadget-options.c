/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "gadget-runner/btf-json.h"
#include "gadget-runner/event-format.h"
#include "gadget-runner/gadget-options.h"

/* --- words to numbers ------------------------------------------------------------ */

static bool parse_number(const char *text, bool is_signed, uint64_t *ret)
{
	char *end;

	errno = 0;
	if (is_signed)
		*ret = strtoll(text, &end, 0);
	else
		*ret = strtoull(text, &end, 0);
	return !errno && end != text && !*end && (is_signed || *text != '-');
}

static bool parse_bool(const char *text, uint64_t *ret)
{
	static const char *const words[] = { "no", "yes", "false", "true", "0", "1" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(text, words[i])) {
			*ret = i % 2;
			return true;
		}
	}
	return false;
}

static bool parse_enum(const struct btf_view *btf, const struct btf_type *t, const char *text,
		       uint64_t *ret)
{
	for (unsigned int i = 0; i < btf_type_vlen(t); i++) {
		bool wide = btf_type_kind(t) == BTF_KIND_ENUM64;
		uint32_t name =
			wide ? btf_type_enums64(t)[i].name_off : btf_type_enums(t)[i].name_off;

		if (strcasecmp(btf_view_string(btf, name), text))
			continue;
		*ret = wide ? btf_type_enums64(t)[i].val_lo32 |
				       (uint64_t)btf_type_enums64(t)[i].val_hi32 << 32
			    : (uint32_t)btf_type_enums(t)[i].val;
		return true;
	}
	return parse_number(text, btf_type_kflag(t), ret);
}

/* "1.5" in units of @unit nanoseconds. */
static bool parse_duration(const char *text, double unit, uint64_t *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0) || value * unit > 1e18)
		return false;
	*ret = value * unit;
	return true;
}

/* The 64-bit handle of a cgroup's directory: what the kernel calls its id. */
static bool parse_cgroup(const char *text, uint64_t *ret)
{
	struct {
		struct file_handle head;
		uint64_t id;
	} handle = { .head.handle_bytes = sizeof(handle.id) };
	int mount;

	if (parse_number(text, false, ret))
		return true;
	if (name_to_handle_at(AT_FDCWD, text, &handle.head, &mount, 0) < 0)
		return false;
	memcpy(ret, handle.head.f_handle, sizeof(*ret));
	return true;
}

static bool parse_mntns(const char *text, uint64_t *ret)
{
	AUTO_FREE char *path = NULL;
	struct stat st;
	uint64_t pid;

	if (strncmp(text, "pid:", 4))
		return parse_number(text, false, ret);
	if (!parse_number(text + 4, false, &pid) ||
	    asprintf(&path, "/proc/%llu/ns/mnt", (unsigned long long)pid) < 0)
		return false;
	if (stat(path, &st) < 0)
		return false;
	*ret = st.st_ino;
	return true;
}

/* "TERM", "SIGTERM" or 15. */
static bool parse_signal(const char *text, uint64_t *ret)
{
	const char *name = strncmp(text, "SIG", 3) ? text : text + 3;

	for (int i = 1; i < NSIG; i++) {
		if (sigabbrev_np(i) && !strcmp(name, sigabbrev_np(i))) {
			*ret = i;
			return true;
		}
	}
	return parse_number(text, false, ret);
}

/* "8:0", "sda" or "/dev/sda", as the kernel has it inside. */
static bool parse_dev(const char *text, uint64_t *ret)
{
	AUTO_FREE char *path = NULL;
	unsigned int major_number, minor_number;
	struct stat st;
	int end = 0;

	if (sscanf(text, "%u:%u%n", &major_number, &minor_number, &end) == 2 && !text[end]) {
		*ret = (uint64_t)major_number << 20 | minor_number;
		return major_number < 1 << 12 && minor_number < 1 << 20;
	}
	if (asprintf(&path, "%s%s", *text == '/' ? "" : "/dev/", text) < 0 || stat(path, &st) < 0 ||
	    !S_ISBLK(st.st_mode))
		return false;
	*ret = (uint64_t)major(st.st_rdev) << 20 | minor(st.st_rdev);
	return true;
}

/* What is parsed in its own way, by the name of the format. */
static const struct {
	const char *format;
	bool (*parse)(const char *text, uint64_t *ret);
	const char *word, *expected;
} parsers[] = {
	{ "cgroup", parse_cgroup, "CGROUP", "a control group's directory or id" },
	{ "mntns", parse_mntns, "N|pid:PID",
	  "the number of a mount namespace, or pid: and a process" },
	{ "signal", parse_signal, "SIGNAL", "a signal's name or number" },
	{ "dev", parse_dev, "DISK", "a disk's name, or major:minor" },
};

static bool parse_value(const struct btf_view *btf, const struct gadget_field *field,
			const char *text, uint64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(parsers); i++)
		if (!strcmp(field->format, parsers[i].format))
			return parsers[i].parse(text, ret);
	if (!strcmp(field->format, "ms"))
		return parse_duration(text, 1e6, ret);
	if (!strcmp(field->format, "us"))
		return parse_duration(text, 1e3, ret);
	switch (field->kind) {
	case GADGET_BOOL:
		return parse_bool(text, ret);
	case GADGET_ENUM:
		return parse_enum(btf, btf_view_type(btf, field->type_id), text, ret);
	default:
		return parse_number(text, field->kind == GADGET_SIGNED, ret);
	}
}

/* --- numbers to bytes -------------------------------------------------------------- */

static bool fits(uint64_t number, unsigned int bit_size, bool is_signed)
{
	int64_t top;

	if (!bit_size || bit_size >= 64)
		return bit_size >= 64;
	top = (int64_t)number >> (bit_size - 1);
	return is_signed ? top == 0 || top == -1 : number >> bit_size == 0;
}

/* Whole bytes only: options are no bitfields. */
static void store(uint8_t *to, uint64_t number, unsigned int bytes)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(to, &number, bytes);
#else
	memcpy(to, (const uint8_t *)&number + sizeof(number) - bytes, bytes);
#endif
}

static int refuse(const struct gadget_field *field, const char *text, const char *expected,
		  struct btfpack_error *err)
{
	return btfpack_error_set(err, -EINVAL, "--%s: '%s' is not %s", field->name, text, expected);
}

static const char *expected_words(const struct gadget_field *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(parsers); i++)
		if (!strcmp(field->format, parsers[i].format))
			return parsers[i].expected;
	return field->kind == GADGET_BOOL   ? "yes or no"
	       : field->kind == GADGET_ENUM ? "one of its values"
					    : "a number";
}

static int set_number(const struct btf_view *btf, const struct gadget_field *field, uint8_t *to,
		      const char *text, struct btfpack_error *err)
{
	uint64_t number = 0;

	if (!parse_value(btf, field, text, &number))
		return refuse(field, text, expected_words(field), err);
	if (!fits(number, field->bit_size, field->kind == GADGET_SIGNED))
		return btfpack_error_set(err, -EINVAL, "--%s: %s does not fit into %u bits",
					 field->name, text, field->bit_size);
	store(to, number, field->bit_size / 8);
	return 0;
}

/* "80,443" into an array; what is not given stays zero. */
static int set_list(const struct btf_view *btf, const struct gadget_field *field, uint8_t *to,
		    const char *text, struct btfpack_error *err)
{
	const struct btf_type *array = btf_view_type(btf, field->type_id);
	const struct btf_type *item =
		btf_view_type(btf, btf_view_skip_typedefs(btf, btf_type_array(array)->type));
	AUTO_FREE char *copy = strdup(text);
	char *rest = copy, *word;
	uint32_t count = 0;

	if (!copy)
		return btfpack_error_set(err, -ENOMEM, "--%s: out of memory", field->name);
	memset(to, 0, field->bit_size / 8);
	while ((word = strsep(&rest, ","))) {
		uint64_t number;

		if (count == btf_type_array(array)->nelems)
			return btfpack_error_set(err, -EINVAL, "--%s: more than %u numbers",
						 field->name, count);
		if (!parse_number(word, false, &number) || !fits(number, item->size * 8, false))
			return refuse(field, word, "a number of the right size", err);
		store(to + count++ * item->size, number, item->size);
	}
	return 0;
}

static bool is_number_array(const struct btf_view *btf, const struct gadget_field *field)
{
	const struct btf_type *t = btf_view_type(btf, field->type_id);

	if (btf_type_kind(t) != BTF_KIND_ARRAY)
		return false;
	t = btf_view_type(btf, btf_view_skip_typedefs(btf, btf_type_array(t)->type));
	return btf_type_kind(t) == BTF_KIND_INT && t->size <= 8;
}

static int set_value(const struct btf_view *btf, const struct gadget_field *field, uint8_t *bytes,
		     const char *text, struct btfpack_error *err)
{
	uint8_t *to = bytes + field->bit_offset / 8;
	size_t size = field->bit_size / 8, length = strlen(text);

	if (field->bit_offset % 8 || field->bit_size % 8)
		return btfpack_error_set(err, -EINVAL, "--%s: is a bitfield, which cannot be set",
					 field->name);
	if (field->kind == GADGET_STRING) {
		if (length >= size)
			return btfpack_error_set(err, -EINVAL,
						 "--%s: '%s' is longer than %zu bytes", field->name,
						 text, size ? size - 1 : 0);
		memset(to, 0, size);
		memcpy(to, text, length);
		return 0;
	}
	if (is_number_array(btf, field))
		return set_list(btf, field, to, text, err);
	if (field->kind == GADGET_OTHER || !size || size > 8)
		return btfpack_error_set(err, -EINVAL, "--%s: is of a type that cannot be set",
					 field->name);
	return set_number(btf, field, to, text, err);
}

/* --- the whole ------------------------------------------------------------------------ */

static bool is_inside(const struct gadget_field *field, size_t size)
{
	return ((uint64_t)field->bit_offset + field->bit_size) / 8 <= size;
}

int gadget_options_set(struct gadget_options *options, const struct gadget_field *field,
		       const char *text, struct btfpack_error *err)
{
	const struct gadget_spec *spec = options->spec;
	size_t size = field->variable ? spec->variables.size : spec->options.size;
	int ret;

	if (!is_inside(field, size))
		return btfpack_error_set(err, -EINVAL,
					 "--%s: lies beyond the %zu bytes of the options",
					 field->name, size);
	ret = set_value(&spec->btf, field, field->variable ? options->variables : options->options,
			text, err);
	if (!ret && field->variable)
		options->variables_set[field - spec->variables.items] = true;
	return ret;
}

int gadget_options_init(struct gadget_options *options, const struct gadget_spec *spec,
			struct btfpack_error *err)
{
	*options = (struct gadget_options){
		.spec = spec,
		.options = calloc(1, spec->options.size + 1),
		.variables = calloc(1, spec->variables.size + 1),
		.variables_set = calloc(spec->variables.count + 1, sizeof(bool)),
	};
	if (!options->options || !options->variables || !options->variables_set) {
		gadget_options_deinit(options);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", spec->name);
	}
	for (size_t i = 0; i < spec->options.count; i++) {
		const struct gadget_field *field = &spec->options.items[i];
		struct btfpack_error why;

		if (!field->default_text ||
		    !gadget_options_set(options, field, field->default_text, &why))
			continue;
		gadget_options_deinit(options);
		return btfpack_error_set(err, -EBADMSG, "%s: a default is wrong: %.200s",
					 spec->name, why.message);
	}
	return 0;
}

void gadget_options_deinit(struct gadget_options *options)
{
	free(options->options);
	free(options->variables);
	free(options->variables_set);
	*options = (struct gadget_options){ 0 };
}

uint64_t gadget_options_number(const struct gadget_options *options,
			       const struct gadget_field *field)
{
	const struct gadget_spec *spec = options->spec;
	size_t size = field->variable ? spec->variables.size : spec->options.size;

	if (!is_inside(field, size) || field->kind >= GADGET_STRING)
		return 0;
	return btf_json_bits(field->variable ? options->variables : options->options,
			     field->bit_offset, field->bit_size, field->kind == GADGET_SIGNED);
}

bool gadget_option_takes_value(const struct gadget_field *field)
{
	return field->kind != GADGET_BOOL;
}

const char *gadget_option_word(const struct gadget_field *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(parsers); i++)
		if (!strcmp(field->format, parsers[i].format))
			return parsers[i].word;
	return field->kind == GADGET_BOOL     ? NULL
	       : field->kind == GADGET_STRING ? "TEXT"
	       : field->kind == GADGET_ENUM   ? "WORD"
	       : field->kind == GADGET_OTHER  ? "N,N..."
					      : "N";
}
